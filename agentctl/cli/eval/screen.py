"""The window an evaluation is shown in: its width, its colours, and the words and columns that every line keeps to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Final

from agentctl.observe.clean import clean

WORDS: Final = {
    "pass": "pass",
    "fail": "FAIL",
    "error": "ERROR",
    "stale": "STALE",
    "missing": "MISSING",
    "stopped": "STOPPED",
}
STYLES: Final = {"pass": "32", "fail": "1;31", "error": "1;35", "stale": "33", "missing": "33", "stopped": "33"}
DIM: Final = "2"
BOLD: Final = "1"
MARGIN: Final = 2
GAP: Final = 2
WORD: Final = max(map(len, WORDS.values()))
LABEL: Final = len("expected")
DOT: Final = " · "
LEAST: Final = 24
"""Cells for text, however narrow the screen."""
WIDEST: Final = 120
"""Cells a line of text may fill, however wide the screen: longer lines are hard to read."""

MARKS: Final = re.compile(r"(\[-|-\]|\{\+|\+\})")
OPENING: Final = {"[-": "31", "{+": "32"}
"""What begins a mark on words, and the colour of what is in it: as in a diff."""
CLOSING: Final = frozenset({"-]", "+}"})

UNFIT: Final = frozenset({"stale", "missing", "stopped"})
"""Statuses of cases whose recording does not hold all that is asked."""


@dataclass(frozen=True, slots=True)
class Screen:
    """How wide it is (None: lines are never cut, as files and pipes want them), and whether it shows colours."""

    width: int | None = None
    color: bool = False

    def paint(self, text: str, style: str) -> str:
        """`text` in a style of ANSI's."""
        return f"\x1b[{style}m{text}\x1b[0m" if self.color and text else text

    def fold(self, text: str, used: int) -> list[str]:
        """`text`, which came from outside, in lines that fit beside `used` cells."""
        lines = clean(text).split("\n")
        if self.width is None:
            return lines
        room = max(min(self.width, WIDEST) - used, LEAST)
        return [part for line in lines for part in (wrap(line, room, break_on_hyphens=False) or [""])]

    def joined(self, parts: Sequence[str], used: int = 0) -> list[str]:
        """The parts with dots between them, on as many lines as they need; `used` cells stand before the first."""
        lines = [""]
        for part in parts:
            longer = f"{lines[-1]}{DOT}{part}" if lines[-1] else part
            if lines[-1] and self.width is not None and used + len(longer) > self.width:
                lines.append(part)
                used = MARGIN
            else:
                lines[-1] = longer
        return lines


def with_marks(lines: Iterable[str], screen: Screen) -> Iterator[str]:
    """Lines of text in which `[-words that went-]` and `{+words that came+}` are coloured, over line ends too."""
    style = ""
    for line in lines:
        painted = ""
        for part in MARKS.split(line):
            style = OPENING.get(part, style)
            painted += screen.paint(part, style) if style and not part.isspace() else part
            style = "" if part in CLOSING else style
        yield painted
