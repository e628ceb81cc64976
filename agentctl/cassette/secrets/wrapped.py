"""Text in another coat: base64 and percent-encoding are looked into once, so that a coat hides nothing.

Only what decodes to printable text counts; an image or a digest does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote_plus

from agentctl.cassette.secrets.checks import unpacked

BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{16,}+={0,2}")
TOKEN: Final = re.compile(r"[^\s\"'<>]+")
ESCAPE: Final = re.compile(r"%[0-9A-Fa-f]{2}")
HEAD: Final = 64
"""Characters of base64 that tell text from everything else; a multiple of four."""


def unwrapped(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, what it says) of each stretch of `text` that is other text in base64 or percent-encoding."""
    for run in BASE64.finditer(text):
        inside = _text_in(run[0])
        if inside:
            yield run.start(), run.end(), inside
    if "%" in text:
        for token in TOKEN.finditer(text):
            if ESCAPE.search(token[0]):
                yield token.start(), token.end(), unquote_plus(token[0])


def _text_in(run: str) -> str:
    head = unpacked(run[:HEAD])
    if head is None or not _is_text(head):
        return ""
    whole = unpacked(run)
    return whole.decode("utf-8", "replace") if whole is not None else ""


def _is_text(data: bytes) -> bool:
    return not data.translate(None, PRINTABLE) and bool(data)


PRINTABLE: Final = bytes([9, 10, 13, *range(32, 127), *range(128, 256)])
