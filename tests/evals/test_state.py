"""The check on the world after a run: rows compared as SQL returns them, failures explained row by row."""

from __future__ import annotations

from typing import Any

import pytest

from agentctl.agent.events import Observed, RunEnded, RunStarted
from agentctl.agent.run import Run
from agentctl.evals.scorers.outcome import outcome_of
from agentctl.evals.scorers.score import CannotScore, Score
from support.judged import judge, ran

QUERY = "state shop.db: select id, total from orders"


def state(rows: Any, *, seen: Any, **more: Any) -> Score:
    """The score of a state check on a run in which `seen` was observed."""
    run = Run.of([RunStarted("test@1", "", "m"), Observed(QUERY, seen), RunEnded("completed")])
    raw = {"state": {"database": "shop.db", "query": "select id, total from orders", "rows": rows, **more}}
    return judge(raw, outcome_of(run))


SEEN = {"columns": ["id", "total"], "rows": [["a", 1.0], ["b", 2.5], ["b", 2.5]]}


@pytest.mark.parametrize(
    ("rows", "passed"),
    [
        ([["a", 1], ["b", 2.5], ["b", 2.5]], True),
        ([["b", 2.5], ["a", True], ["b", 2.5]], True),
        ([{"id": "b", "total": 2.5}, {"total": 1, "id": "a"}, ["b", 2.5]], True),
        ([["a", 1], ["b", 2.5]], False),
        ([["a", 1], ["b", 2.5], ["b", 2.5], ["c", 3]], False),
        ([["a", "1"], ["b", 2.5], ["b", 2.5]], False),
        ([{"id": "a"}, ["b", 2.5], ["b", 2.5]], False),
        ([], False),
    ],
)
def test_state_compares_rows(rows: Any, *, passed: bool) -> None:
    """Every row as often as it is there, in any order; 1 is 1.0; a row may be written with its columns."""
    found = state(rows, seen=SEEN)
    assert found.passed is passed
    assert passed or [place.seq for place in found.places] == [1]


def test_state_in_order() -> None:
    """Where order matters it is said."""
    assert state([["a", 1], ["b", 2.5], ["b", 2.5]], seen=SEEN, ordered=True).passed
    assert state([["b", 2.5], ["a", 1], ["b", 2.5]], seen=SEEN, ordered=True).reason == "the rows come in another order"


def test_state_explains_the_difference() -> None:
    """How many rows are missing and how many are too many, and both sides."""
    found = state([["a", 1], ["z", 9]], seen=SEEN)
    assert found.reason == "the rows differ: 1 expected not there, 2 there not expected"
    assert found.expected == '["a",1], ["z",9]'
    assert found.got == '["a",1], ["b",2.5], ["b",2.5]'


def test_state_that_could_not_be_read_is_no_verdict() -> None:
    """A query that failed, or was never made."""
    with pytest.raises(CannotScore, match="no such table"):
        state([], seen={"error": "no such table: orders"})
    with pytest.raises(CannotScore, match="nothing was observed"):
        judge({"state": {"database": "x.db", "query": "select 1", "rows": []}}, ran())
