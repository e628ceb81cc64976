"""The trend of a suite on a page: the chart, a line for each version, what changed when, and what became worse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Final

from agentctl.cli.history.chart import Marks, bars, chart, columns, letters
from agentctl.cli.sheet import BOLD, DIM, GREEN, RED, Sheet
from agentctl.evals.trend import Flip, Point, Trend
from agentctl.observe.figures import count, dollars, seconds

WIDTH: Final = 80
"""Cells of a chart that goes to a file or a pipe."""
SHORT: Final = 7
"""Digits of a commit or a bundle."""
MOST_CHANGES: Final = 10
MOST_CASES: Final = 20


def page(trend: Trend, sheet: Sheet, marks: Marks) -> Iterator[str]:
    """The whole page of one suite."""
    points = trend.points
    name = trend.suite if trend.case is None else f"{trend.suite}/{trend.case}"
    span = f"{moment(points[0].result.first_at)} to {moment(points[-1].result.last_at)}"
    yield from sheet.lines(f"{name}  {count(len(points), 'result')}, {span}", BOLD, indent="")
    for text in _left_out(trend):
        yield from sheet.lines(text, DIM, indent="")
    yield ""
    shown = columns(points, sheet.width or WIDTH)
    yield from chart(shown, marks)
    drawn = [column.point for column in shown if column.point is not None]
    yield bars("cost", [point.cost_usd for point in drawn], shown, marks)
    yield bars("time", [point.seconds for point in drawn], shown, marks)
    if len(drawn) < len(points):
        yield from sheet.lines(f"{count(len(points) - len(drawn), 'older result')} not drawn", DIM, indent="")
    yield ""
    yield from _versions(points, sheet)
    yield from _changes(points, sheet)
    yield from _worse(trend, sheet)


def moment(at: float) -> str:
    """A time as a person reads it, UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")


def _left_out(trend: Trend) -> Iterator[str]:
    if trend.partial:
        yield f"{count(trend.partial, 'result')} of some of its cases not shown; --case ID shows those of a case"
    elif trend.case is None and not all(point.result.complete for point in trend.points):
        yield "no result of the whole suite: these are of some of its cases"


def _versions(points: Sequence[Point], sheet: Sheet) -> Iterator[str]:
    """The last figures of each version."""
    for version, letter in letters(points).items():
        mine = [point for point in points if point.version == version]
        seen = sum(point.result.times for point in mine)
        parts = [f"{letter}  {version[0]} {short(version[1])}".rstrip(), count(len(mine), "result")]
        parts[1] += f" seen {seen} times" if seen > len(mine) else ""
        yield from sheet.lines("  ".join([*parts, *_figures(mine[-1])]), indent="")


def _figures(point: Point) -> list[str]:
    interval, rate = point.interval, point.pass_rate
    found = ["no verdict"]
    if interval is not None and rate is not None:
        found = [f"{rate:.1%} ({100 * interval.low:.1f}-{interval.high:.1%})"]
    cost = None if point.cost_usd is None else Decimal(str(round(point.cost_usd, 6)))
    took = [] if point.seconds is None else [f"{seconds(point.seconds)} a run"]
    return [*found, f"{dollars(cost)} a run" if cost is not None else "price unknown", *took]


def _changes(points: Sequence[Point], sheet: Sheet) -> Iterator[str]:
    told = [(point, text) for before, point in pairwise(points) for text in _told(before, point)]
    if not told:
        return
    yield from sheet.head("changes")
    if len(told) > MOST_CHANGES:
        yield from sheet.lines(f"{count(len(told) - MOST_CHANGES, 'older one')} not shown", DIM)
    for point, text in told[-MOST_CHANGES:]:
        yield from sheet.lines(f"{moment(point.result.first_at)}  {text}")


def _told(before: Point, point: Point) -> Iterator[str]:
    old, new = before.result, point.result
    if "agent" in point.changed:
        yield f"{old.agent} → {new.agent}"
    elif "bundle" in point.changed:
        yield f"{new.agent} is defined otherwise: {short(old.bundle)} → {short(new.bundle)}"
    if "model" in point.changed:
        yield f"{old.model or 'no model'} → {new.model or 'no model'}"
    if "revision" in point.changed:
        yield f"commit {short(old.revision) or 'none'} → {short(new.revision) or 'none'}"


def _worse(trend: Trend, sheet: Sheet) -> Iterator[str]:
    if trend.lost:
        yield from sheet.head("regressions")
    for flip in trend.lost[:MOST_CASES]:
        yield from sheet.lines(f"{flip.now.id}  {_went(flip)}", RED)
    if len(trend.lost) > MOST_CASES:
        yield from sheet.lines(f"and {len(trend.lost) - MOST_CASES} more; --json has all", DIM)
    if not trend.lost and not trend.won:
        return
    if trend.won and not trend.lost:
        yield ""
    told = f"{len(trend.lost)} lost and {len(trend.won)} won since each last had a verdict"
    verdict = "worse" if trend.is_worse else "no more than chance" if trend.lost else "nothing lost"
    style = RED if trend.is_worse else "" if trend.lost else GREEN
    p_value = f" ({_chance(trend.p_value)})" if trend.lost else ""
    yield from sheet.lines(f"{told}: {verdict}{p_value}", style, indent="")


def _went(flip: Flip) -> str:
    now = "" if flip.now.judged == 1 else f" ({flip.now.passed} of {flip.now.judged} passed)"
    return f"passed on {moment(flip.when.last_at)} with {flip.when.agent}, fails now{now}"


def short(digest: str) -> str:
    """The first digits of a commit or a bundle, without the name of its algorithm."""
    return digest.rpartition(":")[2][:SHORT]


def _chance(p_value: float) -> str:
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"  # noqa: PLR2004  what three decimals can say
