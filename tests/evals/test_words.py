"""Checks on several texts, on the ends of an answer, and on how far it is from a text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.evals.scorers.score import CannotScore
from agentctl.evals.scorers.words import distance
from support.judged import judge, ran

letters = st.text("abc", max_size=9)


@pytest.mark.parametrize(
    ("raw", "passes", "fails", "reason"),
    [
        ({"contains-all": ["UPS", "7"]}, "UPS, 7", "UPS, 8", 'does not contain "7"'),
        ({"contains-any": ["UPS", "DHL"]}, "with DHL", "with dhl", 'does not contain "UPS", "DHL"'),
        ({"icontains-all": ["UPS", "STRASSE"]}, "ups, straße", "ups", 'does not contain "STRASSE", in any case'),
        ({"icontains-any": ["ups", "dhl"]}, "with DHL", "by hand", "in any case"),
        ({"starts-with": "Yes"}, "Yes.", "yes.", "it does in another case"),
        ({"ends-with": "."}, "Yes.", "Yes.\n", "but for white space"),
        ({"levenshtein": "kitten", "threshold": 3}, "sitting", "sittings!", "more than 3 edits away"),
        ({"levenshtein": "abcdef"}, "f", "", "more than 5 edits away"),
    ],
)
def test_words(raw: Any, passes: str, fails: str, reason: str) -> None:
    """Each with an answer that passes and one that fails, which is shown; negated, the other way round."""
    assert judge(raw, ran(answer=passes)).passed
    found = judge(raw, ran(answer=fails))
    assert (found.passed, found.score, found.got) == (False, 0.0, fails or "(no text)")
    assert reason in found.reason
    type_, value = next(iter(raw.items()))
    negated = {**raw, f"not-{type_}": value}
    del negated[type_]
    assert judge(negated, ran(answer=fails)).passed
    assert not judge(negated, ran(answer=passes)).passed


def recurrence(one: str, other: str) -> int:
    """Levenshtein's distance by its definition."""
    if not one or not other:
        return len(one) + len(other)
    if one[-1] == other[-1]:
        return recurrence(one[:-1], other[:-1])
    return 1 + min(recurrence(one[:-1], other), recurrence(one, other[:-1]), recurrence(one[:-1], other[:-1]))


@given(st.text("ab", max_size=6), st.text("ab", max_size=6), st.integers(0, 8))
def test_the_distance_is_that_of_the_definition(one: str, other: str, most: int) -> None:
    """What the band leaves out never matters: the distance is the recurrence's, or it is more than asked for."""
    expected = recurrence(one, other)
    assert distance(one, other, most) == (expected if expected <= most else None)


@given(letters, letters, letters)
def test_the_distance_is_one(a: str, b: str, c: str) -> None:
    """Nothing between equals, the same both ways, and no way round is shorter."""
    far = {(x, y): distance(x, y, 30) for x in (a, b, c) for y in (a, b, c)}
    assert far[a, a] == 0
    assert far[a, b] == far[b, a]
    assert (far[a, c] or 0) <= (far[a, b] or 0) + (far[b, c] or 0)


@given(st.text(max_size=20), st.lists(st.text(min_size=1, max_size=3), min_size=1, max_size=3))
def test_all_and_any_are_made_of_contains(answer: str, texts: list[str]) -> None:
    """For all texts: every one of them, and one of them."""
    outcome = ran(answer=answer)
    each = [judge({"contains": text}, outcome).passed for text in texts]
    assert judge({"contains-all": texts}, outcome).passed is all(each)
    assert judge({"contains-any": texts}, outcome).passed is any(each)


def test_a_text_too_long_to_compare_is_no_verdict() -> None:
    """Neither near nor far."""
    with pytest.raises(CannotScore, match="100,001 characters"):
        judge({"levenshtein": "a"}, ran(answer="x" * 100_001))
