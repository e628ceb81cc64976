"""Answers that may be given again, in the store's file: found by a key, forgotten by age and by use.

A cache may only ever save a question. What cannot be read or written, is damaged, or was written later than now (the
clock was set back) is an answer nobody has heard of; nothing here fails a run, or holds one up for long. What a person
asks to see or to clear is told why it cannot be.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from agentctl.agent.answers import text_blocks
from agentctl.agent.events import ModelReplied, Recalled
from agentctl.agent.loop import TURN_COMPLETE
from agentctl.agent.ports import Clock
from agentctl.agent.spec import Agent, CachedAnswers
from agentctl.errors import StoreError
from agentctl.store.connection import connect, failures, immediate
from agentctl.store.soundness import checksum

WAIT_MS: Final = 200
"""For another process that is writing: longer, and asking the model would have been the better thing."""

FAULTS: Final = (StoreError, sqlite3.Error, OSError, ValueError, TypeError, KeyError, AttributeError)
"""What a store can do to us that is locked, full, read-only, damaged, or written by another version."""

FIND: Final = "select run, model, at, intact(crc, key, run, model, at, answer) from answers where key = ?"
USE: Final = """
update answers set served = served + 1,
    used = (select max(used) + 1 from answers as others where others.agent = answers.agent)
where key = ?
"""
EXPIRE: Final = "delete from answers where agent = ? and at < ?"
PUT: Final = """
insert or replace into answers
values (?, ?, ?, ?, ?, ?, ?, (select coalesce(max(used), 0) + 1 from answers where agent = ?), 0, ?)
"""
TRIM: Final = """
delete from answers where agent = ?1
    and key not in (select key from answers where agent = ?1 order by used desc limit ?2)
"""
LIST: Final = """
select key, agent || '@' || version, model, run, at, served,
    (select event from entries where entries.run = answers.run and json_extract(event, '$.kind') = 'user_said'
     order by seq limit 1),
    answer
from answers
where (?1 is null or agent = ?1) and (?2 is null or version = ?2)
order by at desc, key
"""
CLEAR: Final = "delete from answers where (?1 is null or agent = ?1) and (?2 is null or version = ?2)"


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What the list of answers shows of one."""

    key: str
    agent: str
    """`name@version`."""
    model: str
    run: str
    """The run in which the model gave it."""
    at: float
    """Seconds since the epoch."""
    served: int
    """How often it was given again."""
    question: str
    """Empty when the run is no longer stored."""
    answer: str


class Answers:
    """The answers kept in the file at `path`. Safe to use from several processes."""

    def __init__(self, path: Path, *, clock: Clock = time.time) -> None:
        self.path = path
        self._clock = clock

    def recall(self, key: str, rules: CachedAnswers) -> Recalled | None:
        """The answer kept under `key`, if it is not older than it may be."""
        try:
            with self._hastily() as connection:
                row = connection.execute(FIND, (key,)).fetchone()
                found = None if row is None else _recalled(row, self._clock(), rules)
                if found is not None:
                    _try(connection, USE, key)
                return found
        except FAULTS:
            return None

    def keep(self, key: str, agent: Agent, run_id: str, reply: ModelReplied, rules: CachedAnswers) -> bool:
        """Keeps the text of a reply under `key`, and forgets what is too old or too much; whether it was kept."""
        try:
            stop = {"stop_reason": reply.stop_reason, "stop_sequence": reply.stop_sequence}
            answer = orjson.dumps({"content": text_blocks(reply.content), **stop}).decode()
            with self._hastily() as connection, immediate(connection):
                now = float(self._clock())
                connection.execute(EXPIRE, (agent.name, now - rules.max_age_seconds))
                crc = checksum(key, run_id, reply.model, now, answer)
                row = (key, agent.name, agent.version, reply.model, run_id, now, answer, agent.name, crc)
                connection.execute(PUT, row)
                connection.execute(TRIM, (agent.name, rules.max_entries))
        except FAULTS:
            return False
        return True

    def list(self, agent: str | None = None) -> Sequence[KeptAnswer]:
        """What is kept, the newest first; `agent` is `name` or `name@version`.

        Raises:
            StoreError: the store cannot be read.
        """
        if not self.path.is_file():
            return []
        with failures(self.path), self._open() as connection:
            rows = connection.execute(LIST, _of_agent(agent)).fetchall()
        return [_kept(row) for row in rows]

    def clear(self, agent: str | None = None) -> int:
        """Forgets what is kept (of `agent`, where one is named); returns how many answers that were.

        Raises:
            StoreError: the store cannot be written.
        """
        if not self.path.is_file():
            return 0
        with failures(self.path), self._open() as connection:
            return connection.execute(CLEAR, _of_agent(agent)).rowcount

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(connect(self.path)) as connection:
            yield connection

    @contextmanager
    def _hastily(self) -> Iterator[sqlite3.Connection]:
        with self._open() as connection:
            connection.execute(f"pragma busy_timeout={WAIT_MS}")
            yield connection


def _try(connection: sqlite3.Connection, statement: str, key: str) -> None:
    """Counts a use where that can be written down; the answer is as good without."""
    try:
        connection.execute(statement, (key,))
    except sqlite3.Error:
        return


def _recalled(row: tuple[str, str, float, str], now: float, rules: CachedAnswers) -> Recalled | None:
    run, model, at, text = row
    age = now - at
    if not 0 <= age <= rules.max_age_seconds:
        return None
    kept = orjson.loads(text)
    content = text_blocks(kept["content"])
    if not content or len(content) != len(kept["content"]) or kept["stop_reason"] not in TURN_COMPLETE:
        return None
    return Recalled(run, model, content, kept["stop_reason"], round(age, 3), kept["stop_sequence"])


def _kept(row: tuple[str, str, str, str, float, int, str | None, str]) -> KeptAnswer:
    key, agent, model, run, at, served, said, answer = row
    try:
        question = "" if said is None else _text(json.loads(said).get("content"))
        text = _text(json.loads(answer)["content"])
    except (ValueError, KeyError, TypeError, AttributeError):  # a damaged row can still be seen, and cleared
        question, text = "", ""
    return KeptAnswer(key, agent, model, run, at, served, question, text)


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    return "".join(str(block.get("text", "")) for block in blocks if isinstance(block, dict))


def _of_agent(agent: str | None) -> tuple[str | None, str | None]:
    """Its name and its version, each None where it does not matter."""
    name, _, version = (agent or "").partition("@")
    return name or None, version or None
