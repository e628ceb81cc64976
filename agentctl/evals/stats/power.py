"""What a comparison could have shown, and what would be enough: "no difference seen" means little without both.

An effect is a difference of pass rates, or of a measure's means. Power is the chance that the test finds an effect that
is there; here it is that of the exact test that gives the verdict, wherever that can be computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, sqrt
from statistics import NormalDist
from typing import Final

from agentctl.evals.stats.binomial import at_least, term
from agentctl.evals.stats.interval import z

ALPHA: Final = 0.05
POWER: Final = 0.8
HALVINGS: Final = 24
MOST_REPEATS: Final = 1000
MOST_CASES: Final = 10**7
ROUNDING: Final = 1e-9
FAR: Final = 7
"""Standard deviations beyond which nothing happens."""


@dataclass(frozen=True, slots=True)
class Enough:
    """What would show the effect that was seen with the stated power, one of both; None: no number of them would."""

    repeats: int | None
    """Of every case, in all."""
    cases: int | None
    """With as many repeats as now."""


def least_cases(alpha: float = ALPHA) -> int:
    """How many cases must differ before any exact test can say so: with n of them, 2 of 2^n ways are the clearest."""
    n = 1
    while 2.0 ** (1 - n) > alpha:
        n += 1
    return n


def mcnemar_power(n: int, discordant: float, effect: float, alpha: float = ALPHA) -> float:
    """The chance that McNemar's exact test finds `effect`, in its direction, on `n` cases.

    `discordant` is the share of cases whose versions differ: (discordant + effect) / 2 of them gain, the others lose.
    Source: the unconditional power of O. S. Miettinen, Biometrics 24 (1968), 339-352, summed exactly.
    """
    if discordant <= 0:
        return 0.0
    gain = min((discordant + effect) / (2 * discordant), 1.0)
    reach = ceil(FAR * sqrt(n * discordant * (1 - min(discordant, 1.0)))) + FAR
    counts = range(max(least_cases(alpha), int(n * discordant) - reach), min(n, int(n * discordant) + reach) + 1)
    return sum(term(count, n, discordant) * at_least(_critical(count, alpha), count, gain) for count in counts)


@lru_cache(maxsize=4096)
def smallest_effect(n: int, discordant: float, alpha: float = ALPHA, power: float = POWER) -> float | None:
    """The smallest difference of pass rates that `n` cases, run once, show with this power; None: not even 100 %.

    As many cases are taken to differ as were seen to; for an effect larger than that, all of them in one direction.
    """

    def enough(effect: float) -> bool:
        return mcnemar_power(n, max(discordant, effect), effect, alpha) >= power

    if not enough(1.0):
        return None
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def smallest_mean_effect(deviation: float, n: int, alpha: float = ALPHA, power: float = POWER) -> float:
    """The smallest mean difference that `n` cases show, whose differences have this standard deviation.

    Source: Miller (2024), arXiv 2411.00640, section 5, solved for the effect; normal approximation.
    """
    return _reach(alpha, power) * deviation / sqrt(n)


def cases_enough(between: float, within: float, repeats: int, effect: float, alpha: float = ALPHA) -> int | None:
    """How many cases show `effect`: (z_alpha/2 + z_power)^2 (between + within / repeats) / effect^2.

    `between` is the variance of the cases' true differences, `within` that of one repeat's difference around it.
    Source: Miller (2024), section 5. None for an effect of 0.
    """
    if effect == 0:
        return None
    n = ceil((_reach(alpha, POWER) / effect) ** 2 * (between + within / repeats) - ROUNDING)
    return max(n, least_cases(alpha)) if n <= MOST_CASES else None


def repeats_enough(between: float, within: float, n: int, effect: float, alpha: float = ALPHA) -> int | None:
    """How many repeats of each of `n` cases show `effect`; None: no number up to `MOST_REPEATS` does.

    The same formula, solved for the repeats: they only average out what varies within a case.
    """
    room = n * (effect / _reach(alpha, POWER)) ** 2 - between
    if room <= 0 or n < least_cases(alpha):
        return None
    repeats = max(ceil(within / room - ROUNDING), 1)
    return repeats if repeats <= MOST_REPEATS else None


def _reach(alpha: float, power: float) -> float:
    """How many standard errors an effect must measure."""
    return z(1 - alpha) + NormalDist().inv_cdf(power)


@lru_cache(maxsize=4096)
def _critical(count: int, alpha: float) -> int:
    """How many of `count` discordant cases must go one way for a p-value of at most `alpha`."""
    low, high = count // 2, count
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if 2 * at_least(middle, count, 0.5) <= alpha else (middle, high)
    return high
