"""Text from outside never controls the terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.observe.clean import clean

ATTACKS = [
    "\x1b[2J\x1b[H",  # CSI: clear the screen
    "\x1b]0;title\x07",  # OSC 0: window title
    "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\",  # OSC 8: a link
    "\x1b]52;c;cm0gLXJm\x07",  # OSC 52: the clipboard
    "\x1bP$q\x1b\\",  # DCS
    "\x1b_payload\x1b\\",  # APC
    "\x9b31mred\x9d0;title\x9c",  # C1, 8 bit
    "\x1b]0;never ended",
    "\x1bc",  # reset
    "\x1b[6n",  # asks the terminal to type something
    "safe\rEVIL",  # overwrites the line
    "\x08\x08\x08",
    "abc\u202edcba\u202c",  # right-to-left override
    "\u2066\u2069\u200e\u200f\u061c",
    "line\u2028separator\u2029",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_active_character_is_left(attack: str) -> None:
    """Every known way to drive a terminal comes out as something to look at."""
    cleaned = clean(attack)
    assert cleaned
    assert not [c for c in cleaned if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"}]
    assert not [c for c in cleaned if unicodedata.bidirectional(c) in {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI"}]


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_is_harmless_and_keeps_its_lines(text: str) -> None:
    """For all texts: no control character but newline and tab, encodable, and cleaning twice changes nothing."""
    cleaned = clean(text)
    assert not [c for c in cleaned if unicodedata.category(c) == "Cc" and c not in "\n\t"]
    assert cleaned.count("\n") == text.count("\n")
    assert cleaned.encode() is not None  # no lone surrogate
    assert clean(cleaned) == cleaned


@given(st.lists(st.text(st.characters(exclude_categories=()))))
def test_pieces_clean_like_the_whole(pieces: list[str]) -> None:
    """A sequence that was cut in two by the stream is no less harmless than one that was not."""
    assert "".join(map(clean, pieces)) == clean("".join(pieces))


def test_ordinary_text_is_untouched() -> None:
    """Accents, emoji, scripts of any direction, Rich markup and box drawing are no control characters."""
    text = "Grüße 👩‍👩‍👧 שלום 你好 [bold]not markup[/bold] ┌─┐\n\tindented"
    assert clean(text) is text
