"""Assertions as they are written: every form of every type, what is refused, and the schema that editors check with."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.evals.assertions import assertion_of
from agentctl.evals.schema import suite_schema
from agentctl.evals.scorers import TYPES
from agentctl.evals.scorers.score import Misfit

GOOD: list[Any] = [
    "is-json",
    {"judge": "tone@1"},
    {"type": "judge", "value": {"rubric": "tone@1", "votes": 3, "threshold": 0.7, "vars": {"who": "we"}}},
    {"not-judge": "tone@1", "votes": 3, "weight": 2},
    {"equals": "x"},
    {"not-contains": "x", "weight": 2},
    {"type": "icontains", "value": "x", "weight": 0.5},
    {"regex": "x+"},
    {"json-schema": {"type": "object"}},
    {"type": "not-is-json"},
    {"trajectory:tool-used": ["a", "b"]},
    {"trajectory:tool-used": {"name": "a", "min": 1, "max": 2}},
    {"trajectory:tool-args-match": {"name": "a", "args": {"x": 1}, "match": "exact"}},
    {"trajectory:tool-sequence": ["a"], "mode": "exact"},
    {"type": "trajectory:tool-sequence", "value": ["a"], "mode": "in_order"},
    {"trajectory:step-count": {"max": 2}},
    {"max-turns": 3},
    {"max-tokens": 100},
    {"max-cost": 0.1},
    {"ended": "refused"},
    {"python": "a.py:f", "threshold": 0.5},
    {"state": {"database": "x.db", "query": "select 1", "rows": [[1]]}},
    {"type": "state", "database": "x.db", "query": "select 1", "rows": [], "ordered": True},
    {"contains-all": ["a", "b"]},
    {"type": "contains-any", "value": ["a"], "turn": -1},
    {"icontains-all": ["a"], "turn": 2},
    {"not-icontains-any": ["a"]},
    {"starts-with": "a"},
    {"not-ends-with": "a"},
    {"levenshtein": "abc", "threshold": 0},
    {"latency": 2000},
    {"type": "latency", "threshold": 2000},
    {"cost": 0.1},
    {"type": "not-cost", "threshold": 0.1},
    {"not-max-turns": 3},
    {"guardrail": "blocked", "guard": "pii", "stage": "input"},
    "refusal",
    "not-refusal",
    {"retries": 1},
    {"type": "not-retries", "value": {"min": 2}},
    {"fallback-used": "claude-haiku-5-5"},
    {"breaker": "open"},
    "degraded",
    {"user-told": ["sorry", "leider"]},
    {"stop-reason": "end_turn"},
    {"stop-reason": ["end_turn", "stop_sequence"]},
    {"label": {"key": "reward", "equals": 1}},
    {"type": "label", "key": "info.cost", "min": 0, "max": 0.5},
    {"assert-set": {"assert": ["is-json", {"contains": "a", "weight": 2}], "threshold": 0.5}, "weight": 3},
    {"type": "assert-set", "assert": [{"type": "assert-set", "assert": ["refusal"]}]},
]

BAD: list[Any] = [
    7,
    None,
    {},
    {"a": 1, "b": 2},
    {"type": 7},
    {"type": "contains"},
    {"contains": ""},
    {"contains": ["a"]},
    {"contains": "a", "wieght": 2},
    {"contains": "a", "weight": 0},
    {"contains": "a", "weight": True},
    {"contains": "a", "mode": "exact"},
    {"contains-all": "a"},
    {"contains-any": []},
    {"icontains-any": ["a", ""]},
    {"icontains-all": ["a", 7]},
    {"starts-with": ""},
    {"ends-with": 7},
    {"levenshtein": "a", "threshold": -1},
    {"levenshtein": "a", "threshold": 0.5},
    {"type": "latency"},
    {"latency": 0},
    {"type": "latency", "value": 1, "threshold": 2},
    {"type": "cost", "threshold": "a dime"},
    {"guardrail": "ok"},
    {"guardrail": "blocked", "stage": "inptu"},
    {"refusal": "no"},
    {"stop-reason": "stop"},
    {"stop-reason": ["end_turn", "end"]},
    {"label": "reward"},
    {"label": {"key": "reward"}},
    {"label": {"key": "reward", "equals": 1, "min": 0}},
    {"label": {"key": "reward", "min": 2, "max": 1}},
    {"label": {"key": "reward", "min": "0"}},
    {"label": {"equals": 1}},
    {"assert-set": {"assert": []}},
    {"assert-set": {"assert": ["is-json"], "threshold": 2}},
    {"assert-set": {"assert": ["is-json", {"contians": "x"}]}},
    {"assert-set": ["is-json"]},
    {"contains": "a", "turn": 0},
    {"contains": "a", "turn": "last"},
    {"max-cost": 1, "turn": 1},
    {"ended": "completed", "turn": 1},
    {"similar": "a"},
    {"is-refusal": True},
    {"is-json": "x"},
    {"json-schema": "x"},
    {"json-schema": {"type": "objekt"}},
    {"trajectory:tool-used": []},
    {"trajectory:tool-used": {"min": 1}},
    {"trajectory:tool-used": {"name": "a", "min": 3, "max": 2}},
    {"trajectory:tool-used": {"name": "a", "count": 2}},
    {"trajectory:tool-args-match": "a"},
    {"trajectory:tool-args-match": {"name": "a", "args": 1}},
    {"trajectory:tool-args-match": {"name": "a", "match": "partly"}},
    {"trajectory:tool-sequence": "a"},
    {"trajectory:tool-sequence": []},
    {"trajectory:tool-sequence": ["a"], "mode": "any"},
    {"trajectory:step-count": 3},
    {"trajectory:step-count": {}},
    {"trajectory:step-count": {"min": -1}},
    {"max-turns": 0},
    {"max-turns": 1.5},
    {"max-cost": "a dime"},
    {"max-cost": -1},
    {"ended": "well"},
    {"python": "checks.py"},
    {"python": "/etc/x.py:f"},
    {"python": "../x.py:f"},
    {"state": {"database": "x.db", "query": "select 1"}},
    {"state": {"database": "/x.db", "query": "select 1", "rows": []}},
    {"state": {"database": "../x.db", "query": "select 1", "rows": []}},
    {"state": {"database": "x.db", "query": " ", "rows": []}},
    {"state": "select 1"},
]


@pytest.mark.parametrize("raw", GOOD, ids=str)
def test_well_formed_assertions(raw: Any) -> None:
    """Accepted by the loader and by the editor's schema alike."""
    assertion = assertion_of(raw)
    assert assertion.type in TYPES
    assert jsonschema_rs.is_valid(editor_schema(), raw)


@pytest.mark.parametrize("raw", BAD, ids=str)
def test_misshapen_assertions(raw: Any) -> None:
    """Refused in words; the path leads to what is wrong, or to where something is missing."""
    with pytest.raises(Misfit) as caught:
        assertion_of(raw)
    value = raw
    for step in caught.value.path[:-1]:
        value = value[step]


@pytest.mark.parametrize(
    ("raw", "path", "hint"),
    [
        ({"contains-al": ["a"]}, ("contains-al",), "did you mean `contains-all`?"),
        ({"contains": "a", "tunr": 1}, ("tunr",), "did you mean `turn`?"),
        ({"latency": 1, "treshold": 1}, ("treshold",), "did you mean `threshold`?"),
        ({"stop-reason": "endturn"}, ("stop-reason",), "did you mean `end_turn`?"),
        ({"assert-set": {"assert": [{"a": 1}, {"contians": "x"}]}}, ("assert-set", "assert", 0, "a"), "the types are"),
        ({"type": "assert-set", "assert": [{"regex": "("}]}, ("assert", 0, "regex"), "Python"),
        ({"similar": "a"}, ("similar",), "levenshtein"),
        ({"type": "not-finish-reason", "value": "stop"}, ("type",), "stop-reason"),
    ],
    ids=str,
)
def test_where_the_fault_is_and_what_to_do(raw: Any, path: tuple[str | int, ...], hint: str) -> None:
    """The path leads to the very key or value, inside of sets too; the hint names what was probably meant."""
    with pytest.raises(Misfit) as caught:
        assertion_of(raw)
    assert caught.value.path == path
    assert hint in caught.value.hint


def test_every_type_has_an_example_here() -> None:
    """A new type comes with a well-formed example."""
    shown = {assertion_of(raw).type.removeprefix("not-") for raw in GOOD}
    assert shown == {name for name in TYPES if not name.startswith("not-")}


def editor_schema() -> dict[str, Any]:
    """The schema of one assertion."""
    return {"$ref": "#/$defs/Assertion", "$defs": {"Assertion": suite_schema()["$defs"]["Assertion"]}}


def test_the_editors_schema_knows_a_whole_suite() -> None:
    """A suite with every example is valid; one with a misspelt key is not."""
    suite = {
        "schema": 1,
        "kind": "suite",
        "agent": "desk@1",
        "assert": GOOD,
        "cases": [{"id": "a", "input": "Hi", "assert": GOOD}],
    }
    assert jsonschema_rs.is_valid(suite_schema(), suite)
    assert not jsonschema_rs.is_valid(suite_schema(), {**suite, "csaes": []})


scalars = (
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4) | st.sampled_from([*TYPES, "type", "value"])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*TYPES, "type", "value", "name", "mode", "rows", "query"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(values)
def test_any_value_is_an_assertion_or_a_named_problem(raw: Any) -> None:
    """Whatever stands there: a check that is ready, or a sentence."""
    try:
        assert assertion_of(raw).type in TYPES
    except Misfit as misfit:
        assert str(misfit)  # noqa: PT017  what is asserted is that it says something
