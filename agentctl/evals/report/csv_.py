"""`.csv`: one row a case, as RFC 4180 has it, safe to open in a spreadsheet.

A spreadsheet runs a cell that begins with one of `= + - @` (or a tab or a line break before them) as a formula, whoever
wrote it. Text that begins so gets an apostrophe in front, which spreadsheets take for "this is text" (OWASP, "CSV
Injection"). Numbers are never text, so they stay numbers.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from io import StringIO
from string import whitespace
from typing import Final

from agentctl.agent.events import JsonObject
from agentctl.evals.report.rows import failures_of, tokens_of
from agentctl.evals.report.told import Told
from agentctl.observe.clean import clean

FORMULA: Final = ("=", "+", "-", "@", "\t", "\n", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a formula can begin with; the last four are the full-width forms."""
UNSEEN: Final = f"{whitespace}\u00a0\u00ad\u2000\u2002\u2003\u2009\u200a\u200b\u200c\u200d\u202f\u2060\u3000\ufeff"
"""What a spreadsheet or its import may drop from the front of a cell: spaces, and characters of no width."""

Column = Callable[[JsonObject, JsonObject], object]

COLUMNS: Final[dict[str, Column]] = {
    "suite": lambda suite, _: suite["suite"],
    "id": lambda _, case: case["id"],
    "repeat": lambda _, case: case["repeat"],
    "status": lambda _, case: case["status"],
    "score": lambda _, case: case["score"],
    "cost_usd": lambda _, case: case["cost_usd"],
    "seconds": lambda _, case: case["seconds"],
    "turns": lambda _, case: case["turns"],
    "tool_calls": lambda _, case: len(case["tool_calls"]),
    "input_tokens": lambda _, case: tokens_of(case["usage"])[0],
    "output_tokens": lambda _, case: tokens_of(case["usage"])[1],
    "ended": lambda _, case: case["ended"],
    "failed": lambda _, case: "; ".join(each["type"] for each in failures_of(case)),
    "reason": lambda _, case: case["reason"],
    "stale": lambda _, case: "; ".join(case["stale"]),
    "stale_matched": lambda _, case: bool(case.get("stale_matched")),
    "tags": lambda _, case: "; ".join(case.get("tags") or []),
    "agent": lambda suite, _: suite["agent"],
    "bundle": lambda suite, _: suite["bundle"],
    "model": lambda suite, _: suite["model"],
    "file": lambda suite, _: suite["file"],
    "line": lambda _, case: case["line"],
    "recording": lambda _, case: case["recording"],
    "text": lambda _, case: case["text"],
}
"""Only ever added to, at the end. A cost that is not known is an empty cell, never 0."""


def render(told: Told) -> Iterator[bytes]:
    """The header and the rows."""
    yield _row(list(COLUMNS))
    for suite, case in told.cases():
        yield _row([_cell(column(suite, case)) for column in COLUMNS.values()])


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return value
    text = clean(value)
    return f"'{text}" if text.startswith(FORMULA) or text.lstrip(UNSEEN).startswith(FORMULA) else text


def _row(cells: list[object] | list[str]) -> bytes:
    line = StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode()
