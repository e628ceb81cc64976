"""The recorded model with the tools really executed: does the code behind the tools still do what was recorded?

What the tools return must lead to the very requests that were recorded. Where it does not, the case is stale, and the
tools that answer otherwise are named.
"""

from __future__ import annotations

from agentctl.agent.events import Observed, ToolReturned
from agentctl.agent.values import replace
from agentctl.cassette.tape import Cassette, Take
from agentctl.errors import AgentctlError, RecordingMiss
from agentctl.evals.plan import Job
from agentctl.evals.play import Played, Speaker, play
from agentctl.evals.prices import Prices
from agentctl.evals.replay import at_once, concluded, recorded_model, unplayed
from agentctl.evals.result import CaseResult
from agentctl.evals.scorers.score import excerpt
from agentctl.evals.stage import Stage
from agentctl.evals.standing import standing
from agentctl.evals.takes import takes
from agentctl.evals.verdict import errored
from agentctl.evals.workspace import observe


async def replay_with_live_tools(job: Job, prices: Prices, stage: Stage) -> list[CaseResult]:
    """Every repeat of the case, each in a workspace of its own."""
    found = standing(job, live_tools=True)
    if found.cassette is None:
        return [unplayed(found, job, number) for number in range(job.repeats)]
    cassette = found.cassette
    return await takes(job, cassette, lambda number: _live_take(job, cassette, number, prices, stage))


async def _live_take(job: Job, cassette: Cassette, number: int, prices: Prices, stage: Stage) -> CaseResult:
    take = cassette.takes[number]
    try:
        with stage.workshop(job, number) as workshop:

            async def look() -> list[Observed]:
                return observe(workshop.folder, job.queries)

            model = recorded_model(job, cassette, number)
            voice = _voice(job, cassette, number)
            played = await play(job, agent=job.agent, model=model, tools=workshop.tools, observe=look, user=voice)
            played = replace(played, voice=voice)
    except AgentctlError as error:
        return errored(job, number + 1, error)
    if isinstance(played.error, RecordingMiss):
        played = replace(played, error=with_culprits(played.error, played, take))
    return concluded(job, number + 1, played, prices, sum(take.seconds) + played.seconds)


def _voice(job: Job, cassette: Cassette, number: int) -> Speaker | None:
    """The simulated user of that take, where the case has one: it says what it said."""
    if job.case.user is None:
        return None
    from agentctl.evals.user.seat import recorded_voice  # noqa: PLC0415  few cases have a simulated user

    return recorded_voice(job, cassette, number, sleep=at_once)


def with_culprits(miss: RecordingMiss, played: Played, take: Take) -> RecordingMiss:
    """The miss, explained by the tools whose results differ from the recorded ones."""
    recorded = {tool.call_id: tool.returned for tool in take.tools}
    events = [entry.event for entry in played.run.entries]
    others = [
        (recorded[event.call_id], event)
        for event in events
        if isinstance(event, ToolReturned) and event.call_id in recorded and event != recorded[event.call_id]
    ]
    if not others:
        return miss
    before, now = others[0]
    names = dict.fromkeys(f"result of {event.name}" for _, event in others)
    message = f"{now.name} answers otherwise than when it was recorded"
    places = f"\n  recorded: {excerpt(str(before.content))}\n  now:      {excerpt(str(now.content))}"
    return RecordingMiss(message + places, components=tuple(names), hint=miss.hint)
