"""What the runs of a suite say of the agent, with how sure that is: rates, intervals, pass@k and pass^k, flaky cases.

Rates count verdicts; a run without one is named beside them. Wilson's interval takes every run for itself; where a case
is repeated, or cases form groups, runs resemble each other, and the clustered error says how much less is known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Final

from agentctl.agent.events import JsonObject
from agentctl.evals.repeats import Tally
from agentctl.evals.stats.interval import CONFIDENCE, Interval, wilson
from agentctl.evals.stats.means import Mean, clustered_mean
from agentctl.evals.stats.tries import mean_over_cases, pass_at_k, pass_hat_k

EVERY: Final = 10
"""Up to here every k is estimated; beyond it 20, 50, 100, ... and the last."""
DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class Tries:
    """The mean pass@k and pass^k over those cases that have at least `k` verdicts."""

    k: int
    pass_at: float
    pass_hat: float
    cases: int


@dataclass(frozen=True)
class Statistics:
    """The figures of one suite, from what became of each of its cases."""

    tallies: Sequence[Tally]
    today: date

    @cached_property
    def passed(self) -> int:
        """Runs that passed."""
        return sum(tally.passed for tally in self.tallies)

    @cached_property
    def judged(self) -> int:
        """Runs with a verdict."""
        return sum(tally.judged for tally in self.tallies)

    @property
    def no_verdict(self) -> dict[str, int]:
        """Runs without one, by status."""
        counts = Counter[str]()
        for tally in self.tallies:
            if tally.no_verdict:
                counts.update(tally.no_verdict)
        return dict(counts)

    @property
    def interval(self) -> Interval | None:
        """Wilson's interval of the pass rate; None without a verdict."""
        return wilson(self.passed, self.judged) if self.judged else None

    @property
    def clustered(self) -> Mean | None:
        """The pass rate with its standard error over groups; None without a verdict."""
        values: list[float] = []
        groups: list[str] = []
        for tally in self.tallies:
            values += [1.0] * tally.passed + [0.0] * (tally.judged - tally.passed)
            groups += [tally.group] * tally.judged
        return clustered_mean(values, groups) if values else None

    @property
    def is_clustered(self) -> bool:
        """Whether some group has several runs, so that they do not count as many."""
        return any(count > 1 for count in self._runs_of_groups().values())

    @property
    def is_repeated(self) -> bool:
        """Whether some case was, or was to be, run more than once."""
        return any(tally.planned > 1 for tally in self.tallies)

    @property
    def tries(self) -> list[Tries]:
        """pass@k and pass^k for every k there are tries for; empty without repeats.

        And empty where repeats were spared: how many were made depends on how they went, so the estimates are biased.
        """
        return [] if self.spared else list(self._tries())

    @property
    def spared(self) -> int:
        """Repeats that were not made, since they could not have changed a verdict."""
        return sum(tally.spared for tally in self.tallies)

    @property
    def flaky(self) -> list[Tally]:
        """Cases that neither always pass nor always fail."""
        return [tally for tally in self.tallies if tally.flaky]

    @property
    def quarantined(self) -> list[Tally]:
        """Cases whose failures fail nothing, today."""
        return [tally for tally in self.tallies if tally.shielded(self.today)]

    @property
    def lapsed(self) -> list[Tally]:
        """Cases whose quarantine has ended."""
        return [tally for tally in self.tallies if tally.lapsed(self.today)]

    def _runs_of_groups(self) -> Counter[str]:
        counts = Counter[str]()
        for tally in self.tallies:
            counts[tally.group] += tally.judged
        return counts

    def _tries(self) -> Iterator[Tries]:
        counts = [(tally.judged, tally.passed) for tally in self.tallies]
        most = max((n for n, _ in counts), default=0)
        for k in steps(most) if most > 1 else ():
            at, hat = (mean_over_cases(estimate, counts, k) for estimate in (pass_at_k, pass_hat_k))
            if at is not None and hat is not None:
                yield Tries(k, at, hat, sum(n >= k for n, _ in counts))

    def to_json(self) -> JsonObject:
        """The figures as they stand in the document."""
        interval, mean = self.interval, self.clustered
        return {
            "passes": self.passed,
            "of": self.judged,
            "pass_rate": _rounded(self.passed / self.judged) if self.judged else None,
            "interval": _pair(interval),
            "confidence": CONFIDENCE,
            "standard_error": None if mean is None or mean.error is None else _rounded(mean.error),
            "groups": 0 if mean is None else mean.groups,
            "clustered_interval": _pair(within(mean)) if mean is not None else None,
            "no_verdict": self.no_verdict,
            "tries": [
                {"k": each.k, "pass_at": _rounded(each.pass_at), "pass_hat": _rounded(each.pass_hat)}
                | {"cases": each.cases}
                for each in self.tries
            ],
            "spared": self.spared,
            "flaky": [tally.id for tally in self.flaky],
            "quarantined": [tally.id for tally in self.quarantined],
            "expired": [tally.id for tally in self.lapsed],
            "release": [tally.id for tally in self.tallies if tally.releasable],
            "cases": [tally.to_json(self.today) for tally in self.tallies],
        }


def statistics(tallies: Sequence[Tally], today: date) -> JsonObject:
    """The figures of a suite as they stand in the document; quarantines are looked at on that day."""
    return Statistics(tallies, today).to_json()


def within(mean: Mean) -> Interval | None:
    """The clustered interval of a share, cut at 0 and 1. None where nothing spreads: one group, or all the same."""
    found = mean.interval() if mean.error else None
    return None if found is None else Interval(max(found.low, 0.0), min(found.high, 1.0), found.confidence)


def steps(most: int) -> list[int]:
    """Every k to ten, then 20, 50, 100, ... and `most`."""
    found = list(range(1, min(most, EVERY) + 1))
    scale = EVERY
    while scale < most:
        found += [scale * each for each in (2, 5, 10) if scale * each < most]
        scale *= 10
    return list(dict.fromkeys([*found, most]))


def _pair(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [_rounded(interval.low), _rounded(interval.high)]


def _rounded(value: float) -> float:
    return round(value, DIGITS)
