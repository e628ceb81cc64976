"""Cohen's kappa against published examples, and against what it must be whatever the ratings are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.evals.stats.agreement import kappa
from agentctl.evals.stats.interval import z

PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40)
RATINGS = (0, 1, 2, 3)


def pairs_of(table: list[list[int]]) -> list[tuple[int, int]]:
    """One pair for each count of a table."""
    return [(i, j) for i, row in enumerate(table) for j, count in enumerate(row) for _ in range(count)]


def test_two_clinicians() -> None:
    """Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions (2003), table 18.1: 0.68, error 0.087."""
    found = kappa(pairs_of([[75, 1, 4], [5, 4, 1], [0, 0, 10]]), (0, 1, 2))
    assert found.observed == pytest.approx(0.89)
    assert found.expected == pytest.approx(0.66)
    assert found.kappa == pytest.approx(0.676, abs=5e-4)
    assert found.interval is not None
    assert (found.kappa - found.interval.low) / z() == pytest.approx(0.087, abs=1e-3)


def test_a_table_of_two_by_two() -> None:
    """20, 5, 10 and 15 of 50: observed 0.7, by chance 0.5, so kappa is 0.4."""
    found = kappa(pairs_of([[20, 5], [10, 15]]), (0, 1))
    assert (found.observed, found.expected, found.kappa) == pytest.approx((0.7, 0.5, 0.4))


@given(PAIRS)
def test_weighted_kappa_is_the_share_of_squared_distances(pairs: list[tuple[int, int]]) -> None:
    """One less the mean squared distance over the one expected by chance, however that is counted."""
    found = kappa(pairs, RATINGS, weighted=True)
    seen = sum((a - b) ** 2 for a, b in pairs) / len(pairs)
    chance = sum((a - b) ** 2 for a, _ in pairs for _, b in pairs) / len(pairs) ** 2
    if found.kappa is None:
        assert chance == 0
    else:
        assert found.kappa == pytest.approx(1 - seen / chance, abs=1e-9)


@given(PAIRS)
def test_the_raters_may_change_places(pairs: list[tuple[int, int]]) -> None:
    """Agreement has no direction, and an interval holds its estimate."""
    for weighted in (False, True):
        one = kappa(pairs, RATINGS, weighted=weighted)
        other = kappa([(b, a) for a, b in pairs], RATINGS, weighted=weighted)
        if one.kappa is None or one.interval is None:
            assert other.kappa is None
            continue
        assert other.kappa == pytest.approx(one.kappa)
        assert one.interval.low - 1e-9 <= one.kappa <= one.interval.high + 1e-9


def test_what_has_no_kappa() -> None:
    """One and the same rating from both says nothing; no pair and unknown ratings are refused."""
    assert kappa([(1, 1)] * 9, (0, 1)).kappa is None
    with pytest.raises(ValueError, match="nothing that both rated"):
        kappa([], (0, 1))
    with pytest.raises(ValueError, match="7 is none of the ratings"):
        kappa([(0, 7)], (0, 1))
