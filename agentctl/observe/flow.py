"""Text that arrives in pieces, wrapped at words as it is written, and the same on screen however it was cut.

Nothing on the screen is ever rewritten: a word is held back until the space after it is seen, and that is all the
delay there is. A word longer than a line is written as it comes and left to the terminal, so that a long URL can still
be copied in one piece.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from rich.cells import cell_len

Write = Callable[[str], None]

TAB: Final = "    "
_WIDE: Final = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef"  # scripts that break between any two characters
_PART: Final = re.compile(rf"\n|[^\S\n]+|[{_WIDE}]|[^\s{_WIDE}]+")
_WIDE_CHARACTER: Final = re.compile(f"[{_WIDE}]")


class Flow:
    """One block of text. `width` is in cells and asked for at every word (windows change); None never wraps.

    `indent` stands before every line, without its last spaces where the line is blank.
    Blank lines at the start and the end of the block are left out.
    """

    def __init__(self, write: Write, width: Callable[[], int | None], indent: str = "  ") -> None:
        self._write, self._width, self._indent = write, width, indent
        self._column = 0
        """Cells used on the current line; 0 while nothing stands on it."""
        self._spaces = ""
        self._word = ""
        self._breaks = 0
        self._overflows = False
        self._any = False

    def feed(self, text: str) -> None:
        """Takes the next piece; it must be clean."""
        for part in _PART.findall(text.replace("\t", TAB)):
            if part == "\n":
                self._end_word()
                self._spaces = ""
                self._breaks += 1
            elif part.isspace():
                self._end_word()
                self._spaces += part
            elif _WIDE_CHARACTER.match(part):
                self._end_word()
                self._word = part
                self._end_word()
            else:
                self._word += part
                self._give_way()

    def close(self) -> None:
        """Writes what was held back and ends the line."""
        self._end_word()
        if self._column:
            self._write("\n")
        self._column = self._breaks = 0
        self._spaces = ""

    def _room(self) -> int | None:
        width = self._width()
        return None if width is None else max(width - len(self._indent), 1)

    def _give_way(self) -> None:
        """A word that fills a line is written now, and the rest of it as it comes."""
        room = self._room()
        if self._overflows or (room is not None and cell_len(self._word) > room):
            word, self._word = self._word, ""
            self._put(word)
            self._overflows = True

    def _end_word(self) -> None:
        word, self._word = self._word, ""
        if word:
            self._put(word)
        self._overflows = False

    def _put(self, word: str) -> None:
        if self._overflows:
            self._write(word)
            self._column += cell_len(word)
            return
        lead = self._lead(cell_len(word))
        self._write(lead + word)
        self._column += cell_len(word)
        self._spaces, self._any = "", True

    def _lead(self, cells: int) -> str:
        """What comes before the word: line breaks and indent, or the spaces since the last one."""
        broken = f"\n{self._indent.rstrip()}" * (self._breaks - 1) + "\n" if self._any and self._breaks else ""
        self._breaks = 0
        if broken or not self._column:
            self._column = len(self._indent) + cell_len(self._spaces)
            return broken + self._indent + self._spaces
        width = self._width()
        if width is not None and self._column + cell_len(self._spaces) + cells > width:
            self._column = len(self._indent)
            return "\n" + self._indent
        self._column += cell_len(self._spaces)
        return self._spaces
