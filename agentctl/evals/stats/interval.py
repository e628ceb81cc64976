"""An interval says what is known of a share, not what was seen of it: with no run at all it is everything.

Wilson's interval is used because it keeps its word where evaluations live: few runs, and rates near 0 and 1. The usual
one (rate plus or minus two standard errors) is a single point when all runs passed.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Final

CONFIDENCE: Final = 0.95
_NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high`, both included; it holds the truth in a share `confidence` of all experiments."""

    low: float
    high: float
    confidence: float = CONFIDENCE

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    @property
    def width(self) -> float:
        """How much is left open."""
        return self.high - self.low

    def around(self, value: float) -> Interval:
        """The smallest interval that holds this one and `value`."""
        return Interval(min(self.low, value), max(self.high, value), self.confidence)


def z(confidence: float = CONFIDENCE) -> float:
    """The normal quantile that leaves (1 - confidence) / 2 on either side: 1.96 for 0.95.

    Raises:
        ValueError: the confidence is not between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence lies between 0 and 1, not at {confidence}")
    return _NORMAL.inv_cdf((1 + confidence) / 2)


def wilson(passes: int, n: int, confidence: float = CONFIDENCE) -> Interval:
    """The score interval of a share, `passes` of `n` independent runs; without runs, from 0 to 1.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927), as
    method 3 of R. G. Newcombe, Statistics in Medicine 17 (1998), 857-872. No correction for continuity.

    Raises:
        ValueError: the counts are no counts, or the confidence is not between 0 and 1.
    """
    quantile = z(confidence)
    if not 0 <= passes <= n:
        raise ValueError(f"{passes} of {n} is no share")
    if n == 0:
        return Interval(0.0, 1.0, confidence)
    square = quantile * quantile
    middle = (passes + square / 2) / (n + square)
    reach = quantile / (n + square) * sqrt(passes * (n - passes) / n + square / 4)
    low = 0.0 if passes == 0 else max(0.0, middle - reach)
    high = 1.0 if passes == n else min(1.0, middle + reach)
    return Interval(low, high, confidence)


def paired_shares(both: int, only_old: int, only_new: int, neither: int, confidence: float = CONFIDENCE) -> Interval:
    """The difference (new minus old) of two shares that were measured on the same cases, one run of each.

    Source: method 10 of R. G. Newcombe, "Improved confidence intervals for the difference between binomial proportions
    based on paired data", Statistics in Medicine 17 (1998), 2635-2650: Wilson's intervals of both, joined with regard
    to how the two go together. Without cases, from -1 to 1.
    """
    n = both + only_old + only_new + neither
    if n == 0:
        return Interval(-1.0, 1.0, confidence)
    new, old = (both + only_new) / n, (both + only_old) / n
    new_wilson, old_wilson = wilson(both + only_new, n, confidence), wilson(both + only_old, n, confidence)
    phi = _phi(both, only_old, only_new, neither)
    down = _joined(new - new_wilson.low, old_wilson.high - old, phi)
    up = _joined(new_wilson.high - new, old - old_wilson.low, phi)
    return Interval(max(-1.0, new - old - down), min(1.0, new - old + up), confidence)


def _phi(both: int, only_old: int, only_new: int, neither: int) -> float:
    """How the two shares go together, corrected for continuity as method 10 does."""
    margins = (both + only_old) * (only_new + neither) * (both + only_new) * (only_old + neither)
    if not margins:
        return 0.0
    product = float(both * neither - only_old * only_new)
    if product > 0:
        product = max(product - (both + only_old + only_new + neither) / 2, 0)
    return product / sqrt(margins)


def _joined(one: float, other: float, phi: float) -> float:
    return sqrt(max(one * one - 2 * phi * one * other + other * other, 0.0))
