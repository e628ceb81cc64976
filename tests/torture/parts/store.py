"""The run store under load: many who write and many who read, and steps that are on the disk before they are taken."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from random import Random
from typing import Final

from agentctl.agent.events import Entry, Event, RunStarted, ToolCalled, ToolReturned, UserSaid
from agentctl.errors import AgentctlError
from agentctl.store.runs import Runs
from tests.torture.part import Outcome, Part, Trial

WRITERS: Final = 10
READERS: Final = 20
RUN: Final = 20
"""Entries of a stored run."""
PAUSE: Final = 0.05
"""Seconds between two reads of a reader, and two steps of a writer: who waits is to wait for the store."""
READ: Final = 0.050
"""Seconds that 99 of 100 reads may take."""
TOGETHER: Final = 50
"""Runs that take steps at the same time."""
STEPS: Final = 500
"""A second, on the disk."""

Seen = tuple[list[float], list[str], int]
"""Seconds of each read, what was wrong, and how much was written."""


def _events(length: int) -> list[Event]:
    """The beginning of a run, and steps."""
    events: list[Event] = [RunStarted("counter@1", "sha256:0", "m", {}), UserSaid("Where is my order? " * 5)]
    for step in range((length - len(events)) // 2):
        events += [
            ToolCalled(f"toolu_{step}", "get_order", {"id": f"ORD-{step}"}),
            ToolReturned(f"toolu_{step}", "get_order", "shipped " * 20),
        ]
    return events


def _store(runs: Runs, run_id: str, events: list[Event], since: int = 0) -> None:
    for seq, event in enumerate(events, since):
        runs.append(run_id, Entry(seq, 1.5, event), waits=False)


def _writes(path: Path, until: float, seen: SimpleQueue[Seen]) -> None:
    """Begins runs and takes steps in them, each intent on the disk."""
    wrong, written = [], 0
    try:
        with Runs(path) as runs:
            while time.monotonic() < until:
                run_id = runs.create("counter@1", "sha256:0")
                for seq, event in enumerate(_events(RUN)):
                    runs.append(run_id, Entry(seq, 1.5, event))
                    written += 1
                    if isinstance(event, ToolReturned):
                        time.sleep(PAUSE)
    except AgentctlError as error:
        wrong.append(f"a writer: {error}")
    seen.put(([], wrong, written))


def _reads(path: Path, until: float, seed: int, ids: list[str], seen: SimpleQueue[Seen]) -> None:
    """Reads whole runs, and the newest of the list."""
    took, wrong, chance = [], [], Random(seed)
    try:
        with Runs(path) as runs:
            runs.latest()  # opens the file
            while time.monotonic() < until:
                began = time.perf_counter()
                if chance.random() < 0.5:
                    whole = len(runs.entries(chance.choice(ids))) == RUN
                else:
                    whole = len(runs.list(limit=20)) == 20
                took.append(time.perf_counter() - began)
                if not whole:
                    wrong.append("a reader missed something that was stored")
                time.sleep(chance.uniform(0, 2 * PAUSE))
    except AgentctlError as error:
        wrong.append(f"a reader: {error}")
    seen.put((took, wrong, 0))


def _crowd(trial: Trial) -> Outcome:
    path, events = trial.folder / "runs.db", _events(RUN)
    with Runs(path) as runs:
        ids = [runs.create("counter@1", "sha256:0") for _ in range(trial.rounds // RUN)]
        for run_id in ids:
            _store(runs, run_id, events)
    fork = multiprocessing.get_context("fork")
    seen: SimpleQueue[Seen] = fork.SimpleQueue()
    until = time.monotonic() + (15 if trial.full else 1.5)
    crowd = [fork.Process(target=_writes, args=(path, until, seen)) for _ in range(WRITERS)]
    crowd += [fork.Process(target=_reads, args=(path, until, trial.seed + n, ids, seen)) for n in range(READERS)]
    for process in crowd:
        process.start()
    told = [seen.get() for _ in crowd]
    for process in crowd:
        process.join()
    took = sorted(seconds for reads, _, _ in told for seconds in reads)
    failures = [what for _, wrong, _ in told for what in wrong]
    p50, p99 = (took[int(len(took) * share)] for share in (0.5, 0.99))
    figures = (
        f"{trial.rounds:,} entries, {WRITERS} writers ({sum(n for _, _, n in told):,} entries more) and {READERS} "
        f"readers: {len(took):,} reads, p50 {1000 * p50:.1f} ms, p99 {1000 * p99:.1f} ms, {len(failures)} failed"
    )
    if trial.full and p99 > READ:
        failures.append(f"p99 of the reads is over {1000 * READ:.0f} ms")
    return Outcome(not failures, figures, tuple(failures))


async def _step_by_step(runs: Runs, steps: int) -> None:
    """One run: every intent on the disk before its result is written."""
    run_id, events = runs.create("counter@1", "sha256:0"), _events(2 + 2 * steps)
    _store(runs, run_id, events[:2])
    for at in range(2, len(events), 2):
        _store(runs, run_id, events[at : at + 1], at)
        await runs.safe(run_id)
        _store(runs, run_id, events[at + 1 : at + 2], at + 1)


def _steps(trial: Trial) -> Outcome:
    each = trial.rounds // TOGETHER

    async def together(runs: Runs) -> float:
        began = time.perf_counter()
        await asyncio.gather(*(_step_by_step(runs, each) for _ in range(TOGETHER)))
        return each * TOGETHER / (time.perf_counter() - began)

    async def alone(runs: Runs) -> float:
        began = time.perf_counter()
        await _step_by_step(runs, each)
        return each / (time.perf_counter() - began)

    with Runs(trial.folder / "runs.db") as runs:
        many, one = asyncio.run(together(runs)), asyncio.run(alone(runs))
    with Runs(trial.folder / "runs.db") as runs:
        whole = _events(2 + 2 * each)
        kept = [[entry.event for entry in runs.entries(run.id)] == whole for run in runs.list()]
    failures = [] if kept == [True] * (TOGETHER + 1) else ["what is stored is not what was written"]
    if trial.full and many < STEPS:
        failures.append(f"fewer than {STEPS} steps a second")
    figures = f"{many:,.0f} durable steps a second of {TOGETHER} runs, {one:,.0f} of one"
    return Outcome(not failures, figures, tuple(failures))


PARTS: Final = [
    Part(("L5",), "a store of many entries", 10_000, 100_000, _crowd),
    Part(("L6",), "durable steps", 1_000, 20_000, _steps),
]
