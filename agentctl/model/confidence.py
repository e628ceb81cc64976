"""What a request carries in confidence never comes back in: it is taken out of a reply before anyone reads it.

A gateway that refuses a key likes to quote it, and an echo server repeats every header. Everything downstream (the
events, the store, the screen, a recording) would keep it, so it is taken out here, where the request is still known.
"""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, unquote

CONFIDENTIAL: Final = re.compile("auth|cookie|credential|key|password|secret|token", re.IGNORECASE)
"""What the name of a request header with a secret holds."""

MIN_SECRET: Final = 12
"""Shorter values (`simulated`) are let through: taking them out would blank out ordinary words."""

PLACEHOLDER: Final = b"[redacted:api-key]"


class Confidence:
    """The secrets of one request, in every form in which a reply may quote them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets if len(secret) >= MIN_SECRET for form in _forms(secret)}
        self._forms = sorted(forms, key=lambda form: (-len(form), form))
        self._bytes = frozenset(b"".join(self._forms))

    @classmethod
    def of(cls, request: Any) -> Confidence:
        """What an httpx2 request carries in confidence: in its headers, and in its URL as user and password."""
        return cls([*_in_headers(request.headers), *_in_user(request.url.userinfo)])

    def clean(self, data: bytes) -> bytes:
        """`data` without the secrets."""
        for form in self._forms:
            data = data.replace(form, PLACEHOLDER)
        return data

    def text(self, text: str) -> str:
        """The same for text."""
        return self.clean(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")

    async def stream(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The pieces without the secrets; only bytes that may be the start of one wait for the next piece."""
        held = b""
        try:
            async for piece in pieces:
                data = self.clean(held + piece)
                kept = self._begun(data)
                held, data = data[len(data) - kept :], data[: len(data) - kept]
                if data:
                    yield data
        except Exception:
            if held:
                yield held  # a stream that breaks ends with all that came of it
            raise
        if held:
            yield held

    def _begun(self, data: bytes) -> int:
        """How many bytes at the end may be the start of a secret: none where the last one is in no secret.

        A piece that ends with an event ends with a line, so nearly all are done with at once.
        """
        if not data or data[-1] not in self._bytes:
            return 0
        longest = len(self._forms[0]) - 1 if self._forms else 0
        for length in range(min(longest, len(data)), 0, -1):
            if any(form.startswith(data[-length:]) for form in self._forms):
                return length
        return 0


def _in_headers(headers: Mapping[str, str]) -> Iterator[str]:
    for name, value in headers.items():
        if CONFIDENTIAL.search(name):
            yield value
            scheme, _, credentials = value.partition(" ")
            yield credentials
            if scheme.lower() == "basic":
                yield from _in_user(_decoded(credentials))


def _in_user(user: bytes) -> Iterator[str]:
    """From `name:password`: the name alone is none."""
    _, colon, password = user.decode("utf-8", "replace").partition(":")
    if colon:
        yield unquote(password)


def _decoded(credentials: str) -> bytes:
    try:
        return base64.b64decode(credentials)
    except ValueError:
        return b""


def _forms(secret: str) -> Iterator[bytes]:
    raw = secret.encode("utf-8", "surrogateescape")
    yield raw
    yield quote(raw, safe="").encode()
    yield base64.b64encode(raw).rstrip(b"=")
    yield base64.urlsafe_b64encode(raw).rstrip(b"=")
