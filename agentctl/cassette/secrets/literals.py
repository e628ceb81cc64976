"""A secret that is known is found in whatever way it was written down: escaped, quoted for a URL, or in base64."""

from __future__ import annotations

import base64
import json
from typing import Final
from urllib.parse import quote, quote_plus

LEAST: Final = 10
"""Shorter pieces of base64 may stand in other base64 by accident."""


def forms_of(value: str) -> list[str]:
    """`value` and its other forms, each once, the longest first."""
    forms = {value}
    raw = value.encode("utf-8", "surrogateescape")
    forms |= {quote(raw, safe=""), quote_plus(raw), quote(raw)}
    for ascii_only in (False, True):
        written = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        forms |= {written, written.replace("/", "\\/")}
        if written != value:
            forms.add(
                json.dumps(written, ensure_ascii=False)[1:-1]
            )  # JSON inside JSON: a tool's input while it streams
    for middle in _middles(raw):
        forms |= {middle, middle.replace("+", "-").replace("/", "_")}
    return sorted(forms, key=lambda form: (-len(form), form))


def _middles(raw: bytes) -> list[str]:
    """What base64 makes of `raw` wherever it stands in a text: the characters in which no neighbour has a share."""
    found = []
    for before in range(3):
        text = base64.b64encode(b"\0" * before + raw).decode()
        middle = text[(before * 8 + 5) // 6 : (before + len(raw)) * 8 // 6]
        if len(middle) >= LEAST:
            found.append(middle)
    return found
