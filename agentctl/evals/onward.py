"""A run that goes on live where its recording ends: its workspace is then what the conversation says it is.

As long as the recording holds, nothing is executed. When something must be, every recorded call of a tool that writes
is first made again, in order, in the case's own workspace; one that answers otherwise than the model was told ends the
run, since nothing live can follow from it. From there on a recorded result is used only for a tool that reads, called
with the same arguments, after the same writes: anything else would be an answer from another world.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final, TypeAlias

from agentctl.agent.events import JsonObject, ModelReplied, Observed, ToolCalled, ToolReturned
from agentctl.agent.ports import OnDelta, OnFailure, Request
from agentctl.agent.run import Run
from agentctl.agent.values import replace
from agentctl.cassette.match import canonical
from agentctl.cassette.play import RecordedTools
from agentctl.cassette.rerecord import rerecord
from agentctl.cassette.secrets.redact import Redactor
from agentctl.cassette.tape import Cassette
from agentctl.errors import AgentctlError, CassetteError, RecordingMiss
from agentctl.evals.divergence import Held, as_recorded, marked, parted_at, replay_to_divergence, seconds_of, unanswered
from agentctl.evals.livetools import with_culprits
from agentctl.evals.modes import Match, OnDivergence
from agentctl.evals.plan import Job
from agentctl.evals.play import Played, play
from agentctl.evals.prices import Prices
from agentctl.evals.replay import concluded, model_on, recorded_wire, unplayed
from agentctl.evals.result import CaseResult
from agentctl.evals.scorers.score import excerpt
from agentctl.evals.stage import GoLive, Stage, Workshop
from agentctl.evals.standing import standing
from agentctl.evals.takes import takes
from agentctl.evals.verdict import errored
from agentctl.evals.workspace import observe
from agentctl.model.client import WireModel

Key: TypeAlias = tuple[str, bytes]
"""A tool's name and its arguments, redacted, as canonical JSON."""

TELLING: Final = (None, "reported", "invalid_input")
"""How a recorded call must have ended to say what the same call would say now."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What is matched, what happens where that ends, and whether tools run from the start."""

    on_divergence: OnDivergence
    match: Match
    live_tools: bool = False


class OnwardPlayer(Stage):
    """An `evaluate.Player` that plays recordings as far as they hold. A wire is opened when the first run needs it."""

    def __init__(self, policy: Policy, go_live: GoLive) -> None:
        super().__init__()
        self._policy = policy
        self._go_live = go_live
        self._opening = asyncio.Lock()

    async def play(self, job: Job, prices: Prices) -> list[CaseResult]:
        """One result for each repeat."""
        policy = self._policy
        if policy.on_divergence is not OnDivergence.LIVE and not policy.live_tools:
            return await replay_to_divergence(job, prices, policy.match, policy.on_divergence)
        found = standing(job, live_tools=policy.live_tools)
        cassette = found.cassette or found.unfit
        if cassette is None:
            return [unplayed(found, job, number) for number in range(job.repeats)]
        return await takes(
            job, cassette, lambda number: self._take(Held(job, cassette, number, found.stale, policy.match), prices)
        )

    async def model(self, job: Job) -> WireModel:
        """The model that answers this job's agent now.

        Raises:
            UsageError: there is no key to go live with.
        """
        async with self._opening:
            await self.open(job.agent, self._go_live)
        return WireModel(self.live(job.agent).wire, job.agent.retry, limits=job.agent.limits)

    async def _take(self, held: Held, prices: Prices) -> CaseResult:
        job = held.job
        try:
            with ExitStack() as stack:
                run = Onward(held, self, World(held, self, stack), self._policy)
                played = await play(job, agent=job.agent, model=run, tools=run, observe=run.look)
        except AgentctlError as error:
            return errored(job, held.number + 1, error)
        return run.result(played, prices)


class World:
    """One run's workspace. It is made when it is first needed, and then brought to where the recorded calls left it."""

    def __init__(self, held: Held, stage: Stage, stack: ExitStack) -> None:
        self._held, self._stage, self._stack = held, stage, stack
        self._workshop: Workshop | None = None
        self._waiting: list[tuple[ToolCalled, ToolReturned]] = []
        self._lock = asyncio.Lock()
        self.seconds = 0.0
        """Seconds that catching up took: the run it stands for had them recorded."""

    @property
    def is_made(self) -> bool:
        """Whether anything was executed or looked at."""
        return self._workshop is not None

    def recorded(self, call: ToolCalled, returned: ToolReturned) -> None:
        """Takes note of a write whose recorded result was served."""
        self._waiting.append((call, returned))

    async def call(self, call: ToolCalled) -> ToolReturned:
        """Executes a call after all that was recorded before it.

        Raises:
            RecordingMiss: a recorded write answers otherwise now.
            RunError: the agent's `setup` failed.
        """
        return await (await self.catch_up()).tools.call(call)

    async def look(self) -> list[Observed]:
        """What the case's queries return now."""
        return observe((await self.catch_up()).folder, self._held.job.queries)

    async def catch_up(self) -> Workshop:
        """The workspace as the conversation up to now says it is."""
        async with self._lock:
            began = time.perf_counter()
            if self._workshop is None:
                held = self._held
                self._workshop = self._stack.enter_context(self._stage.workshop(held.job, held.number))
            while self._waiting:
                call, returned = self._waiting.pop(0)
                now = await self._workshop.tools.call(call)
                if not _same(now, returned, _redactor(self._held.job)):
                    raise self._otherwise(returned, now)
            self.seconds += time.perf_counter() - began
            return self._workshop

    def _otherwise(self, before: ToolReturned, now: ToolReturned) -> RecordingMiss:
        message = f"{now.name} answers otherwise than when it was recorded, so the run cannot go on live from there"
        places = f"\n  recorded: {excerpt(str(before.content))}\n  now:      {excerpt(str(now.content))}"
        hint = "--tools live runs every tool from the start; or " + rerecord(self._held.cassette)
        return RecordingMiss(message + places, components=(f"result of {now.name}",), hint=hint)


class Onward:
    """A `ports.Model` and a `ports.Tools` for one run: the recording until it ends, the world from there."""

    def __init__(self, held: Held, stage: OnwardPlayer, world: World, policy: Policy) -> None:
        job = held.job
        self._held, self._stage, self._world, self._policy = held, stage, world, policy
        self._wire = recorded_wire(job, held.cassette, held.number, lenient=held.lenient)
        self._recorded = model_on(job, self._wire)
        self._tools = RecordedTools(held.cassette, held.number)
        self._past: Past | None = None
        self._writes: list[Key] = []
        self._live: WireModel | None = None
        self._reused = 0
        self._miss: RecordingMiss | None = None

    async def ask(
        self,
        request: Request,
        *,
        on_failure: OnFailure,
        on_delta: OnDelta | None = None,
        time_left: float | None = None,
    ) -> ModelReplied:
        """The recorded reply while there is one; after that the live one. See `ports.Model.ask`."""
        if self._live is None:
            try:
                reply = await self._recorded.ask(request, on_failure=on_failure, on_delta=on_delta)
            except RecordingMiss as miss:
                self._miss = miss
                self._live = await self._go_live()
            else:
                self._reused += 1
                return reply
        return await self._live.ask(request, on_failure=on_failure, on_delta=on_delta, time_left=time_left)

    async def _go_live(self) -> WireModel:
        """Follows up on the first request without an answer: `ask` is in its handler."""
        if self._policy.on_divergence is not OnDivergence.LIVE:
            assert self._miss is not None
            raise self._miss
        if self._writes and not self._policy.live_tools:
            await self._world.catch_up()  # before anything is paid for
        return await self._stage.model(self._held.job)

    async def call(self, call: ToolCalled) -> ToolReturned:
        """The recorded answer where it still holds, else the tool's own."""
        spec = self._held.job.agent.tool(call.name)
        reads = spec is not None and spec.effect == "read"
        returned = None if self._policy.live_tools else self._served(call, reads=reads)
        if not reads:
            self._writes.append(self._key(call))
            if returned is not None:
                self._world.recorded(call, returned)
        return returned or await self._world.call(call)

    async def look(self) -> list[Observed]:
        """What the case's queries find: in the workspace when there is one, else what was recorded.

        Raises:
            RecordingMiss: a recorded write answers otherwise now.
        """
        queries = self._held.job.queries
        known = {seen.name for seen in self._held.cassette.takes[self._held.number].observed}
        as_recorded = self._live is None and not self._world.is_made
        if as_recorded and all(query.name in known for query in queries):
            return [self._tools.observed(query.name) for query in queries]
        return await self._world.look() if queries else []

    def result(self, played: Played, prices: Prices) -> CaseResult:
        """The verdict on the run, with where it left the recording and what it reused."""
        held, seconds = self._held, played.seconds - self._world.seconds
        if isinstance(played.error, RecordingMiss) and self._policy.live_tools:
            take = held.cassette.takes[held.number]
            played = replace(played, error=with_culprits(played.error, played, take))
        seconds += seconds_of(held, Run(), self._wire)
        if self._miss is None and not self._world.is_made:  # a replay like any other
            seconds = seconds_of(held, played.run, self._wire)
            as_recorded(held, played.run)
        result = concluded(held.job, held.number + 1, played, prices, seconds)
        if isinstance(played.error, RecordingMiss):
            on = self._policy.on_divergence
            action = OnDivergence.FAIL if on is OnDivergence.LIVE else on
            result = unanswered(held, result, played.run, self._miss or played.error, prices, action)
        elif self._miss is not None:
            parted = parted_at(played.run, self._miss, OnDivergence.LIVE)
            result = replace(result, parted=replace(parted, turn=self._reused + 1))
        return marked(held, result, self._wire, played.run, prices, self._reused)

    def _served(self, call: ToolCalled, *, reads: bool) -> ToolReturned | None:
        """A recorded result that says what the call would say now."""
        if call.name in self._held.changed_tools:
            return None
        if self._live is None:
            return self._tools.find(call)
        if not reads:
            return None
        if self._past is None:
            self._past = Past(self._held)
        return self._past.find(call, self._key(call), self._writes)

    def _key(self, call: ToolCalled) -> Key:
        return key_of(call.name, call.input, _redactor(self._held.job))


class Past:
    """What tools that read returned when it was recorded, by call and by the writes that had been made before it."""

    def __init__(self, held: Held) -> None:
        take = held.cassette.takes[held.number]
        results = {tool.call_id: tool.returned for tool in take.tools}
        self._known: dict[tuple[Key, tuple[Key, ...]], ToolReturned] = {}
        redactor = _redactor(held.job)
        writes: list[Key] = []
        for calls in _calls(held.cassette, take.interactions):
            keys = [(key_of(call["name"], call["input"], redactor), results.get(call["id"])) for call in calls]
            made = [(key, result) for key, result in keys if result is not None]
            writing = [key for key, _ in made if not _reads(held.job, key[0])]
            for key, result in made:
                if not writing and result.error_type in TELLING:  # beside a write, before or after is not known
                    self._known[key, tuple(writes)] = result
            writes += writing

    def find(self, call: ToolCalled, key: Key, writes: list[Key]) -> ToolReturned | None:
        """The answer of the same call after the same writes, as one to this call."""
        found = self._known.get((key, tuple(writes)))
        return None if found is None else replace(found, call_id=call.call_id)


def key_of(name: str, arguments: object, redactor: Redactor) -> Key:
    """The key of a call."""
    return name, canonical(redactor.value(arguments))


def _reads(job: Job, name: str) -> bool:
    spec = job.agent.tool(name)
    return spec is not None and spec.effect == "read"


def _calls(cassette: Cassette, interactions: tuple[int, ...]) -> Iterator[list[JsonObject]]:
    """The tool calls of each turn that a later request tells of, in order."""
    try:
        messages = cassette.interactions[interactions[-1]].asked.get("messages") if interactions else None
    except CassetteError:
        return
    for message in messages if isinstance(messages, list) else []:
        content = message.get("content") if message.get("role") == "assistant" else None
        blocks = content if isinstance(content, list) else []
        yield [block for block in blocks if block.get("type") == "tool_use"]


def _same(now: ToolReturned, recorded: ToolReturned, redactor: Redactor) -> bool:
    """Whether the model would be told the same; recordings hold no secrets."""
    one, other = (redactor.value([each.content, each.error_type]) for each in (now, recorded))
    return canonical(one) == canonical(other)


def _redactor(job: Job) -> Redactor:
    return job.suite.rules.for_replay(os.environ)
