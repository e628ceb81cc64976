"""A difference on a screen: the most consequential first, every change on a line of its own, nothing said twice.

Lines are plain text with a sign in front, as `diff -u` has them; colours repeat what the signs say, and mark the words.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from agentctl.cli.diff.prefix_lines import prefix_lines
from agentctl.cli.sheet import BOLD, CYAN, DIM, GREEN, RED, YELLOW, Sheet
from agentctl.diffing.causes import Cause
from agentctl.diffing.definitions import CHANGED, SAME, Change, Diff, Staleness, ToolChange, short
from agentctl.diffing.paths import ABSENT
from agentctl.diffing.prefix import Break, PrefixCost
from agentctl.diffing.runs import Divergence
from agentctl.diffing.schemas import BREAKING
from agentctl.diffing.texts import Line, diff_lines
from agentctl.observe.figures import count, dollars

STYLES: Final = {"-": RED, "+": GREEN, "@": CYAN, " ": DIM}
TEXT: Final = 60
"""From this many characters on, two texts are shown as a difference of texts."""
VALUE: Final = 400
"""Characters of a value that are shown."""
ENDED: Final = "the run had ended"


def definition_lines(
    sheet: Sheet,
    names: tuple[str, str],
    diff: Diff,
    stale: Staleness,
    prefix: tuple[Break | None, PrefixCost | None],
) -> Iterator[str]:
    """Two versions of an agent."""
    yield from sheet.lines(" -> ".join(names), BOLD, indent="")
    if diff.is_empty:
        yield from sheet.lines("nothing changed", indent="")
        return
    if diff.prompt:
        yield from sheet.head("system prompt")
        yield from _signed(sheet, diff.prompt)
    for tool in diff.tools:
        yield from _tool(sheet, tool)
    if diff.settings:
        yield from sheet.head("settings")
        for change in diff.settings:
            yield from _change(sheet, change)
    yield from _digests(sheet, diff)
    yield from prefix_lines(sheet, *prefix)
    yield from _stale(sheet, names, stale)


def run_lines(
    sheet: Sheet,
    names: tuple[str, str],
    parting: Divergence | None,
    changed: Mapping[str, str],
    causes: Sequence[Cause] = (),
) -> Iterator[str]:
    """Two runs, and the changed lines of their definitions that may be why they part."""
    yield from sheet.lines(" -> ".join(names), BOLD, indent="")
    yield from defined_otherwise(sheet, changed)
    if parting is None:
        yield from sheet.lines("the runs did the same", indent="")
    else:
        yield from parting_lines(sheet, parting, indent="")
    for component in dict.fromkeys(cause.component for cause in causes):
        yield from sheet.head(f"{component}, the nearest lines that changed")
        yield from _signed(sheet, [cause.line for cause in causes if cause.component == component])


def defined_otherwise(sheet: Sheet, components: Mapping[str, str]) -> Iterator[str]:
    """The components that are not the same, if any."""
    moved = [name for name, status in components.items() if status != SAME]
    if moved:
        yield from sheet.lines(f"defined otherwise: {', '.join(moved)}", indent="")


def parting_lines(sheet: Sheet, parting: Divergence, indent: str) -> Iterator[str]:
    """Where two runs part, and what each did there."""
    place = f"{parting.kind.replace('_', ' ')} {parting.path}".strip()
    yield from sheet.lines(f"they part at turn {parting.turn}, {place}", CYAN, indent)
    old, new = parting.old, parting.new
    if _are_texts(old, new):
        yield from _signed(sheet, [line for line in diff_lines(old, new) if line.sign != "@"], f"{indent}  ")
        return
    for sign, value, index in (("-", old, parting.old_index), ("+", new, parting.new_index)):
        text = (ENDED if index is None else "nothing") if value is ABSENT else _value(value)
        yield from sheet.lines(f"{sign} {text}", STYLES[sign], f"{indent}  ")


def _signed(sheet: Sheet, lines: Sequence[Line], indent: str = "  ") -> Iterator[str]:
    """Lines of a difference of texts; each row of one that is folded has its sign."""
    for line in lines:
        sign = "" if line.sign == "@" else line.sign
        yield from sheet.marked(line.text, line.marks, STYLES[line.sign], indent, sign=sign)


def _tool(sheet: Sheet, tool: ToolChange) -> Iterator[str]:
    verdict = f" · {tool.verdict}" if tool.status != CHANGED or tool.schema else ""
    yield from sheet.head(f"tool {tool.name} · {tool.status}{verdict}")
    if tool.description:
        yield from sheet.lines("description")
        yield from _signed(sheet, tool.description, indent="    ")
    for change in tool.schema:
        style = RED if change.verdict == BREAKING else ""
        yield from sheet.lines(f"{change.verdict:<10} {_sides(change.path, change.old, change.new)}", style)
    for each in tool.fields:
        yield from _change(sheet, each)


def _change(sheet: Sheet, change: Change) -> Iterator[str]:
    if _are_texts(change.old, change.new):
        yield from sheet.lines(change.path)
        yield from _signed(sheet, diff_lines(change.old, change.new), indent="    ")
    else:
        yield from sheet.lines(_sides(change.path, change.old, change.new))


def _are_texts(old: Any, new: Any) -> bool:
    return isinstance(old, str) and isinstance(new, str) and max(len(old), len(new)) > TEXT


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
        yield from sheet.lines(f"{same} other component{'s are' if same > 1 else ' is'} the same", DIM)


def _stale(sheet: Sheet, names: tuple[str, str], stale: Staleness) -> Iterator[str]:
    """Cases that become stale, together by what makes them so."""
    yield from sheet.head("recordings")
    for each in stale.unreadable:
        yield from sheet.lines(each, YELLOW)
    if not stale.recordings:
        yield from sheet.lines(f"none was recorded with {names[0]} as it is")
    elif not stale.cases:
        yield from sheet.lines(f"all {stale.recordings} stay fresh")
    else:
        yield from sheet.lines(f"{len(stale.cases)} of {stale.recordings} become stale", YELLOW)
        if stale.again is not None:
            takes, usd = stale.again, stale.again.cost_usd
            price = "" if usd is None else f" · {dollars(usd)}"
            figures = f"{count(takes.turns, 'turn')} · {takes.tokens:,} tokens{price}"
            yield from sheet.lines(f"as they were recorded, to record them again takes {figures}")
    groups: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for case in stale.cases:
        groups.setdefault((case.components, case.suite), []).append(case.case)
    for (components, suite), cases in groups.items():
        yield from sheet.lines(f"by {', '.join(components)}, in {suite}: {', '.join(dict.fromkeys(cases))}")
    if stale.fresh:
        yield from sheet.lines(f"{stale.fresh} made with {names[1]} fit it already", DIM)
