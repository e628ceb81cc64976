"""Drive under pressure: deadlines, people who take their time, sinks that fail, cancellation; the run stays whole."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agentctl.agent.drive import drive
from agentctl.agent.events import (
    Entry,
    ModelReplied,
    RunEnded,
    ToolCalled,
    ToolReturned,
    UserSaid,
)
from agentctl.agent.run import Run, Usage
from agentctl.errors import ApiError, RecordingMiss, StoreError
from support.scripted import ScriptedModel, ScriptedTools, agent, call, reply, says, text


def ended(run: Run) -> str:
    """Why the run ended; every call of it has its one answer."""
    assert isinstance(run.events[-1], RunEnded)
    assert run.unanswered == []
    calls = [event.call_id for event in run.events if isinstance(event, ToolCalled)]
    answers = [event.call_id for event in run.events if isinstance(event, ToolReturned)]
    assert len(set(answers)) == len(answers)
    assert set(calls) <= set(answers)
    return run.events[-1].reason


def returned(run: Run) -> dict[str, str | None]:
    """The error type of each call's answer."""
    return {event.call_id: event.error_type for event in run.events if isinstance(event, ToolReturned)}


def test_results_that_are_there_survive_the_deadline() -> None:
    """When one call of several hangs until the deadline, what the others did is written down as done."""
    tools = ScriptedTools(delays={"b": 60})
    model = ScriptedModel(reply(call("look", "a"), call("look", "b"), call("look", "c")))
    run = asyncio.run(drive(agent(max_seconds=0.5), Run(), model=model, tools=tools, hear=says("Go")))
    assert ended(run) == "deadline"
    assert returned(run) == {"a": None, "b": "interrupted", "c": None}
    results = run.messages[-1]["content"]
    assert [block["tool_use_id"] for block in results] == ["a", "b", "c"]


def test_results_that_are_there_survive_a_miss() -> None:
    """When a replay has no answer to one call, those it had are kept, and nothing is left to complain about."""

    class Halves:
        async def call(self, asked: ToolCalled) -> ToolReturned:
            await asyncio.sleep(0)
            if asked.call_id in {"a", "c"}:
                raise RecordingMiss(f"no recording of {asked.call_id}")
            return ToolReturned(asked.call_id, asked.name, "ok")

    complaints: list[dict[str, Any]] = []

    async def go() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
        model = ScriptedModel(reply(call("look", "a"), call("look", "b"), call("look", "c")))
        with pytest.raises(RecordingMiss, match="of a"):
            await drive(agent(), run, model=model, tools=Halves(), hear=says("Go"))

    run = Run()
    asyncio.run(go())
    assert ended(run) == "missing_recording"
    assert returned(run) == {"b": None, "a": "interrupted", "c": "interrupted"}
    assert complaints == []


def test_a_persons_time_is_not_the_runs() -> None:
    """Someone who thinks about an approval for longer than the deadline does not end the run by it."""

    async def slowly(_call: ToolCalled) -> tuple[bool, str]:
        await asyncio.sleep(0.3)
        return True, ""

    model = ScriptedModel(reply(call("look")), reply(text("Done.")))
    spec = agent(approve="always", max_seconds=0.2)
    run = asyncio.run(drive(spec, Run(), model=model, tools=ScriptedTools(), hear=says("Go"), approve=slowly))
    assert ended(run) == "completed"


@pytest.mark.parametrize("seconds", [None, 60.0])
@pytest.mark.parametrize("port", ["hear", "approve", "observe", "tools"])
def test_timeout_of_somebody_else_is_no_deadline(port: str, seconds: float | None) -> None:
    """A TimeoutError from one of the ports is that port's defect, with or without a limit."""

    async def fails(*_any: Any) -> Any:
        raise TimeoutError("the terminal's")

    class Fails:
        call = staticmethod(fails)

    ports: dict[str, Any] = {"hear": says("Go"), "tools": ScriptedTools()}
    ports |= {port: Fails() if port == "tools" else fails}
    run = Run()
    model = ScriptedModel(reply(call("look")), reply(text("Done.")))
    with pytest.raises(TimeoutError, match="the terminal's"):
        asyncio.run(drive(agent(approve="always", max_seconds=seconds), run, model=model, **allow(ports)))
    assert ended(run) == "error"


def allow(ports: dict[str, Any]) -> dict[str, Any]:
    """The ports with a person who allows everything, unless they bring one."""

    async def yes(_call: ToolCalled) -> tuple[bool, str]:
        return True, ""

    return {"approve": yes, **ports}


class FullDisk:
    """A sink that fails from the n-th entry on."""

    def __init__(self, after: int, *, once: bool = False) -> None:
        self.after, self.once, self.told = after, once, 0

    def __call__(self, _entry: Entry) -> None:
        """Takes or refuses an entry."""
        self.told += 1
        if self.told == self.after or (self.told > self.after and not self.once):
            raise StoreError("the disk is full")


@pytest.mark.parametrize("once", [True, False])
@pytest.mark.parametrize("after", range(2, 10))
def test_sink_that_fails(after: int, once: bool) -> None:  # noqa: FBT001  a column of the table
    """A journal that cannot write stops the run, which still answers every call and ends."""
    run = Run()
    model = ScriptedModel(reply(call("look", "a"), call("look", "b")), reply(text("Done.")))
    with pytest.raises(StoreError):
        asyncio.run(
            drive(agent(), run, model=model, tools=ScriptedTools(), hear=says("Go"), sinks=[FullDisk(after, once=once)])
        )
    assert ended(run) in {"error", "completed"}


def test_cancelling_during_parallel_calls_keeps_what_was_done() -> None:
    """Ctrl-C while one of two calls runs: the finished one keeps its result, the other is told as interrupted."""
    run = Run()

    async def go() -> None:
        tools = ScriptedTools(delays={"b": 60})
        model = ScriptedModel(reply(call("look", "b"), call("look", "a")))
        driving = asyncio.create_task(drive(agent(), run, model=model, tools=tools, hear=says("Go")))
        while tools.finished != ["a"]:
            await asyncio.sleep(0.01)
        driving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await driving

    asyncio.run(go())
    assert ended(run) == "interrupted"
    assert returned(run) == {"a": None, "b": "interrupted"}


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit])
def test_signal_while_the_user_types(raised: type[BaseException]) -> None:
    """An interrupt that comes as an exception ends the run as interrupted and goes on."""

    async def hear() -> str:
        raise raised

    run = Run()
    with pytest.raises(raised):
        asyncio.run(drive(agent(), run, model=ScriptedModel(), tools=ScriptedTools(), hear=hear))
    assert ended(run) == "interrupted"


def test_model_error_leaves_an_answerable_conversation() -> None:
    """After a failed reply the user's words stand, and the next drive sends them with what is said then."""
    model = ScriptedModel(ApiError("busy", type="overloaded_error", status=529), reply(text("Hi.")))
    run = asyncio.run(drive(agent(), Run(), model=model, tools=ScriptedTools(), hear=says("Hello")))
    assert ended(run) == "model_error"
    asyncio.run(drive(agent(), run, model=model, tools=ScriptedTools(), hear=says("Still there?")))
    (message,) = model.requests[-1]
    assert [block["text"] for block in message["content"]] == ["Hello", "Still there?"]


def test_thinking_that_was_cut_off_is_not_sent_back() -> None:
    """A thinking block without its signature would be refused; one with it goes back untouched."""
    whole = {"type": "thinking", "thinking": "hm", "signature": "s"}
    cut = {"type": "thinking", "thinking": "hm"}
    run = Run.of([UserSaid("Hi"), reply(whole, text("Well"), cut, stop="max_tokens")])
    assert run.messages[-1] == {"role": "assistant", "content": [whole, text("Well")]}
    run = Run.of([UserSaid("Hi"), reply(cut, stop="max_tokens")])
    assert [message["role"] for message in run.messages] == ["user"]


@pytest.mark.parametrize("bad", [-5, None, "7", 2.5, True, [1]])
def test_usage_never_goes_down(bad: Any) -> None:
    """A count that is no whole number, or negative, counts as nothing."""
    usage = Usage.of({"input_tokens": bad, "output_tokens": 3})
    assert usage == Usage(output_tokens=3)
    replied = ModelReplied("m", "m", [], "end_turn", {"input_tokens": bad})
    assert Run.of([replied, replied]).usage == Usage()


def test_tools_wait_until_the_calls_are_safe() -> None:
    """All calls of a turn are told, then made safe together, then run."""
    order: list[str] = []

    class Noted(ScriptedTools):
        async def call(self, asked: ToolCalled) -> ToolReturned:
            order.append(f"runs {asked.call_id}")
            return await super().call(asked)

    def sink(entry: Entry) -> None:
        if isinstance(entry.event, ToolCalled):
            order.append(f"told {entry.event.call_id}")

    async def safe() -> None:
        await asyncio.sleep(0)
        order.append("safe")

    model = ScriptedModel(reply(call("look", "a"), call("look", "b")), reply(text("Done.")))
    run = asyncio.run(drive(agent(), Run(), model=model, tools=Noted(), hear=says("Go"), sinks=[sink], safe=safe))
    assert ended(run) == "completed"
    assert order == ["told a", "told b", "safe", "runs a", "runs b"]


def test_nothing_runs_that_is_not_safe() -> None:
    """When the calls cannot be made safe, no tool is run and the run ends with the error."""
    tools = ScriptedTools()

    async def safe() -> None:
        raise StoreError("the disk is broken")

    run, model = Run(), ScriptedModel(reply(call("look", "a")))
    with pytest.raises(StoreError, match="broken"):
        asyncio.run(drive(agent(), run, model=model, tools=tools, hear=says("Go"), safe=safe))
    assert ended(run) == "error"
    assert tools.finished == []
