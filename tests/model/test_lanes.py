"""Many requests over several clients."""

from __future__ import annotations

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from agentctl.model.lanes import WIDTH, Lane, Lanes


@given(st.lists(st.integers(0, 200)))
def test_no_client_has_more_than_its_width(marks: list[int]) -> None:
    """However requests come and go, a client is made only when all others are full, and none is overfull."""
    made: list[int] = []
    names = count(1)

    def another() -> int:
        assert all(lane.busy == WIDTH for lane in seen.values()), "one of them has room"
        made.append(next(names))
        return made[-1]

    lanes, under_way, seen = Lanes(0, another), list[Lane](), dict[int, Lane]()
    for mark in marks:
        for _ in range(mark):
            lane = lanes.take()
            under_way.append(lane)
            seen[lane.client] = lane
        assert all(lane.busy <= WIDTH for lane in seen.values())
        assert sum(lane.busy for lane in seen.values()) == len(under_way)
        for _ in range(len(under_way) // 2):
            lanes.give(under_way.pop(mark % len(under_way)))
    assert len(seen) <= 1 + len(made)


def test_one_at_a_time_is_one_client() -> None:
    """Whoever asks one thing after the other keeps to the first client and its connection."""

    def another() -> None:
        raise AssertionError

    lanes = Lanes("first", another)
    for _ in range(3 * WIDTH):
        lane = lanes.take()
        assert lane.client == "first"
        lanes.give(lane)
