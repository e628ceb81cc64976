"""Breakers that all processes of a machine share, in one small SQLite file; one change at a time, whoever makes it.

What cannot be read or written is a breaker nobody has heard of: closed. A disk that is full must not keep anyone from
asking. Moments are the machine's monotonic clock, which all its processes share; after a restart it begins anew, and
what was written before lies in the future and is forgotten.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import orjson

from agentctl.store.connection import immediate

WAIT_SECONDS: Final = 1.0
"""For other processes."""
TURN_SECONDS: Final = 5.0
"""For other threads of this process. They stand in line: SQLite would let them all try again and again, and some never
get in."""
TABLE: Final = "create table if not exists breakers (name text primary key, state text not null) without rowid"
FARTHEST: Final = 1200.0
"""Seconds from now: a breaker that opens later was written before the machine was restarted."""

A = TypeVar("A")
Kept = dict[str, object]
Step = Callable[["Kept | None", float], "tuple[Kept, A]"]


class BreakerFile:
    """The breakers in the file at `path`, as plain values. Safe to use from several threads and processes."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._turn = threading.Lock()

    def change(self, name: str, step: Step[A]) -> A:
        """Replaces what is kept under `name` (None when nothing is) by what `step` makes of it; returns its answer."""
        mine = self._turn.acquire(timeout=TURN_SECONDS)
        try:
            return self._change(name, step)
        except (sqlite3.Error, OSError, ValueError):
            return step(None, self._clock())[1]
        finally:
            if mine:
                self._turn.release()

    def _change(self, name: str, step: Step[A]) -> A:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=WAIT_SECONDS, isolation_level=None)
        try:
            connection.execute("pragma synchronous=off")
            connection.execute(TABLE)
            with immediate(connection):
                row = connection.execute("select state from breakers where name = ?", (name,)).fetchone()
                now = self._clock()
                kept, answer = step(_current(row, now), now)
                text = orjson.dumps(kept).decode()
                connection.execute("insert or replace into breakers values (?, ?)", (name, text))
            return answer
        finally:
            connection.close()


def _current(row: tuple[str] | None, now: float) -> Kept | None:
    kept = None if row is None else orjson.loads(row[0])
    if not isinstance(kept, dict):
        return None
    until = kept.get("until")
    return None if isinstance(until, int | float) and until > now + FARTHEST else kept
