"""The page as one HTML document: a policy, a style, the data, a script; each of them whole and in this order.

`<`, `>` and `&` never stand in data as themselves, so no data ends its block or begins another. Details are packed
(gzip, base64) in parts that are unpacked one at a time: a page of a thousand cases opens as fast as one of ten.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any, Final

import orjson

from agentctl.agent.events import JsonObject
from agentctl.evals.report.html.data import Data
from agentctl.observe.clean import clean

STYLES: Final = ("base.css", "text.css", "summary.css", "list.css", "case.css", "steps.css")
SCRIPTS: Final = (
    "text.js", "data.js", "figures.js", "plots.js", "summary.js", "list.js", "steps.js", "asserts.js", "case.js",
    "compare.js", "page.js",
)  # fmt: skip
"""In the order in which each may use those before it."""
PART: Final = 400_000
"""Bytes of details, as JSON, in one part."""
DEEPEST: Final = 100
"""Levels of nested data that are kept as data; what is deeper stands there as text."""
ICON: Final = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Cpath d='M2 3h12v2H2zm0 4h8v2H2zm3 4h9v2H5z' fill='%233b6fb5'/%3E%3C/svg%3E"
)

ACTIVE: Final = "<>&\u2028\u2029"
"""What could end a block of data, or a line of a script."""


def document(data: Data, title: str, summary: str) -> bytes:
    """The page. `summary` is what a reader without scripts gets to see, line by line."""
    style, script = _source(STYLES), _source(SCRIPTS)
    parts = list(_parts(data.details))
    head = {**data.head, "title": title, "parts": [first for first, _ in parts]}
    lines = [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        '<meta name="referrer" content="no-referrer">',
        f'<link rel="icon" href="{ICON}">',
        f"<title>{escape(clean(title))}</title>",
        f"<style>{style}</style>",
        "</head>",
        "<body>",
        f"<noscript><h1>{escape(clean(title))}</h1><pre>{escape(clean(summary))}</pre></noscript>",
        f'<script type="application/json" id="head">{_json(head)}</script>',
        *(f'<script type="application/json" id="part-{i}">"{packed}"</script>' for i, (_, packed) in enumerate(parts)),
        f"<script>{script}</script>",
        "</body>",
        "</html>",
        "",
    ]
    return "\n".join(lines).encode()


@cache
def _source(names: Sequence[str]) -> str:
    """These files of the package, one after the other."""
    folder = files(__package__)
    return "\n".join((folder / name).read_text("utf-8") for name in names)


def _policy(style: str, script: str) -> str:
    """What the page may do: run this script, use this style, show its icon; and nothing else."""
    rules = {
        "default-src": "'none'",
        "script-src": _hash(script),
        "style-src": _hash(style),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _hash(source: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


def _parts(details: Iterator[JsonObject]) -> Iterator[tuple[int, str]]:
    """The details in parts, packed, each with the number of its first."""
    waiting: list[bytes] = []
    first = size = 0
    for number, each in enumerate(details):
        if size >= PART:
            yield first, _packed(waiting)
            waiting, first, size = [], number, 0
        waiting.append(_dumped(each))
        size += len(waiting[-1])
    if waiting:
        yield first, _packed(waiting)


def _packed(details: Sequence[bytes]) -> str:
    return base64.b64encode(gzip.compress(b"[" + b",".join(details) + b"]", compresslevel=6, mtime=0)).decode()


def _json(value: Any) -> str:
    """JSON that holds no character of markup and is no line of a script."""
    text = _dumped(value).decode()
    for char in ACTIVE:
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def _dumped(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # half an emoji, a number beyond 64 bits, hundreds of levels
        return orjson.dumps(_sayable(value))


def _sayable(value: Any, level: int = 0) -> Any:
    """The value with what a strict writer refuses written out as text."""
    if isinstance(value, str):
        return clean(value) if any("\ud800" <= char <= "\udfff" for char in value) else value
    if isinstance(value, dict | list) and level >= DEEPEST:
        return json.dumps(value)
    if isinstance(value, dict):
        return {str(_sayable(key)): _sayable(each, level + 1) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_sayable(each, level + 1) for each in value]
    return str(value) if isinstance(value, int) and abs(value) >= 2**63 else value
