"""What an evaluation found, as values and as the one JSON document that every report is made from.

The document keeps each run's events, so that two results can be compared down to where two runs part, and a case of a
result can be replayed without its recording. Keys are only ever added to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import Final

import msgspec
import orjson
from msgspec import Struct

from agentctl import __version__
from agentctl.agent.events import Json, JsonObject
from agentctl.agent.run import Usage
from agentctl.agent.values import replace
from agentctl.errors import UsageError
from agentctl.evals.marks import Again, Judging, Parted, Reused, judging_of, sum_of
from agentctl.evals.repeats import Tally, tallies
from agentctl.evals.scorers.outcome import NO_OUTCOME, Outcome
from agentctl.evals.scorers.score import Assertion, Score, verdict_json
from agentctl.evals.spending import Spending, Unplayed
from agentctl.evals.statistics import statistics
from agentctl.evals.terms import Terms, today
from agentctl.evals.totals import STATUSES, Totals, sum_of_totals
from agentctl.evals.user.spec import UserPart

SCHEMA: Final = 1


class Verdict(Struct, frozen=True):
    """One assertion and what became of it."""

    assertion: Assertion
    score: Score


class CaseResult(Struct, frozen=True):
    """One run of one case (`repeat` counts from 1), or why there was none."""

    suite: str
    id: str
    repeat: int
    status: str
    line: int = 0
    """Where the case stands in the suite's file."""
    recording: str = ""
    """Its recording's file, as messages name it."""
    reason: str = ""
    """Why it is no pass, in one sentence."""
    hint: str = ""
    stale: tuple[str, ...] = ()
    """The components that changed since the recording."""
    verdicts: tuple[Verdict, ...] = ()
    score: float = 0.0
    """The weighted mean over the assertions; 1 when there is none."""
    outcome: Outcome | None = None
    transcript: bool = False
    """Whether the run was made by an agent that is not defined here."""
    metadata: JsonObject = msgspec.field(default_factory=dict)
    tags: tuple[str, ...] = ()
    trial_of: str = ""
    """The task that a transcript is a trial of: its trials count together, as the repeats of a case do."""
    cost_from: str = ""
    """The label that told what the run cost; empty when its tokens were priced."""
    reused: Reused | None = None
    """What of the run came from its recording; None when there was nothing it could have come from."""
    stale_matched: bool = False
    """Whether answers were reused that were given to something else than would be asked now."""
    parted: Parted | None = None
    """Where the run left its recording, or would have."""
    holds: bool = False
    """Whether a stopped run would pass by what could be scored of it."""
    again: Again | None = None
    """How to record a case whose recording does not hold what is asked now."""
    judging: Judging | None = None
    """What its judges took; None when it has none, or they have not ruled."""
    user: UserPart | None = None
    """What a simulated user did, and whether a failure is theirs."""
    unjudged: bool = False
    """Whether it is a judge's verdict that is missing or stale, and not the recording."""
    faults: tuple[tuple[str, int], ...] = ()
    """What was to go wrong in the run, and how often it did; it was played then, not replayed."""

    @property
    def failures(self) -> list[Verdict]:
        """The assertions that failed."""
        return [verdict for verdict in self.verdicts if not verdict.score.passed]

    def to_json(self) -> JsonObject:
        """The case as it stands in the document."""
        return {**self._verdict, **(NO_OUTCOME if self.outcome is None else self.outcome.to_json())}

    def to_bytes(self) -> bytes:
        """The same, as JSON; a run that is kept as such is not read."""
        if self.outcome is None:
            return orjson.dumps(self.to_json())
        return orjson.dumps(self._verdict)[:-1] + b"," + self.outcome.to_bytes()[1:]

    @property
    def _verdict(self) -> JsonObject:
        """All that is not the run."""
        return {
            "id": self.id,
            "repeat": self.repeat,
            "status": self.status,
            "line": self.line,
            "recording": self.recording,
            "reason": self.reason,
            "hint": self.hint,
            "stale": list(self.stale),
            "score": round(self.score, 6),
            "asserts": [verdict_json(each.assertion, each.score) for each in self.verdicts],
            **({"transcript": True} if self.transcript else {}),
            **({"metadata": self.metadata} if self.metadata else {}),
            **({"tags": list(self.tags)} if self.tags else {}),
            **({"trial_of": self.trial_of} if self.trial_of else {}),
            **({"cost_from": self.cost_from} if self.cost_from else {}),
            **self._marks,
        }

    @property
    def _marks(self) -> JsonObject:
        marks: JsonObject = {} if self.reused is None else {"reused": self.reused.to_json()}
        marks |= {"stale_matched": True} if self.stale_matched else {}
        if self.parted is not None:
            marks["diverged"] = self.parted.to_json()
        if self.status == "stopped":
            marks["holds"] = self.holds
        if self.again is not None:
            marks["rerecord"] = self.again.to_json()
        judging: JsonObject = {} if self.judging is None else {"judging": self.judging.to_json()}
        marks |= {"unjudged": True} if self.unjudged else judging
        marks |= {} if self.user is None else self.user.to_json()
        if self.faults:
            marks["faults"] = [{"fault": fault, "happened": times} for fault, times in self.faults]
        return marks


def totals_of(results: Sequence[CaseResult]) -> Totals:
    """The sums over these cases."""
    counts = Counter(result.status for result in results)
    outcomes = [result.outcome for result in results if result.outcome is not None]
    usages = [outcome.usage for outcome in outcomes]
    costs = [outcome.cost_usd for outcome in outcomes]
    known = [cost for cost in costs if cost is not None]
    return Totals(
        counts={status: counts[status] for status in STATUSES},
        turns=sum([outcome.turns for outcome in outcomes]),
        tool_calls=sum([len(outcome.tool_names) for outcome in outcomes]),
        usage=Usage(*[sum(map(attrgetter(name), usages)) for name in Usage.__struct_fields__]),
        cost_usd=sum(known, Decimal(0)) if len(known) == len(costs) else None,
        seconds=sum(outcome.seconds for outcome in outcomes),
        reused=sum_of(result.reused for result in results),
        stale_matched=sum(result.stale_matched for result in results),
        judging=judging_of(result.judging for result in results),
    )


@dataclass(frozen=True)
class SuiteResult:
    """The cases of one suite, in the order of its file."""

    suite: str
    file: str
    agent: str
    bundle: str
    model: str
    cases: tuple[CaseResult, ...]
    terms: Mapping[str, Terms] = field(default_factory=dict)
    """What counts for cases with terms of their own, by id."""
    planned: Mapping[str, int] = field(default_factory=dict)
    """Repeats that were to be made of each case."""
    of: int = 0
    """Cases in the suite's file, those that were not asked for too."""
    today: date = field(default_factory=today)
    """The day on which quarantines were looked at."""

    @cached_property
    def totals(self) -> Totals:
        """The sums over its cases."""
        return totals_of(self.cases)

    @cached_property
    def tallies(self) -> list[Tally]:
        """What the repeats of each case came to."""
        runs = (replace(case, id=case.trial_of) if case.trial_of else case for case in self.cases)
        return tallies(runs, self.terms, self.planned)

    def head_json(self) -> JsonObject:
        """The suite as it stands in the document, without its cases."""
        return {
            "suite": self.suite,
            "file": self.file,
            "agent": self.agent,
            "bundle": self.bundle,
            "model": self.model,
            "cases": [],
            "totals": self.totals.to_json(),
            "statistics": statistics(self.tallies, self.today),
        }

    def to_json(self) -> JsonObject:
        """The suite as it stands in the document."""
        return {**self.head_json(), "cases": [case.to_json() for case in self.cases]}


@dataclass(frozen=True)
class Evaluation:
    """Everything one `eval` found. `network` and `tools_executed` were seen to happen; see `evals.witness`."""

    suites: tuple[SuiteResult, ...]
    at: str | None
    """When it began, ISO 8601, UTC; of recordings, when the newest was made. None when nothing ran."""
    network: int = 0
    """Requests sent to a model, or connections made by anyone in this process where those are more."""
    tools_executed: int = 0
    """Tool handlers started."""
    planned: int = 0
    """Runs that were to be made; more than there are results when it was interrupted."""
    interrupted: bool = False
    recorded: tuple[Path, ...] = field(default=())
    """Recordings written."""
    resumed: int = 0
    """Results that were there already, from before an interruption: nothing was sent or executed for them now."""
    traces: JsonObject | None = None
    """Of what already happened: how much of it there was, what it could not be scored for, and who told its cost."""
    unplayed: tuple[Unplayed, ...] = ()
    """Cases that were to be played and have no result."""
    shard: JsonObject | None = None
    """Which part of a plan this is; see `evals.shard`. None: the whole."""
    spending: Spending | None = None
    """What was spent of what was allowed; None when nothing was said about it."""
    against: JsonObject | None = None
    """What came of the comparison with a baseline; None without one."""

    @property
    def cases(self) -> list[CaseResult]:
        """The cases of all suites."""
        return [case for suite in self.suites for case in suite.cases]

    @cached_property
    def totals(self) -> Totals:
        """The sums over all suites."""
        return sum_of_totals([suite.totals for suite in self.suites])

    def to_json(self, exit_code: int) -> JsonObject:
        """The document."""
        return {**self.head_json(exit_code), "suites": [suite.to_json() for suite in self.suites]}

    def head_json(self, exit_code: int) -> JsonObject:
        """The document without its cases."""
        return {
            "schema": SCHEMA,
            "kind": "eval",
            "at": self.at,
            "by": f"agentctl {__version__}",
            "suites": [suite.head_json() for suite in self.suites],
            "totals": self.totals.to_json(),
            "network": self.network,
            "tools_executed": self.tools_executed,
            "planned": self.planned,
            "interrupted": self.interrupted,
            "recorded": [str(path) for path in self.recorded],
            **({"resumed": self.resumed} if self.resumed else {}),
            **({} if self.traces is None else {"traces": self.traces}),
            "unplayed": [each.to_json() for each in self.unplayed],
            **({} if self.shard is None else {"shard": self.shard}),
            **({} if self.spending is None else {"spending": self.spending.to_json()}),
            **({} if self.against is None else {"baseline": self.against}),
            "exit": exit_code,
        }


def read_result(path: Path) -> JsonObject:
    """The document that an earlier evaluation wrote.

    Raises:
        UsageError: it cannot be read, or is no such document of a schema known here.
    """
    try:
        document: Json = orjson.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror or error})") from None
    except orjson.JSONDecodeError as error:
        raise UsageError(f"{path}: is no JSON ({error})") from None
    if not isinstance(document, dict) or document.get("kind") != "eval":
        raise UsageError(f"{path}: is no result of agentctl eval", hint="write one with `agentctl eval -o result.json`")
    if document.get("schema") != SCHEMA:
        raise UsageError(f"{path}: has schema {document.get('schema')!r}; this agentctl reads {SCHEMA}")
    return document
