"""One key at a time: waiting for a person who reads, on a terminal and nowhere else."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Final

PROMPT: Final = "-- any key: go on · q: stop --"
STOP: Final = (b"q", b"Q", b"\x04", b"")
"""`q`, end of input, or a terminal that is gone."""


class Keys:
    """Waits for a key when both ends are a terminal; else nobody is there to press one and it never waits."""

    def __init__(self) -> None:
        self.is_on = sys.stdin.isatty() and sys.stdout.isatty()

    def wait(self) -> bool:
        """Whether to go on. The prompt is gone afterwards; Ctrl-C is an interrupt, as everywhere."""
        if not self.is_on:
            return True
        sys.stdout.flush()
        print(f"{PROMPT}", end="", flush=True)
        try:
            return _key() not in STOP
        finally:
            print(f"\r{' ' * len(PROMPT)}\r", end="", flush=True)


def _key() -> bytes:
    """The next key; the rest of one that sends several bytes is dropped."""
    try:
        import termios  # noqa: PLC0415  there is none on Windows
        import tty  # noqa: PLC0415
    except ImportError:
        return sys.stdin.readline().encode() or b""
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    try:
        tty.setcbreak(terminal)
        key = os.read(terminal, 1)
        termios.tcflush(terminal, termios.TCIFLUSH)
        return key
    finally:
        with contextlib.suppress(termios.error):  # the terminal was closed meanwhile
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)
