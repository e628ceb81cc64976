"""A transcript is scored as it stands: what was recorded is the run, and no agent of ours is said to have made it.

Nothing is driven, so nothing can diverge; the one thing that can go stale is what the case says was said. What its
keeper said it cost goes before list prices, and trials of one task count together.
"""

from __future__ import annotations

from collections.abc import Sequence

from agentctl.agent.events import Event, ModelReplied, RunStarted
from agentctl.agent.run import Run
from agentctl.agent.values import replace
from agentctl.cassette.foreign import transcribed
from agentctl.cassette.tape import Cassette, Take
from agentctl.cassette.then import times
from agentctl.errors import CassetteError
from agentctl.evals.case import Case
from agentctl.evals.plan import IMPORTED, Job
from agentctl.evals.prices import Prices
from agentctl.evals.replay import recorded_seconds, unplayed
from agentctl.evals.result import CaseResult
from agentctl.evals.scorers.outcome import outcome_of
from agentctl.evals.standing import standing
from agentctl.evals.takes import no_take
from agentctl.evals.traces.trace import case_in, cost_in, trial_in
from agentctl.evals.verdict import failed_run, judged
from agentctl.model.decode import decode_reply


def retell(job: Job, prices: Prices) -> list[CaseResult]:
    """Every repeat of the case, from its take."""
    found = standing(job)
    if found.cassette is None:
        return [unplayed(found, job, number) for number in range(job.repeats)]
    return [_retold(job, found.cassette, number, prices) for number in range(job.repeats)]


def told(cassette: Cassette, take: Take) -> list[Event]:
    """The events of a take of a transcript.

    Raises:
        CassetteError: a reply cannot be decompressed.
    """
    return [
        replace(event, agent=IMPORTED.name) if isinstance(event, RunStarted) else event
        for event in transcribed(cassette, take, decode_reply)
    ]


def _retold(job: Job, cassette: Cassette, number: int, prices: Prices) -> CaseResult:
    if number >= len(cassette.takes):
        return no_take(job, number)
    take = cassette.takes[number]
    try:
        events = told(cassette, take)
    except CassetteError as error:
        return failed_run(job, number + 1, f"{job.recording_name}: {error}", hint=error.hint)
    run = Run()
    moments = times(events, cassette.header.at if cassette.header is not None else "", take)
    for event, at in zip(events, moments, strict=True):
        run.append(event, at)
    replies = [event for event in events if isinstance(event, ModelReplied)]
    cost, key = cost_in(job.case.metadata)
    if cost is None and _counted(replies):
        cost = prices.of(replies, IMPORTED.provider.name)
    seen = outcome_of(
        run,
        cost_usd=cost,
        seconds=recorded_seconds(take, run),
        case=job.case.id,
        said=job.case.input,
        variables=job.case.vars,
        folder=job.suite.path.parent,
        metadata=job.case.metadata,
    )
    return replace(judged(job, number + 1, seen), trial_of=trial_of(job.case), cost_from=key)


def trial_of(case: Case) -> str:
    """The task that a transcript is a trial of, by its metadata; empty when it is none of several."""
    return case_in(case.metadata) if case.transcript and trial_in(case.metadata) is not None else ""


def _counted(replies: Sequence[ModelReplied]) -> bool:
    """Whether every reply says what it used: where one does not, its cost is not nothing but unknown."""
    return all(reply.usage for reply in replies)
