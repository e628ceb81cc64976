"""Rate limits as they are written, and a bucket against arithmetic."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.cli.simulate import rate_limits
from agentctl.errors import ConfigError, UsageError
from agentctl.simulator.errors import Refusal
from agentctl.simulator.faults.plan import load_plan
from agentctl.simulator.limits import Buckets, Limit, WrongRate, limits_of

STEPS = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 12)), max_size=60)


def test_limits_are_read() -> None:
    """Several at once, in every unit."""
    read = limits_of("requests=50/min, input=30000/h,output=8/s")
    assert read == {"requests": Limit(50, "min"), "input": Limit(30_000, "h"), "output": Limit(8, "s")}


@pytest.mark.parametrize("text", ["", "requests", "requests=0/min", "requests=5", "words=5/min", "input=-1/s"])
def test_what_is_no_limit_is_told(text: str) -> None:
    """In words, and on the command line as a mistake in usage."""
    with pytest.raises(WrongRate, match=r"is no rate limit|cannot be limited"):
        limits_of(text)
    with pytest.raises(UsageError, match=r"--rate-limit"):
        rate_limits([text])


def test_a_file_may_hold_limits(tmp_path: Path) -> None:
    """Beside faults or alone; a wrong one is named with its place."""
    path = tmp_path / "faults.yaml"
    path.write_text("schema: 1\nkind: faults\nlimits: {requests: 50/min}\n")
    assert load_plan(path).limits == {"requests": Limit(50, "min")}
    path.write_text("schema: 1\nkind: faults\nlimits:\n  input: many\n")
    with pytest.raises(ConfigError, match=r"faults\.yaml:4:10.*many is no rate limit"):
        load_plan(path)


@given(STEPS)
def test_a_bucket_lets_through_what_it_holds_and_what_came_in(steps: list[tuple[int, int]]) -> None:
    """Never more than ten at once and one a second since; what is told to wait fits when it has waited."""
    seconds = 0.0
    buckets = Buckets({"input": Limit(10, "s")}, clock=lambda: seconds / 10)  # one each tenth, counted in tenths
    taken = 0
    for passed, wanted in steps:
        seconds += passed
        wait = None
        try:
            buckets.take("input", wanted)
            taken += wanted
        except Refusal as refused:
            wait = refused.headers.get("retry-after")
            if wait is not None:
                seconds += 10 * int(wait)
                buckets.take("input", wanted)
                taken += wanted
        assert wanted <= 10 or wait is None
        assert taken <= 10 + seconds
