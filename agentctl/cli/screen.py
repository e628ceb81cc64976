"""Rich consoles for the commands that draw: the environment decides on colour, and nothing is ever taken for markup."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable, Iterator
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
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def screen(stream: TextIO) -> Screen:
    """A console on `stream`; without colour no escape sequence at all."""
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


@contextmanager
def readers_may_leave() -> Iterator[None]:
    """Ends the command quietly when nobody reads any more.

    A reader that goes away (`| head`) has read what it wanted: success. A terminal that is gone is a hang-up; a
    disk that fails in the same words is not.
    """
    try:
        yield
    except OSError as error:
        hung_up = error.errno == errno.EIO and error.filename is None and has_gone(range(3))
        if error.errno != errno.EPIPE and not hung_up:
            raise
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr) if hung_up else (sys.stdout,):
            os.dup2(nowhere, stream.fileno())  # what is still buffered goes there at exit
        raise SystemExit(exits.TERMINATED if hung_up else exits.OK) from None


def has_gone(places: Iterable[int]) -> bool:
    """Whether one of these file descriptors is a terminal that was closed."""
    for place in places:
        try:
            os.get_terminal_size(place)
        except OSError as error:
            if error.errno == errno.EIO:
                return True
    return False
