"""`Disk`: waits for the disk once for all who wait, and off the event loop.

What an entry costs is the wait for the disk, not the writing. So an intent to act is written at once, as every entry
is, and its run waits here before it acts: in a thread, so that the other runs go on, and once for all runs that wait at
that moment (group commit; Gray & Reuter, "Transaction Processing", 1993). Nothing is done before its intent is on the
disk.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from agentctl.agent.tools import in_thread
from agentctl.errors import StoreError
from agentctl.store.connection import WAIT_SECONDS, failures

MOST_ENTRIES: Final = 500
"""In the write-ahead log, before what it holds is moved into the file: by this thread, so that no run waits for it."""
FALLBACK_PAGES: Final = 10_000
"""Of the log, at which the writer moves it after all: nobody has waited for the disk in a long time."""


class Disk:
    """Waits for the disk on behalf of everyone who has written to the file at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._log = path.with_name(f"{path.name}-wal")
        self._under_way: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None
        self._named = False
        """Whether the name of the log is on the disk too."""
        self.written = 0
        """Entries since the log was moved."""

    async def safe(self) -> None:
        """Returns when all that was written before the call is on the disk.

        Raises:
            StoreError: the disk reports an error.
        """
        if self._next is None or self._next.done():  # done without a wait: the loop it was on is gone
            self._next = asyncio.create_task(self._after(self._under_way))
        await asyncio.shield(self._next)

    async def _after(self, before: asyncio.Task[None] | None) -> None:
        """The next wait, once the one under way is over: that one may have begun before the latest was written."""
        if before is not None and not before.done():
            await asyncio.wait([before])
        self._under_way, self._next = self._next, None
        await in_thread(self._wait, name="the disk")

    def _wait(self) -> None:
        """What SQLite's `synchronous=full` does behind a commit; checkpoints wait for the disk by themselves."""
        try:
            _synced(self._log, os.O_RDWR)
            if not self._named:
                _synced(self._log.parent, os.O_RDONLY)
                self._named = True
        except FileNotFoundError:
            return  # all of it was moved into the file, which waits for the disk
        except OSError as error:
            hint = "make room, or check the disk; what was stored before is safe"
            raise StoreError(f"the run store {self._path} cannot be written: {error.strerror}", hint=hint) from None
        if self.written > MOST_ENTRIES:
            self.written = 0
            with failures(self._path), closing(sqlite3.connect(self._path, timeout=WAIT_SECONDS)) as connection:
                connection.execute("pragma wal_checkpoint(passive)")


def _synced(path: Path, flags: int) -> None:
    handle = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
