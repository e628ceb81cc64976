"""`.json`: the whole result as one indented document, the one that every other format is made from."""

from __future__ import annotations

import json
from collections.abc import Iterator

import orjson

from agentctl.evals.report.told import Told

INDENTED = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE


def render(told: Told) -> Iterator[bytes]:
    """The document. What a strict writer refuses (half an emoji, a number beyond 64 bits) is written all the same."""
    document = told.document
    try:
        yield orjson.dumps(document, option=INDENTED)
    except TypeError:
        yield json.dumps(document, indent=2).encode() + b"\n"
