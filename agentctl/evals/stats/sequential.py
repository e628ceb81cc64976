"""Whether repeating a case still has a point: its verdict is decided when the repeats that are left cannot change it.

The verdict in question is the one all planned repeats would give: pass when at least `threshold` of them pass. With
`alpha` = 0 only certainty stops (a curtailed test): when enough passed, or when too few are left. With `alpha` > 0 it
also stops when a change of the verdict is unlikely, and the promise is on the whole of it: whatever the true pass rate
and however often one looks, the verdict differs from the one of all planned repeats with a chance of `alpha` at most.

Why that holds. Half of `alpha` goes into a confidence sequence: an interval that holds the true pass rate at *every*
look, with a chance of 1 - alpha/2 (Robbins' mixture, whose bound is Ville's inequality). The other half bounds the
chance of a change, computed exactly and for the worst rate in that interval. Given the rate, the chance of a change is
a martingale, so stopping at a look that was chosen by the data does not raise it. Looking repeatedly at a fixed
interval (Wilson's, say) keeps no such promise.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, lgamma, log, log1p
from typing import Final, Literal, TypeAlias

from agentctl.evals.stats.binomial import at_least, at_most

Decision: TypeAlias = Literal["pass", "fail"]
ROUNDING: Final = 1e-9
HALVINGS: Final = 40


def needed(planned: int, threshold: float) -> int:
    """How many of `planned` repeats must pass for a share of `threshold`."""
    return ceil(planned * threshold - ROUNDING)


@lru_cache(maxsize=4096)
def decided(passes: int, fails: int, planned: int, threshold: float, alpha: float = 0.0) -> Decision | None:
    """The verdict that all `planned` repeats would give, as soon as it stands; None while it is open.

    `alpha` is the chance, over all looks together, that this verdict is another one than that: 0 means never.

    Sources: curtailment, and stopping when the conditional chance of another end is small: Lan, Simon and Halperin,
    "Stochastically curtailed tests in long-term clinical trials", Sequential Analysis 1 (1982); the confidence
    sequence: H. Robbins, "Statistical methods related to the law of the iterated logarithm", Ann. Math. Stat. 41
    (1970), with a uniform mixture.

    Raises:
        ValueError: the counts do not fit the plan, or `threshold` or `alpha` is no share.
    """
    left = planned - passes - fails
    if min(passes, fails, left) < 0 or not 0 <= threshold <= 1 or not 0 <= alpha < 1:
        raise ValueError(f"{passes} passes and {fails} fails of {planned}, threshold {threshold}, alpha {alpha}")
    missing = needed(planned, threshold) - passes
    if missing <= 0:
        return "pass"
    if missing > left:
        return "fail"
    if alpha == 0 or passes + fails == 0:
        return None
    low, high = rate_bounds(passes, fails, alpha / 2)
    if at_most(missing - 1, left, low) <= alpha / 2:
        return "pass"
    if at_least(missing, left, high) <= alpha / 2:
        return "fail"
    return None


def rate_bounds(passes: int, fails: int, error: float) -> tuple[float, float]:
    """Bounds that hold the true pass rate at every look of a growing series, with a chance of 1 - `error`.

    They are the rates whose likelihood is at least `error` times the mean likelihood over all rates.
    """
    bar = lgamma(passes + 1) + lgamma(fails + 1) - lgamma(passes + fails + 2) + log(error)
    best = passes / (passes + fails)
    low = 0.0 if passes == 0 else _edge(passes, fails, bar, inside=best, outside=0.0)
    high = 1.0 if fails == 0 else _edge(passes, fails, bar, inside=best, outside=1.0)
    return low, high


def _edge(passes: int, fails: int, bar: float, inside: float, outside: float) -> float:
    """Where the likelihood falls to `exp(bar)` between the likeliest rate and an end; the outer side is returned."""
    for _ in range(HALVINGS):
        middle = (inside + outside) / 2
        if _log_likelihood(passes, fails, middle) >= bar:
            inside = middle
        else:
            outside = middle
    return outside


def _log_likelihood(passes: int, fails: int, rate: float) -> float:
    return (passes * log(rate) if passes else 0.0) + (fails * log1p(-rate) if fails else 0.0)


def changed_verdicts(planned: int, threshold: float, alpha: float, rate: float) -> tuple[float, float]:
    """What stopping early does when the true pass rate is `rate`: (chance of another verdict, mean repeats made).

    Exact, over all series of repeats; costs the square of `planned`.
    """
    need, reached, wrong, made = needed(planned, threshold), {0: 1.0}, 0.0, 0.0
    for run in range(planned + 1):
        after: dict[int, float] = {}
        for passes, chance in reached.items():
            verdict = decided(passes, run - passes, planned, threshold, alpha)
            if verdict is not None:
                passes_in_all = at_least(need - passes, planned - run, rate)
                wrong += chance * (passes_in_all if verdict == "fail" else 1 - passes_in_all)
                made += chance * run
                continue
            after[passes + 1] = after.get(passes + 1, 0.0) + chance * rate
            after[passes] = after.get(passes, 0.0) + chance * (1 - rate)
        reached = after
    return wrong, made
