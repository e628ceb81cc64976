"""Rich consoles for the commands that draw: the environment decides on colour, and nothing is ever taken for markup."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn, TextIO

from rich.console import Console

from agentctl.cli import exits
from agentctl.cli.console import wants_color


class Screen(Console):
    """A console whose reader may go away: that raises BrokenPipeError, as a plain print would."""

    def on_broken_pipe(self) -> NoReturn:
        """Rich would end the process here, with everything that is still open."""
        self._buffer.clear()
        raise BrokenPipeError


def screen(stream: TextIO) -> Screen:
    """A console on `stream`: without colour no escape sequence at all, and no character that it cannot encode fails."""
    tolerate(stream)
    color = wants_color(stream)
    return Screen(
        file=stream,
        color_system="standard" if color else None,
        force_terminal=None if stream.isatty() or not color else True,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
    )


def tolerate(stream: TextIO) -> None:
    """Lets characters that the stream's encoding does not have come out as escapes."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")


@contextmanager
def readers_may_leave() -> Iterator[None]:
    """A reader that goes away (`| head`) ends the command quietly, with success: it has read what it wanted."""
    try:
        yield
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())  # what is still buffered goes there at exit
        raise SystemExit(exits.OK) from None
