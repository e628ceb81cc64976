"""Entries on the disk before anyone acts on them, at the price of few waits for it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from agentctl.agent.events import Entry, Event, RunStarted, ToolCalled, UserSaid
from agentctl.errors import StoreError
from agentctl.store.runs import Runs

BEGINNING: list[Event] = [RunStarted("a@1", "sha256:0", "m", {}), UserSaid("Go"), ToolCalled("a", "pay", {})]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were waited for."""
    names: list[str] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        names.append(Path(f"/proc/self/fd/{handle}").readlink().name)
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    return names


def begun(runs: Runs) -> str:
    """A run whose intent to act is written."""
    run_id = runs.create("a@1", "sha256:0")
    write = runs.sink(run_id, waits=False)
    for seq, event in enumerate(BEGINNING):
        write(Entry(seq, 1.5, event))
    return run_id


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="tells files by /proc")
def test_many_runs_share_a_wait(tmp_path: Path, waits: list[str]) -> None:
    """A hundred runs that are to act at once wait for the log twice at most, and for its name once."""

    async def together(runs: Runs) -> None:
        await asyncio.gather(*(runs.safe(begun(runs)) for _ in range(100)))

    with Runs(tmp_path / "runs.db") as runs:
        asyncio.run(together(runs))
    assert 1 <= waits.count("runs.db-wal") <= 2
    assert waits.count(tmp_path.name) == 1


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="tells files by /proc")
def test_what_is_written_during_a_wait_waits_for_the_next(tmp_path: Path, waits: list[str]) -> None:
    """A wait that has begun is not taken for one that covers what was written since."""

    async def one_after_the_other(runs: Runs) -> list[int]:
        first = asyncio.create_task(runs.safe(begun(runs)))
        seen = []
        while not waits:
            await asyncio.sleep(0)
        for _ in range(2):
            before = waits.count("runs.db-wal")
            await runs.safe(begun(runs))
            seen.append(waits.count("runs.db-wal") - before)
        await first
        return seen

    with Runs(tmp_path / "runs.db") as runs:
        assert min(asyncio.run(one_after_the_other(runs))) >= 1


def test_nothing_is_taken_when_the_disk_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An intent that may not be on the disk ends the run for this process, as if it had been killed there."""

    def broken(_handle: int) -> None:
        raise OSError(5, "Input/output error")

    with Runs(tmp_path / "runs.db") as runs:
        run_id = begun(runs)
        monkeypatch.setattr(os, "fsync", broken)
        with pytest.raises(StoreError, match="cannot be written: Input/output error"):
            asyncio.run(runs.safe(run_id))
        with pytest.raises(StoreError, match="Input/output error"):
            runs.append(run_id, Entry(len(BEGINNING), 2.5, UserSaid("more")))
        assert [entry.event for entry in runs.entries(run_id)] == BEGINNING


def test_the_log_is_moved_by_the_thread(tmp_path: Path) -> None:
    """What many runs wrote comes into the file itself while they go on."""
    path = tmp_path / "runs.db"
    with Runs(path) as runs:
        asyncio.run(runs.safe(begun(runs)))
        before = path.stat().st_size
        ids = [begun(runs) for _ in range(200)]
        asyncio.run(runs.safe(ids[-1]))
        assert path.stat().st_size > before
        assert [len(runs.entries(run_id)) for run_id in ids] == [len(BEGINNING)] * 200
