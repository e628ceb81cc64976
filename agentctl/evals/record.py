"""Recording a case: it runs live, in a workspace of its own, and all its takes are written at once or not at all.

A case whose run failed for reasons that are not the agent's (no network, no credit) leaves its old recording alone: a
recorded outage would be replayed as an answer. Its other repeats are not paid for either, and the turns that were are
kept for the next attempt.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime

from agentctl import __version__
from agentctl.agent.events import Observed
from agentctl.agent.ports import Wire
from agentctl.agent.values import replace
from agentctl.cassette import partial
from agentctl.cassette.extend import ExtendedWire
from agentctl.cassette.hold import hold
from agentctl.cassette.play import RecordedWire
from agentctl.cassette.record import RecordingTools, RecordingWire, Tape, save
from agentctl.cassette.secrets.redact import Redactor
from agentctl.cassette.tape import API_BASE, Cassette, Header
from agentctl.errors import AgentctlError, CassetteError
from agentctl.evals.plan import Job
from agentctl.evals.play import Speaker, play
from agentctl.evals.prices import Prices
from agentctl.evals.replay import concluded
from agentctl.evals.result import CaseResult
from agentctl.evals.stage import Live, Stage
from agentctl.evals.takes import settled
from agentctl.evals.verdict import errored, failed_run, says_something
from agentctl.evals.workspace import observe
from agentctl.model.client import WireModel


async def record(job: Job, prices: Prices, stage: Stage, *, completes: bool) -> list[CaseResult]:
    """Every repeat of the case, live; its recording is replaced when every run says something about the agent.

    When that fails or is interrupted, the finished turns are kept as a partial recording; `completes` begins with them.
    """
    try:
        with hold(job.recording):
            return await _record(job, prices, stage, partial.left(job.recording, job.components) if completes else None)
    except CassetteError as error:
        return [errored(job, number + 1, error) for number in range(job.repeats)]


async def _record(job: Job, prices: Prices, stage: Stage, begun: Cassette | None) -> list[CaseResult]:
    live = stage.live(job.agent)
    results: list[CaseResult] = []
    tapes: list[Tape] = []
    whole = False
    try:
        for number in range(job.repeats):
            if settled(job, results, job.adaptive):
                break
            tapes.append(Tape())
            wire = _wire(job, live, begun, number)
            result, sound = await _record_take(job, number, tapes[-1], wire, prices, stage)
            results.append(result)
            if not sound:
                return results + [_not_reached(job, later) for later in range(number + 1, job.repeats)]
        save(job.recording, _header(job, live), tapes, _redactor(job))
        whole = True
    except CassetteError as error:
        return [errored(job, result.repeat, error, result.outcome) for result in results]
    finally:
        if whole:
            partial.forget(job.recording)
        else:
            with suppress(CassetteError):  # what ended the recording is told; that this failed too changes nothing
                partial.keep(job.recording, _header(job, live), tapes, _redactor(job))
    stage.recorded.append(job.recording)
    return results


def _redactor(job: Job) -> Redactor:
    return job.suite.rules.for_recording(os.environ)


def _wire(job: Job, live: Live, begun: Cassette | None, number: int) -> Wire:
    """The live wire, after the turns of this take that an interrupted recording has.

    Tools are executed again: what they changed went with the workspace of the interrupted run. Where one answers
    otherwise now, the next request is another one, and the turns from there on are live.
    """
    if begun is None or number >= len(begun.takes):
        return live.wire
    return ExtendedWire(RecordedWire(begun, number, redactor=_redactor(job)), live.wire)


async def _record_take(
    job: Job, number: int, tape: Tape, live: Wire, prices: Prices, stage: Stage
) -> tuple[CaseResult, bool]:
    """The result, and whether the tape is worth keeping: a check that is broken does not make the run worthless."""
    try:
        with stage.workshop(job, number) as workshop:

            async def look() -> list[Observed]:
                seen = observe(workshop.folder, job.queries)
                for each in seen:
                    tape.observe(each)
                return seen

            wire = RecordingWire(live, tape, base_url=job.agent.provider.base_url or API_BASE)
            tools = RecordingTools(workshop.tools, tape)
            model = WireModel(wire, job.agent.retry, limits=job.agent.limits)
            voice = _voice(job, stage, tape)
            played = await play(job, agent=job.agent, model=model, tools=tools, observe=look, user=voice)
            played = replace(played, voice=voice)
    except AgentctlError as error:
        return errored(job, number + 1, error), False
    result = concluded(job, number + 1, played, prices, played.seconds)
    sound = played.error is None and result.outcome is not None and says_something(job, result.outcome)
    return result, sound


def _voice(job: Job, stage: Stage, tape: Tape) -> Speaker | None:
    """The simulated user of the case, where it has one."""
    if job.case.user is None:
        return None
    from agentctl.evals.user.seat import live_voice  # noqa: PLC0415  few cases have a simulated user

    return live_voice(job, stage, tape)


def _not_reached(job: Job, number: int) -> CaseResult:
    return failed_run(job, number + 1, "not run: the take before it could not be recorded")


def _header(job: Job, live: Live) -> Header:
    return Header(
        suite=job.suite.name,
        case=job.case.id,
        agent=job.agent.ref,
        bundle=job.agent.bundle,
        components=job.components,
        at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        by=f"agentctl {__version__}",
        source=live.source,
        adaptive=job.adaptive,
    )
