"""The bootstrap is seeded, resamples whole cases, and holds the truth about as often as it says."""

from __future__ import annotations

import random
from itertools import product
from math import exp
from statistics import fmean

import pytest

from agentctl.evals.stats.bootstrap import _totals, bootstrap_interval, student


def test_the_same_differences_give_the_same_interval() -> None:
    """Two calls agree to the last bit; another seed gives another draw."""
    differences = [0.1, -0.4, 0.3, 0.9, 0.0, 0.2, 0.25]
    assert bootstrap_interval(differences) == bootstrap_interval(differences)
    assert bootstrap_interval(differences, seed=1) != bootstrap_interval(differences, seed=2)


@pytest.mark.parametrize("differences", [[0.0, 0.0, 1.0, 3.0], [-1.0, 2.0, 4.0, 0.5]])
def test_draws_are_those_of_all_resamples(differences: list[float]) -> None:
    """The 256 resamples of four values, one by one, have the same distribution as what is drawn."""
    every = [sum(drawn) for drawn in product(differences, repeat=4)]
    drawn = _totals(differences, 20_000, seed=7)
    for bar in (-2.0, 0.0, 1.0, 3.5, 6.0, 9.0):
        assert sum(each <= bar for each in drawn) / 20_000 == pytest.approx(
            sum(each <= bar for each in every) / 256, abs=0.015
        )


def test_students_quantiles_as_in_the_tables() -> None:
    """Two-sided 95 % and 99 % quantiles."""
    for freedom, expected in ((4, 2.776), (9, 2.262), (20, 2.086), (60, 2.000)):
        assert student(0.95, freedom) == pytest.approx(expected, abs=2e-3)
    assert student(0.99, 10) == pytest.approx(3.169, abs=5e-3)


@pytest.mark.parametrize(("kind", "truth"), [("even", 0.5), ("skewed", exp(0.5)), ("rare", 0.6)])
def test_it_keeps_its_word(kind: str, truth: float) -> None:
    """With 40 cases it holds the true mean at least nine times in ten, where the plain percentiles do less well."""
    chance = random.Random(11)
    draw = {
        "even": lambda: chance.gauss(0.5, 1.0),
        "skewed": lambda: chance.lognormvariate(0.0, 1.0),
        "rare": lambda: chance.choice([0.0] * 7 + [1.0, 2.0, 3.0]),
    }[kind]
    held = 0
    for seed in range(200):
        interval = bootstrap_interval([draw() for _ in range(40)], resamples=400, seed=seed)
        assert interval is not None
        held += truth in interval
    assert held / 200 >= 0.9


def test_what_cannot_vary_has_no_width() -> None:
    """One case has no interval; cases that all differ by the same have one of no width."""
    assert bootstrap_interval([0.3]) is None
    interval = bootstrap_interval([0.1, 0.1, 0.1])
    assert interval is not None
    assert interval.width == 0
    assert fmean([0.1, 0.1, 0.1]) == pytest.approx(interval.low)
