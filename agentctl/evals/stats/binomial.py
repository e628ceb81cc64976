"""Exact tails of the binomial distribution: sums of its terms, from the largest down, so that nothing cancels."""

from __future__ import annotations

from math import exp, lgamma, log, log1p


def at_most(k: int, n: int, p: float) -> float:
    """The chance of `k` or fewer passes in `n` runs that each pass with chance `p`."""
    return at_least(n - k, n, 1 - p)


def at_least(k: int, n: int, p: float) -> float:
    """The chance of `k` or more passes in `n` runs that each pass with chance `p`."""
    if k <= 0:
        return 1.0
    if k > n or p <= 0:
        return 0.0
    if p >= 1:
        return 1.0
    if k <= n * p:  # the shorter tail is the exact one
        return 1 - _sum_down(n - k + 1, n, 1 - p)
    return min(_sum_down(k, n, p), 1.0)


def term(k: int, n: int, p: float) -> float:
    """The chance of exactly `k` passes in `n` runs."""
    if not 0 <= k <= n:
        return 0.0
    if p <= 0 or p >= 1:
        return float(k == (n if p >= 1 else 0))
    return exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(p) + (n - k) * log1p(-p))


def _sum_down(k: int, n: int, p: float) -> float:
    """The chance of `k` or more, where `k` lies above the middle: each term is smaller than the one before."""
    one = total = term(k, n, p)
    odds = p / (1 - p)
    for count in range(k, n):
        one *= (n - count) / (count + 1) * odds
        total += one
        if one < total * 1e-17:
            break
    return total
