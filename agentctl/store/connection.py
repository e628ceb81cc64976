"""An SQLite connection whose failures are sentences: every error of the database becomes a `StoreError`.

Write-ahead log, so that readers never wait; `synchronous=NORMAL`, so that what was written survives a killed process;
statements commit by themselves unless they stand in `immediate`, which takes the write lock first: a transaction that
reads and then writes can not be refused half-way.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from agentctl.errors import StoreError
from agentctl.store.soundness import check_log, intact

WAIT_SECONDS: Final = 5.0
"""For another process that is writing."""

PAUSE_SECONDS: Final = 0.01

RUNS: Final = """
create table runs (
    id text primary key,
    agent text not null,
    bundle text not null,
    started_at real not null,
    parent text,
    meta text not null
) without rowid;
create index runs_by_start on runs (started_at, id);
create table entries (
    run text not null references runs (id),
    seq integer not null,
    at real not null,
    event text not null,
    primary key (run, seq)
) without rowid;
"""

RESULTS: Final = """
create table results (
    id integer primary key,
    suite text not null,
    agent text not null,
    bundle text not null,
    model text not null,
    revision text not null,
    first_at real not null,
    last_at real not null,
    times integer not null,
    complete integer not null,
    exit_code integer not null,
    file text not null,
    digest text not null
);
create index results_by_suite on results (suite, id);
create table result_cases (
    result integer not null references results (id),
    id text not null,
    verdict text not null,
    passed integer not null,
    judged integer not null,
    played integer not null,
    cost_usd real,
    seconds real not null,
    tokens integer not null,
    primary key (result, id)
) without rowid;
create table absorbed (name text primary key) without rowid;
"""

ANSWERS: Final = """
create table answers (
    key text primary key,
    agent text not null,
    version text not null,
    model text not null,
    run text not null,
    at real not null,
    answer text not null,
    used integer not null,
    served integer not null
) without rowid;
create index answers_by_use on answers (agent, used);
"""

CHECKSUMS: Final = """
alter table runs add column crc integer;
alter table entries add column crc integer;
drop index runs_by_start;
"""
"""What is read goes by the rows, which have a checksum, and not by an index, which has none."""

ANSWER_CHECKSUMS: Final = """
alter table answers add column crc integer;
"""

PLACES: Final = """
alter table runs add column place integer not null default 0;
update runs set place = older.place
    from (select id, row_number() over (order by started_at, id) as place from runs) as older where older.id = runs.id;
"""
"""Which run came after which: a clock that is set back does not say."""

STEPS: Final = (RUNS, RESULTS, ANSWERS, CHECKSUMS, ANSWER_CHECKSUMS, PLACES)
"""From an empty file to schema 1, from there to 2, and so on."""

INTACT: Final = (
    "select count(intact(crc, id, agent, bundle, started_at, parent, meta)) from runs",
    "select count(intact(crc, run, seq, at, event)) from entries",
)
"""Reads every row."""

SCHEMA: Final = len(STEPS)
"""Written to `user_version`. A newer one is refused; older ones are upgraded here, step by step."""


def connect(path: Path) -> sqlite3.Connection:
    """The database at `path`, made if it is not there, with its tables.

    Raises:
        StoreError: it cannot be opened or made, is no database, or was written by a newer version.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot make {path.parent}: {error.strerror}", hint="runs are stored there") from None
    with failures(path):
        connection = sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("pragma synchronous=normal")
    connection.execute("pragma foreign_keys=on")
    connection.create_function("intact", -1, intact, deterministic=True)
    version = _version(connection, path)
    check_log(connection, path)
    if version == SCHEMA:
        return
    _write_ahead(connection)
    with immediate(connection):
        for step in STEPS[_version(connection, path) :]:  # none when somebody was faster
            for statement in step.strip().split(";\n"):
                connection.execute(statement)
        connection.execute(f"pragma user_version={SCHEMA}")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Turns the log on. At this one statement SQLite does not wait for others, so it is asked until they are done."""
    until = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            connection.execute("pragma journal_mode=wal")
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(PAUSE_SECONDS)
        else:
            return


def _version(connection: sqlite3.Connection, path: Path) -> int:
    version: int = connection.execute("pragma user_version").fetchone()[0]
    if version > SCHEMA:
        raise StoreError(
            f"{path} was written by a newer agentctl (its schema is {version}, this one knows up to {SCHEMA})",
            hint="upgrade agentctl, or move the file away to start a new one",
        )
    return version


@contextmanager
def immediate(connection: sqlite3.Connection) -> Iterator[None]:
    """One transaction that holds the write lock from its first statement on."""
    connection.execute("begin immediate")
    try:
        yield
    except BaseException:
        if connection.in_transaction:  # a full disk has rolled it back already
            connection.execute("rollback")
        raise
    connection.execute("commit")


def check(connection: sqlite3.Connection, path: Path) -> None:
    """Looks through the whole file: nothing that goes on from what it holds may miss a part of it.

    Raises:
        StoreError: it is damaged.
    """
    with failures(path):
        (found,) = connection.execute("pragma quick_check(1)").fetchone()
        for query in INTACT if found == "ok" else ():
            connection.execute(query).fetchone()
    if found != "ok":
        raise StoreError(f"the run store {path} is damaged: {found.splitlines()[-1]}", hint=_move(path))


@contextmanager
def synchronous(connection: sqlite3.Connection) -> Iterator[None]:
    """What is committed inside is on the disk when it is left, and so is everything before it."""
    connection.execute("pragma synchronous=full")
    try:
        yield
    finally:
        connection.execute("pragma synchronous=normal")


@contextmanager
def failures(path: Path) -> Iterator[None]:
    """Turns what SQLite raises into a StoreError with a way out."""
    try:
        yield
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # the words of an error may be damaged as well
        reason, hint = _reason(str(error), path)
        raise StoreError(f"the run store {path} {reason}", hint=hint) from error


def _reason(text: str, path: Path) -> tuple[str, str]:
    for mark, reason, hint in (
        ("locked", "is locked by another process", "wait for it, or end it; `fuser` on the file names it"),
        ("busy", "is locked by another process", "wait for it, or end it; `fuser` on the file names it"),
        ("not a database", "is no database or is damaged", _move(path)),
        ("malformed", "is damaged", _move(path)),
        ("user-defined function", "is damaged: something in it is not what was stored", _move(path)),
        ("decode", "is damaged: a text in it is none", _move(path)),
        ("no such table", "is damaged: a table is missing", _move(path)),
        ("no such column", "is damaged: a column is missing", _move(path)),
        (
            "disk I/O",
            "cannot be read or written: the disk reports an error",
            "it may be full or broken: make room on it",
        ),
        ("full", "cannot be written: the disk is full", "make room; what was stored before is safe"),
        ("readonly", "cannot be written: it is read-only", "check the permissions of the file and its directory"),
        ("unable to open", "cannot be opened", "check the permissions of the file and its directory"),
        ("UNIQUE", "already has this entry", "another process goes on with the same run; end one of them"),
    ):
        if mark in text:
            return reason, hint
    return f"failed: {text}", ""


def _move(path: Path) -> str:
    return f"move it away (mv {path.name} {path.name}.damaged); a new one is made at the next run"
