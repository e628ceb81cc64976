"""Disks that fail, processes that die at any call of theirs, and files that are not what they were."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

from tests.torture.damage import Damage, damaged
from tests.torture.kills import Figures, kills
from tests.torture.nth import failing_at_each, killed_at_each
from tests.torture.part import Outcome, Part, Trial
from tests.torture.paused import Paused, paused
from tests.torture.records import Records, recorded_at_each
from tests.torture.saves import Saves, saves, writers
from tests.torture.shim import in_workers

SHARE: Final = 10
"""Random kills that one worker makes in a row; its seed plays them again."""

WRITERS: Final = 32
MOST_SECONDS: Final = 5.0
"""That the first of the writers is at work: longer than the others need to begin."""


def _told(found: Figures, what: str = "kills") -> Outcome:
    return Outcome(not found.broken, str(found).replace("kills", what, 1), tuple(found.failures))


def _add(total: Paused | Saves | Damage | Records, found: Paused | Saves | Damage | Records) -> None:
    for name in total.__slots__:
        setattr(total, name, getattr(total, name) + getattr(found, name))


def _figures(total: Paused | Saves | Damage | Records) -> str:
    names = [name for name in total.__slots__ if name != "failures"]
    return ", ".join(f"{name.replace('_', ' ')} {getattr(total, name):,}" for name in names)


def _random(trial: Trial) -> Outcome:
    shares = range(-(-trial.rounds // SHARE))
    figures = Figures()
    for found in in_workers(_some_kills, [(trial.folder, 1000 * trial.seed + share) for share in shares]):
        figures += found
    return _told(figures)


def _some_kills(job: tuple[Path, int]) -> Figures:
    return kills(SHARE, *job)


def _nth(trial: Trial) -> Outcome:
    return _told(killed_at_each(trial.folder, trial.rounds, trial.seed))


def _errors(trial: Trial) -> Outcome:
    return _told(failing_at_each(trial.folder, trial.rounds, trial.seed), "faults")


def _paused(trial: Trial) -> Outcome:
    total = Paused()
    for found in in_workers(_one_pause, [(1000 * trial.seed + n, trial.folder) for n in range(trial.rounds)]):
        _add(total, found)
    held = not (total.double_writes or total.double_effects or total.failures) and total.taken_over > 0
    return Outcome(held, _figures(total), tuple(total.failures))


def _one_pause(job: tuple[int, Path]) -> Paused:
    return paused(*job)


def _saves(trial: Trial) -> Outcome:
    total = Saves()
    shares = range(-(-trial.rounds // SHARE))
    for found in in_workers(_some_saves, [(1000 * trial.seed + share, trial.folder) for share in shares]):
        _add(total, found)
    codes, wrong = next(in_workers(_writers, [(WRITERS, trial.folder, MOST_SECONDS)]))
    figures = f"{_figures(total)}; {WRITERS} writers at once: {codes[0]} won, {len(wrong)} went wrong"
    return Outcome(not total.broken and codes[0] == 1 and not wrong, figures, (*total.failures, *wrong))


def _some_saves(job: tuple[int, Path]) -> Saves:
    return saves(SHARE, *job)


def _writers(job: tuple[int, Path, float]) -> tuple[Counter[int], list[str]]:
    return writers(*job)


def _damaged(trial: Trial) -> Outcome:
    total = Damage()
    shares = range(-(-trial.rounds // SHARE))
    for found in in_workers(_some_damage, [(1000 * trial.seed + share, trial.folder) for share in shares]):
        _add(total, found)
    return Outcome(not total.broken, _figures(total), tuple(total.failures))


def _some_damage(job: tuple[int, Path]) -> Damage:
    return damaged(SHARE, *job)


def _records(trial: Trial) -> Outcome:
    total = recorded_at_each(trial.folder, trial.rounds, trial.seed)
    return Outcome(not total.failures, _figures(total), tuple(total.failures))


PARTS: Final = [
    Part(("F29",), "kill -9 of runs with tools, at random", 20, 1_000, _random),
    Part(("F29",), "kill -9 before, in and after the nth call of the disk, and in the resume", 20, 10_000, _nth),
    Part(("F30",), "a process paused while another takes its run over", 8, 40, _paused),
    Part(("F31",), "full, broken, read-only disk, no handles left, at the nth call of the store", 20, 600, _errors),
    Part(("F31", "F39"), "an evaluation that records, killed or failing at its nth call", 24, 150, _records),
    Part(("F32",), "stores and recordings cut, zeroed, with a bit turned over", 60, 600, _damaged),
    Part(("F39",), "kill -9 in the save of a recording, and 32 writers of one", 100, 1_000, _saves),
]
