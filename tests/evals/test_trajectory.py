"""Checks on the way to the answer: what passes, what fails, and which call a failure points at."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.agent.events import Event, ModelAsked, RunEnded, RunStarted, UserSaid
from agentctl.agent.run import Run
from agentctl.evals.scorers.outcome import outcome_of
from agentctl.evals.scorers.steps import MODES
from agentctl.evals.scorers.trajectory import difference
from support.judged import Step, judge, ran
from support.scripted import reply, text

LOOKED: Step = ("search", {"query": "Ada", "limit": 5})
OPENED: Step = ("order", {"id": "ORD-1", "with": {"items": [1, 2], "notes": True}})


@pytest.mark.parametrize(
    ("raw", "passed"),
    [
        ({"trajectory:tool-used": "search"}, True),
        ({"trajectory:tool-used": "refund"}, False),
        ({"trajectory:tool-used": ["search", "order"]}, True),
        ({"trajectory:tool-used": ["search", "refund"]}, False),
        ({"trajectory:tool-used": {"name": "search", "min": 2}}, True),
        ({"trajectory:tool-used": {"name": "search", "max": 1}}, False),
        ({"trajectory:tool-used": {"name": "refund", "max": 0}}, True),
        ({"trajectory:tool-used": {"name": "refund", "max": 3}}, False),
        ({"not-trajectory:tool-used": "refund"}, True),
        ({"not-trajectory:tool-used": ["refund", "order"]}, False),
        ({"trajectory:step-count": {"max": 3}}, True),
        ({"trajectory:step-count": {"min": 4}}, False),
        ({"trajectory:step-count": {"equals": 3}}, True),
        ({"trajectory:step-count": {"max": 2}}, False),
    ],
)
def test_which_tools_were_used_and_how_often(raw: Any, *, passed: bool) -> None:
    """Search twice, order once."""
    found = judge(raw, ran(LOOKED, OPENED, LOOKED))
    assert found.passed is passed
    if not passed:
        assert found.got.startswith("search")
        assert found.places


@pytest.mark.parametrize(
    ("wanted", "fitting"),
    [
        (["search", "order"], {"any_order", "in_order", "exact"}),
        (["order", "search"], {"any_order"}),
        (["order"], {"any_order", "in_order"}),
        (["search", "search"], set()),
        (["search", "order", "refund"], set()),
    ],
)
def test_sequences(wanted: list[str], fitting: set[str]) -> None:
    """Search, then order: which modes accept which list. promptfoo's `{steps, mode}` means the same."""
    outcome = ran(LOOKED, OPENED)
    for mode in MODES:
        found = judge({"type": "trajectory:tool-sequence", "value": wanted, "mode": mode}, outcome)
        assert found.passed is (mode in fitting)
        assert judge({"trajectory:tool-sequence": {"steps": wanted, "mode": mode}}, outcome).passed is found.passed
        assert judge({"not-trajectory:tool-sequence": wanted, "mode": mode}, outcome).passed is not found.passed
        assert found.passed or (found.reason and found.places)


@given(st.lists(st.sampled_from("abc"), max_size=5), st.lists(st.sampled_from("abc"), min_size=1, max_size=4))
def test_modes_grow_stricter(made: list[str], wanted: list[str]) -> None:
    """What is exact is in order, and what is in order is there in any order."""
    outcome = ran(*((name, {}) for name in made))
    exact, ordered, anyhow = (
        judge({"type": "trajectory:tool-sequence", "value": wanted, "mode": mode}, outcome).passed
        for mode in ("exact", "in_order", "any_order")
    )
    assert exact is (made == wanted)
    assert exact <= ordered <= anyhow


@pytest.mark.parametrize(
    ("args", "match", "passed"),
    [
        ({"id": "ORD-1"}, "subset", True),
        ({"with": {"notes": True}}, "subset", True),
        ({"with": {"items": [1, 2]}}, "subset", True),
        ({"with": {"items": [1]}}, "subset", False),
        ({"with": {"notes": 1}}, "subset", False),
        ({"id": "ORD-1"}, "exact", False),
        ({"id": "ORD-1", "with": {"items": [1, 2], "notes": True}}, "exact", True),
        ({"id": "ORD-2"}, "subset", False),
        ({"no": 1}, "ignore", True),
    ],
)
def test_arguments(args: Any, match: str, *, passed: bool) -> None:
    """Subset is deep and leaves lists whole; a boolean is no number; ignore looks at the name only."""
    raw = {"trajectory:tool-args-match": {"name": "order", "args": args, "match": match}}
    found = judge(raw, ran(LOOKED, OPENED))
    assert found.passed is passed
    if not passed:
        assert [place.call_id for place in found.places] == ["toolu_2"]


def test_the_nearest_call_is_shown() -> None:
    """Of several calls that do not fit, the one that fits most, and where it differs."""
    near = ("order", {"id": "ORD-1", "lang": "de"})
    found = judge(
        {"trajectory:tool-args-match": {"name": "order", "args": {"id": "ORD-1", "lang": "en"}}},
        ran(("order", {"id": "ORD-9"}), near),
    )
    assert 'input.lang: "de" instead of "en"' in found.reason
    assert found.places[0].call_id == "toolu_2"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(json_values)
def test_every_value_equals_itself(value: Any) -> None:
    """No value differs from itself, exactly or as a subset."""
    assert difference(value, value) is None
    assert difference(value, value, "subset") is None


@given(st.dictionaries(st.text(max_size=3), json_values, max_size=3), st.text(max_size=3), json_values)
def test_a_subset_ignores_what_is_more(value: dict[str, Any], key: str, more: Any) -> None:
    """A key that is not expected is a difference for `exact` only."""
    larger = {**value, key: value.get(key, more)}
    assert difference(value, larger, "subset") is None
    assert (difference(value, larger) is None) is (key in value)


def test_server_tools_are_calls() -> None:
    """A tool that the API ran itself is part of the trajectory, though nothing here answered it."""
    block = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "ferns"}}
    events: list[Event] = [
        RunStarted("test@1", "", "m"),
        UserSaid("Hi"),
        ModelAsked(1, "m"),
        reply(block, text("Ferns.")),
        RunEnded("completed"),
    ]
    outcome = outcome_of(Run.of(events))
    assert judge({"trajectory:tool-args-match": {"name": "web_search", "args": {"query": "ferns"}}}, outcome).passed
    assert judge({"trajectory:step-count": {"equals": 1}}, outcome).passed
