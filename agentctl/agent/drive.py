"""`drive`: makes the moves that `decide` names and writes down what happened, to the end.

Whatever happens (a limit, an error, Ctrl-C, a defect of ours), every tool call that was asked for gets its one answer
and the last event is `RunEnded`, so a run can always be read, resumed and sent back to the API.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack

from agentctl.agent.answers import answer_to_keep, at_first_question
from agentctl.agent.calls import answer_all
from agentctl.agent.events import (
    Approved,
    Block,
    Event,
    FellBack,
    ModelAsked,
    Observed,
    RunEnded,
    RunStarted,
    ToolCalled,
    ToolReturned,
    UserSaid,
)
from agentctl.agent.loop import AskModel, AskPerson, CallTools, Listen, RefuseCall, Stop, decide
from agentctl.agent.ports import Answers, Approve, Hear, Model, OnDelta, Request, Sink, Tools, When
from agentctl.agent.request import build, stable_part
from agentctl.agent.run import Run
from agentctl.agent.spec import Agent
from agentctl.agent.standby import is_outage, next_model
from agentctl.agent.values import replace
from agentctl.errors import DeadlineExceeded, ModelError, RecordingMiss

Observe = Callable[[], Awaitable[list[Observed]]]
"""Looks at the world after the last move and before the end."""


Safe = Callable[[], Awaitable[None]]
"""Returns when what the sinks were told is as safe as it is to be before anyone acts on it."""


async def at_once() -> None:
    """Where the sinks keep what they are told the moment they are, or nobody keeps it."""


def as_told(_event: Event) -> float:
    """Facts happen when they are told."""
    return time.time()


async def nobody(_call: ToolCalled) -> tuple[bool, str]:
    """The approver where there is no one to ask: every call that needs a person is denied."""
    return False, "this call needs a person's approval and nobody is there to give it"


async def drive(
    agent: Agent,
    run: Run,
    *,
    model: Model,
    tools: Tools,
    hear: Hear,
    approve: Approve = nobody,
    sinks: Sequence[Sink] = (),
    on_delta: OnDelta | None = None,
    observe: Observe | None = None,
    answers: Answers | None = None,
    safe: Safe = at_once,
    when: When = as_told,
) -> Run:
    """Runs until the user has nothing more to say or something ends it; returns `run`, whose `ended` says which.

    A run that already ended goes on with what `hear` says next. Without `answers` every question is asked of a model,
    whatever the agent says of cached answers. Tools are run when `safe` has returned, behind the sinks, which have
    heard of the calls.

    Raises:
        RecordingMiss: replay could not answer; the run has ended with `missing_recording`.
        asyncio.CancelledError: after the run was ended with `interrupted`.
    """
    driver = _Driver(
        *(agent, run, model, tools, hear),
        approve=approve,
        sinks=sinks,
        on_delta=on_delta,
        answers=answers,
        safe=safe,
        when=when,
    )
    if run.started is None:
        driver.emit(RunStarted(agent.ref, agent.bundle, agent.model, dict(agent.components)))
    try:
        stop = await driver.moves()
        if observe is not None:
            for observed in await observe():
                driver.emit(observed)
    except ModelError as error:
        stop = _end_of(error, agent)
    except (asyncio.CancelledError, KeyboardInterrupt, SystemExit, BrokenPipeError):  # or who listened has left
        driver.end(Stop("interrupted", "interrupted before it was finished"))
        raise
    except RecordingMiss as error:
        driver.end(Stop("missing_recording", str(error)))
        raise
    except BaseException as error:
        driver.end(Stop("error", f"{type(error).__name__}: {error}"))
        raise
    driver.end(stop)
    return run


def _end_of(error: ModelError, agent: Agent) -> Stop:
    """How a run ends that nobody could answer. What the caller did wrong is never hidden behind kind words."""
    if agent.degrade and _nobody_can(error):
        return Stop("degraded", agent.degrade)
    return Stop("deadline" if isinstance(error, DeadlineExceeded) else "model_error", str(error), error.hint)


def _nobody_can(error: ModelError) -> bool:
    """Whether it is nobody's fault here that there is no answer."""
    return is_outage(error) or isinstance(error, DeadlineExceeded)


class _Driver:
    """One drive: the run, what it is driven with, and when the current exchange must be over."""

    def __init__(
        self,
        agent: Agent,
        run: Run,
        model: Model,
        tools: Tools,
        hear: Hear,
        *,
        approve: Approve,
        sinks: Sequence[Sink],
        on_delta: OnDelta | None,
        answers: Answers | None,
        safe: Safe,
        when: When,
    ) -> None:
        self.agent, self.run, self.model, self.tools = agent, run, model, tools
        self.hear, self.approve, self.sinks, self.on_delta, self.when = hear, approve, sinks, on_delta, when
        self.safe = safe
        self.answers = answers if agent.cached_answers is not None else None
        self.first: Request | None = None
        """The run's first question, until it is answered; only where answers are kept."""
        self.stable = stable_part(agent)
        self.announced: set[str] = set()
        self.deadline: float | None = self._fresh_deadline()

    def emit(self, event: Event) -> None:
        """Appends the fact and tells everyone who listens."""
        entry = self.run.append(event, self.when(event))
        for sink in self.sinks:
            sink(entry)

    async def moves(self) -> Stop:
        """Move after move, until one says stop or the user has nothing more to say."""
        while True:
            match decide(self.agent, self.run):
                case Listen():
                    said = await self.hear()
                    if said is None:
                        return Stop("completed")
                    self.emit(UserSaid(said))
                    self.deadline = self._fresh_deadline()
                case AskModel() as move:
                    await self._ask(move.turn, move.model)
                case CallTools() as move:
                    await self._call(move.calls)
                case AskPerson(call):
                    self.emit(await self._approval(call))
                case RefuseCall(call, reason):
                    self.emit(ToolReturned(call["id"], call["name"], f"not allowed: {reason}", "denied"))
                case Stop() as stop:
                    return stop

    async def _ask(self, turn: int, model: str) -> None:
        """Asks for one reply; when this model cannot give it, the next one stands in, within the same deadline."""
        request = build(self.agent, self.run, self.stable)
        if self.answers is not None and at_first_question(self.run):
            self.first = replace(request, body={**request.body, "messages": [*self.run.messages]})  # that list grows
            if self._recall("always"):
                return
        self.emit(ModelAsked(turn, model))
        left = None if self.deadline is None else self.deadline - _now()
        try:
            reply = await self.model.ask(request, on_failure=self.emit, on_delta=self.on_delta, time_left=left)
        except ModelError as error:
            standby = next_model(self.agent, model) if is_outage(error) else None
            if standby is not None:
                self.emit(FellBack(standby, error.type))
            elif not (_nobody_can(error) and self._recall("unavailable")):
                raise
            if self.on_delta is not None:
                self.on_delta("restart", "")
        else:
            self.emit(reply)
            if self.first is not None:
                self._keep()

    def _recall(self, when: str) -> bool:
        """Whether the first question was answered from the cache, now that it may be."""
        cached = self.agent.cached_answers
        if self.answers is None or self.first is None or cached is None or cached.when != when:
            return False
        found = self.answers.recall(self.first)
        if found is None:
            return False
        self.first = None
        self.emit(found)
        return True

    def _keep(self) -> None:
        """Hands on the answer to the first question, if it is one to give again."""
        first, self.first = self.first, None
        if self.answers is not None and first is not None:
            reply = answer_to_keep(self.agent, self.run)
            if reply is not None:
                self.answers.keep(first, reply)

    async def _call(self, calls: Sequence[Block]) -> None:
        """Runs the calls at the same time and writes their results down in the order they were asked for."""
        events = [_called(call) for call in calls]
        self.announced = {event.call_id for event in events}  # until they begin: who listens may fail before
        for event in events:
            self.emit(event)
        await self.safe()
        self.announced = set()
        if self.deadline is None:
            await answer_all(self.tools, events, emit=self.emit, finishes=self._finishes, in_time=lambda: True)
            return
        timer = asyncio.timeout(self.deadline - _now())
        try:
            async with timer:
                await answer_all(
                    self.tools, events, emit=self.emit, finishes=self._finishes, in_time=lambda: not timer.expired()
                )
        except TimeoutError:
            if not timer.expired():
                raise
            limit = f"{self.agent.limits.max_seconds:g} seconds for one answer (limits.max_seconds)"
            raise DeadlineExceeded(f"more than {limit}", type="deadline") from None

    def _finishes(self, call: ToolCalled) -> bool:
        """Whether an interruption waits for this call."""
        tool = self.agent.tool(call.name)
        return tool is not None and tool.finishes

    async def _approval(self, call: Block) -> Approved:
        """What the person says; the time they take is theirs and not the run's."""
        began = _now()
        allowed, reason = await self.approve(_called(call))
        if self.deadline is not None:
            self.deadline += _now() - began
        return Approved(call["id"], allowed, reason=reason)

    def end(self, stop: Stop) -> None:
        """Answers every call that has no result, then writes the end: all of it, even when a sink fails on a part."""
        last_words: list[Event] = []
        for call in self.run.unanswered:
            began = call["id"] in self.run.called and call["id"] not in self.announced
            text = "interrupted; it may have run" if began else f"not run: {stop.message or stop.reason}"
            last_words.append(ToolReturned(call["id"], call["name"], text, "interrupted" if began else "not_run"))
        last_words.append(RunEnded(stop.reason, stop.message, stop.hint))
        if len(last_words) == 1:
            self.emit(last_words[0])
            return
        with ExitStack() as stack:
            for event in reversed(last_words):
                stack.callback(self.emit, event)

    def _fresh_deadline(self) -> float | None:
        seconds = self.agent.limits.max_seconds
        return None if seconds is None else _now() + seconds


def _now() -> float:
    """Seconds on the clock of the event loop: that of its timeouts and sleeps, so that a loop may keep its own time."""
    return asyncio.get_running_loop().time()


def _called(call: Block) -> ToolCalled:
    return ToolCalled(call["id"], call["name"], call["input"])
