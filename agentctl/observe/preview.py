"""The most that fits on a line of what a tool was given or gave back: cleaned, on one line, cut with an ellipsis."""

from __future__ import annotations

import json
from typing import Any, Final

import orjson
from rich.cells import cell_len, set_cell_size

from agentctl.agent.events import Block
from agentctl.observe.clean import clean

ELLIPSIS: Final = "…"


def one_line(text: str, cells: int) -> str:
    """`text` cleaned, its white space collapsed, cut to `cells` (at least 1)."""
    head = text[: 4 * cells + 64]  # a result may be megabytes; what is dropped here would not be seen
    line = clean(" ".join(head.split()))
    if cell_len(line) <= cells and len(head) == len(text):
        return line
    return set_cell_size(line, min(cells - 1, cell_len(line))).rstrip() + ELLIPSIS


def compact(value: Any) -> str:
    """`value` as JSON on one line."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # integers over 64 bits, lone surrogates
        return json.dumps(value, separators=(",", ":"))


def content_text(content: str | list[Block]) -> str:
    """A tool's result as text: what is no text is named by its kind."""
    if isinstance(content, str):
        return content
    return " ".join(
        block.get("text", "") if block.get("type") == "text" else f"[{block.get('type', 'block')}]" for block in content
    )
