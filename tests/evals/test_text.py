"""Checks on the answer's text: each with its negation, and with what a failure shows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.evals.scorers.score import CannotScore
from support.judged import judge, ran


@pytest.mark.parametrize(
    ("raw", "passes", "fails"),
    [
        ({"equals": "Yes."}, "Yes.", "Yes"),
        ({"equals": {"a": [1]}}, '{"a": [1]}', '{"a": [2]}'),
        ({"equals": 7}, "7", "no number"),
        ({"contains": "ship"}, "It ships.", "It SHIPS."),
        ({"icontains": "SHIP"}, "It ships.", "It sails."),
        ({"icontains": "straße"}, "die STRASSE", "der Weg"),
        ({"regex": r"ORD-\d+"}, "see ORD-12", "see ORD-x"),
        ({"regex": "(?i)^yes$"}, "YES", "yes!"),
        ("is-json", "[1, 2]", "[1, 2"),
        ({"is-json": True}, "null", "nul"),
        ({"is-json": {"type": "array"}}, "[]", "{}"),
        ({"json-schema": {"required": ["id"]}}, '{"id": 1}', '{"name": 1}'),
    ],
)
def test_text_checks_and_their_negation(raw: Any, passes: str, fails: str) -> None:
    """What passes fails negated, and the other way round; a failure shows the answer and where it stands."""
    good, bad = ran(answer=passes), ran(answer=fails)
    assert judge(raw, good).passed
    found = judge(raw, bad)
    assert (found.passed, found.score) == (False, 0.0)
    assert found.got == fails
    assert [place.turn for place in found.places] == [1]
    type_ = raw if isinstance(raw, str) else next(iter(raw))
    negated = f"not-{raw}" if isinstance(raw, str) else {f"not-{type_}": raw[type_]}
    assert judge(negated, bad).passed
    refused = judge(negated, good)
    assert not refused.passed
    assert refused.expected.startswith(("does not", "is not"))


@given(st.text(max_size=30), st.text(min_size=1, max_size=5))
def test_contains_is_in(haystack: str, needle: str) -> None:
    """For all texts, `contains` is Python's `in`, and `not-contains` its opposite."""
    outcome = ran(answer=haystack)
    assert judge({"contains": needle}, outcome).passed is (needle in haystack)
    assert judge({"not-contains": needle}, outcome).passed is (needle not in haystack)


def test_a_near_miss_is_told() -> None:
    """Another case, white space around, a fence around JSON: the likely slip stands in the reason."""
    assert "use icontains" in judge({"contains": "SHIPPED"}, ran()).reason
    assert "but for white space" in judge({"equals": "Yes"}, ran(answer="Yes\n")).reason
    assert "fence" in judge("is-json", ran(answer="```json\n{}\n```")).reason
    assert "id" in judge({"json-schema": {"required": ["id"]}}, ran(answer="{}")).reason


def test_a_long_answer_is_shown_where_it_matters() -> None:
    """The excerpt is around what was found, with its cuts marked."""
    found = judge({"not-contains": "needle"}, ran(answer="x" * 1000 + "needle" + "y" * 1000))
    assert "needle" in found.got
    assert found.got.startswith("…")
    assert found.got.endswith("…")
    assert len(found.got) < 300


def test_a_pattern_is_not_tried_on_half_an_answer() -> None:
    """An answer longer than the cap gives no verdict, since half of it would give half a verdict."""
    with pytest.raises(CannotScore, match="100,001 characters"):
        judge({"not-regex": "secret"}, ran(answer="x" * 100_001))


def test_the_text_is_the_last_replys() -> None:
    """Text beside earlier tool calls is not the answer."""
    assert judge({"not-contains": "wait"}, ran(("search", {}), answer="Done.")).passed
