"""`Page`: the one place where the trace meets the console.

What is given to it must have passed `clean`; it is added as plain text, never as markup. Every line but running text is
cut to the width of the window, so that a trace reads the same at 40 columns and at 200.
"""

from __future__ import annotations

from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from agentctl.observe.flow import Flow
from agentctl.observe.marks import STAND_INS
from agentctl.observe.preview import one_line

INDENT: Final = "  "
GUTTER: Final = f"{INDENT}┆ "
"""Before what was thought and not said: without colours nothing else would tell the two apart."""
DOT: Final = " · "
WIDEST: Final = 100
"""Cells; longer lines are hard to read, however wide the window is."""

ASCII: Final = str.maketrans(STAND_INS)


class Page:
    """Text on one console, in lines and blocks. While `muted` nothing is written."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.muted = False
        self._encoding = console.encoding
        self._unicode = self._encoding.lower().startswith("utf")

    @property
    def room(self) -> int:
        """Cells beside the indent."""
        return max((self._wrap_width() or WIDEST) - len(INDENT), 1)

    def write(self, *pieces: tuple[str, str]) -> None:
        """Writes (text, style) pieces where the cursor is; they are neither wrapped nor cut."""
        if self.muted:
            return
        text = Text()
        for piece, style in pieces:
            text.append(piece if self._unicode else self._plain(piece), style)
        self.console.print(text, end="", soft_wrap=True, highlight=False)

    def line(self, text: str, style: str = "", *, indent: str = INDENT) -> None:
        """One line, cut to the window."""
        self.write((f"{indent}{one_line(text, max(self.room - max(len(indent) - len(INDENT), 0), 1))}\n", style))

    def flow(self, style: str = "", *, indent: str = INDENT) -> Flow:
        """A block of text that may still arrive; wrapped on a terminal, left to the reader elsewhere."""
        return Flow(lambda text: self.write((text, style)), self._wrap_width, indent)

    def block(self, text: str, style: str = "", *, indent: str = INDENT) -> None:
        """A block of text that is whole."""
        flow = self.flow(style, indent=indent)
        flow.feed(text)
        flow.close()

    def figures(self, parts: list[str], *, indent: str = INDENT) -> None:
        """The parts with dots between them, on as many lines as they need."""
        lines = [""]
        for part in parts:
            longer = f"{lines[-1]}{DOT}{part}" if lines[-1] else part
            if lines[-1] and cell_len(longer) > self.room:
                lines.append(part)
            else:
                lines[-1] = longer
        for line in lines:
            self.line(line, "dim", indent=indent)

    def _wrap_width(self) -> int | None:
        return min(self.console.width, WIDEST) if self.console.is_terminal else None

    def _plain(self, text: str) -> str:
        return text.translate(ASCII).encode(self._encoding, "replace").decode(self._encoding)
