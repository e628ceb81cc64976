"""A run that something happens to at its nth call of the disk, for every n.

The calls of an undisturbed run are counted first; then the run is played once for each of them.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TypeVar

from support import forked
from support.desk import agentctl, environment
from tests.torture.kills import RUN, Figures, project, went_on
from tests.torture.shim import MODES, WRITES, Call, Fault, in_workers, logged

Thing = TypeVar("Thing")


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
    """Kills a run before, in the midst of, and after each of its calls, or `most` of those points."""
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
        went_on(job.root, place, figures, f"{job.fault} ({job.hit})")
    elif done.returncode == 0:
        figures.finished += 1  # a thread was elsewhere this time, and the run took fewer calls
    else:
        figures.failures.append(f"{job.fault} ({job.hit}): exit {done.returncode}: {done.stderr.strip()[-200:]}")
    return figures
