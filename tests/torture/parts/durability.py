"""Histories in which anything may happen."""

from __future__ import annotations

from typing import Final

from tests.torture.histories import histories
from tests.torture.part import Outcome, Part, Trial


def _histories(trial: Trial) -> Outcome:
    found = histories(trial.rounds, trial.seed)
    figures = f"{found.histories:,} histories, {found.requests:,} requests, {len(found.refused)} refused"
    return Outcome(not found.refused, figures, tuple(f"history {seed}: {why}" for seed, why in found.refused.items()))


PARTS: Final = [Part(("F07", "F23", "F27"), "histories the API takes", 5_000, 100_000, _histories)]
