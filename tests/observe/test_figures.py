"""How numbers read."""

from __future__ import annotations

from decimal import Decimal

import pytest

from agentctl.agent.run import Usage
from agentctl.observe.figures import count, dollars, seconds, tokens
from agentctl.observe.preview import one_line


@pytest.mark.parametrize(
    ("value", "reads"),
    [
        (0, "0 ms"),
        (-3, "0 ms"),
        (0.0123, "12 ms"),
        (0.83, "0.83 s"),
        (12.34, "12.3 s"),
        (59.96, "1 min 00 s"),
        (125, "2 min 05 s"),
    ],
)
def test_seconds(value: float, reads: str) -> None:
    """The unit fits the size, and no minute has sixty seconds."""
    assert seconds(value) == reads


@pytest.mark.parametrize(
    ("value", "reads"),
    [
        (None, "price unknown"),
        (Decimal(0), "$0"),
        (Decimal("0.00001"), "<$0.0001"),
        (Decimal("0.00345"), "$0.0034"),
        (Decimal("12.345"), "$12.34"),
    ],
)
def test_dollars(value: Decimal | None, reads: str) -> None:
    """Small sums keep their digits; what is not known is not zero."""
    assert dollars(value) == reads


def test_tokens_name_what_the_cache_did() -> None:
    """Input of every kind is one number, with the cached part beside it."""
    assert tokens(Usage(1203, 56)) == ["1,203 in", "56 out"]
    assert tokens(Usage(3, 5, 1000, 200)) == ["1,203 in (1,000 cached, 200 written)", "5 out"]


def test_count_speaks_english() -> None:
    """One turn, two turns."""
    assert [count(1, "turn"), count(0, "turn"), count(1200, "turn")] == ["1 turn", "0 turns", "1,200 turns"]


def test_one_line_cuts_by_cells() -> None:
    """A wide character takes two cells; what was cut away shows as an ellipsis."""
    assert one_line("a  b\n\tc", 10) == "a b c"
    assert one_line("abcdefghij", 5) == "abcd…"
    assert one_line("你好你好", 5) == "你好…"
    assert one_line(" " * 10_000 + "x", 10) == "…"
