"""The exact tests give the figures that were published, and those of counting every way."""

from __future__ import annotations

from itertools import product
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentctl.evals.stats.signflip import EXACT_COINS, mcnemar, mcnemar_mid_p, sign_flip, sign_flip_whole

MAIZE = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
"""Darwin's fifteen pairs of plants, in eighths of an inch."""


def every_way(differences: list[float]) -> float:
    """The share of all swaps whose sum is as far from 0 as this one's."""
    seen = abs(sum(differences))
    ways = [
        abs(sum(s * d for s, d in zip(signs, differences, strict=True)))
        for signs in product((1, -1), repeat=len(differences))
    ]
    return sum(way >= seen - 1e-9 for way in ways) / len(ways)


@pytest.mark.parametrize(
    ("old", "new", "exact", "mid"),
    [
        (1, 7, 0.0703, 0.0391),
        (6, 16, 0.0525, 0.0347),
        (86, 150, 3.716e-05, None),
        (0, 0, 1.0, 1.0),
        (0, 6, 0.03125, None),
    ],
)
def test_mcnemar_as_published(old: int, new: int, exact: float, mid: float | None) -> None:
    """Two examples of Fagerland et al. (2013), and the approval of a president (Agresti, table 10.1)."""
    assert mcnemar(old, new) == pytest.approx(exact, rel=1e-3)
    assert mcnemar(new, old) == mcnemar(old, new)
    if mid is not None:
        assert mcnemar_mid_p(old, new) == pytest.approx(mid, rel=1e-2)


def test_mcnemar_with_thousands_of_cases() -> None:
    """Where whole numbers give way to logarithms the p-value does not jump."""
    exact, near = mcnemar(470, EXACT_COINS - 470), mcnemar(470, EXACT_COINS - 469)
    assert near < exact
    assert near == pytest.approx(2 * sum(comb(1001, k) for k in range(531, 1002)) / 2**1001)


def test_darwins_maize() -> None:
    """Fisher counted 863 of 32,768 sums as large as Darwin's, and as many as small."""
    assert sign_flip(MAIZE) * 32768 == pytest.approx(1726)
    assert sign_flip_whole(MAIZE) * 32768 == pytest.approx(1726)


@given(st.lists(st.integers(-4, 4), max_size=8))
def test_whole_numbers_are_every_way(differences: list[int]) -> None:
    """Counting with a polynomial is counting one by one; so is adding up floats."""
    assert sign_flip_whole(differences) == pytest.approx(every_way([float(each) for each in differences]))
    assert sign_flip([each / 3 for each in differences]) == pytest.approx(sign_flip_whole(differences))


@given(st.integers(0, 60), st.integers(0, 60))
def test_with_one_repeat_it_is_mcnemar(old: int, new: int) -> None:
    """Differences of -1, 0 and 1 are discordant pairs."""
    assert sign_flip_whole([-1] * old + [0] * 7 + [1] * new) == pytest.approx(mcnemar(old, new))


@settings(max_examples=5)
@given(st.lists(st.integers(-5, 5).filter(bool), min_size=20, max_size=40))
def test_tosses_come_near_the_exact_value(differences: list[int]) -> None:
    """Ten thousand tosses are within four standard errors of all ways, and the same each time."""
    exact, tossed = sign_flip_whole(differences), sign_flip([each * 0.1 for each in differences])
    assert tossed == pytest.approx(exact, abs=4 * (exact * (1 - exact) / 10_000) ** 0.5 + 2e-4)
    assert sign_flip([each * 0.1 for each in differences]) == tossed > 0


def test_no_difference_is_no_evidence() -> None:
    """Without a case that differs, nothing can be said."""
    assert sign_flip([]) == sign_flip([0.0, 0.0]) == sign_flip_whole([0, 0]) == 1.0
