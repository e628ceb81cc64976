"""The simulator's contract with those who test against it: one clause, one assertion, over a real socket."""

from __future__ import annotations

import asyncio

import pytest

from support.contract.clauses import Clause, all_clauses


@pytest.mark.parametrize("clause", all_clauses(), ids=lambda clause: f"{clause.area}: {clause.name}")
def test_clause(clause: Clause) -> None:
    """The clause holds."""
    asyncio.run(clause.play())
