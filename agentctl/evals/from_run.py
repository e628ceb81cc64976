"""Whether a run that happened can stand as the recording of a case, and that recording.

It can when replaying it as the case does the same again, fact for fact; this is tried, not argued. What is known to
stand in the way is named in words first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from agentctl.agent.events import (
    Approved,
    Block,
    Entry,
    Event,
    ModelAsked,
    Observed,
    Recalled,
    RunEnded,
    RunStarted,
    UserSaid,
    to_json,
)
from agentctl.agent.spec import Agent
from agentctl.agent.values import replace
from agentctl.cassette.play import RecordedTools, RecordedWire
from agentctl.cassette.rebuild import rebuilt
from agentctl.cassette.tape import Cassette, Header
from agentctl.errors import RecordingMiss
from agentctl.evals.plan import Job
from agentctl.evals.play import play
from agentctl.evals.replay import NO_JITTER
from agentctl.evals.scorers.score import excerpt
from agentctl.model.client import WireModel

COMPLETED = "completed"


def changed_since(agent: Agent, events: Sequence[Event]) -> tuple[str, ...]:
    """The components of `agent` that are not those the run was made with."""
    started = next((event for event in events if isinstance(event, RunStarted)), None)
    was = {} if started is None else started.components
    now = agent.components
    return tuple(name for name in dict.fromkeys([*now, *was]) if now.get(name) != was.get(name))


def obstacle(job: Job, events: Sequence[Event]) -> str:
    """Why a replay of the case could not go the way the run went, as far as the facts say; empty when they do not."""
    models = {event.model for event in events if isinstance(event, ModelAsked)}
    reasons = {
        _beyond_words(events): True,
        "an answer in it was a cached one: run it again with --no-cache": any(
            isinstance(event, Recalled) for event in events
        ),
        f"it asked {', '.join(sorted(models))}": bool(models - {job.agent.model}),
        "it was not finished": not isinstance(events[-1], RunEnded) if events else True,
        "the suite looks at the state of a fresh workspace": bool(job.queries),
        "the case has several takes": job.repeats > 1,
    }
    return next((reason for reason, holds in reasons.items() if reason and holds), "")


def _beyond_words(events: Sequence[Event]) -> str:
    """The turn of the user that a case cannot say, since a case says texts; empty when there is none."""
    said = [event.content for event in events if isinstance(event, UserSaid)]
    for number, content in enumerate(said, 1):
        if not isinstance(content, str):
            kinds = Counter(_kind(block) for block in content)
            held = ", ".join(f"{count_} {kind}" for kind, count_ in kinds.items())
            return f"in turn {number} the user sent blocks ({held}), and a case says one text in each turn"
    return ""


def _kind(block: Block) -> str:
    """`image (image/png)`, `text`."""
    source = block.get("source")
    media = source.get("media_type") if isinstance(source, dict) else None
    return str(block.get("type")) + (f" ({media})" if media else "")


def recording_of(job: Job, entries: Sequence[Entry], header: Header) -> Cassette:
    """The recording of the case that the run is, in memory; `header` without its takes."""
    interactions, take = rebuilt(job.agent, entries)
    return Cassette(interactions, replace(header, takes=(take,)), job.recording)


async def difference(job: Job, cassette: Cassette, events: Sequence[Event]) -> str:
    """Where a replay of the recording parts from the run; empty when it does the same."""
    tools = RecordedTools(cassette)
    model = WireModel(RecordedWire(cassette), job.agent.retry, sleep=_at_once, rng=NO_JITTER)

    async def observe() -> list[Observed]:
        return []

    played = await play(job, agent=job.unhurried, model=model, tools=tools, observe=observe)
    if played.error is not None and not isinstance(played.error, RecordingMiss):
        return f"{type(played.error).__name__}: {played.error}"
    was, now = _comparable(events), _comparable(played.run.events)
    for index, (one, other) in enumerate(zip(was, now, strict=False)):
        if one != other:
            return f"at fact {index + 1} it was {_shown(one)}, and would be {_shown(other)}"
    return "" if len(was) == len(now) else f"it had {len(was)} facts, and would have {len(now)}"


def _comparable(events: Sequence[Event]) -> list[Event]:
    """What must be the same: not who approved, how often a session paused, and what was looked at afterwards."""
    kept: list[Event] = []
    for index, event in enumerate(events):
        match event:
            case RunStarted() | Observed():
                continue
            case RunEnded(reason=reason) if reason == COMPLETED and index < len(events) - 1:
                continue
            case RunEnded(reason=reason):
                kept.append(RunEnded(reason))
            case Approved(call_id=call_id, approved=approved):
                kept.append(Approved(call_id, approved, ""))
            case _:
                kept.append(event)
    return kept


def _shown(event: Event) -> str:
    fields = to_json(event)
    return excerpt(" ".join([str(fields.pop("kind")), *(f"{name}={value}" for name, value in fields.items())]))


async def _at_once(_seconds: float) -> None:
    return
