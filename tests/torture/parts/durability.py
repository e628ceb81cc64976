"""Runs that are killed, and histories in which anything may happen."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from tests.torture.histories import histories
from tests.torture.kills import kills
from tests.torture.part import Outcome, Part, Trial


def _histories(trial: Trial) -> Outcome:
    found = histories(trial.rounds, trial.seed)
    figures = f"{found.histories:,} histories, {found.requests:,} requests, {len(found.refused)} refused"
    return Outcome(not found.refused, figures, tuple(f"history {seed}: {why}" for seed, why in found.refused.items()))


def _kills(trial: Trial) -> Outcome:
    found = kills(trial.rounds, trial.folder, trial.seed)
    figures = ", ".join(f"{name.replace('_', ' ')} {value:,}" for name, value in asdict(found).items())
    return Outcome(not (found.lost or found.repeated or found.falsely_done), figures)


PARTS: Final = [
    Part(("F07", "F23", "F27"), "histories the API takes", 5_000, 100_000, _histories),
    Part(("F29",), "kill -9 of runs with tools", 20, 1_000, _kills),
]
