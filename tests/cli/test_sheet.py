"""Lines for a screen: they fit, they hold everything, and nothing in them acts."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from agentctl.cli.sheet import Sheet
from agentctl.observe.clean import clean

TEXTS = st.text(st.sampled_from("ab -,日本\t\x1b\u202e\U0001f44b"), max_size=120)
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


@given(TEXTS, st.integers(30, 130))
def test_folded_lines_fit_and_lose_only_the_spaces_they_are_folded_at(text: str, width: int) -> None:
    """Every row fits the window, and all rows together are the text."""
    rows = list(Sheet(width).lines(text))
    assert all(cell_len(row) <= width for row in rows)
    assert "".join("".join(rows).split()) == "".join(clean(text).split())


@given(TEXTS, st.tuples(st.integers(0, 120), st.integers(0, 120)).map(sorted))
def test_colours_add_nothing_but_colours(text: str, span: list[int]) -> None:
    """Without its colours a line is the one that is printed without them; it holds no other escape."""
    marks = [(min(span[0], len(text)), min(span[1], len(text)))]
    plain, coloured = (list(Sheet(50, color).marked(text, marks, "31", "  ", sign="+")) for color in (False, True))
    assert [ESCAPES.sub("", row) for row in coloured] == plain
    assert not any("\x1b" in row or "\u202e" in row for row in plain)


def test_a_sign_stands_before_every_row() -> None:
    """What was added and what was removed can be told apart without colours, however often a line is folded."""
    rows = list(Sheet(30).marked("word " * 20, (), "32", "  ", sign="+"))
    assert len(rows) > 3
    assert all(row.startswith("  +") for row in rows)


def test_figures_without_room_are_left_out() -> None:
    """Columns go from the right; the first stays."""
    cells, widths = ("turns", "12", "14", "+2"), (10, 8, 8, 8)
    assert Sheet(40).beside(cells, widths) == "  turns             12        14"
    assert Sheet().beside(cells, widths).endswith("+2")
