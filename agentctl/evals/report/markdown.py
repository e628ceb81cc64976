"""`.md`: the result as a person reads it in a pull request; within a limit, what failed comes first.

Text from outside is no markup: outside of fences every character that Markdown or HTML could act on is an entity, and a
fence is longer than any run of backticks inside it. So nothing a model says can add a link, mention a person, close a
fold or break a table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from agentctl.agent.events import JsonObject
from agentctl.evals.report import rows
from agentctl.evals.report.told import Told
from agentctl.observe.clean import clean

ACTIVE: Final = re.compile(r"[\\`*_{}\[\]<>|~#@&$!^]|(?<=:)//|(?<=www)\.")
BACKTICKS: Final = re.compile("`+")
LEAST_FENCE: Final = 3
LONGEST: Final = 4_000
"""Characters of one explanation: evidence is cut already, but a case can have many assertions."""


def render(told: Told) -> Iterator[bytes]:
    """Everything: sums, what did not pass and why, and every case in a row."""
    for block in (*_head(told.head), *_unplayed(told.head)):
        yield block.encode()
    for suite, case in told.cases():
        if not rows.is_sound(case):
            yield _explained(suite, case).encode()
    yield _CASES.encode()
    for suite, case in told.cases():
        yield _row(suite, case).encode()


def within(told: Told, room: int) -> bytes:
    """What matters of it in at most `room` bytes of UTF-8: sums, then what did not pass as far as it fits."""
    text = "".join(_head(told.head))
    ends = [block for block in _unplayed(told.head) if len((text + block).encode()) + _LAST <= room]
    used = len((text + "".join(ends)).encode())
    left_out = 0
    parts: list[str] = []
    for suite, case in told.cases():
        if rows.is_sound(case):
            continue
        block = _explained(suite, case)
        size = len(block.encode())
        if left_out or used + size + _LAST > room:
            left_out += 1
            continue
        parts.append(block)
        used += size
    more = f"\n… and {left_out:,} more that did not pass: the whole report has them.\n" if left_out else ""
    whole = (text + "".join(parts) + more + "".join(ends)).encode()
    return whole[:room].decode("utf-8", "ignore").encode()


_LAST: Final = 100
"""Bytes kept for the line that counts what is left out."""

_CASES: Final = (
    "\n### Cases\n\n| | case | score | turns | tools | tokens | cost | time |\n|---|---|--:|--:|--:|--:|--:|--:|\n"
)


def _head(head: JsonObject) -> Iterator[str]:
    totals = head["totals"]
    rate = totals["pass_rate"]
    shown = f" · pass rate {rate:.1%}" if rate is not None and rate < 1 else ""
    yield f"## agentctl eval: {rows.verdict(head)}\n\n"
    counts = ", ".join(rows.counts_of(totals)) or "none ran"
    yield f"**{totals['cases']:,} {'case' if totals['cases'] == 1 else 'cases'}: {counts}**{shown}\n\n"
    footer = f"network {head['network']}, tools executed {head['tools_executed']}"
    yield f"{' · '.join(rows.figures_of(totals))} · {footer}\n"
    yield from _suites(head["suites"])


def _suites(suites: Iterable[JsonObject]) -> Iterator[str]:
    yield "\n| suite | agent | model | cases | | cost | time |\n|---|---|---|--:|---|--:|--:|\n"
    for suite in suites:
        totals = suite["totals"]
        *_, cost, time = rows.figures_of(totals)
        cells = [plain(suite["suite"]), plain(suite["agent"]), plain(suite["model"]), f"{totals['cases']:,}"]
        yield f"| {' | '.join([*cells, ', '.join(rows.counts_of(totals)), cost, time])} |\n"


def _unplayed(head: JsonObject) -> Iterator[str]:
    unplayed = rows.unplayed_of(head)
    if unplayed:
        yield f"\n### Not played ({len(unplayed):,})\n\n"
        yield from (f"- {plain(each['suite'])}/{plain(each['id'])}\n" for each in unplayed)


def _explained(suite: JsonObject, case: JsonObject) -> str:
    """A case that is no plain pass, folded away under its name."""
    name = f"{plain(suite['suite'])}/{plain(rows.name_of(case))}"
    figures = f" · {' · '.join(rows.figures_of(case))}" if rows.ran(case) else ""
    word = "STALE-MATCHED" if case["status"] == "pass" else plain(case["status"].upper())
    summary = f"<b>{word}</b> {name} · {plain(rows.place_of(suite, case))}{figures}"
    return f"\n<details><summary>{summary}</summary>\n\n{fenced(chr(10).join(rows.why(case)))}\n</details>\n"


def _row(suite: JsonObject, case: JsonObject) -> str:
    name = f"{plain(suite['suite'])}/{plain(rows.name_of(case))}"
    if not rows.ran(case):
        return f"| {plain(case['status'])} | {name} | | | | | | |\n"
    turns, tokens, cost, time = rows.figures_of(case)
    cells = [
        f"{case['score']:.2f}",
        turns.split()[0],
        str(len(case["tool_calls"])),
        tokens.split()[0],
        plain(cost),
        time,
    ]
    return f"| {plain(case['status'])} | {name} | {' | '.join(cells)} |\n"


def plain(text: str) -> str:
    """`text` as one line that means itself, in Markdown and in the HTML inside of it."""
    line = " ".join(clean(text).split())
    return ACTIVE.sub(lambda found: "".join(f"&#{ord(sign)};" for sign in found.group()), line)


def fenced(text: str) -> str:
    """`text` as a block of code, cut where it is very long."""
    told = clean(text)
    told = told if len(told) <= LONGEST else f"{told[:LONGEST]}…"
    longest = max((len(run) for run in BACKTICKS.findall(told)), default=0)
    fence = "`" * max(LEAST_FENCE, longest + 1)
    return f"{fence}text\n{told}\n{fence}\n"
