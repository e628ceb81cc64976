"""What the repeats of a case came to, case by case: passes among verdicts, and whether that is enough.

A run without a verdict (an error, a stale or missing recording) says nothing about the agent: it leaves the denominator
and is counted beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Protocol

from msgspec import Struct

from agentctl.agent.events import JsonObject
from agentctl.evals.terms import DEFAULT, Terms


class Run(Protocol):
    """One run of a case, as far as it is counted here."""

    @property
    def id(self) -> str:
        """The case's."""
        ...

    @property
    def line(self) -> int:
        """Where the case stands in the suite's file."""
        ...

    @property
    def status(self) -> str:
        """See `evals.totals.STATUSES`."""
        ...


class Tally(Struct, frozen=True):
    """The repeats of one case: `passed` of `judged`, and how many of the runs ended without a verdict, by status."""

    id: str
    line: int
    terms: Terms
    passed: int
    judged: int
    no_verdict: Mapping[str, int]
    planned: int
    """Repeats that were to be made."""

    @property
    def runs(self) -> int:
        """Repeats that were made, or would have been but for their recording."""
        return self.judged + sum(self.no_verdict.values())

    @property
    def spared(self) -> int:
        """Repeats that were not made, since they could not have changed the verdict."""
        return max(self.planned - self.runs, 0)

    @property
    def verdict(self) -> str | None:
        """`pass` or `fail`, by what is enough for this case; None without a verdict."""
        enough = self.terms.satisfied(self.passed, self.judged)
        return None if enough is None else "pass" if enough else "fail"

    @property
    def flaky(self) -> bool:
        """Whether it neither always passes nor always fails."""
        return 0 < self.passed < self.judged

    @property
    def group(self) -> str:
        """The cluster its runs belong to."""
        return self.terms.group or self.id

    def shielded(self, today: date) -> bool:
        """Whether a quarantine that still holds keeps its failures from failing anything."""
        return self.terms.quarantine is not None and not self.terms.quarantine.expired(today)

    def lapsed(self, today: date) -> bool:
        """Whether it stands in a quarantine that has ended."""
        return self.terms.quarantine is not None and self.terms.quarantine.expired(today)

    @property
    def releasable(self) -> bool:
        """Whether it is in quarantine and every repeat passed."""
        return self.terms.quarantine is not None and self.passed == self.runs > 0

    def to_json(self, today: date) -> JsonObject:
        """The case as it stands in a suite's statistics."""
        quarantine = self.terms.quarantine
        return {
            "id": self.id,
            "passes": self.passed,
            "of": self.judged,
            "planned": self.planned,
            "verdict": self.verdict,
            **({"group": self.terms.group} if self.terms.group else {}),
            **({"pass": self.terms.enough} if self.terms.enough != "all" else {}),
            **({"no_verdict": dict(self.no_verdict)} if self.no_verdict else {}),
            **({"flaky": True} if self.flaky else {}),
            **({"quarantine": quarantine.to_json(today)} if quarantine is not None else {}),
        }


def tallies(runs: Iterable[Run], terms: Mapping[str, Terms], planned: Mapping[str, int]) -> list[Tally]:
    """Every case of a suite, in the order of its first run; terms and planned repeats are looked up by id."""
    counts: dict[str, dict[str, int]] = {}
    lines: dict[str, int] = {}
    for run in runs:
        count = counts.get(run.id)
        if count is None:
            count = counts[run.id] = {}
            lines[run.id] = run.line
        count[run.status] = count.get(run.status, 0) + 1
    return [_tally(id_, lines[id_], count, terms.get(id_, DEFAULT), planned.get(id_)) for id_, count in counts.items()]


def _tally(id_: str, line: int, counts: dict[str, int], terms: Terms, planned: int | None) -> Tally:
    made = sum(counts.values())
    passed, failed = counts.pop("pass", 0), counts.pop("fail", 0)
    return Tally(id_, line, terms, passed, passed + failed, counts, made if planned is None else planned)
