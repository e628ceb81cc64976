"""Secrets are taken out of values before they are hashed or written, so a redacted request still matches its recording.

The rule is one function of a text, applied to every text in a value at any depth, keys included. What stands in a
secret's place never is one: redacting twice changes nothing. So it does not matter on which side, how often, or in
which layout of JSON something was redacted; only a text must be whole, which is why streams are joined first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import orjson

from agentctl.cassette.secrets.assigned import is_secret
from agentctl.cassette.secrets.kind import Kind, lowered
from agentctl.cassette.secrets.kinds import SECRETS
from agentctl.cassette.secrets.literals import forms_of
from agentctl.cassette.secrets.wrapped import unwrapped
from agentctl.errors import CassetteError

MIN_SECRET: Final = 8
"""Shorter values are not scrubbed as known secrets: they would blank out ordinary words."""

SECRET_VARIABLES: Final = re.compile(
    r"(?:API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|SECRET_?KEY|ENCRYPTION_?KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)\Z",
    re.IGNORECASE,
)

PLACEHOLDER: Final = re.compile(r"\[redacted:[^\]\s]{1,80}\]")
PASSES: Final = 8
"""What is left after one pass may be a secret only now that its surroundings are gone; two passes are the rule."""

REMEMBERED: Final = 4 << 20
"""Characters of clean texts that are remembered: a conversation sends the same ones again and again."""

OPAQUE: Final = {
    "thinking": ("signature",),
    "signature_delta": ("signature",),
    "redacted_thinking": ("data",),
}
"""By a block's type, what the API made and alone can read: it goes back byte for byte, so no shape is looked for."""


JSON_STARTS: Final = frozenset('{["')


class Found(NamedTuple):
    """A secret in a text: which kind, and where."""

    kind: str
    start: int
    end: int


class Redactor:
    """The rules in force: kinds of secrets by their shape, and secrets known by value."""

    def __init__(self, kinds: Iterable[Kind] = SECRETS, known: Mapping[str, str] | None = None) -> None:
        """`known` is name -> value; the name shows in the placeholder. Values under `MIN_SECRET` are left out."""
        self._kinds = tuple(kinds)
        self._loose = tuple(kind for kind in self._kinds if not kind.words)
        self._known = [
            (form, name)
            for name, value in (known or {}).items()
            if len(value) >= MIN_SECRET
            for form in forms_of(value)
        ]
        self._rank = {kind.name: rank for rank, kind in enumerate(self._kinds)}
        self._clean: set[str] = set()
        self._room = REMEMBERED

    def found(self, text: str, name: str = "") -> list[Found]:
        """The secrets in `text`, in order, none overlapping; `name` is the key or header whose value `text` is."""
        spans = self._spans(text)
        if name and is_secret(name, text):
            spans.append(Found("assignment", 0, len(text)))
        return self._apart(spans, text) if spans else []

    def text(self, text: str, name: str = "") -> str:
        """`text` without secrets; JSON inside it is looked into, and only written anew when something was in there."""
        for _ in range(PASSES):
            spans = self.found(text, name)
            clean = _replaced(text, spans) if spans else self._json_inside(text)
            if clean == text:
                break
            text = clean
        return text

    def value(self, value: Any) -> Any:
        """A JSON value without secrets: the very same object when there are none.

        Raises:
            CassetteError: it is nested too deeply to be looked through.
        """
        try:
            return value if self.is_clean(value) else self._walk(value, "")
        except RecursionError:
            raise CassetteError("a value is nested too deeply to be redacted") from None

    def opaque(self, text: str) -> str:
        """`text` without known values: nothing in it is taken for a secret by its shape."""
        spans = self._known_in(text)
        return _replaced(text, self._apart(spans, text)) if spans else text

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

    def is_clean(self, value: Any) -> bool:
        """Whether there is nothing to redact in `value`. Texts are looked at together, which is what makes it fast."""
        texts: list[str] = []
        return _collect(value, texts, self._clean) and self.are_clean(texts)

    def are_clean(self, texts: Iterable[str]) -> bool:
        """Whether there is nothing to redact in any of these texts, by their shape and by known values."""
        texts = [text for text in texts if text not in self._clean]
        joined = "\n".join(texts)
        if self._spans(joined, loose=False):
            return False
        for text in texts:
            if any(True for kind in self._loose for _ in kind.matches(text, text)):
                return False
        self._remember(texts)
        return True

    def _remember(self, texts: Iterable[str]) -> None:
        for text in texts:
            self._room -= len(text)
            if self._room < 0:
                self._clean.clear()
                self._room = REMEMBERED - len(text)
            self._clean.add(text)

    def _spans(self, text: str, *, loose: bool = True) -> list[Found]:
        spans = [*self._known_in(text), *self._shaped(text, loose=loose)]
        for start, end, inside in unwrapped(text):
            coat = text[start:end]
            for inner in (*self._known_in(inside), *self._shaped(inside, loose=loose)):
                secret = inside[inner.start : inner.end]
                at = coat.find(secret)  # often only what tells a secret wears the coat, and not the secret itself
                spans.append(
                    Found(inner.kind, start, end) if at < 0 else Found(inner.kind, start + at, start + at + len(secret))
                )
        return spans

    def _shaped(self, text: str, *, loose: bool) -> Iterator[Found]:
        low = lowered(text)
        for kind in self._kinds:
            if kind.words or loose:
                group = kind.group
                for match in kind.matches(text, low):
                    yield Found(kind.name, *match.span(group))

    def _known_in(self, text: str) -> list[Found]:
        spans: list[Found] = []
        for form, name in self._known:
            start = text.find(form)
            while start >= 0:
                spans.append(Found(name, start, start + len(form)))
                start = text.find(form, start + len(form))
        return spans

    def _apart(self, spans: list[Found], text: str) -> list[Found]:
        """The spans in order, those that overlap made one, what already is a placeholder left out."""
        merged: list[Found] = []
        for span in sorted((span for span in spans if span.end > span.start), key=lambda span: (span.start, -span.end)):
            if merged and span.start < merged[-1].end:
                last = merged.pop()
                merged.append(Found(self._first(last.kind, span.kind), last.start, max(last.end, span.end)))
            else:
                merged.append(span)
        taken = [found.span() for found in PLACEHOLDER.finditer(text)] if "[redacted:" in text else []
        return [rest for span in merged for rest in _without(span, taken)]

    def _first(self, one: str, other: str) -> str:
        """The kind to name of two that overlap: a known secret's name, then the first in the table."""
        return one if self._rank.get(one, -1) <= self._rank.get(other, -1) else other

    def _json_inside(self, text: str) -> str:
        value = json_in(text)
        if value is None:
            return text
        clean = self.value(value)
        return text if clean is value else orjson.dumps(clean).decode()

    def _walk(self, value: Any, name: str) -> Any:
        if isinstance(value, str):
            return self.text(value, name)
        if isinstance(value, list):
            made = [self._walk(each, name) for each in value]
            return made if any(new is not old for new, old in zip(made, value, strict=True)) else value
        if not isinstance(value, dict):
            return value
        clean: dict[str, Any] = {}
        opaque = opaque_keys(value)
        for key, each in value.items():
            new = self.opaque(each) if key in opaque else self._walk(each, key)
            clean[_unused(self.text(key), clean)] = new
        same = all(old is new for old, new in zip(value.values(), clean.values(), strict=True))
        return value if same and list(value) == list(clean) else clean


SHAPES_ONLY: Final = Redactor()
"""Needs nothing from the environment: what a replay redacts with."""


def redactor(secrets: Mapping[str, str]) -> Redactor:
    """Rules that also scrub these values; `secrets` is name -> value, and the name shows in the placeholder."""
    return Redactor(known=secrets)


def secrets_in(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables whose name says that they hold a secret."""
    return {name: value for name, value in environment.items() if SECRET_VARIABLES.search(name)}


def opaque_keys(block: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys of a content block, or of a delta, whose text only the API can read."""
    kind = block.get("type")
    keys = OPAQUE.get(kind, ()) if isinstance(kind, str) else ()
    return tuple(key for key in keys if isinstance(block.get(key), str))


def _collect(value: Any, texts: list[str], known: set[str]) -> bool:
    """Every text in `value` that is not `known`, JSON inside texts unfolded; False when a name gives a secret away."""
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        name, each = waiting.pop()
        if isinstance(each, str):
            if name and is_secret(name, each):
                return False
            if each in known:
                continue
            texts.append(each)
            inner = json_in(each)
            if inner is not None:
                waiting.append(("", inner))
        elif isinstance(each, dict):
            texts += [key for key in each if key not in known]
            waiting += each.items()
        elif isinstance(each, list):
            waiting += [(name, item) for item in each]
    return True


def json_in(text: str) -> Any:
    """The object, list or text that `text` writes down as JSON; None when it is no such text."""
    if text[:1] not in JSON_STARTS and text.lstrip()[:1] not in JSON_STARTS:
        return None
    try:
        return orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return None


def _replaced(text: str, spans: Iterable[Found]) -> str:
    pieces: list[str] = []
    done = 0
    for kind, start, end in spans:
        pieces += (text[done:start], f"[redacted:{kind}]")
        done = end
    return "".join(pieces) + text[done:]


def _without(span: Found, taken: Iterable[tuple[int, int]]) -> Iterator[Found]:
    """What of `span` is in none of the `taken` stretches, which are in order."""
    start = span.start
    for begin, end in taken:
        if begin >= span.end or end <= start:
            continue
        if begin > start:
            yield Found(span.kind, start, begin)
        start = max(start, end)
    if start < span.end:
        yield Found(span.kind, start, span.end)


def _unused(key: str, taken: Mapping[str, Any]) -> str:
    """`key`, or with a number behind it when redaction made it the same as another one."""
    number, made = 2, key
    while made in taken:
        made = f"{key} {number}"
        number += 1
    return made
