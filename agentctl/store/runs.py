"""`Runs`: the runs of a project, entry by entry, in one SQLite file.

An entry is stored the moment it happens, before anyone else hears of it, so a process that dies leaves every fact it
had. Nothing is stored twice: how a run ended is its last entry, what it cost is in its replies. Entries are only ever
added; a run that goes on gets more of them.
"""

from __future__ import annotations

import json
import re
import secrets
import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import orjson

from agentctl.agent.events import Entry, JsonObject, Resumed, Settled, ToolCalled, from_json, to_json
from agentctl.agent.ports import Clock, Sink
from agentctl.errors import StoreError, UsageError
from agentctl.store.alive import Alive
from agentctl.store.connection import check, connect, failures, synchronous
from agentctl.store.disk import FALLBACK_PAGES, Disk
from agentctl.store.soundness import checksum, intact

SUFFIX_BYTES: Final = 2
MOST_NAMED: Final = 5

INSERT: Final = "insert into entries values (?, ?, ?, ?, ?)"
"""The place of an entry is taken once: a process that was paused while another took its run over can write no more."""

INTENTS: Final = (ToolCalled, Settled, Resumed)

LONG_NUMBER: Final = re.compile(r"\d{19}")
"""May be an integer of over 64 bits, of which the fast parser makes a float."""

LONE: Final = re.compile("[\ud800-\udfff]")
"""A half of a character, which no file of SQLite's can hold."""

EVENT: Final = "intact(crc, run, seq, at, event)"
"""An entry's event; an error when anything of the entry is not what was stored."""

NEXT: Final = f"select {EVENT} from entries where (run, seq) > (?, ?) limit 1"  # noqa: S608  of constants
"""What stands behind the last entry of a run; when its key is damaged it may be the run's own next one."""

NEXT_PLACE: Final = "(select coalesce(max(place), 0) + 1 from runs)"
NEWEST_FIRST: Final = "order by place desc, id desc"
"""By the order they were made in, whatever the clock said."""

SUMMARY: Final = f"""
select id, agent, bundle, started_at, parent, intact(crc, id, agent, bundle, started_at, parent, meta),
    (select json_extract({EVENT}, '$.kind', '$.reason') from entries where run = id order by seq desc limit 1),
    (select count(*) from entries where run = id),
    (select event from entries where run = id and json_extract({EVENT}, '$.kind') = 'user_said' order by seq limit 1)
from runs
"""  # noqa: S608  of constants


@dataclass(frozen=True, slots=True)
class StoredRun:
    """What the list of runs shows of one."""

    id: str
    agent: str
    """`name@version` at the start."""
    bundle: str
    started_at: float
    """Seconds since the epoch."""
    ended: str | None
    """The reason of the end; None while it runs, or when its process died."""
    entries: int
    said: str
    """The first thing the user said, or empty."""
    parent: str | None = None
    meta: Mapping[str, Any] | None = None


class Runs:
    """The runs stored in the file at `path`, which is made when the first run is. Close it, or use it in a `with`.

    Every method raises StoreError when the file cannot be read or written. Use it from one thread.
    """

    def __init__(self, path: Path, *, clock: Clock = time.time) -> None:
        self.path = path
        self._clock = clock
        self._connection: sqlite3.Connection | None = None
        self._alive = Alive(path.parent / "running")
        self._disk: Disk | None = None
        self._failed: dict[str, StoreError] = {}
        """Runs of which an entry could not be stored: what comes after it would leave a hole."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = self._disk = None
        self._alive.release()

    def create(
        self, agent: str, bundle: str, *, parent: str | None = None, meta: Mapping[str, Any] | None = None
    ) -> str:
        """Makes a run without entries; returns its id, which sorts by the time it was made (UTC) to the second."""
        at = float(self._clock())
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(at))
        while True:
            run_id = f"{stamp}-{secrets.token_hex(SUFFIX_BYTES)}"
            row = (run_id, agent, bundle, at, parent, _dump(dict(meta or {})))
            with failures(self.path):
                sql = f"insert or ignore into runs values (?, ?, ?, ?, ?, ?, ?, {NEXT_PLACE})"  # noqa: S608
                cursor = self._writable().execute(sql, (*row, checksum(*row)))
            if cursor.rowcount:
                self._alive.claim(run_id)
                return run_id

    def claim(self, run_id: str) -> bool:
        """Says that this process goes on with the run, until `close`; False when another process that lives does."""
        return self._alive.claim(run_id)

    def is_alive(self, run_id: str) -> bool:
        """Whether another process that lives goes on with the run."""
        return self._alive.is_held(run_id)

    def append(self, run_id: str, entry: Entry, *, waits: bool = True) -> None:
        """Stores the next entry of a run; when this returns, a killed process loses it no more.

        An intent to act is on the disk as well, with all that was stored before it: the power may fail. Without `waits`
        it is only when `safe` has returned. An entry that
        cannot be stored is the end of the run as far as this process goes, as if it had been killed there: none that
        comes after it is taken, so what is stored has no hole and `resume` goes on from it.

        Raises:
            StoreError: it, or one before it, cannot be written, or another process goes on with this run and has taken
                this place.
        """
        if run_id in self._failed:
            first = self._failed[run_id]
            raise StoreError(str(first), hint=first.hint)
        row = (run_id, entry.seq, float(entry.at), _dump(to_json(entry.event)))
        try:
            connection = self._writable()
            intent = waits and isinstance(entry.event, INTENTS)
            with failures(self.path), synchronous(connection) if intent else nullcontext():
                connection.execute(INSERT, (*row, checksum(*row)))
            if self._disk is not None:
                self._disk.written += 1
        except StoreError as error:
            self._failed[run_id] = error
            raise

    def check(self) -> None:
        """Looks through the whole file: who goes on with a run must not miss the end of what was done in it.

        Raises:
            StoreError: it is damaged.
        """
        if self.path.exists():
            with failures(self.path):
                connection = self._writable()
            check(connection, self.path)

    def sink(self, run_id: str, *, waits: bool = True) -> Sink:
        """A sink that appends to the run."""
        return lambda entry: self.append(run_id, entry, waits=waits)

    async def safe(self, run_id: str) -> None:
        """Returns when all entries of the run are on the disk; many runs share one wait for it.

        Raises:
            StoreError: the disk reports an error; the run takes no more entries.
        """
        if self._disk is None:
            self._disk = Disk(self.path)
            with failures(self.path):
                self._writable().execute(f"pragma wal_autocheckpoint={FALLBACK_PAGES}")
        try:
            await self._disk.safe()
        except StoreError as error:
            self._failed[run_id] = error
            raise

    def entries(self, run_id: str) -> tuple[Entry, ...]:
        """Every entry of the run, in order.

        Raises:
            UsageError: there is no such run.
            StoreError: an entry cannot be read, or one is missing.
        """
        self._known(run_id)
        rows = self._read("select seq, at, event, crc from entries where run = ? order by seq", (run_id,))
        self._read(NEXT, (run_id, len(rows) - 1))
        found = tuple(self._entry(run_id, *row) for row in rows)
        for i, entry in enumerate(found):
            if entry.seq != i:
                raise StoreError(f"entry {i} of run {run_id} is missing in {self.path}")
        return found

    def list(self, agent: str | None = None, limit: int | None = None) -> Sequence[StoredRun]:
        """Runs, the last one first, whatever the clock said; `agent` is `name` or `name@version`."""
        where, parameters = _of_agent(agent)
        newest = f"select id from runs {where} {NEWEST_FIRST} limit ?"  # noqa: S608  of constants
        sql = f"{SUMMARY} where id in ({newest}) {NEWEST_FIRST}"
        return [_stored(row) for row in self._read(sql, (*parameters, -1 if limit is None else limit))]

    def latest(self, agent: str | None = None) -> StoredRun | None:
        """The newest run, or None."""
        return next(iter(self.list(agent, 1)), None)

    def get(self, run_id: str) -> StoredRun:
        """The run of exactly this id.

        Raises:
            UsageError: there is none.
        """
        rows = self._read(f"{SUMMARY} where id = ?", (run_id,))
        if not rows:
            raise UsageError(f"there is no run {run_id!r}", hint="`agentctl runs list` shows those there are")
        return _stored(rows[0])

    def resolve(self, prefix: str) -> str:
        """The id that begins or ends with `prefix`; `latest` or `last` is the newest.

        Raises:
            UsageError: none does, or several do (the message lists them).
        """
        if prefix in {"latest", "last"}:
            newest = self.latest()
            if newest is None:
                raise UsageError("no run is stored yet", hint="`agentctl chat` and `agentctl run` store theirs")
            return newest.id
        sql = "select id from runs where substr(id, 1, ?) = ? or substr(id, -?) = ? order by id desc"
        size = max(len(prefix), 1)
        found = [row[0] for row in self._read(sql, (size, prefix, size, prefix))]
        if prefix in found:
            return prefix
        if len(found) == 1:
            return str(found[0])
        if not found:
            raise UsageError(f"there is no run {prefix!r}", hint="`agentctl runs list` shows those there are")
        named = ", ".join(found[:MOST_NAMED]) + (", ..." if len(found) > MOST_NAMED else "")
        raise UsageError(f"{prefix!r} fits {len(found)} runs: {named}", hint="give more of the id")

    def _known(self, run_id: str) -> None:
        if not self._read("select 1 from runs where id = ?", (run_id,)):
            raise UsageError(f"there is no run {run_id!r}", hint="`agentctl runs list` shows those there are")

    def _entry(self, run_id: str, seq: int, at: float, event: str, crc: int | None) -> Entry:
        try:
            return Entry(seq, at, from_json(_load(intact(crc, run_id, seq, at, event))))
        except (ValueError, AttributeError, TypeError) as error:
            raise StoreError(f"entry {seq} of run {run_id} in {self.path} cannot be read: {error}") from None

    def _writable(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = connect(self.path)
        return self._connection

    def _read(self, sql: str, parameters: tuple[Any, ...]) -> Sequence[Any]:
        """The rows; none when there is no file yet, which reading does not make."""
        if self._connection is None and not self.path.exists():
            return []
        if not all(each.isascii() or LONE.search(each) is None for each in parameters if isinstance(each, str)):
            return []  # bytes that are no text, from a command line: nothing is stored under them
        with failures(self.path), closing(self._writable().execute(sql, parameters)) as cursor:
            return cursor.fetchall()


def _of_agent(agent: str | None) -> tuple[str, tuple[str, ...]]:
    if agent is None:
        return "", ()
    if "@" in agent:
        return "where agent = ?", (agent,)
    return "where substr(agent, 1, instr(agent, '@') - 1) = ?", (agent,)


def _stored(row: tuple[Any, ...]) -> StoredRun:
    run_id, agent, bundle, started_at, parent, meta, last, entries, said = row
    kind, reason = orjson.loads(last) if last else (None, None)
    return StoredRun(
        id=run_id,
        agent=agent,
        bundle=bundle,
        started_at=started_at,
        ended=reason if kind == "run_ended" else None,
        entries=entries,
        said=_text(_load(said)["content"]) if said else "",
        parent=parent,
        meta=_load(meta),
    )


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(str(block.get("text", "")) for block in content if isinstance(block, dict))


def _dump(value: JsonObject) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # integers over 64 bits, lone surrogates
        return json.dumps(value)


def _load(text: str) -> Any:
    if LONG_NUMBER.search(text):
        return json.loads(text)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)
