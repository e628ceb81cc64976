"""Two texts as one: what went, what came, and enough around it to find the place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.cassette.words import GAP, marked

PROMPT = " ".join(f"Rule {number} says something of its own." for number in range(300))


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("Be friendly, short.", "Be friendly, very short.", "Be friendly, {+very+} short."),
        ("Be friendly, very short.", "Be friendly, short.", "Be friendly, [-very-] short."),
        ("You keep the till.", "You keep that till.", "You keep [-the-]{+that+} till."),
        ("You keep the till.", "You keep the till. Be kind.", "You keep the till. {+Be kind.+}"),
        ("Was macht das Café?", "Was macht das Cafe?", "Was macht das [-Café-]{+Cafe+}?"),
        ("one two", "one  two", ""),
        ("alpha", "beta", ""),
        ("same", "same", ""),
    ],
)
def test_words_that_differ_are_marked(old: str, new: str, shown: str) -> None:
    """Words, not letters and not lines; nothing where marks on words would say nothing."""
    assert marked(old, new) == shown


def test_of_a_long_text_the_place_is_shown() -> None:
    """Both changes, what stands around them, and not the rest."""
    changed = PROMPT.replace("Rule 7 says", "Rule 7 shouts").replace("Rule 290 says", "Rule 290 shouts")
    shown = marked(PROMPT, changed)
    assert "Rule 7 [-says-]{+shouts+} something of" in shown
    assert "Rule 290 [-says-]{+shouts+} something of" in shown
    assert shown.startswith(GAP)
    assert len(shown) < 300


def test_of_a_long_change_its_ends_are_shown() -> None:
    """A page that was added is not shown whole."""
    shown = marked("Be brief.", f"Be brief. {PROMPT[:2000]}")
    assert shown.startswith("Be brief. {+Rule 0 says")
    assert len(shown) < 300


def test_texts_too_different_to_compare_are_not_compared() -> None:
    """Comparing costs the product of the words; marks on all of them would not be read."""
    assert marked(f"a {PROMPT} z", f"a {PROMPT[::-1]} z") == ""


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_two_texts(old: str, new: str) -> None:
    """One line, whatever the texts are."""
    assert "\n" not in marked(old, new)
