"""Finished runs leave memory: what pages and sums ask of a run stays, all else is bytes on a shelf, read on demand.

So an evaluation of ten thousand cases holds their verdicts and not their conversations. A kept outcome answers every
question of the outcome it was made of, and with equal values; it folds the run anew each time and keeps nothing.
"""

from __future__ import annotations

import os
from functools import partial
from typing import IO, Any, Final

import msgspec
from msgspec.structs import force_setattr

from agentctl.agent.events import JsonObject, from_json
from agentctl.agent.run import Run, Usage
from agentctl.evals.result import CaseResult
from agentctl.evals.scorers.outcome import Outcome, outcome_of

ROOM: Final = 4 << 20
"""Bytes that stay in memory: a few hundred runs need no file."""

FOLDED: Final = frozenset({"run", "text", "reply", "calls", "observed"})
"""What an outcome says of its run, and what the stored entries give back."""

STAYS: Final = tuple(name for name in Outcome.__slots__ if name not in FOLDED)


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


class KeptOutcome(Outcome):
    """An outcome whose run is on a shelf. The figures are at hand."""

    __slots__ = ("_at", "_shelf", "_size", "began", "ended", "tool_names", "turns", "usage")

    turns: int
    usage: Usage
    ended: str
    tool_names: list[str]
    began: float | None
    _shelf: Shelf
    _at: int
    _size: int

    def __init__(self, outcome: Outcome, shelf: Shelf) -> None:
        data = outcome.to_bytes()
        have = partial(object.__setattr__, self)
        for name in STAYS:
            have(name, getattr(outcome, name))
        have("turns", outcome.turns)
        have("usage", outcome.usage)
        have("ended", outcome.ended)
        have("tool_names", outcome.tool_names)
        have("began", outcome.began)
        have("_shelf", shelf)
        have("_at", shelf.put(data))
        have("_size", len(data))

    def __getattr__(self, name: str) -> Any:
        """What only the whole run can say."""
        if name not in FOLDED:
            raise AttributeError(name)
        run = Run()
        for entry in self.to_json()["entries"]:
            run.append(from_json(entry["event"]), entry["at"])
        return getattr(outcome_of(run), name)

    def to_json(self) -> JsonObject:
        """The run as it stands in the document."""
        document: JsonObject = msgspec.json.decode(self.to_bytes())
        return document

    def to_bytes(self) -> bytes:
        """The same, as JSON."""
        return self._shelf.get(self._at, self._size)


def kept(result: CaseResult, shelf: Shelf) -> CaseResult:
    """The result, its run now on the shelf if it has one that strict JSON can say."""
    if result.outcome is None:
        return result
    try:
        outcome = KeptOutcome(result.outcome, shelf)
    except TypeError:
        return result
    force_setattr(result, "outcome", outcome)  # it is equal, and nobody has seen the result yet
    return result
