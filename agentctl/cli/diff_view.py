"""A difference on a screen: the most consequential first, every change on a line of its own, nothing said twice.

Lines are plain text with a sign in front, as `diff -u` has them; colours only repeat what the signs say.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import shorten, wrap
from typing import Any, Final

from agentctl.diffing.definitions import CHANGED, SAME, Change, Diff, Staleness, ToolChange, short
from agentctl.diffing.paths import ABSENT
from agentctl.diffing.results import CaseChange, ResultsDiff, Total
from agentctl.diffing.runs import Divergence
from agentctl.diffing.schemas import BREAKING
from agentctl.diffing.texts import Line, diff_lines
from agentctl.observe.clean import clean

BOLD, DIM, RED, GREEN, YELLOW, CYAN = "1", "2", "31", "32", "33", "36"
STYLES: Final = {"-": RED, "+": GREEN, "@": CYAN, " ": DIM}
VALUE: Final = 60
"""Characters of a value that are shown in a line; a longer text is shown as a difference of texts."""
NAMED: Final = 6
"""Stale cases that are named for each set of components."""
LEAST: Final = 24
"""Cells for text, however narrow the screen."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """How wide lines may be (None: any), and whether there are colours."""

    width: int | None = None
    color: bool = False

    def paint(self, text: str, style: str) -> str:
        """`text` in a style of ANSI's."""
        return f"\x1b[{style}m{text}\x1b[0m" if self.color and text else text

    def lines(self, text: str, style: str = "", indent: str = "  ") -> Iterator[str]:
        """Text from outside, made harmless and folded; what is folded stands further in."""
        for line in clean(text).split("\n"):
            room = None if self.width is None else max(self.width - len(indent) - 2, LEAST)
            parts = [line] if room is None or len(line) <= room else wrap(line, room, break_on_hyphens=False)
            for number, part in enumerate(parts or [""]):
                yield self.paint(indent + "  " * bool(number) + part, style).rstrip()

    def head(self, text: str) -> Iterator[str]:
        """The line above a section."""
        yield ""
        yield from self.lines(text, BOLD, indent="")

    def signed(self, lines: Sequence[Line], indent: str = "  ") -> Iterator[str]:
        """Lines of a difference of texts."""
        for line in lines:
            yield from self.lines(str(line), STYLES[line.sign], indent)


def definition_lines(diff: Diff, stale: Staleness, width: int | None, *, color: bool) -> Iterator[str]:
    """Two versions of an agent."""
    sheet = Sheet(width, color)
    yield from sheet.lines(f"{diff.old.ref} -> {diff.new.ref}", BOLD, indent="")
    if diff.is_empty:
        yield from sheet.lines("nothing changed", indent="")
        return
    if diff.prompt:
        yield from sheet.head("system prompt")
        yield from sheet.signed(diff.prompt)
    for tool in diff.tools:
        yield from _tool(sheet, tool)
    if diff.settings:
        yield from sheet.head("settings")
        for change in diff.settings:
            yield from _change(sheet, change)
    yield from _digests(sheet, diff)
    yield from _stale(sheet, stale, diff)


def run_lines(
    names: tuple[str, str],
    parting: Divergence | None,
    changed: Mapping[str, str],
    width: int | None,
    *,
    color: bool,
) -> Iterator[str]:
    """Two runs."""
    sheet = Sheet(width, color)
    yield from sheet.lines(f"{names[0]} -> {names[1]}", BOLD, indent="")
    moved = [name for name, status in changed.items() if status != SAME]
    if moved:
        yield from sheet.lines(f"defined otherwise: {', '.join(moved)}", indent="")
    if parting is None:
        yield from sheet.lines("the runs did the same", indent="")
        return
    yield from _parting(sheet, parting, indent="")


def result_lines(diff: ResultsDiff, width: int | None, *, color: bool) -> Iterator[str]:
    """Two results of an evaluation."""
    sheet = Sheet(width, color)
    agents = " -> ".join(", ".join(side) for side in diff.agents)
    cases = f"{diff.aligned} cases in both"
    yield from sheet.lines(f"{agents} · {cases}", BOLD, indent="")
    moved = [name for name, status in diff.components.items() if status != SAME]
    if moved:
        yield from sheet.lines(f"defined otherwise: {', '.join(moved)}", indent="")
    for title, changes in (
        ("failed, passes now", [each for each in diff.flips if each.new == "pass"]),
        ("other changes", diff.others),
        ("passed, fails now", [each for each in diff.flips if each.new == "fail"]),
    ):
        if changes:
            yield from sheet.head(f"{title} ({len(changes)})")
            for change in changes:
                yield from _case(sheet, change)
    for title, keys in (("only in the second", diff.added), ("only in the first", diff.removed)):
        if keys:
            yield from sheet.head(f"{title} ({len(keys)})")
            yield from sheet.lines(", ".join(map(str, keys)))
    yield from sheet.head("totals")
    yield from _totals(sheet, diff.totals)


def _tool(sheet: Sheet, tool: ToolChange) -> Iterator[str]:
    verdict = f" · {tool.verdict}" if tool.status == CHANGED and tool.schema else ""
    yield from sheet.head(f"tool {tool.name} · {tool.status}{verdict}")
    if tool.description:
        yield from sheet.lines("description")
        yield from sheet.signed(tool.description, indent="    ")
    for change in tool.schema:
        style = RED if change.verdict == BREAKING else ""
        yield from sheet.lines(f"{change.verdict:<10} {_sides(change.path, change.old, change.new)}", style)
    for each in tool.fields:
        yield from _change(sheet, each)


def _change(sheet: Sheet, change: Change) -> Iterator[str]:
    if isinstance(change.old, str) and isinstance(change.new, str) and max(len(change.old), len(change.new)) > VALUE:
        yield from sheet.lines(change.path)
        yield from sheet.signed(diff_lines(change.old, change.new), indent="    ")
    else:
        yield from sheet.lines(_sides(change.path, change.old, change.new))


def _sides(path: str, old: Any, new: Any) -> str:
    if old is ABSENT:
        return f"+ {path}: {_value(new)}"
    if new is ABSENT:
        return f"- {path}: {_value(old)}"
    return f"{path}: {_value(old)} -> {_value(new)}"


def _value(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= VALUE else f"{text[:VALUE]}…"


def _digests(sheet: Sheet, diff: Diff) -> Iterator[str]:
    """Every component that changed by its digests, and the bundle."""
    yield from sheet.head("digests")
    moved = [name for name, status in diff.components.items() if status != SAME]
    rows = [(name, diff.old.components.get(name), diff.new.components.get(name)) for name in moved]
    rows.append(("bundle", diff.old.bundle, diff.new.bundle))
    widest = max(len(name) for name, *_ in rows)
    for name, old, new in rows:
        sides = " -> ".join("none" if digest is None else str(short(digest)) for digest in (old, new))
        yield from sheet.lines(f"{name:<{widest}}  {sides}")
    same = len(diff.components) - len(moved)
    if same:
        yield from sheet.lines(f"{same} other components are the same", DIM)


def _stale(sheet: Sheet, stale: Staleness, diff: Diff) -> Iterator[str]:
    """Cases that become stale, together by what makes them so."""
    yield from sheet.head("recordings")
    for each in stale.unreadable:
        yield from sheet.lines(each, YELLOW)
    if not stale.recordings:
        yield from sheet.lines(f"none was recorded with {diff.old.ref} as it is")
        return
    if not stale.cases:
        yield from sheet.lines(f"all {stale.recordings} stay fresh")
        return
    yield from sheet.lines(f"{len(stale.cases)} of {stale.recordings} become stale", YELLOW)
    groups: dict[tuple[str, ...], list[str]] = {}
    for case in stale.cases:
        groups.setdefault(case.components, []).append(f"{case.suite}/{case.case}")
    for components, names in groups.items():
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        yield from sheet.lines(f"{', '.join(components)}: {', '.join(names[:NAMED])}{more}")


def _case(sheet: Sheet, change: CaseChange) -> Iterator[str]:
    style = {"pass": GREEN, "fail": RED}.get(change.new, YELLOW)
    yield from sheet.lines(f"{change.key}  {change.old} -> {change.new}", style)
    if change.reason:
        yield from sheet.lines(shorten(change.reason, 4 * VALUE, placeholder=" …"), indent="    ")
    if change.divergence is not None:
        yield from _parting(sheet, change.divergence, indent="    ")


def _parting(sheet: Sheet, parting: Divergence, indent: str) -> Iterator[str]:
    """Where two runs part, and what each did there."""
    place = f"{parting.kind} {parting.path}".strip().replace("_", " ", parting.kind.count("_"))
    yield from sheet.lines(f"they part at turn {parting.turn}, {place}", CYAN, indent)
    old, new = parting.old, parting.new
    if isinstance(old, str) and isinstance(new, str) and max(len(old), len(new)) > VALUE:
        yield from sheet.signed([line for line in diff_lines(old, new) if line.sign != "@"], indent + "  ")
        return
    for sign, value in (("-", old), ("+", new)):
        shown = "the run had ended" if value is ABSENT and not parting.path else "nothing" if value is ABSENT else None
        text = shown if shown is not None else _value(value)
        yield from sheet.lines(f"{sign} {text}", STYLES[sign], indent + "  ")


def _totals(sheet: Sheet, totals: Sequence[Total]) -> Iterator[str]:
    widest = max((len(total.name) for total in totals), default=0)
    for total in totals:
        old, new = (_figure(total.name, value) for value in (total.old, total.new))
        known = total.old is not None and total.new is not None and total.old != total.new
        change = f"  ({_signed(total.name, (total.new or 0) - (total.old or 0))})" if known else ""
        yield from sheet.lines(f"{total.name.replace('_', ' '):<{widest}}  {old:>10} -> {new:>10}{change}")


def _signed(name: str, value: float) -> str:
    sign = "+" if value > 0 else "-"
    return sign + _figure(name, abs(value)).replace("$", "")


def _figure(name: str, value: float | None) -> str:
    if value is None:
        return "unknown"
    if name == "pass_rate":
        return f"{value:.1%}"
    if name == "cost_usd":
        return f"${value:.4f}"
    return f"{value:.2f}" if name == "seconds" else f"{value:,.0f}"
