"""A case is given up early only where its verdict stands, at the error that was stated, over all looks together."""

from __future__ import annotations

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.evals.stats.binomial import at_least, at_most
from agentctl.evals.stats.sequential import changed_verdicts, decided, needed, rate_bounds

RATES = [0.01, 0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99]


@given(st.integers(0, 40), st.integers(0, 41), st.floats(0, 1))
def test_tails_are_sums(n: int, k: int, p: float) -> None:
    """Both tails are the sums of the terms of the binomial distribution."""
    terms = [comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(n + 1)]
    assert at_least(k, n, p) == pytest.approx(sum(terms[k:]), abs=1e-12)
    assert at_most(k, n, p) == pytest.approx(sum(terms[: k + 1]), abs=1e-12)


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.floats(0, 1))
def test_certainty_is_never_wrong(repeats: list[bool], threshold: float) -> None:
    """Without an error allowed, what is decided early is what all repeats come to, and in the end all is decided."""
    planned = len(repeats)
    full = decided(sum(repeats), planned - sum(repeats), planned, threshold)
    assert full == ("pass" if sum(repeats) >= needed(planned, threshold) else "fail")
    for run in range(planned):
        passes = sum(repeats[:run])
        assert decided(passes, run - passes, planned, threshold) in {None, full}


def test_every_repeat_must_pass() -> None:
    """Where all must pass, the first fail decides; where one is enough, the first pass."""
    assert decided(3, 0, 4, 1.0) is None
    assert decided(3, 1, 8, 1.0) == "fail"
    assert decided(1, 3, 8, 1 / 8) == "pass"
    assert decided(0, 0, 5, 0.0) == "pass"
    assert needed(10, 0.7) == 7


@pytest.mark.parametrize(("planned", "threshold"), [(20, 0.5), (30, 0.8), (60, 0.9)])
@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_the_stated_error_holds_at_every_rate(planned: int, threshold: float, alpha: float) -> None:
    """Over all series, weighted exactly, the verdict changes no more often than stated, at any true rate."""
    for rate in RATES:
        wrong, _ = changed_verdicts(planned, threshold, alpha, rate)
        assert wrong <= alpha


def test_it_saves_repeats() -> None:
    """A case that nearly always passes is decided in well under half of what certainty takes."""
    certain, early = (changed_verdicts(100, 0.5, alpha, 0.97)[1] for alpha in (0.0, 0.05))
    assert early < certain / 2 < 50


def test_looking_again_and_again_does_not_fool_the_bounds() -> None:
    """Over all series of 60 runs, the bounds of every look hold the true rate, but for the stated share."""
    error, rate, reached, missed = 0.1, 0.7, {0: 1.0}, 0.0
    for run in range(1, 61):
        after: dict[int, float] = {}
        for passes, chance in reached.items():
            for more, share in ((1, rate), (0, 1 - rate)):
                after[passes + more] = after.get(passes + more, 0.0) + chance * share
        for passes in list(after):
            low, high = rate_bounds(passes, run - passes, error)
            if not low <= rate <= high:
                missed += after.pop(passes)
        reached = after
    assert 0 < missed <= error


def test_counts_that_cannot_be_are_refused() -> None:
    """More repeats than planned, or a threshold that is no share, is a mistake of the caller."""
    for arguments in ((3, 3, 5, 0.5, 0.0), (-1, 0, 5, 0.5, 0.0), (1, 0, 5, 1.5, 0.0), (1, 0, 5, 0.5, 1.0)):
        with pytest.raises(ValueError):
            decided(*arguments)
