"""Lines for a screen of any width: what comes from outside is made harmless, folded and coloured; nothing gets lost.

Widths are counted in cells, since some characters take two. Without a width lines are never folded, as files and pipes
want them; without colours the signs say the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len, get_character_cell_size

from agentctl.observe.clean import clean

BOLD, DIM, RED, GREEN, YELLOW, CYAN = "1", "2", "31", "32", "33", "36"
REVERSE: Final = "7"
HANG: Final = 2
"""Cells by which what is folded stands further in."""
LEAST: Final = 20
"""Cells for text, however narrow the screen."""
WIDEST: Final = 120
"""Cells a folded line may fill, however wide the screen: longer lines are hard to read."""
TAB: Final = " " * 4

Spans = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """How wide lines may be (None: any), and whether there are colours."""

    width: int | None = None
    color: bool = False

    def paint(self, text: str, style: str) -> str:
        """`text` in a style of ANSI's."""
        return f"\x1b[{style}m{text}\x1b[0m" if self.color and style and text else text

    def lines(self, text: str, style: str = "", indent: str = "  ", hang: int = HANG) -> Iterator[str]:
        """Text, folded; what is folded stands `hang` cells further in."""
        for line in text.split("\n"):
            yield from self.marked(line, (), style, indent, hang=hang)

    def marked(
        self, text: str, marks: Spans, style: str, indent: str, *, sign: str = "", hang: int = HANG
    ) -> Iterator[str]:
        """One line of text with spans of it marked, each of its rows behind the sign."""
        shown, strong = _cleaned(text, marks)
        room = None if self.width is None else max(min(self.width, WIDEST) - cell_len(indent + sign) - hang, LEAST)
        for number, (start, stop) in enumerate(_rows(shown, room, hang)):
            before = f"{indent}{sign}{' ' * hang if number else ''}"
            if start == stop:
                yield self.paint(before.rstrip(), style)
            else:
                yield self.paint(before, style) + self._painted(shown, strong, (start, stop), style)

    def head(self, text: str) -> Iterator[str]:
        """The line above a section."""
        yield ""
        yield from self.lines(text, BOLD, indent="")

    def beside(self, cells: Sequence[str], widths: Sequence[int], indent: str = "  ") -> str:
        """Figures in columns: the first to the left, the others to the right; columns for which there is no room go."""
        line = indent + f"{cells[0]:<{widths[0]}}"
        for cell, width in zip(cells[1:], widths[1:], strict=True):
            if self.width is not None and len(line) + len(indent) + width > self.width:
                break
            line += f"{indent}{cell:>{width}}"
        return line.rstrip()

    def _painted(self, text: str, strong: Sequence[bool], span: tuple[int, int], style: str) -> str:
        if not self.color:
            return text[slice(*span)]
        painted, start = "", span[0]
        for at in range(span[0] + 1, span[1] + 1):
            if at == span[1] or strong[at] != strong[start]:
                styles = (style, REVERSE) if strong[start] else (style,)
                painted += self.paint(text[start:at], ";".join(filter(None, styles)))
                start = at
        return painted


def _cleaned(text: str, marks: Spans) -> tuple[str, list[bool]]:
    """The text without anything that acts, and for each character whether it is marked."""
    shown, strong, done = "", list[bool](), 0
    for start, stop in (*marks, (len(text), len(text))):
        for part, is_marked in ((text[done:start], False), (text[start:stop], True)):
            harmless = clean(part).replace("\n", "␊").replace("\t", TAB)
            shown += harmless
            strong += [is_marked] * len(harmless)
        done = stop
    return shown, strong


def _rows(text: str, room: int | None, hang: int) -> Iterator[tuple[int, int]]:
    """Where to fold: behind the last word that fits, or within one that fits nowhere. The first row has `hang` more."""
    if room is None or cell_len(text) <= room + hang:
        yield 0, len(text)
        return
    start, space, used, limit = 0, -1, 0, room + hang
    at = 0
    while at < len(text):
        size = get_character_cell_size(text[at])
        if used + size <= limit:
            space = at if text[at] == " " and text[start:at].strip() else space
            used += size
            at += 1
            continue
        stop = at if text[at] == " " else space if space > start else at
        yield start, stop
        start = stop
        while start < len(text) and text[start] == " ":
            start += 1
        at, space, used, limit = start, -1, 0, room
    if start < len(text):
        yield start, len(text)
