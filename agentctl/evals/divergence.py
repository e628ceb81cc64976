"""A replay up to where it leaves its recording: what is served until then still holds, what differs there is named.

Nothing here goes further than the recording does: the run is explained, or it is stopped and scored as far as it went.
What goes on live from there is `evals.onward`. Imported only when a recording does not hold all that is asked.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from agentctl.agent.events import Entry, ModelReplied, Observed, ToolCalled, ToolReturned
from agentctl.agent.run import Run, Usage
from agentctl.agent.values import replace
from agentctl.cassette.nearest import Diverged
from agentctl.cassette.play import RecordedTools, RecordedWire
from agentctl.cassette.rerecord import rerecord
from agentctl.cassette.tape import Cassette
from agentctl.cassette.then import times
from agentctl.errors import RecordingMiss
from agentctl.evals import scorers
from agentctl.evals.again import recorded_replies, taken_by
from agentctl.evals.marks import Again, Parted, Reused, reused_of
from agentctl.evals.modes import Match, OnDivergence
from agentctl.evals.plan import CASE_INPUT, Job
from agentctl.evals.play import Played, play
from agentctl.evals.prices import Prices
from agentctl.evals.replay import (
    concluded,
    model_on,
    recorded_seconds,
    recorded_wire,
    unplayed,
)
from agentctl.evals.result import CaseResult, Verdict
from agentctl.evals.scorers.score import CannotScore
from agentctl.evals.standing import APPROVAL, REDACTION, STATE_QUERY, standing
from agentctl.evals.takes import takes
from agentctl.evals.verdict import ENDED, failed_run, passes

ASKED: Final = frozenset(
    {"system prompt", "model", "params", "tool order", CASE_INPUT, APPROVAL, REDACTION, STATE_QUERY}
)
"""Components that a strict match proves: they are in the request. The state is looked at anew, or not at all."""

UNFIT: Final = frozenset({"stale", "missing"})
"""Statuses of cases whose recording is not known to hold what is asked."""


@dataclass(frozen=True, slots=True)
class Held:
    """A case whose recording is played as far as it holds: which, and by what it is stale."""

    job: Job
    cassette: Cassette
    number: int
    """The take, from 0."""
    stale: tuple[str, ...]
    match: Match

    @property
    def lenient(self) -> bool:
        """Whether the conversation alone is matched."""
        return self.match is Match.LENIENT

    @property
    def changed_tools(self) -> frozenset[str]:
        """The tools whose recorded results say nothing any more."""
        names = {tool.name for tool in self.job.agent.tools}
        return frozenset() if self.lenient else frozenset(filter(None, (_tool(each, names) for each in self.stale)))

    def is_stale_matched(self, wire: RecordedWire) -> bool:
        """Whether what was served answers something else than is asked now."""
        names = {tool.name for tool in self.job.agent.tools}
        unproved = [each for each in self.stale if each not in ASKED and (self.lenient or not _tool(each, names))]
        return wire.loose > 0 or (wire.served > 0 and bool(unproved))


def _tool(component: str, names: Collection[str]) -> str:
    """The tool of which this is a component (its definition, its code); empty when it is none of a tool."""
    name = component.rpartition(" ")[2]
    return name if name in names and name != component else ""


class HeldTools:
    """A `ports.Tools`: recorded results, but none of a tool that is another one now."""

    def __init__(self, held: Held) -> None:
        self._recorded = RecordedTools(held.cassette, held.number)
        self._changed = held.changed_tools
        self._held = held

    async def call(self, call: ToolCalled) -> ToolReturned:
        """The recorded answer.

        Raises:
            RecordingMiss: there is none, or the tool has changed.
        """
        if call.name in self._changed:
            components = tuple(each for each in self._held.stale if _tool(each, {call.name}))
            message = f"{call.name} has changed: what it would return now is not known from the recording"
            hint = "--tools live runs it; or " + rerecord(self._held.cassette)
            raise RecordingMiss(message, components=components, hint=hint)
        return await self._recorded.call(call)

    def observed(self, name: str) -> Observed:
        """What was seen after the recorded run."""
        return self._recorded.observed(name)


async def explained(job: Job, results: list[CaseResult], prices: Prices) -> list[CaseResult]:
    """The results of a case without a verdict, with where each take would leave the recording. Nothing is scored.

    A stale case is played once: what made it stale is the same for all its takes.
    """
    found = standing(job)
    cassette = found.cassette or found.unfit
    if cassette is None:
        return results
    again = _again(job, cassette, prices)
    parted: Parted | None = None
    told: list[CaseResult] = []
    for number, result in enumerate(results):
        if result.status not in UNFIT or number >= len(cassette.takes):
            told.append(result)
            continue
        if found.stale and result.outcome is not None:  # it was played all the same, and says itself why it ended
            parted = None
        elif number == 0 or not found.stale:
            parted = await _parting(Held(job, cassette, number, found.stale, Match.STRICT))
        told.append(replace(result, parted=parted, again=again))
    return told


async def _parting(held: Held) -> Parted | None:
    played = await _play(held, recorded_wire(held.job, held.cassette, held.number))
    if not isinstance(played.error, RecordingMiss):
        return None
    return parted_at(played.run, played.error, OnDivergence.FAIL)


async def replay_to_divergence(job: Job, prices: Prices, match: Match, action: OnDivergence) -> list[CaseResult]:
    """Every repeat of the case from its take, fresh or stale, as far as that goes; no socket, no tool.

    Where it leaves the recording, the run is stopped and scored when `action` is `stop`, else the case has no verdict.
    """
    found = standing(job)
    cassette = found.cassette or found.unfit
    if cassette is None:
        return [unplayed(found, job, number) for number in range(job.repeats)]
    return await takes(
        job, cassette, lambda number: _replay(Held(job, cassette, number, found.stale, match), prices, action)
    )


async def _replay(held: Held, prices: Prices, action: OnDivergence) -> CaseResult:
    wire = recorded_wire(held.job, held.cassette, held.number, lenient=held.lenient)
    played = await _play(held, wire)
    as_recorded(held, played.run)
    seconds = seconds_of(held, played.run, wire)
    result = concluded(held.job, held.number + 1, played, prices, seconds)
    if isinstance(played.error, RecordingMiss):
        result = unanswered(held, result, played.run, played.error, prices, action)
    return marked(held, result, wire, played.run, prices)


def unanswered(
    held: Held, result: CaseResult, run: Run, miss: RecordingMiss, prices: Prices, action: OnDivergence
) -> CaseResult:
    """The result of a run that ended where it left its recording: scored when it was to be stopped there."""
    parted = parted_at(run, miss, action)
    if held.stale and result.status == "missing":
        result = replace(result, status="stale")
    if held.stale and not _replies(run):  # as in a plain replay: there is nothing to look at
        reason = f"changed since it was recorded: {', '.join(held.stale)}"
        result = failed_run(held.job, held.number + 1, reason, hint=miss.hint, status="stale", stale=held.stale)
    result = replace(result, parted=parted, again=_again(held.job, held.cassette, prices))
    return _stopped(held.job, result, parted) if action is OnDivergence.STOP and _replies(run) else result


def marked(held: Held, result: CaseResult, wire: RecordedWire, run: Run, prices: Prices, until: int = -1) -> CaseResult:
    """The result with what was reused: of the run's replies the first `until`, without it all."""
    replies = _replies(run)[: until if until >= 0 else None]
    usage = sum((Usage.of(reply.usage) for reply in replies), Usage())
    reused = reused_of(len(replies), usage, prices.of(replies, held.job.agent.provider.name))
    stale = tuple(dict.fromkeys([*held.stale, *result.stale]))
    return replace(result, reused=reused, stale=stale, stale_matched=held.is_stale_matched(wire))


def parted_at(run: Run, miss: RecordingMiss, action: OnDivergence) -> Parted:
    """Where the run was when its recording had no answer."""
    differences = miss.differences if isinstance(miss, Diverged) else ()
    return Parted(run.turns, action.value, str(miss), differences)


def seconds_of(held: Held, run: Run, wire: RecordedWire) -> float:
    """What the served part took when it was recorded."""
    take = held.cassette.takes[held.number]
    pairs = zip(take.interactions, take.seconds, strict=False)
    served = tuple(seconds for index, seconds in pairs if index in wire.replied)
    return recorded_seconds(replace(take, seconds=served), run)


async def _play(held: Held, wire: RecordedWire) -> Played:
    job, tools = held.job, HeldTools(held)

    async def observe() -> list[Observed]:
        return [tools.observed(query.name) for query in job.queries]

    return await play(job, agent=job.unhurried, model=model_on(job, wire), tools=tools, observe=observe)


def as_recorded(held: Held, run: Run) -> None:
    """Gives the run's entries the times of the recording, so that the same replay is the same document."""
    take = held.cassette.takes[held.number]
    at = held.cassette.header.at if held.cassette.header is not None else ""
    moments = times(run.events, at, take)
    run.entries[:] = [Entry(entry.seq, moment, entry.event) for entry, moment in zip(run.entries, moments, strict=True)]


def _stopped(job: Job, result: CaseResult, parted: Parted) -> CaseResult:
    """The run's score as far as it went: what looks at its end or at what it left behind cannot be judged."""
    seen = result.outcome
    assert seen is not None
    verdicts: list[Verdict] = []
    for each in job.case.asserts:
        try:
            if each.type != ENDED:
                verdicts.append(Verdict(each, scorers.score(each, seen)))
        except CannotScore:
            continue
    passed, score = passes(job.case, verdicts)
    holding = sum(verdict.score.passed for verdict in verdicts)
    so_far = f"{holding} of {len(verdicts)} assertions hold so far"
    reason = f"stopped at turn {parted.turn}: {parted.about}; {so_far}"
    return replace(
        result, status="stopped", reason=reason, verdicts=tuple(verdicts), score=score, holds=passed and bool(verdicts)
    )


def _replies(run: Run) -> list[ModelReplied]:
    return [entry.event for entry in run.entries if isinstance(entry.event, ModelReplied)]


def _again(job: Job, cassette: Cassette, prices: Prices) -> Again:
    """The command that records all takes again, and what they took; priced as the model that would answer now."""
    command = rerecord(cassette).removeprefix("record it again: ")
    replies = recorded_replies(cassette, [index for take in cassette.takes for index in take.interactions])
    return Again(command, as_now(job, replies, prices))


def as_now(job: Job, replies: Sequence[ModelReplied], prices: Prices) -> Reused:
    """What these replies take when the model that is asked now gives them again."""
    return taken_by(replies, job.agent.model, job.agent.provider.name, prices)
