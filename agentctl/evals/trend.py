"""A suite over time: its results in order, what changed from one to the next, and what became worse with the last.

Only results of the whole suite make a trend, since a rate over other cases is another rate; parts of it are shown when
there is nothing else. A case has regressed when it fails in the newest result and passed when it last had a verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agentctl.config.project import Project
from agentctl.evals.places import database, waiting
from agentctl.evals.stats.interval import Interval, wilson
from agentctl.evals.stats.signflip import mcnemar
from agentctl.store.found import ResultCase
from agentctl.store.results import Results, StoredResult

ALPHA: Final = 0.05
PASSED, FAILED = "pass", "fail"
CHANGES: Final = ("agent", "bundle", "model", "revision")


@dataclass(frozen=True, slots=True)
class Point:
    """One result, and in what it differs from the one before it: of agent, bundle, model and revision."""

    result: StoredResult
    changed: tuple[str, ...] = ()

    @property
    def version(self) -> tuple[str, str]:
        """Agent and bundle."""
        return self.result.agent, self.result.bundle

    @property
    def pass_rate(self) -> float | None:
        """Passes among verdicts; None without one."""
        return self.result.passed / self.result.judged if self.result.judged else None

    @property
    def interval(self) -> Interval | None:
        """Wilson's interval of the pass rate."""
        return wilson(self.result.passed, self.result.judged) if self.result.judged else None

    @property
    def cost_usd(self) -> float | None:
        """Of one run, in the mean; None when it is not known."""
        played, cost = self.result.played, self.result.cost_usd
        return cost / played if played and cost is not None else None

    @property
    def seconds(self) -> float | None:
        """Of one run, in the mean; None when none was played."""
        return self.result.seconds / self.result.played if self.result.played else None


@dataclass(frozen=True, slots=True)
class Flip:
    """A case whose verdict is another one than the last it had."""

    now: ResultCase
    was: ResultCase
    when: StoredResult
    """The result in which it last had a verdict before."""


@dataclass(frozen=True, slots=True)
class Trend:
    """What there is to know of one suite, or of one case of it."""

    suite: str
    case: str | None
    points: tuple[Point, ...]
    """The oldest first."""
    partial: int
    """Results of a part of the suite, which are left out; 0 when nothing else is there."""
    lost: tuple[Flip, ...] = ()
    """Cases that fail now and passed before."""
    won: tuple[Flip, ...] = ()

    @property
    def p_value(self) -> float:
        """The chance that as many cases or more go one way, when each is as likely to go either: McNemar, exact."""
        return mcnemar(len(self.lost), len(self.won))

    @property
    def is_worse(self) -> bool:
        """Whether more cases were lost than chance explains, at 5 %."""
        return len(self.lost) > len(self.won) and self.p_value <= ALPHA


def open_results(project: Project) -> Results:
    """The project's stored results, with those that waited for it.

    Raises:
        StoreError: the database cannot be read or written.
    """
    results = Results(database(project))
    try:
        results.absorb(waiting(project))
    except BaseException:
        results.close()
        raise
    return results


def trend(
    results: Results, suite: str, *, case: str | None = None, since: float = 0.0, limit: int | None = None
) -> Trend:
    """The trend of the newest `limit` results since that time.

    Raises:
        StoreError: the results cannot be read.
    """
    stored = results.list(suite, case=case, since=since)
    whole = stored if case is not None else [each for each in stored if each.complete]
    shown = whole or stored
    points = _points(shown)[-limit if limit else 0 :]
    lost, won = _flips(results, stored[-1], case) if stored else ((), ())
    return Trend(suite, case, tuple(points), len(stored) - len(shown), lost, won)


def _points(stored: Sequence[StoredResult]) -> list[Point]:
    points: list[Point] = []
    for result in stored:
        last = points[-1].result if points else result
        points.append(Point(result, tuple(name for name in CHANGES if getattr(result, name) != getattr(last, name))))
    return points


def _flips(results: Results, newest: StoredResult, case: str | None) -> tuple[tuple[Flip, ...], tuple[Flip, ...]]:
    """The cases that were lost with the newest result, and those that were won."""
    before, when = results.before(newest), {each.id: each for each in results.list(newest.suite)}
    flips = [
        Flip(now, was, when[result])
        for now in results.cases(newest.id)
        if case is None or now.id == case
        for result, was in [before.get(now.id, (0, now))]
        if {now.verdict, was.verdict} == {PASSED, FAILED}
    ]
    return (
        tuple(each for each in flips if each.now.verdict == FAILED),
        tuple(each for each in flips if each.now.verdict == PASSED),
    )
