"""The simulator's contract: whatever else is measured here is measured against it."""

from __future__ import annotations

import asyncio
from typing import Final

from support.contract.clauses import Clause, all_clauses
from tests.torture.part import Outcome, Part, Trial


def _contract(_trial: Trial) -> Outcome:
    clauses = all_clauses()
    broken = tuple(told for clause in clauses if (told := _broken(clause)))
    return Outcome(not broken, f"{len(clauses) - len(broken)}/{len(clauses)}", broken)


def _broken(clause: Clause) -> str:
    """What is wrong with it; empty when it holds."""
    try:
        asyncio.run(clause.play())
    except Exception as error:  # noqa: BLE001  a clause that breaks does not hold; the others are still played
        return f"{clause.area}: {clause.name}: {type(error).__name__} {error}"
    return ""


PARTS: Final = [Part((), "simulator contract", 1, 1, _contract)]
