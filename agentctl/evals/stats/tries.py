"""pass@k and pass^k: what k tries of a case come to, estimated without bias from n >= k tries that were made.

pass@k is the chance that one of k tries passes: can it be done at all. pass^k is the chance that all k pass: can it be
relied on. Both count the ways to choose k of the n tries; raising the pass rate to a power instead is biased.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import comb
from statistics import fmean
from typing import TypeAlias

Estimate: TypeAlias = Callable[[int, int, int], float]


def pass_at_k(n: int, c: int, k: int) -> float:
    """The chance that at least one of `k` tries passes, when `c` of `n` did: 1 - C(n-c, k) / C(n, k).

    Source: M. Chen et al., "Evaluating Large Language Models Trained on Code" (2021), arXiv 2107.03374, equation 1.

    Raises:
        ValueError: there are fewer than `k` tries, or the counts are no counts.
    """
    _check(n, c, k)
    return 1 - comb(n - c, k) / comb(n, k)


def pass_hat_k(n: int, c: int, k: int) -> float:
    """The chance that all of `k` tries pass, when `c` of `n` did: C(c, k) / C(n, k).

    Source: S. Yao et al., "tau-bench: A Benchmark for Tool-Agent-User Interaction in Real-World Domains" (2024), arXiv
    2406.12045, section 4.

    Raises:
        ValueError: there are fewer than `k` tries, or the counts are no counts.
    """
    _check(n, c, k)
    return comb(c, k) / comb(n, k)


def mean_over_cases(estimate: Estimate, counts: Iterable[tuple[int, int]], k: int) -> float | None:
    """The mean of `pass_at_k` or `pass_hat_k` over cases, each given as (tries, passes); every case weighs the same.

    None when no case has `k` tries; a case that has fewer is left out, since nothing unbiased can be said of it.
    """
    found = [estimate(n, c, k) for n, c in counts if n >= k]
    return fmean(found) if found else None


def _check(n: int, c: int, k: int) -> None:
    if not 0 <= c <= n:
        raise ValueError(f"{c} passes of {n} tries")
    if not 1 <= k <= n:
        raise ValueError(f"k = {k} cannot be estimated from {n} tries")
