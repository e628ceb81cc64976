"""Finished runs leave memory: what pages and sums ask of a run stays, all else is bytes on a shelf, read on demand.

So an evaluation of ten thousand cases holds their verdicts and not their conversations. A kept outcome answers every
question of the outcome it was made of, and with equal values; it folds the run anew each time and keeps nothing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import IO, Final

import msgspec
from msgspec.structs import force_setattr

from agentctl.agent.events import Json, from_json
from agentctl.agent.run import Run
from agentctl.evals.result import CaseResult
from agentctl.evals.scorers.outcome import Call, Outcome, Place, Sight, outcome_of

ROOM: Final = 4 << 20
"""Bytes that stay in memory: a few hundred runs need no file."""


class Shelf:
    """Bytes put away and read again: the first `room` of them in memory, the others in a file that has no name."""

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._size = 0
        self._first = bytearray()
        """What has room, in one piece: bytes that were just made may hold twice the memory that they need."""
        self._untaken: dict[int, bytes] = {}
        """What has none, and no file took."""
        self._file: IO[bytes] | None = None

    def put(self, data: bytes) -> int:
        """Where the data (some bytes at least) stand now. What no file takes (a full disk) stays in memory."""
        at, self._size = self._size, self._size + len(data)
        if self._size <= self._room:
            self._first += data
        elif not self._written(data, at):
            self._untaken[at] = data
        return at

    def get(self, at: int, size: int) -> bytes:
        """The data that `put` put there."""
        if at < len(self._first):
            return bytes(memoryview(self._first)[at : at + size])
        untaken = self._untaken.get(at)
        if untaken is not None:
            return untaken
        assert self._file is not None
        return os.pread(self._file.fileno(), size, at)

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()

    def _written(self, data: bytes, at: int) -> bool:
        try:
            if self._file is None:
                import tempfile  # noqa: PLC0415  most evaluations fit into memory

                self._file = tempfile.TemporaryFile()  # noqa: SIM115  it is gone with the last outcome that is in it
            return os.pwrite(self._file.fileno(), data, at) == len(data)
        except OSError:
            return False


class Shelved:
    """What shows a run that is on a shelf: an `Outcome`'s `seen`."""

    __slots__ = ("_at", "_shelf", "_size")

    def __init__(self, outcome: Outcome, shelf: Shelf) -> None:
        data = outcome.to_bytes()
        self._shelf, self._at, self._size = shelf, shelf.put(data), len(data)

    @property
    def written(self) -> bytes:
        """The outcome as JSON."""
        return self._shelf.get(self._at, self._size)

    @property
    def run(self) -> Run:
        """The run, folded anew."""
        run = Run()
        for entry in msgspec.json.decode(self.written)["entries"]:
            run.append(from_json(entry["event"]), entry["at"])
        return run

    @property
    def text(self) -> str:
        """See `Outcome.text`."""
        return self._seen.text

    @property
    def reply(self) -> Place:
        """See `Outcome.reply`."""
        return self._seen.reply

    @property
    def calls(self) -> tuple[Call, ...]:
        """See `Outcome.calls`."""
        return self._seen.calls

    @property
    def observed(self) -> Mapping[str, Json]:
        """See `Outcome.observed`."""
        return self._seen.observed

    @property
    def _seen(self) -> Sight:
        return outcome_of(self.run).seen


def kept(result: CaseResult, shelf: Shelf) -> CaseResult:
    """The result, its run now on the shelf if it has one that strict JSON can say."""
    outcome = result.outcome
    if outcome is None:
        return result
    try:
        shelved = Shelved(outcome, shelf)
    except TypeError:
        return result
    force_setattr(outcome, "seen", shelved)  # it shows the same, and nobody looks at it now
    return result
