"""Cases from their recordings. What is served is fresh: a recording that no longer fits is named, never played.

Freshness is decided before the run, from digests alone; a request that the recording does not answer all the same (a
file edited by hand) is a miss.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from agentctl.agent.events import Entry, ModelAsked, Observed, ToolCalled
from agentctl.agent.run import Run
from agentctl.cassette.file import partial_of, read
from agentctl.cassette.play import RecordedTools, RecordedWire, rerecord
from agentctl.cassette.staleness import changed, without_code
from agentctl.cassette.tape import Cassette, Take
from agentctl.cassette.then import times
from agentctl.errors import CassetteError
from agentctl.evals.marks import reused_of
from agentctl.evals.plan import Job
from agentctl.evals.play import Played, outcome, play
from agentctl.evals.prices import Prices
from agentctl.evals.result import CaseResult
from agentctl.evals.scorers.state import StateQuery
from agentctl.evals.verdict import errored, failed_run, judged
from agentctl.model.client import WireModel

NO_JITTER: Final = Random(0)  # noqa: S311  waits are skipped: whatever it says is not waited for

STATE_QUERY = "state query"
"""The component that changed when a case asks for state that was not looked at when it was recorded."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a case's recording stands: `cassette` when it may be played, else a status that is no verdict, and why."""

    cassette: Cassette | None
    status: str = ""
    reason: str = ""
    hint: str = ""
    stale: tuple[str, ...] = ()
    unfit: Cassette | None = None
    """The recording, when it is stale."""

    def result(self, job: Job, repeat: int) -> CaseResult:
        """The case's result when it cannot be played."""
        return failed_run(job, repeat, self.reason, hint=self.hint, status=self.status, stale=self.stale)


def standing(job: Job, *, live_tools: bool = False) -> Standing:
    """Whether the recording of this case may be played for the agent and the case as they are now.

    With live tools, the code behind them is what is put to the test: that it changed is no objection.
    """
    if not job.recording.exists():
        begun = ", only an interrupted one" if partial_of(job.recording).exists() else ""
        return Standing(None, "missing", f"there is no recording {job.recording_name}{begun}", record_hint(job))
    try:
        cassette = read(job.recording)
    except CassetteError as error:
        return Standing(None, "error", str(error), error.hint)
    if cassette.header is None:
        return Standing(None, "missing", "the recording is not one of this case: it has no header", record_hint(job))
    if job.case.transcript and not cassette.header.transcript:
        return Standing(None, "missing", "the recording is no transcript", record_hint(job))
    components = changed(cassette.header, job.components)
    if live_tools:
        components = without_code(components)
    if not components and not _observed(cassette, job.queries):
        components = (STATE_QUERY,)
    if components:
        reason = f"changed since it was recorded: {', '.join(components)}"
        return Standing(None, "stale", reason, rerecord(cassette), components, cassette)
    return Standing(cassette)


def _observed(cassette: Cassette, queries: Sequence[StateQuery]) -> bool:
    """Whether all of this was looked at when it was recorded."""
    names = {seen.name for take in cassette.takes for seen in take.observed} if queries else set()
    return all(query.name in names for query in queries)


async def replay(job: Job, prices: Prices) -> list[CaseResult]:
    """Every repeat of the case from its take; no socket, no tool."""
    found = standing(job)
    if found.cassette is None:
        return [found.result(job, number + 1) for number in range(job.repeats)]
    return [await _replay_take(job, found.cassette, number, prices) for number in range(job.repeats)]


async def _replay_take(job: Job, cassette: Cassette, number: int, prices: Prices) -> CaseResult:
    if number >= len(cassette.takes):
        return no_take(job, number)
    tools = RecordedTools(cassette, number)

    async def observe() -> list[Observed]:
        return [tools.observed(query.name) for query in job.queries]

    model = recorded_model(job, cassette, number)
    played = await play(job, agent=job.unhurried, model=model, tools=tools, observe=observe)
    take = cassette.takes[number]
    if cassette.header is not None:
        entries = played.run.entries
        moments = times(played.run.events, cassette.header.at, take)
        entries[:] = [Entry(entry.seq, at, entry.event) for entry, at in zip(entries, moments, strict=True)]
    result = concluded(job, number + 1, played, prices, recorded_seconds(take, played.run))
    seen = result.outcome
    if seen is None or played.error is not None:
        return result
    return replace(result, reused=reused_of(seen.turns, seen.usage, seen.cost_usd))


def no_take(job: Job, number: int) -> CaseResult:
    """The result of a repeat that was never recorded."""
    reason = f"take {number + 1} of {job.repeats} is not recorded"
    return failed_run(job, number + 1, reason, hint=record_hint(job), status="missing")


def recorded_model(job: Job, cassette: Cassette, number: int) -> WireModel:
    """The model as it answered in that take; a retry that once waited does not wait again."""
    return model_on(job, recorded_wire(job, cassette, number))


def recorded_wire(job: Job, cassette: Cassette, number: int, *, lenient: bool = False) -> RecordedWire:
    """That take, for the requests of this case."""
    redactor = job.suite.rules.for_replay(os.environ)
    return RecordedWire(cassette, number, redactor=redactor, lenient=lenient)


def model_on(job: Job, wire: RecordedWire) -> WireModel:
    """The model behind a recorded wire."""
    return WireModel(wire, job.agent.retry, sleep=_at_once, rng=NO_JITTER)


def concluded(job: Job, repeat: int, played: Played, prices: Prices, seconds: float) -> CaseResult:
    """The result of a run that was played to its end, or to the error that ended it.

    `seconds` is what the run took when it ran for real.
    """
    seen = outcome(job, played, prices, seconds)
    return judged(job, repeat, seen) if played.error is None else errored(job, repeat, played.error, seen)


def recorded_seconds(take: Take, run: Run) -> float:
    """What the run took when it was recorded: every reply, and of each turn's tools the slowest; they ran together."""
    took = {tool.returned.call_id: tool.seconds for tool in take.tools}
    total, slowest = sum(take.seconds), 0.0
    for entry in run.entries:
        event = entry.event
        if isinstance(event, ToolCalled):
            slowest = max(slowest, took.get(event.call_id, 0.0))
        elif slowest and isinstance(event, ModelAsked):
            total, slowest = total + slowest, 0.0
    return total + slowest


def record_hint(job: Job) -> str:
    """The command that records this case."""
    if job.case.transcript:
        return f"import it again: agentctl import FILE --suite {job.suite.name}"
    repeat = f" --repeat {job.repeats}" if job.repeats != job.case.repeat else ""
    return f"record it: agentctl eval {job.suite.name} --filter {job.case.id}{repeat} --record-mode new-episodes"


async def _at_once(_seconds: float) -> None:
    return
