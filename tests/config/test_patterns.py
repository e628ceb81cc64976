"""Regular expressions of documents: compiled in silence, or refused in words that any terminal may show."""

from __future__ import annotations

import re
import warnings

import pytest

from agentctl.config.patterns import NotAPattern, compiled


def test_a_pattern_a_later_python_may_read_otherwise_is_compiled_in_silence() -> None:
    """The warning is for the author of a program, and would stand between the lines of a report."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert compiled("[[a]b").search("[b")


def test_the_reason_against_a_pattern_is_printable() -> None:
    """Python quotes the pattern in its reason, control characters included."""
    with pytest.raises(NotAPattern) as caught:
        compiled("(?P<\x1b[2J>x)")
    assert str(caught.value).isprintable()
    assert caught.value.position == 4


@pytest.mark.parametrize("text", ["(" * 5_000 + ")" * 5_000, "a{99999999999999999999}", "(?P<x>", "*"])
def test_what_cannot_be_compiled_is_refused_whatever_the_compiler_says(text: str) -> None:
    """Deep nesting and large counts are other errors to Python, and the same to a reader."""
    with pytest.raises(NotAPattern):
        compiled(text)


def test_flags_are_kept() -> None:
    """The simulator's patterns look over case."""
    assert compiled("a", re.IGNORECASE).match("A")
