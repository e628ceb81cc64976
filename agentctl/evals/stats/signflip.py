"""Whether two versions differ, asked of each case's difference: if they do not, its sign is a toss of a coin.

The runs of one case are not independent of each other, so they must not be tossed one by one: a case has one difference
(the mean over its repeats), whatever number of repeats it has. Where the change of version changes nothing, old and new
could be swapped within every case, and all ways to swap are equally likely; the p-value is the share of them whose sum
is as far from 0 as the sum that was seen. Nothing is assumed of how the differences are distributed. With one repeat
per case and differences of -1, 0 and 1 this *is* McNemar's exact test.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from math import comb
from typing import Final

from agentctl.evals.stats.binomial import at_least, term

EXACT_UP_TO: Final = 16
"""Differences of any size whose ways to swap are all looked at: 65,536."""
TOSSES: Final = 9_999
SEED: Final = 20_241_104
EXACT_COINS: Final = 1000
"""Discordant cases whose ways are counted in whole numbers; beyond, their logarithms are exact enough."""
BITS: Final = 40_000_000
"""What the exact count for whole numbers may take: some tenths of a second."""
NEAR: Final = 1e-9
"""Sums of floats that differ by this part of the largest are the same sum."""


def mcnemar(only_old: int, only_new: int) -> float:
    """The two-sided p-value of McNemar's exact test: the cases that one version passed and the other failed, as coins.

    Source: the binomial test on discordant pairs of Q. McNemar, Psychometrika 12 (1947), as "exact conditional" in
    Fagerland, Lydersen and Laake, BMC Med. Res. Methodol. 13 (2013), 91. It never raises false alarms beyond its level,
    which the more powerful `mcnemar_mid_p` does not promise.
    """
    n = only_old + only_new
    if n > EXACT_COINS:
        return min(1.0, 2 * at_least(max(only_old, only_new), n, 0.5))
    ways = sum(comb(n, k) for k in range(max(only_old, only_new), n + 1))
    return min(1.0, 2 * ways / (1 << n))


def mcnemar_mid_p(only_old: int, only_new: int) -> float:
    """The mid-p variant (same source): half the chance of what was seen is taken off. No verdict here rests on it."""
    if only_old == only_new:
        return 1 - term(only_old, 2 * only_old, 0.5) if only_old else 1.0
    return mcnemar(only_old, only_new) - term(only_old, only_old + only_new, 0.5)


def sign_flip(differences: Sequence[float], seed: int = SEED) -> float:
    """The two-sided p-value that the mean of these differences, one for each case, is 0.

    Source: R. A. Fisher, "The Design of Experiments" (1935), section 21. Exact up to `EXACT_UP_TO` differences other
    than 0; from there on by `TOSSES` seeded tosses, where the seen one counts as one of them, so that the p-value is
    valid and never 0 (Phipson and Smyth, Stat. Appl. Genet. Mol. Biol. 9 (2010)).
    """
    sizes = [abs(value) for value in differences if value]
    if not sizes:
        return 1.0
    whole = sum(sizes)
    seen = abs(sum(differences)) - NEAR * whole
    if len(sizes) <= EXACT_UP_TO:
        return _share_beyond(_subset_sums(sizes), whole, seen)
    return (1 + sum(abs(2 * each - whole) >= seen for each in _tossed(sizes, seed))) / (1 + TOSSES)


def sign_flip_whole(differences: Sequence[int], seed: int = SEED) -> float:
    """`sign_flip` of whole numbers (passes gained or lost by each case), exact for any number of cases that has any.

    The ways to swap are counted by the product of (1 + x^|d|) over the cases: the coefficient of x^s is the number of
    ways in which the swapped cases add up to s. The polynomial is one integer, with as many bits for each coefficient
    as it can need, so that multiplying is a shift and an addition.
    """
    sizes = [abs(value) for value in differences if value]
    if not sizes:
        return 1.0
    whole, seen, bits = sum(sizes), abs(sum(differences)), len(sizes) + 1
    if whole * bits > BITS:
        return sign_flip(differences, seed)
    polynomial = 1
    for size in sizes:
        polynomial += polynomial << (size * bits)
    # swapped cases add up to s, so the sum is whole - 2 s: it is `seen` or more for every s up to (whole - seen) / 2
    beyond = polynomial & ((1 << (((whole - seen) // 2 + 1) * bits)) - 1)
    ways = _sum_of_coefficients(beyond, bits)
    return 1.0 if seen == 0 else min(1.0, 2 * ways / (1 << len(sizes)))


def _sum_of_coefficients(polynomial: int, bits: int) -> int:
    """The polynomial at x = 1: modulo x - 1, where x = 2^bits; coefficients never add up to 2^bits - 1 or more."""
    return polynomial % ((1 << bits) - 1)


def _subset_sums(sizes: Sequence[float]) -> list[float]:
    sums = [0.0]
    for size in sizes:
        sums += [each + size for each in sums]
    return sums


def _share_beyond(sums: Sequence[float], whole: float, seen: float) -> float:
    return sum(abs(2 * each - whole) >= seen for each in sums) / len(sums)


def _tossed(sizes: Sequence[float], seed: int) -> list[float]:
    """Sums over random subsets. A random byte decides on eight differences at once, whose 256 sums are known before."""
    tables = [_subset_sums(sizes[start : start + 8]) for start in range(0, len(sizes), 8)]
    tables[-1] *= 256 // len(tables[-1])
    chance = random.Random(seed)  # noqa: S311  a seeded toss, no secret
    return [
        sum([table[byte] for table, byte in zip(tables, chance.randbytes(len(tables)), strict=True)])
        for _ in range(TOSSES)
    ]
