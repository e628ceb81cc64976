"""Which runs a process that lives is at: a locked file for each, which the kernel lets go of when the process ends.

However it ends: nothing has to be cleaned up after a kill. A process that was stopped with SIGSTOP still lives.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # no locks on this system: then nobody is known to be at a run
    fcntl = None  # type: ignore[assignment]


class Alive:
    """The runs that this process is at, as files in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, int] = {}

    def claim(self, run_id: str) -> bool:
        """Takes the run; False when another process has it. A folder that cannot be written keeps nobody from it."""
        if fcntl is None or run_id in self._held:
            return True
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._folder / run_id, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError:
            return True
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            return False
        self._held[run_id] = handle
        return True

    def is_held(self, run_id: str) -> bool:
        """Whether another process has the run."""
        if fcntl is None or run_id in self._held:
            return False
        try:
            handle = os.open(self._folder / run_id, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(handle)
        return False

    def release(self) -> None:
        """Lets go of every run."""
        for run_id, handle in self._held.items():
            with suppress(OSError):
                (self._folder / run_id).unlink()
            os.close(handle)
        self._held.clear()
