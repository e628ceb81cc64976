"""What is read is what was stored, or an error that names the file."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from agentctl.agent.events import Entry, UserSaid
from agentctl.errors import StoreError
from agentctl.store.runs import Runs

SAID = tuple(Entry(i, 0.5, UserSaid(f"number {i}")) for i in range(9))
PAGE = 4096
FRAME = 24 + PAGE


@pytest.fixture
def crashed(tmp_path: Path) -> Path:
    """A store as a process that died leaves it: nearly all of it in the log."""
    alive, dead = tmp_path / "alive", tmp_path / "dead"
    with Runs(alive / "runs.db") as runs:
        run_id = runs.create("a@1", "b")
        for entry in SAID:
            runs.append(run_id, entry)
        dead.mkdir()
        for name in ("runs.db", "runs.db-wal"):
            shutil.copyfile(alive / name, dead / name)
    return dead / "runs.db"


def flip(path: Path, place: int) -> None:
    """Turns over one bit."""
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def test_a_log_is_read_when_it_is_sound(crashed: Path) -> None:
    """Also when its end is torn: then the last fact is missing."""
    log = crashed.with_name("runs.db-wal")
    log.write_bytes(log.read_bytes()[:-1])
    with Runs(crashed) as runs:
        assert runs.entries(runs.resolve("last")) == SAID[:-1]


@pytest.mark.parametrize("place", [0, 9, 17, 32 + 20, 32 + 9 * FRAME + 500])
def test_a_damaged_log_is_told_once(crashed: Path, place: int) -> None:
    """Its header, its first frame, one in the midst: never a store that looks whole; the log is kept."""
    log = crashed.with_name("runs.db-wal")
    flip(log, place)
    damaged = log.read_bytes()
    with Runs(crashed) as runs, pytest.raises(StoreError, match="has a damaged log") as caught:
        runs.list()
    assert "runs.db-wal.damaged keeps the damaged log" in caught.value.hint
    assert crashed.with_name("runs.db-wal.damaged").read_bytes() == damaged
    with Runs(crashed) as runs:
        found = runs.list()
        assert all(runs.entries(run.id) == SAID[: run.entries] for run in found)


def test_a_change_of_what_was_stored_is_seen(tmp_path: Path) -> None:
    """An entry and a run of other words than those that were stored are errors that name the file."""
    path = tmp_path / "runs.db"
    with Runs(path) as runs:
        run_id = runs.create("a@1", "b")
        for entry in SAID:
            runs.append(run_id, entry)
    data = path.read_bytes()
    for place, words in ((data.index(b"number 5"), "entry 5 of run"), (data.rindex(b"a@1"), "is damaged")):
        path.write_bytes(data)
        flip(path, place)
        with pytest.raises(StoreError, match=f"runs.db.*{words}|{words}.*runs.db"), Runs(path) as runs:
            assert [runs.entries(run.id) for run in runs.list()] == []


def test_any_bit_of_a_store_may_turn_over(tmp_path: Path) -> None:
    """What is read is what was stored, or an error; and who would go on with a run is told of all else."""
    path, chance = tmp_path / "runs.db", Random(1)
    with Runs(path) as runs:
        run_id = runs.create("a@1", "b")
        for entry in SAID:
            runs.append(run_id, entry)
    data = path.read_bytes()
    told = []
    for _ in range(150):
        for left in tmp_path.glob("runs.db-*"):
            left.unlink()
        path.write_bytes(data)
        flip(path, chance.randrange(len(data)))
        with Runs(path) as runs:
            try:
                runs.check()
                assert [runs.entries(run.id) for run in runs.list()] == [SAID]
            except StoreError as error:
                told.append(str(error))
    assert told
    assert all("runs.db" in each for each in told)


def test_a_store_without_checksums_is_read(tmp_path: Path) -> None:
    """As an older version left it."""
    path = tmp_path / "runs.db"
    with Runs(path) as runs:
        run_id = runs.create("a@1", "b")
        runs.append(run_id, SAID[0])
    with closing(sqlite3.connect(path)) as old:
        old.execute("update entries set crc = null")
        old.execute("update runs set crc = null")
        old.commit()
    with Runs(path) as runs:
        assert (runs.list()[0].said, runs.entries(run_id)) == ("number 0", SAID[:1])
