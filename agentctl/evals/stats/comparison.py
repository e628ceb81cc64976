"""One measure of two versions on the same cases, and one of three words on it: better, worse, cannot tell.

The word is given by an exact test and shown with an interval, and the two never contradict each other: where the test
cannot tell, the interval is widened to hold 0; where the interval holds 0, the word is `cannot tell`. Both only make
the word more careful, so the chance of a false alarm stays at `alpha` or below.

Every case weighs the same, however often it was run, and its repeats are one observation. For one repeat the test of
passes is McNemar's; for several it is the same test asked of whole cases (`stats.signflip` says why).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm
from statistics import fmean, stdev, variance
from typing import Final, Literal, NamedTuple, TypeAlias

from agentctl.agent.events import JsonObject
from agentctl.agent.values import replace
from agentctl.evals.stats.bootstrap import RESAMPLES, bootstrap_interval
from agentctl.evals.stats.interval import Interval, paired_shares
from agentctl.evals.stats.power import (
    ALPHA,
    Enough,
    cases_enough,
    repeats_enough,
    smallest_effect,
    smallest_mean_effect,
)
from agentctl.evals.stats.signflip import mcnemar, sign_flip, sign_flip_whole

Word: TypeAlias = Literal["better", "worse", "cannot tell"]
BETTER: Final = "better"
WORSE: Final = "worse"
CANNOT_TELL: Final = "cannot tell"
DIGITS: Final = 9


class Runs(NamedTuple):
    """One case: how many pairs of repeats have a verdict in both versions, and how many passed in each."""

    pairs: int
    old: int
    new: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """What can be said of one measure. Means are over cases, differences are new minus old."""

    measure: str
    old: float
    new: float
    word: Word
    p: float
    """Of the two-sided test, before it is adjusted for other measures."""
    interval: Interval | None
    """Of the difference; None with fewer than two cases."""
    test: str
    """`exact McNemar`, or `sign-flip by case`."""
    cases: int
    smallest: float | None
    """The smallest difference that would have been shown, 4 times in 5, as things vary here. None: none would."""
    enough: Enough | None = None
    """What would show the difference that was seen; None when the word stands, or nothing differed."""

    @property
    def difference(self) -> float:
        """New minus old."""
        return self.new - self.old

    def to_json(self) -> JsonObject:
        """The comparison as `--json` prints it."""
        interval, enough = self.interval, self.enough
        return {
            "old": _rounded(self.old),
            "new": _rounded(self.new),
            "difference": _rounded(self.difference),
            "interval": None if interval is None else [_rounded(interval.low), _rounded(interval.high)],
            "p": self.p,
            "test": self.test,
            "word": self.word,
            "cases": self.cases,
            "smallest_effect": None if self.smallest is None else _rounded(self.smallest),
            "enough": None if enough is None else {"repeats": enough.repeats, "cases": enough.cases},
        }


def compare_passes(cases: Sequence[Runs], alpha: float = ALPHA, resamples: int = RESAMPLES) -> Comparison:
    """The pass rates of two versions on these cases; each has at least one pair of repeats.

    Raises:
        ValueError: there is no case, or one without a pair.
    """
    if not cases or min(case.pairs for case in cases) < 1:
        raise ValueError("pass rates are compared on cases that have a verdict in both versions")
    shares = [(case.new - case.old) / case.pairs for case in cases]
    if all(case.pairs == 1 for case in cases):
        test, p, interval = _once(cases, alpha)
    else:
        test, common = "sign-flip by case", lcm(*(case.pairs for case in cases))
        p = sign_flip_whole([(case.new - case.old) * (common // case.pairs) for case in cases])
        interval = bootstrap_interval(shares, 1 - alpha, resamples)
    found = _judged(
        Comparison(
            "pass_rate",
            fmean(case.old / case.pairs for case in cases),
            fmean(case.new / case.pairs for case in cases),
            CANNOT_TELL,
            p,
            interval,
            test,
            len(cases),
            _smallest(cases, shares, alpha),
        ),
        p <= alpha,
        lower_is_better=False,
    )
    if found.word != CANNOT_TELL or not found.difference:
        return found
    between, within = _variances(cases, shares)
    repeats = max(case.pairs for case in cases)
    return replace(
        found,
        enough=Enough(
            repeats_enough(between, within, len(cases), found.difference, alpha),
            cases_enough(between, within, repeats, found.difference, alpha),
        ),
    )


def compare_measure(
    measure: str, old: Sequence[float], new: Sequence[float], alpha: float = ALPHA, resamples: int = RESAMPLES
) -> Comparison:
    """A measure of which each case has one value (the mean of its repeats) in each version.

    Less of it is better, unless it is the score.

    Raises:
        ValueError: there is no case, or the two are not equally long.
    """
    differences = [after - before for before, after in zip(old, new, strict=True)]
    if not differences:
        raise ValueError("a measure is compared on at least one case")
    p = sign_flip(differences)
    smallest = smallest_mean_effect(stdev(differences), len(differences), alpha) if len(differences) > 1 else 0.0
    return _judged(
        Comparison(
            measure,
            fmean(old),
            fmean(new),
            CANNOT_TELL,
            p,
            bootstrap_interval(differences, 1 - alpha, resamples),
            "sign-flip by case",
            len(differences),
            smallest or None,
        ),
        p <= alpha,
        lower_is_better=measure != "score",
    )


def together(comparisons: Sequence[Comparison], alpha: float = ALPHA) -> list[Comparison]:
    """Several measures, so that *any* false alarm among them is as rare as one alone: each word holds after Holm.

    Source: S. Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6 (1979), 65-70.
    """
    order = sorted(range(len(comparisons)), key=lambda index: comparisons[index].p)
    held = list(comparisons)
    for rank, index in enumerate(order):
        if comparisons[index].p > alpha / (len(order) - rank):
            for other in order[rank:]:
                held[other] = _widened(replace(held[other], word=CANNOT_TELL))
            break
    return held


def _once(cases: Sequence[Runs], alpha: float) -> tuple[str, float, Interval | None]:
    both = sum(case.old and case.new for case in cases)
    only_old = sum(case.old for case in cases) - both
    only_new = sum(case.new for case in cases) - both
    neither = len(cases) - both - only_old - only_new
    interval = paired_shares(both, only_old, only_new, neither, 1 - alpha)
    return "exact McNemar", mcnemar(only_old, only_new), interval


def _smallest(cases: Sequence[Runs], shares: Sequence[float], alpha: float) -> float | None:
    """By the power of the exact test; for several repeats by the spread that was seen, but no less than it takes.

    Of the cases some must differ before anything can be shown, and each of these by one repeat at least.
    """
    n, repeats = len(cases), max(case.pairs for case in cases)
    if repeats == 1:
        return smallest_effect(n, sum(share != 0 for share in shares) / n, alpha)
    least = smallest_effect(n, 0.0, alpha)
    if least is None:
        return None
    spread = stdev(shares)
    return max(smallest_mean_effect(spread, n, alpha), least / repeats) if spread else least


def _variances(cases: Sequence[Runs], shares: Sequence[float]) -> tuple[float, float]:
    """(between cases, within a case for one repeat) of the differences; with one repeat all of it is taken for chance.

    Source: Miller (2024), section 3.2: the variance of repeats within a case is p (1 - p), without bias by r / (r - 1).
    """
    whole = variance(shares) if len(shares) > 1 else 0.0
    repeated = [case for case in cases if case.pairs > 1]
    if not repeated:
        return 0.0, whole
    within = fmean(
        (case.old * (case.pairs - case.old) + case.new * (case.pairs - case.new)) / (case.pairs * (case.pairs - 1))
        for case in repeated
    )
    return max(whole - within * fmean(1 / case.pairs for case in cases), 0.0), within


def _judged(found: Comparison, told: bool, *, lower_is_better: bool) -> Comparison:  # noqa: FBT001
    if not told or found.interval is None or 0.0 in found.interval:
        return _widened(found)
    return replace(found, word=BETTER if (found.difference < 0) == lower_is_better else WORSE)


def _widened(found: Comparison) -> Comparison:
    return found if found.interval is None else replace(found, interval=found.interval.around(0.0))


def _rounded(value: float) -> float:
    return round(value, DIGITS)
