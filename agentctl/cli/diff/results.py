"""Two results on a screen: what was mended first, what broke last, where a person looks; then the sums side by side."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from textwrap import shorten
from typing import Final

from agentctl.cli.diff.view import defined_otherwise, parting_lines
from agentctl.cli.sheet import BOLD, DIM, GREEN, RED, YELLOW, Sheet
from agentctl.diffing.results import CaseChange, CaseKey, ResultsDiff, Total
from agentctl.observe.figures import count, dollars

REASON: Final = 240
"""Characters of a reason that are shown."""
STYLES: Final = {"pass": GREEN, "fail": RED}
NAMES: Final = {"cost_usd": "cost"}
STALE_MATCHED: Final = "stale-matched"
HEAD: Final = ("", "before", "after", "change")


Where = Callable[[CaseKey], str]
"""What `agentctl replay` is told to show the new run of a case."""


def result_lines(sheet: Sheet, names: tuple[str, str], diff: ResultsDiff) -> Iterator[str]:
    """Two results of an evaluation, kept in these files."""
    agents = " -> ".join(", ".join(side) or "nothing" for side in diff.agents)
    yield from sheet.lines(f"{agents} · {count(diff.aligned, 'case')} in both", BOLD, indent="")
    yield from defined_otherwise(sheet, diff.components)
    yield from change_lines(sheet, diff, lambda key: f"{shlex.quote(names[1])}#{key.suite}/{key.id}")


def change_lines(sheet: Sheet, diff: ResultsDiff, where: Where) -> Iterator[str]:
    """The cases whose status changed, and the totals."""
    yield from flip_lines(sheet, diff, where)
    yield from sheet.head("totals")
    yield from _totals(sheet, diff.totals)


def flip_lines(sheet: Sheet, diff: ResultsDiff, where: Where) -> Iterator[str]:
    """The cases whose status changed, or that only one of the two has."""
    for title, changes in (
        ("failed, passes now", [each for each in diff.flips if each.new == "pass"]),
        ("other changes", diff.others),
        ("passed, fails now", [each for each in diff.flips if each.new == "fail"]),
    ):
        if changes:
            yield from sheet.head(f"{title} ({len(changes)})")
            for change in changes:
                yield from _case(sheet, change, where)
    for title, keys in (("only in the second", diff.added), ("only in the first", diff.removed)):
        if keys:
            yield from sheet.head(f"{title} ({len(keys)})")
            yield from sheet.lines(", ".join(map(str, keys)))
    if not (diff.changes or diff.added or diff.removed):
        yield from sheet.lines("no case changed its verdict", indent="")


def _case(sheet: Sheet, change: CaseChange, where: Where) -> Iterator[str]:
    old, new = (
        f"{status} ({STALE_MATCHED})" if marked else status
        for status, marked in zip((change.old, change.new), change.stale_matched, strict=True)
    )
    yield from sheet.lines(f"{change.key}  {old} -> {new}", STYLES.get(change.new, YELLOW))
    if change.reason:
        yield from sheet.lines(shorten(change.reason, REASON, placeholder=" …"), indent="    ")
    if change.divergence is None:
        return
    yield from parting_lines(sheet, change.divergence, indent="    ")
    if change.new == "fail":
        key = change.key
        take = f" --take {key.repeat}" if key.repeat > 1 else ""
        turn = f" --turn {change.divergence.turn}" if change.divergence.turn else ""
        command = f"agentctl replay {where(key)}{take}{turn}"
        yield from Sheet(None, sheet.color).lines(command, DIM, indent="    ")  # to be copied whole


def _totals(sheet: Sheet, totals: Sequence[Total]) -> Iterator[str]:
    rows = [_row(total) for total in totals]
    widths = [max(map(len, column)) for column in zip(HEAD, *rows, strict=True)]
    yield sheet.paint(sheet.beside(HEAD, widths), DIM)
    for row in rows:
        yield sheet.beside(row, widths)


def _row(total: Total) -> Sequence[str]:
    name = NAMES.get(total.name, total.name.replace("_", " "))
    change = ""
    if total.old is not None and total.new is not None and total.old != total.new:
        moved = total.new - total.old
        change = ("+" if moved > 0 else "-") + _figure(total.name, abs(moved))
    return name, _figure(total.name, total.old), _figure(total.name, total.new), change


def _figure(name: str, value: float | None) -> str:
    if value is None:
        return "unknown"
    if name == "pass_rate":
        return f"{value:.1%}"
    if name == "cost_usd":
        return dollars(Decimal(str(value)))
    return f"{value:.2f}" if name == "seconds" else f"{value:,.0f}"
