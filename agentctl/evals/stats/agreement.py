"""How far two raters agree beyond chance: Cohen's kappa, for kinds and, weighted, for ordered scores.

Sources: J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20 (1960);
J. Cohen, "Weighted kappa", Psychological Bulletin 70 (1968); the standard error is that of J. L. Fleiss, J. Cohen and
B. S. Everitt, "Large sample standard errors of kappa and weighted kappa", Psychological Bulletin 72 (1969).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TypeAlias, TypeVar

from agentctl.evals.stats.interval import CONFIDENCE, Interval, z

R = TypeVar("R", bound=Hashable)
Weight: TypeAlias = Callable[[int, int], float]
"""How far ratings `i` and `j` (places in the list of all ratings) agree, from 0 to 1; 1 when they are the same."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of `n` pairs the observed agreement, the one expected by chance, and kappa: what is left of the rest.

    Kappa is None when chance alone would always agree: both raters only ever gave one and the same rating.
    """

    n: int
    observed: float
    expected: float
    kappa: float | None
    interval: Interval | None
    """Of kappa, normal approximation; None where kappa is."""


def kappa(
    pairs: Sequence[tuple[R, R]], ratings: Sequence[R], *, weighted: bool = False, confidence: float = CONFIDENCE
) -> Agreement:
    """The agreement of two raters on the same things; `ratings` are all there are, in their order.

    With `weighted`, ratings that are near agree in part: 1 - (distance / largest distance) ** 2.

    Raises:
        ValueError: there is no pair, a rating is not among `ratings`, or the confidence is not between 0 and 1.
    """
    if not pairs:
        raise ValueError("there is nothing that both rated")
    place = {rating: index for index, rating in enumerate(ratings)}
    try:
        counts = Counter((place[one], place[other]) for one, other in pairs)
    except KeyError as error:
        raise ValueError(f"{error.args[0]!r} is none of the ratings") from None
    weight = _squared(len(ratings)) if weighted else _same
    return _agreement(counts, len(pairs), len(ratings), weight, confidence)


def _agreement(counts: Counter[tuple[int, int]], n: int, k: int, weight: Weight, confidence: float) -> Agreement:
    share = {cell: number / n for cell, number in counts.items()}
    rows = [sum(share.get((i, j), 0.0) for j in range(k)) for i in range(k)]
    columns = [sum(share.get((i, j), 0.0) for i in range(k)) for j in range(k)]
    observed = sum(weight(i, j) * part for (i, j), part in share.items())
    expected = sum(weight(i, j) * rows[i] * columns[j] for i in range(k) for j in range(k))
    if expected >= 1.0:
        return Agreement(n, observed, expected, None, None)
    found = (observed - expected) / (1 - expected)
    by_row = [sum(columns[j] * weight(i, j) for j in range(k)) for i in range(k)]
    by_column = [sum(rows[i] * weight(i, j) for i in range(k)) for j in range(k)]
    spread = sum(
        part * (weight(i, j) * (1 - expected) - (by_row[i] + by_column[j]) * (1 - observed)) ** 2
        for (i, j), part in share.items()
    )
    variance = (spread - (observed * expected - 2 * expected + observed) ** 2) / (n * (1 - expected) ** 4)
    reach = z(confidence) * sqrt(max(variance, 0.0))
    return Agreement(n, observed, expected, found, Interval(max(found - reach, -1.0), min(found + reach, 1.0)))


def _same(i: int, j: int) -> float:
    return float(i == j)


def _squared(k: int) -> Weight:
    return lambda i, j: 1.0 - ((i - j) / max(k - 1, 1)) ** 2
