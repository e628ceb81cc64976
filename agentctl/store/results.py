"""`Results`: what evaluations found, suite by suite and case by case, in the file that also holds the runs.

A result that finds again what the newest one of its suite found (the same cases, the same figures, the same commit: a
replay of the same recordings) is that result, seen once more. So the history holds changes, not repetitions. Rows are
only ever added or counted up; sums are made when they are asked for.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import orjson

from agentctl.store.connection import connect, failures, immediate
from agentctl.store.found import Found, ResultCase, found_of

SELECT: Final = """
select r.suite, r.agent, r.bundle, r.model, r.revision, r.complete, r.exit_code, r.file, r.id, r.first_at, r.last_at,
    r.times, count(*), sum(c.passed), sum(c.judged), sum(c.played),
    case when sum(c.cost_usd is null and c.played) then null else sum(c.cost_usd) end, sum(c.seconds), sum(c.tokens)
from results r join result_cases c on c.result = r.id
"""


@dataclass(frozen=True, slots=True)
class StoredResult:
    """A stored result; its figures are sums over its cases, or those of one case."""

    suite: str
    agent: str
    bundle: str
    model: str
    revision: str
    complete: bool
    exit_code: int
    file: str
    id: int
    first_at: float
    """Seconds since the epoch, when it was first found."""
    last_at: float
    """When it was last found again."""
    times: int
    cases: int
    passed: int
    judged: int
    played: int
    cost_usd: float | None
    seconds: float
    tokens: int


class Results:
    """The results in the file at `path`, which is made when the first one is stored. Close it, or use it in a `with`.

    Every method raises StoreError when the file cannot be read or written. Use it from one thread.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: sqlite3.Connection | None = None

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
            self._connection = None

    def absorb(self, folder: Path) -> None:
        """Takes in the results that evaluations left as files in `folder`, in the order of their names; each once.

        A file goes when what it holds is stored. Should the process die in between, its name is known, and the next
        one only takes it away. What cannot be read is left there as `*.damaged`.
        """
        waiting = sorted(folder.glob("*.json")) if folder.is_dir() else []
        if not waiting:
            return
        with failures(self.path):
            connection = self._open()
            with immediate(connection):  # whoever else absorbs waits here, and then finds the files gone or known
                known = {row[0] for row in connection.execute("select name from absorbed")}
                for path in waiting:
                    if path.name not in known:
                        for found in _left(path):
                            _add(connection, found)
                        connection.execute("insert into absorbed values (?)", (path.name,))
            for path in waiting:
                path.unlink(missing_ok=True)
            connection.executemany("delete from absorbed where name = ?", [(path.name,) for path in waiting])

    def add(self, found: Sequence[Found]) -> None:
        """Stores these, or counts those up that are what was found last; all of them or none."""
        with failures(self.path):
            connection = self._open()
            with immediate(connection):
                for each in found:
                    _add(connection, each)

    def suites(self) -> Sequence[str]:
        """The suites that have results, by name."""
        return [row[0] for row in self._read("select distinct suite from results order by suite")]

    def list(
        self, suite: str, *, case: str | None = None, since: float = 0.0, limit: int | None = None
    ) -> Sequence[StoredResult]:
        """The results of a suite, the oldest first: of those found since then the newest `limit`.

        With a case, those it ran in, and the figures are its own.
        """
        only = "" if case is None else "and c.id = ?"
        sql = f"{SELECT} where r.suite = ? {only} and r.last_at >= ? group by r.id order by r.id desc limit ?"
        parameters = (suite, *(() if case is None else (case,)), since, -1 if limit is None else limit)
        return [_stored(row) for row in reversed(self._read(sql, parameters))]

    def cases(self, result: int) -> Sequence[ResultCase]:
        """What became of every case of a result, by id."""
        sql = """select id, verdict, passed, judged, played, cost_usd, seconds, tokens from result_cases
            where result = ? order by id"""
        return [ResultCase(*row) for row in self._read(sql, (result,))]

    def before(self, result: StoredResult) -> dict[str, tuple[int, ResultCase]]:
        """For each case that had a verdict in a result of the suite before this one: the newest such, by its id."""
        sql = """select max(r.id), c.id, verdict, passed, judged, played, cost_usd, seconds, tokens
            from results r join result_cases c on c.result = r.id
            where r.suite = ? and r.id < ? and c.judged group by c.id"""  # the columns beside max() are of its row
        rows = self._read(sql, (result.suite, result.id))
        return {row[1]: (row[0], ResultCase(*row[1:])) for row in rows}

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = connect(self.path)
        return self._connection

    def _read(self, sql: str, parameters: tuple[Any, ...] = ()) -> Sequence[Any]:
        """The rows; none when there is no file yet, which reading does not make."""
        if self._connection is None and not self.path.exists():
            return []
        with failures(self.path), closing(self._open().execute(sql, parameters)) as cursor:
            return cursor.fetchall()


def _left(path: Path) -> list[Found]:
    """What an evaluation left in this file; nothing when another process was faster, or it is damaged."""
    try:
        return [found_of(each) for each in orjson.loads(path.read_bytes())]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError):
        path.rename(path.with_suffix(".damaged"))
        return []


def _stored(row: tuple[Any, ...]) -> StoredResult:
    values = dict(zip(StoredResult.__slots__, row, strict=True))
    return StoredResult(**{**values, "complete": bool(values["complete"])})


def _add(connection: sqlite3.Connection, found: Found) -> None:
    digest = found.digest
    last = connection.execute(
        "select id, digest from results where suite = ? order by id desc limit 1", (found.suite,)
    ).fetchone()
    if last is not None and last[1] == digest:
        sql = "update results set times = times + 1, last_at = max(last_at, ?), file = ? where id = ?"
        connection.execute(sql, (found.at, found.file, last[0]))
        return
    row = (found.suite, found.agent, found.bundle, found.model, found.revision, found.at, found.at, 1, found.complete)
    cursor = connection.execute(
        "insert into results values (null, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*row, found.exit_code, found.file, digest),
    )
    connection.executemany(
        "insert into result_cases values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(cursor.lastrowid, *[getattr(each, name) for name in ResultCase.__struct_fields__]) for each in found.cases],
    )
