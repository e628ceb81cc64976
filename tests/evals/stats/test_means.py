"""Standard errors of means are those of Miller (2024), written out as the paper writes them."""

from __future__ import annotations

import random
from math import sqrt
from statistics import fmean, stdev

import pytest

from agentctl.evals.stats.means import clustered_mean, paired_mean


def as_in_the_paper(values: list[float], groups: list[int]) -> float:
    """Equation 4 of the paper, every pair of a group by itself."""
    n, mean = len(values), fmean(values)
    square = sum((value - mean) ** 2 for value in values)
    for i in range(n):
        for j in range(n):
            if i != j and groups[i] == groups[j]:
                square += (values[i] - mean) * (values[j] - mean)
    return sqrt(square) / n


def test_clustered_as_in_the_paper() -> None:
    """The sum over groups is the paper's sum over pairs."""
    chance = random.Random(1)
    groups = [number // 4 for number in range(48)]
    values = [0.3 * (group % 3) + chance.random() for group in groups]
    found = clustered_mean(values, groups)
    assert (found.n, found.groups) == (48, 12)
    assert found.error == pytest.approx(as_in_the_paper(values, groups))
    assert found.error > clustered_mean(values).error


def test_without_groups() -> None:
    """The usual standard error: the standard deviation over the square root of n."""
    values = [1.0, 0.0, 1.0, 1.0, 0.5]
    found = clustered_mean(values)
    assert found.error == pytest.approx(stdev(values) / sqrt(5))
    interval = found.interval()
    assert interval is not None
    assert interval.high - found.value == pytest.approx(1.959964 * found.error, rel=1e-6)


def test_one_group_says_nothing_about_others() -> None:
    """With one group, or one value, there is a mean and no error; with none, there is nothing."""
    assert clustered_mean([1.0, 0.0], ["a", "a"]).error is None
    assert clustered_mean([1.0]).interval() is None
    with pytest.raises(ValueError, match="needs a value"):
        clustered_mean([])
    with pytest.raises(ValueError, match="its group"):
        clustered_mean([1.0], [])


def test_pairs_cancel_what_they_share() -> None:
    """Two versions that differ by the same on easy and hard cases differ for sure."""
    hard = [0.1, 0.9, 0.4, 0.6]
    found = paired_mean(hard, [value + 0.05 for value in hard])
    assert found.value == pytest.approx(0.05)
    assert found.error == pytest.approx(0.0, abs=1e-12)
    with pytest.raises(ValueError, match="in pairs"):
        paired_mean(hard, [1.0])
