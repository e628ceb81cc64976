"""How deep what comes in may be nested: as many levels as there are, whatever else is in it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.agent.nesting import MAX_NESTING, nested_too_deep


def nested(levels: int, inner: Any = 1, *, lists: bool = True) -> Any:
    """A value within so many lists, or objects."""
    for _ in range(levels):
        inner = [inner] if lists else {"a": inner}
    return inner


@given(st.integers(MAX_NESTING - 3, MAX_NESTING + 3), st.booleans(), st.sampled_from([1, "\ud83d", 2**70, "a"]))
def test_levels_are_counted(levels: int, lists: bool, inner: Any) -> None:  # noqa: FBT001  hypothesis gives it
    """Half an emoji or a long number, which a strict writer refuses too, makes nothing deeper."""
    assert nested_too_deep(nested(levels, inner, lists=lists)) is (levels > MAX_NESTING)


@pytest.mark.parametrize("levels", [MAX_NESTING + 1, 100_000])
def test_without_end(levels: int) -> None:
    """A value that no recursive walk comes to the end of is measured all the same."""
    assert nested_too_deep([0, {"a": nested(levels)}, "b"])


def test_all_that_is_let_in_can_be_written() -> None:
    """The writer of JSON takes the deepest value there may be."""
    assert orjson.dumps(nested(MAX_NESTING)).count(b"[") == MAX_NESTING
