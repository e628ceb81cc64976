"""How large a mean difference is, from the cases themselves: drawn again with replacement, a few thousand times.

What is drawn is a case with all its repeats, so that what its runs share stays together. The interval is the
bias-corrected and accelerated one, for it follows a skewed distribution (costs and seconds are), and its level is
widened for few cases, where bootstrap intervals are known to be too short. It is seeded: the same differences give the
same interval.
"""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate
from math import sqrt
from statistics import NormalDist, fmean
from typing import Final

from agentctl.evals.stats.binomial import term
from agentctl.evals.stats.interval import CONFIDENCE, Interval, z

RESAMPLES: Final = 4000
SEED: Final = 20_241_104
_NORMAL: Final = NormalDist()


def bootstrap_interval(
    differences: Sequence[float], confidence: float = CONFIDENCE, resamples: int = RESAMPLES, seed: int = SEED
) -> Interval | None:
    """The interval of the mean difference, one difference for each case; None when there are fewer than two cases.

    Sources: BCa: B. Efron, "Better bootstrap confidence intervals", JASA 82 (1987); for a mean the acceleration is a
    sixth of the skewness over the square root of n. Widened: T. Hesterberg, "What Teachers Should Know About the
    Bootstrap", The American Statistician 69 (2015), section 4.3, with Student's quantiles in place of normal ones.
    """
    n = len(differences)
    if n <= 1:
        return None
    mean = fmean(differences)
    away = [value - mean for value in differences]
    squares = sum(value * value for value in away)
    if squares <= (1e-12 * max(map(abs, differences))) ** 2 * n:
        return Interval(mean, mean, confidence)
    means = sorted(total / n for total in _totals(differences, resamples, seed))
    below = (bisect_left(means, mean - 1e-12 * abs(mean)) + bisect_right(means, mean + 1e-12 * abs(mean))) / 2
    bias = _NORMAL.inv_cdf(min(max(below / resamples, 1 / resamples), 1 - 1 / resamples))
    lean = sum(value**3 for value in away) / (6 * squares**1.5)
    reach = student(confidence, n - 1) * sqrt(n / (n - 1))
    low, high = (_quantile(means, _corrected(side * reach, bias, lean)) for side in (-1, 1))
    return Interval(low, high, confidence)


def student(confidence: float, freedom: int) -> float:
    """Student's quantile that leaves (1 - confidence) / 2 on either side: 2.262 for 0.95 and 9 degrees of freedom.

    Source: the Cornish-Fisher expansion, Abramowitz and Stegun 26.7.5; right to 1 % from 4 degrees on. Fewer are taken
    as 4: there are too few values to draw from for more to make a difference.
    """
    x, v = z(confidence), max(freedom, 4)
    return (
        x
        + (x**3 + x) / (4 * v)
        + (5 * x**5 + 16 * x**3 + 3 * x) / (96 * v**2)
        + (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / (384 * v**3)
        + (79 * x**9 + 776 * x**7 + 1482 * x**5 - 1920 * x**3 - 945 * x) / (92160 * v**4)
    )


def _corrected(quantile: float, bias: float, lean: float) -> float:
    """The share of the resampled means below which the end of the interval lies."""
    moved = bias + quantile
    room = 1 - lean * moved
    return _NORMAL.cdf(bias + moved / room) if room > 0 else float(moved > 0)


def _quantile(ordered: Sequence[float], share: float) -> float:
    at = min(max(share * len(ordered) - 0.5, 0.0), len(ordered) - 1.0)
    whole = int(at)
    beside = min(whole + 1, len(ordered) - 1)
    return ordered[whole] + (at - whole) * (ordered[beside] - ordered[whole])


def _totals(differences: Sequence[float], resamples: int, seed: int) -> list[float]:
    """Sums of n draws. How many of them are not 0 is drawn first: most cases often do not differ at all."""
    n, chance = len(differences), random.Random(seed)  # noqa: S311  seeded draws, no secret
    moved = [value for value in differences if value]
    if len(moved) == n:
        return [sum(chance.choices(moved, k=n)) for _ in range(resamples)]
    up_to = list(accumulate(term(k, n, len(moved) / n) for k in range(n)))
    return [sum(chance.choices(moved, k=bisect_left(up_to, chance.random()))) for _ in range(resamples)]
