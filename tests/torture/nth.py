"""A run that something happens to at its nth call of the disk, for every n.

The calls of an undisturbed run are counted first; then the run is played once for each of them.
"""

from __future__ import annotations

import errno
import signal
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final, TypeVar

from support import forked
from support.desk import agentctl, environment
from tests.torture.kills import RUN, Figures, project, went_on
from tests.torture.shim import MODES, WRITES, Call, Fault, in_workers, logged

Thing = TypeVar("Thing")

RESUME: Final = ("resume", "last", "--simulate")
MOST_OF_A_RESUME: Final = 150
"""Calls of the disk; one that takes fewer is not killed."""

CHANGES: Final = ("create", "mkdir", "write", "pwrite", "writev", "ftruncate", "rename")
SYNCS: Final = ("fsync", "fdatasync")
CALLS_OF: Final = {
    errno.ENOSPC: (*CHANGES, *SYNCS),
    errno.EIO: (*CHANGES, *SYNCS, "unlink", "open", "read", "pread"),
    errno.EROFS: (*CHANGES, "unlink"),
    errno.EMFILE: ("create", "open"),
}
"""The calls that may fail so."""


@dataclass(frozen=True, slots=True)
class Job:
    """One run in a project of its own, and what happens to it."""

    root: Path
    fault: Fault
    hit: str
    """The call that it happens at, where an undisturbed run has it."""


def calls_of_a_run(folder: Path) -> list[Call]:
    """What a run that nothing happens to asks of the disk, below its project."""
    return next(in_workers(_counted, [folder / "counted"]))


def _counted(root: Path) -> list[Call]:
    project(root)
    done = agentctl(root, *RUN, **Fault(root, log=root / "log").environment())
    assert done.returncode == 0, done.stderr
    return logged(root / "log")


def some(things: Sequence[Thing], most: int, seed: int) -> list[Thing]:
    """At most so many of them, in order."""
    chosen = Random(seed).sample(range(len(things)), min(most, len(things)))
    return [things[i] for i in sorted(chosen)]


def killed_at_each(folder: Path, most: int, seed: int) -> Figures:
    """Kills a run before, in and after each of its calls, or at `most` of those points; and then its resume."""
    calls = list(enumerate(calls_of_a_run(folder), 1))
    points = [(n, call, mode) for n, call in calls for mode in MODES if mode != "kill-torn" or call.name in WRITES]
    jobs = [
        Job(folder / f"{n}-{mode}", Fault(folder / f"{n}-{mode}", n, mode), f"{call.name} {Path(call.path).name}")
        for n, call, mode in some(points, most, seed)
    ]
    figures = Figures()
    for found in in_workers(_killed, jobs):
        figures += found
    return figures


def _killed(job: Job) -> Figures:
    place, figures = project(job.root), Figures()
    done = forked.run(RUN, job.root, environment(**job.fault.environment()), "")
    if done.returncode == -signal.SIGKILL:
        figures.kills += 1
        again = Fault(job.root, Random(str(job.fault.at)).randint(1, MOST_OF_A_RESUME), job.fault.does)
        resumed = forked.run(RESUME, job.root, environment(**again.environment()), "")
        figures.kills += resumed.returncode == -signal.SIGKILL
        went_on(job.root, place, figures, f"{job.fault} ({job.hit}), then its resume: {again}")
    elif done.returncode == 0:
        figures.finished += 1  # a thread was elsewhere this time, and the run took fewer calls
    else:
        figures.failures.append(f"{job.fault} ({job.hit}): exit {done.returncode}: {done.stderr.strip()[-200:]}")
    return figures


def failing_at_each(folder: Path, most: int, seed: int) -> Figures:
    """Lets each call of the store fail, once or from then on, in each way that it may; or `most` of those points."""
    store = folder / "counted/.agentctl"
    calls = [call for call in calls_of_a_run(folder) if Path(call.path).is_relative_to(store)]
    jobs = [_failing(folder, i, *point) for i, point in enumerate(some(list(_failures(calls)), most, seed))]
    figures = Figures()
    for found in in_workers(_failed, jobs):
        figures += found
    return figures


def _failures(calls: Sequence[Call]) -> Iterator[tuple[int, Call, int, bool]]:
    for error, names in CALLS_OF.items():
        for n, call in enumerate((call for call in calls if call.name in names), 1):
            yield n, call, error, False
            yield n, call, error, True


def _failing(folder: Path, number: int, n: int, call: Call, error: int, stays: bool) -> Job:  # noqa: FBT001
    root = folder / f"failed-{number}"
    fault = Fault(root / ".agentctl", n, str(error), CALLS_OF[error], stays=stays)
    return Job(root, fault, f"{errno.errorcode[error]} of {call.name} {Path(call.path).name}")


def _failed(job: Job) -> Figures:
    place, figures = project(job.root), Figures(kills=1)
    done = forked.run(RUN, job.root, environment(**job.fault.environment()), "")
    name = f"{job.hit}: {job.fault}"
    if done.returncode == 0:
        figures.finished += 1
    elif done.returncode != 3 or "error: " not in done.stderr:
        figures.failures.append(f"{name}: exit {done.returncode}: {done.stderr.strip()[-300:]!r}")
    if "Traceback" in done.stderr:
        figures.failures.append(f"{name}: a traceback: {done.stderr.strip()[-300:]!r}")
    wrong = _wrong(job.root / ".agentctl/agentctl.db")
    if wrong:
        figures.failures.append(f"{name}: the store: {wrong}")
    went_on(job.root, place, figures, f"{name} ({done.stderr.strip()[-200:]!r})")
    return figures


def _wrong(store: Path) -> str:
    """What is wrong with a store whose disk is well again."""
    if not store.exists():
        return ""
    with closing(sqlite3.connect(store)) as connection:
        (found,) = connection.execute("pragma integrity_check").fetchone()
        if found != "ok":
            return str(found)
        if connection.execute("pragma user_version").fetchone() == (0,):
            return ""  # it was never begun
        places = [seq for (seq,) in connection.execute("select seq from entries order by run, seq")]
    return "" if places == list(range(len(places))) else f"entries {places}"
