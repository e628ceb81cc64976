"""Terminals to run commands in: a real one (tmux), whose screen can be read, and a raw one that keeps every byte."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shutil
import struct
import subprocess
import termios
import time
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest

PATIENCE: Final = 30.0
"""Seconds until something that should appear is given up."""

needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Tmux:
    """A command in a tmux window of its own; `close` ends it."""

    def __init__(
        self, command: list[str], root: Path, env: dict[str, str], *, width: int = 80, height: int = 50
    ) -> None:
        self._socket = f"agentctl-{uuid4().hex[:8]}"
        size = ["-x", str(width), "-y", str(height)]
        script = root / f"{self._socket}.sh"
        words = " ".join(f"'{word}'" for word in command)
        script.write_text(f'trap : INT\n{words}\necho "left with $?"\nsleep {2 * PATIENCE:.0f}\n')
        self._tmux("-f", "/dev/null", "new-session", "-d", *size, "-c", str(root), "sh", str(script), env=env)

    def _tmux(self, *arguments: str, env: dict[str, str] | None = None) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._socket, *arguments], env=env, capture_output=True, text=True, check=True
        )
        return done.stdout

    def type(self, *keys: str) -> None:
        """Presses keys, as tmux names them; what is no name is typed."""
        self._tmux("send-keys", *keys)

    def paste(self, text: str) -> None:
        """Pastes text in brackets, as a terminal does."""
        self._tmux("set-buffer", text)
        self._tmux("paste-buffer", "-p", "-r")

    @property
    def screen(self) -> str:
        """The whole screen and what has scrolled off it."""
        return self._tmux("capture-pane", "-p", "-S", "-500").rstrip("\n")

    def wait_for(self, text: str, times: int = 1) -> str:
        """The screen, once `text` stands on it that often."""
        until = time.monotonic() + PATIENCE
        while (screen := self.screen).count(text) < times:
            assert time.monotonic() < until, f"{text!r} never appeared {times} times on\n{screen}"
            time.sleep(0.05)
        return screen

    def close(self) -> None:
        """Ends the window and what runs in it."""
        subprocess.run(["tmux", "-L", self._socket, "kill-server"], capture_output=True, check=False)


class RawTerminal:
    """A command on a pseudo-terminal; every byte it writes is kept."""

    def __init__(self, command: list[str], root: Path, env: dict[str, str], *, width: int = 80) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
        self.process = subprocess.Popen(
            command, cwd=root, env=env, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        self.written = b""

    def type(self, text: str) -> None:
        """Types the text."""
        os.write(self._master, text.encode())

    def wait_for(self, text: str) -> None:
        """Reads until `text` was written."""
        until = time.monotonic() + PATIENCE
        while text.encode() not in self.written:
            assert self._read(until - time.monotonic()), f"{text!r} never appeared in {self.written!r}"

    def rest(self) -> int:
        """Reads to the end and returns the exit code."""
        while self._read(PATIENCE):
            pass
        code = self.process.wait(PATIENCE)
        os.close(self._master)
        return code

    def hang_up(self) -> int:
        """Closes the terminal, as a window that is closed does; returns the exit code."""
        os.close(self._master)
        return self.process.wait(PATIENCE)

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(seconds, 0))
        if not ready:
            return False
        try:
            piece = os.read(self._master, 65536)
        except OSError:  # the other end is closed
            return False
        self.written += piece
        return bool(piece)
