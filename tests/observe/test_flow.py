"""Running text, wrapped as it is written."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from agentctl.observe.flow import Flow


def flowed(*pieces: str, width: int | None = 20, indent: str = "  ") -> str:
    """What stands on the screen after these pieces."""
    written: list[str] = []
    flow = Flow(written.append, lambda: width, indent)
    for piece in pieces:
        flow.feed(piece)
    flow.close()
    return "".join(written)


def test_wraps_between_words_under_the_indent() -> None:
    """A line ends before the word that does not fit."""
    assert flowed("the quick brown fox jumps over the dog") == "  the quick brown\n  fox jumps over the\n  dog\n"


def test_keeps_the_lines_and_indentation_of_the_text() -> None:
    """Lists and code keep their shape; blank lines at the ends go."""
    assert flowed("\n\nitems:\n  - one\n\n  - two\n\n") == "  items:\n    - one\n\n    - two\n"


def test_a_long_word_is_left_to_the_terminal() -> None:
    """A URL longer than the line is neither broken nor held back."""
    url = "https://example.test/a/very/long/path"
    assert flowed(f"see {url} now") == f"  see\n  {url}\n  now\n"


def test_nothing_is_held_back_once_a_word_is_too_long() -> None:
    """Base64 for a minute still shows signs of life."""
    written: list[str] = []
    flow = Flow(written.append, lambda: 20)
    flow.feed("x" * 30)
    flow.feed("y")
    assert "".join(written) == "  " + "x" * 30 + "y"


def test_without_a_width_lines_are_as_long_as_they_come() -> None:
    """What goes into a file is not wrapped."""
    assert flowed("word " * 50, width=None) == "  " + ("word " * 50).strip() + "\n"


def test_scripts_without_spaces_break_anywhere() -> None:
    """Chinese is not one long word."""
    assert flowed("你好" * 6) == "  " + "你好" * 4 + "你\n  好你好\n"


def test_nothing_said_is_nothing_written() -> None:
    """No empty line for an empty text."""
    assert flowed("") == flowed("\n \n") == ""


TEXTS = st.text(st.sampled_from("ab c\n\t你é-") | st.characters(categories=["L", "Zs", "P"]), max_size=120)


@given(TEXTS, st.lists(st.integers(0, 120), max_size=8), st.integers(4, 40))
def test_the_screen_does_not_depend_on_the_cuts(text: str, cuts: list[int], width: int) -> None:
    """For all texts and all ways to cut them: streamed is the same as stored."""
    places = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    pieces = [text[a:b] for a, b in pairwise(places)]
    assert flowed(*pieces, width=width) == flowed(text, width=width)


@given(TEXTS, st.integers(4, 40))
def test_lines_fit_and_no_word_is_lost(text: str, width: int) -> None:
    """For all texts: the same words in the same order, and a line is too long only for one word's sake."""
    screen = flowed(text, width=width)
    assert "".join(screen.split()) == "".join(text.split())
    for line in screen.splitlines() if "\n" in screen else []:
        assert cell_len(line) <= width or len(line.split()) == 1
