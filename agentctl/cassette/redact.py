"""Secrets are taken out of text before it is hashed or written, so a redacted request still matches its recording.

What stands in a secret's place never matches a rule again: redacting twice changes nothing. Rules are tried only when a
word that every match must hold is in the text, since most text holds none and a replay hashes all of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import orjson

MIN_SECRET: Final = 8
"""Shorter values are not scrubbed as known secrets: they would blank out ordinary words."""

SECRET_VARIABLES: Final = re.compile(r"(?:API_?KEY|TOKEN|SECRET|PASSWORD)\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of secret told by its form: `words` are the byte strings one of which every match holds."""

    words: tuple[bytes, ...]
    pattern: re.Pattern[bytes]
    placeholder: bytes


SHAPES: Final = (
    Shape((b"sk-",), re.compile(rb"(?<![A-Za-z0-9_-])sk-[A-Za-z0-9][A-Za-z0-9_-]{14,}"), b"[redacted:api-key]"),
    Shape(
        (b"earer ", b"EARER "),
        re.compile(rb"(?i:\bbearer) +(?!\[redacted)[A-Za-z0-9._~+/=-]{12,}"),
        b"Bearer [redacted:token]",
    ),
)


@dataclass(frozen=True, slots=True)
class Redactor:
    """The rules in force: the shapes, and secrets known by value (as they are, and as JSON writes them)."""

    known: tuple[tuple[bytes, bytes], ...] = ()
    """Pairs of a secret and what stands in its place, longest secret first."""

    def clean(self, data: bytes) -> bytes:
        """`data` without secrets."""
        for secret, placeholder in self.known:
            if secret in data:
                data = data.replace(secret, placeholder)
        for shape in SHAPES:
            for word in shape.words:
                if word in data:
                    data = shape.pattern.sub(shape.placeholder, data)
                    break
        return data

    def text(self, text: str) -> str:
        """The same for text."""
        data = text.encode("utf-8", "surrogatepass")
        return self.clean(data).decode("utf-8", "surrogatepass")

    def uri(self, uri: str) -> str:
        """A URI without user, password, query and fragment, and without secrets in its path."""
        try:
            parts = urlsplit(uri)
            host = parts.hostname or ""
            host = f"[{host}]" if ":" in host else host
            place = f"{host}:{parts.port}" if parts.port else host
        except ValueError:
            return "[redacted:uri]"
        return self.text(urlunsplit((parts.scheme, place, parts.path, "", "")))


SHAPES_ONLY: Final = Redactor()
"""Needs nothing from the environment: what a replay redacts with."""


def redactor(secrets: Mapping[str, str]) -> Redactor:
    """Rules that also scrub these values; `secrets` is name -> value, and the name shows in the placeholder."""
    pairs: dict[bytes, bytes] = {}
    for name, value in secrets.items():
        if len(value) >= MIN_SECRET:
            placeholder = f"[redacted:{name}]".encode()
            for form in _forms(value):
                pairs[form] = placeholder
    return Redactor(tuple(sorted(pairs.items(), key=lambda pair: len(pair[0]), reverse=True)))


def secrets_in(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables whose name says that they hold a secret."""
    return {name: value for name, value in environment.items() if SECRET_VARIABLES.search(name)}


def _forms(value: str) -> Iterable[bytes]:
    raw = value.encode("utf-8", "surrogateescape")
    yield raw
    try:
        written = orjson.dumps(value)[1:-1]
    except TypeError:  # no Unicode text: it cannot stand in JSON either
        return
    if written != raw:
        yield written
        yield orjson.dumps(written.decode())[1:-1]  # JSON inside JSON: a tool's input while it streams
