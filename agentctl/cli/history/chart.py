"""A chart of results: one column for each, its pass rate as a dot on its interval, cost and time as bars below.

A column is one cell, with a line before it where the agent's version changed. What does not fit is the oldest. Every
mark has one of ASCII for outputs that can show nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TextIO

from agentctl.evals.trend import Point

HEIGHT: Final = 9
LABELS: Final = {0: "100%", HEIGHT // 2: "50%", HEIGHT - 1: "0%"}
MARGIN: Final = 7
"""Cells before the first column: a label and the axis."""
LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
OTHER: Final = "*"
"""Stands for every version after those that have a letter."""
LEAST: Final = 8


@dataclass(frozen=True, slots=True)
class Marks:
    """What a chart is drawn with."""

    dot: str
    span: str
    change: str
    axis: str
    tick: str
    line: str
    levels: str
    unknown: str = "?"
    commit: str = "^"


UNICODE: Final = Marks("●", "│", "┊", "│", "┤", "─", "▁▂▃▄▅▆▇█")
ASCII: Final = Marks("o", "|", ":", "|", "+", "-", "_.-=+*#@")


def marks_for(stream: TextIO) -> Marks:
    """The marks that this output can show."""
    drawn = f"{UNICODE.dot}{UNICODE.span}{UNICODE.change}{UNICODE.tick}{UNICODE.line}{UNICODE.levels}"
    try:
        drawn.encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return UNICODE


@dataclass(frozen=True, slots=True)
class Column:
    """What stands in one column of cells: a point, or (None) the line before a new version."""

    point: Point | None
    letter: str = ""
    """Of the version that begins here."""


def letters(points: Sequence[Point]) -> dict[tuple[str, str], str]:
    """A letter for each version, in the order in which they first came."""
    versions = list(dict.fromkeys(point.version for point in points))
    return {version: LETTERS[i] if i < len(LETTERS) else OTHER for i, version in enumerate(versions)}


def columns(points: Sequence[Point], width: int) -> list[Column]:
    """The newest points that fit beside the labels, each version begun by its line."""
    names, room = letters(points), max(width - MARGIN, LEAST)
    found: list[Column] = []
    for index in range(len(points) - 1, -1, -1):
        point = points[index]
        begins = index == 0 or points[index - 1].version != point.version
        more = [Column(None), Column(point, names[point.version])] if begins and index else [Column(point)]
        if len(found) + len(more) > room:
            break
        found[:0] = more
    if found:
        first = next(i for i, column in enumerate(found) if column.point is not None)
        point_ = found[first].point
        assert point_ is not None
        found[first] = Column(point_, names[point_.version])
    return found


def chart(shown: Sequence[Column], marks: Marks) -> Iterator[str]:
    """The rates from 100 % down to 0 %, and below them where each version begins and which commits were new."""
    for row in range(HEIGHT):
        label = LABELS.get(row, "")
        edge = marks.tick if label else marks.axis
        yield f"{label:>{MARGIN - 2}} {edge}{''.join(_cell(column, row, marks) for column in shown)}".rstrip()
    versions = "".join(column.letter or marks.line for column in shown)
    yield f"{' ' * (MARGIN - 1)}{marks.tick}{versions}"
    commits = "".join(marks.commit if _new_commit(column) else " " for column in shown)
    if commits.strip():
        yield f"{'commit':<{MARGIN}}{commits}".rstrip()


def bars(label: str, values: Sequence[float | None], shown: Sequence[Column], marks: Marks) -> str:
    """One row of bars, from 0 to the largest value; `values` belong to the columns with a point."""
    most = max((value for value in values if value is not None), default=0.0)
    waiting = iter(values)
    cells = [marks.change if column.point is None else _bar(next(waiting), most, marks) for column in shown]
    return f"{label:<{MARGIN}}{''.join(cells)}"


def _bar(value: float | None, most: float, marks: Marks) -> str:
    if value is None:
        return marks.unknown
    top = len(marks.levels) - 1
    return marks.levels[round(value / most * top) if most > 0 else 0]


def _cell(column: Column, row: int, marks: Marks) -> str:
    if column.point is None:
        return marks.change
    rate, interval = column.point.pass_rate, column.point.interval
    if rate is None or interval is None:
        return marks.unknown if row == HEIGHT - 1 else " "
    if row == _row(rate):
        return marks.dot
    return marks.span if _row(interval.high) <= row <= _row(interval.low) else " "


def _row(share: float) -> int:
    return round((1 - share) * (HEIGHT - 1))


def _new_commit(column: Column) -> bool:
    return column.point is not None and "revision" in column.point.changed
