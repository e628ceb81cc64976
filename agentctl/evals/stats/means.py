"""A mean and how sure it is, when observations come in groups: runs of one case, cases about one document.

Observations of a group resemble each other, so they count for less than as many independent ones; taking them for
independent makes error bars too short. Groups are taken to be independent of each other, nothing else is assumed.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean

from agentctl.evals.stats.interval import CONFIDENCE, Interval, z


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over `n` observations in `groups` groups, with its standard error (None: one group has no spread)."""

    value: float
    error: float | None
    n: int
    groups: int

    def interval(self, confidence: float = CONFIDENCE) -> Interval | None:
        """The normal interval around the mean; None without an error. Few groups (under 20) make it too short."""
        if self.error is None:
            return None
        reach = z(confidence) * self.error
        return Interval(self.value - reach, self.value + reach, confidence)


def clustered_mean(values: Sequence[float], groups: Sequence[Hashable] | None = None) -> Mean:
    """The mean of all values; `groups` names the group of each (None: every value is its own).

    Source: E. Miller, "Adding Error Bars to Evals: A Statistical Approach to Language Model Evaluations" (2024), arXiv
    2411.00640: equation 4 for groups, and equation 1 (the standard error of a mean) without them.

    Raises:
        ValueError: there is no value, or not one group for each.
    """
    n = len(values)
    if not n or (groups is not None and len(groups) != n):
        raise ValueError("a mean needs a value, and every value its group")
    mean = fmean(values)
    if groups is None:
        error = sqrt(sum((value - mean) ** 2 for value in values) / (n - 1) / n) if n > 1 else None
        return Mean(mean, error, n, n)
    sums: dict[Hashable, float] = {}
    for value, group in zip(values, groups, strict=True):
        sums[group] = sums.get(group, 0.0) + value - mean
    if len(sums) == 1:
        return Mean(mean, None, n, len(sums))
    return Mean(mean, sqrt(sum(each * each for each in sums.values())) / n, n, len(sums))


def paired_mean(old: Sequence[float], new: Sequence[float], groups: Sequence[Hashable] | None = None) -> Mean:
    """The mean of new minus old over the same observations, clustered: what both share (a hard case) cancels out.

    Source: Miller (2024), section 4.2, "Paired analysis", with its equation for clustered differences.

    Raises:
        ValueError: the two are not equally long, there is no value, or not one group for each.
    """
    if len(old) != len(new):
        raise ValueError("what is compared in pairs must come in pairs")
    return clustered_mean([after - before for before, after in zip(old, new, strict=True)], groups)
