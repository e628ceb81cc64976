"""The loop: decide chooses what happened next, drive writes it down to the end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.agent.drive import drive
from agentctl.agent.events import (
    Approved,
    Event,
    ModelAsked,
    ModelFailed,
    ModelReplied,
    Observed,
    RunEnded,
    RunStarted,
    ToolCalled,
    ToolReturned,
    UserSaid,
    from_json,
    to_json,
)
from agentctl.agent.loop import AskModel, AskPerson, CallTools, Listen, RefuseCall, Stop, decide
from agentctl.agent.run import Run
from agentctl.agent.spec import Agent
from agentctl.errors import ApiError, DeadlineExceeded, RecordingMiss
from support.scripted import ScriptedModel, ScriptedTools, agent, call, reply, says, text

pytestmark = pytest.mark.filterwarnings("error")


def run(model: ScriptedModel, *said: str, on: Agent | None = None, **ports: Any) -> Run:
    """One drive to its end."""
    ports.setdefault("tools", ScriptedTools())
    return asyncio.run(drive(on or agent(), Run(), model=model, hear=says(*said), **ports))


def kinds(done: Run) -> list[str]:
    """The kinds of a run's events."""
    return [event.kind for event in done.events]


def after(events: list[Event], index: int) -> Event:
    """The event that `decide` had to foresee at `index`: attempts that failed belong to the asking."""
    while isinstance(events[index], ModelFailed):
        index += 1
    return events[index]


def agrees(move: Any, event: Event, run_so_far: Run) -> bool:
    """Whether the event is what the move leads to."""
    match move, event:
        case (Listen(), UserSaid()) | (Listen(), RunEnded(reason="completed")):
            return True
        case (Listen(), Observed()):
            return True
        case (AskModel(turn, model), ModelAsked(asked, of)):
            return (turn, model) == (asked, of)
        case (CallTools(calls), ToolCalled(call_id, _, _)):
            return call_id == calls[0]["id"]
        case (AskPerson(asked), Approved(call_id)):
            return bool(asked["id"] == call_id)
        case (RefuseCall(refused, _), ToolReturned(call_id)):
            return bool(refused["id"] == call_id)
        case (Stop(reason), RunEnded(ended)):
            return reason == ended
        case (Stop(reason), ToolReturned(error_type="not_run")):
            return True
    return False


def is_decision_point(events: list[Event], index: int) -> bool:
    """Whether `events[index]` was chosen by `decide`: not the answer to something already begun."""
    event = events[index]
    if isinstance(event, RunStarted | ModelReplied | ModelFailed):
        return False
    if isinstance(event, ToolCalled):  # the first of a batch is the decision
        return not isinstance(events[index - 1], ToolCalled)
    if isinstance(event, ToolReturned):
        return event.error_type == "denied"
    if isinstance(event, RunEnded):
        return not isinstance(events[index - 1], Observed | RunEnded)
    return not isinstance(event, Observed)


SCENARIOS: dict[str, tuple[Agent, list[Any], list[str]]] = {
    "plain": (agent(), [reply(text("Hi."))], ["Hello"]),
    "two turns": (agent(), [reply(text("Hi.")), reply(text("Bye."))], ["Hello", "Bye"]),
    "one tool": (agent(), [reply(text("Let me look."), call("look")), reply(text("Found."))], ["Look"]),
    "parallel": (agent(), [reply(call("look", "a"), call("look", "b")), reply(text("Both."))], ["Look twice"]),
    "max turns": (agent(max_turns=2), [reply(call("look", "a")), reply(call("look", "b"))], ["Loop"]),
    "budget": (agent(max_output_tokens=5), [reply(call("look", "a"))], ["Spend"]),
    "refusal": (agent(), [reply(call("look"), stop="refusal")], ["Bad"]),
    "max tokens": (agent(), [reply(text("Cut o"), call("look"), stop="max_tokens")], ["Long"]),
    "context": (agent(), [reply(text("x"), stop="model_context_window_exceeded")], ["Longer"]),
    "unknown stop": (agent(), [reply(call("look"), stop="compaction")], ["New"]),
    "stop sequence": (agent(), [reply(text("x"), stop="stop_sequence")], ["Stop"]),
    "pause": (agent(), [reply(text("Wait. "), stop="pause_turn"), reply(text("Done."))], ["Search"]),
    "denied": (agent(approve="always"), [reply(call("look")), reply(text("Not allowed."))], ["Write"]),
    "api error": (agent(), [ApiError("no", type="api_error", status=500)], ["Hello"]),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_prefixes(name: str) -> None:
    """For every prefix of every run, decide chooses what happened next."""
    spec, steps, said = SCENARIOS[name]
    events = run(ScriptedModel(*steps), *said, on=spec).events
    assert isinstance(events[-1], RunEnded)
    checked = 0
    for index in range(1, len(events)):
        if not is_decision_point(events, index) or (events[-1].reason == "model_error" and index == len(events) - 1):
            continue
        move = decide(spec, Run.of(events[:index]))
        assert agrees(move, after(events, index), Run.of(events[:index])), (index, move, events[index])
        checked += 1
    assert checked >= 2


@pytest.mark.parametrize("name", SCENARIOS)
def test_roundtrip(name: str) -> None:
    """Every event of every run loads as it was dumped."""
    spec, steps, said = SCENARIOS[name]
    events = run(ScriptedModel(*steps), *said, on=spec).events
    assert [from_json(to_json(event)) for event in events] == events


ENDS = {
    "plain": "completed",
    "one tool": "completed",
    "parallel": "completed",
    "pause": "completed",
    "stop sequence": "completed",
    "denied": "completed",
    "max turns": "max_turns",
    "budget": "budget",
    "refusal": "refused",
    "max tokens": "max_tokens",
    "context": "context_window",
    "unknown stop": "unknown_stop",
    "api error": "model_error",
}


@pytest.mark.parametrize("name", ENDS)
def test_ends(name: str) -> None:
    """Every stop reason and limit has an end of its own."""
    spec, steps, said = SCENARIOS[name]
    ended = run(ScriptedModel(*steps), *said, on=spec).ended
    assert ended is not None
    assert ended.reason == ENDS[name]


@pytest.mark.parametrize("name", ["refusal", "max tokens", "unknown stop"])
def test_no_tool_of_an_unfinished_reply_runs(name: str) -> None:
    """A reply that did not stop for tools runs none, and leaves no call to answer behind."""
    spec, steps, said = SCENARIOS[name]
    tools = ScriptedTools()
    done = run(ScriptedModel(*steps), *said, on=spec, tools=tools)
    assert tools.finished == []
    assert "tool_use" not in str(done.messages)


def test_parallel_results_return_in_request_order() -> None:
    """Calls run at the same time; their results stand in one user message in the order of the calls."""
    calls = [call("look", f"t{index}") for index in range(5)]
    tools = ScriptedTools(delays={f"t{index}": 0.05 * (5 - index) for index in range(5)})
    model = ScriptedModel(reply(*calls), reply(text("Done.")))
    run(model, "Look", tools=tools)
    assert tools.finished == ["t4", "t3", "t2", "t1", "t0"]
    answers = model.requests[1][-1]
    assert answers["role"] == "user"
    assert [block["tool_use_id"] for block in answers["content"]] == ["t0", "t1", "t2", "t3", "t4"]


def test_denied_call_is_answered_and_not_run() -> None:
    """A person's no becomes an error result; the other calls of the turn run."""

    async def only_a(asked: ToolCalled) -> tuple[bool, str]:
        return asked.call_id == "a", "not today"

    tools = ScriptedTools()
    model = ScriptedModel(reply(call("look", "a"), call("look", "b")), reply(text("Half.")))
    run(model, "Write", on=agent(approve="always"), tools=tools, approve=only_a)
    assert tools.finished == ["a"]
    first, second = model.requests[1][-1]["content"]
    assert "is_error" not in first
    assert second["is_error"] is True
    assert "not today" in second["content"]


def test_limit_leaves_no_call_unanswered_and_the_conversation_can_go_on() -> None:
    """A run ended by a limit between call and result goes on with a valid request."""
    spec = agent(max_output_tokens=5)
    model = ScriptedModel(reply(call("look", "a")), reply(text("Fine.")))
    done = run(model, "Spend", on=spec)
    assert done.ended is not None
    assert done.ended.reason == "budget"
    asyncio.run(drive(agent(), done, model=model, tools=ScriptedTools(), hear=says("And now?")))
    *_, last = model.requests[-1]
    assert [block["type"] for block in last["content"]] == ["tool_result", "text"]


def test_deadline_ends_a_hanging_tool() -> None:
    """The wall clock of an exchange holds over tools; what hangs is answered as interrupted."""
    tools = ScriptedTools(delays={"a": 60})
    done = run(ScriptedModel(reply(call("look", "a"))), "Hang", on=agent(max_seconds=0.1), tools=tools)
    assert done.ended is not None
    assert done.ended.reason == "deadline"
    assert done.events[-2] == ToolReturned("a", "look", "interrupted; it may have run", "interrupted")


def test_deadline_of_the_model_is_a_deadline() -> None:
    """A model call that ran out of time ends the run as deadline, not as model_error."""
    done = run(ScriptedModel(DeadlineExceeded("late", type="deadline")), "Hello")
    assert done.ended == RunEnded("deadline", "late")


def test_cancel_writes_the_end_and_passes_on() -> None:
    """A cancelled run answers its open calls, ends as interrupted, and the cancellation is not swallowed."""

    async def cancel_soon() -> Run:
        so_far = Run()
        tools = ScriptedTools(delays={"a": 60})
        model = ScriptedModel(reply(call("look", "a"), call("look", "b")))
        task = asyncio.create_task(drive(agent(), so_far, model=model, tools=tools, hear=says("Go")))
        while not so_far.called:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return so_far

    so_far = asyncio.run(cancel_soon())
    assert so_far.ended is not None
    assert so_far.ended.reason == "interrupted"
    assert so_far.unanswered == []


def test_missing_recording_ends_the_run_and_is_raised() -> None:
    """A replay that cannot answer is no answer of the agent: the caller is told."""

    async def miss(_request: Any) -> ModelReplied:
        raise RecordingMiss("nothing recorded")

    so_far = Run()
    with pytest.raises(RecordingMiss):
        asyncio.run(drive(agent(), so_far, model=ScriptedModel(miss), tools=ScriptedTools(), hear=says("Hi")))
    assert so_far.ended == RunEnded("missing_recording", "nothing recorded")


def test_defect_still_ends_the_run() -> None:
    """An exception of ours leaves a run that says so."""

    async def broken(_request: Any) -> ModelReplied:
        raise ZeroDivisionError("oops")

    so_far = Run()
    with pytest.raises(ZeroDivisionError):
        asyncio.run(drive(agent(), so_far, model=ScriptedModel(broken), tools=ScriptedTools(), hear=says("Hi")))
    assert so_far.ended == RunEnded("error", "ZeroDivisionError: oops")


def test_pause_is_bounded() -> None:
    """A model that pauses for ever meets the turn limit."""
    spec = agent(max_turns=5)
    done = run(ScriptedModel(*[reply(text("."), stop="pause_turn")] * 50), "Search", on=spec)
    assert done.ended is not None
    assert done.ended.reason == "max_turns"
    assert kinds(done).count("model_replied") == 5
    assert [message["role"] for message in done.messages] == ["user", "assistant"]


def test_observations_stand_before_the_end() -> None:
    """What is looked at after the last move is written down before the end."""

    async def observe() -> list[Observed]:
        return [Observed("rows", [[1]])]

    done = run(ScriptedModel(reply(text("Hi."))), "Hello", observe=observe)
    assert kinds(done)[-2:] == ["observed", "run_ended"]


BLOCKS = st.lists(
    st.one_of(
        st.builds(text, st.text(max_size=5)),
        st.builds(lambda n: {"type": "tool_use", "id": "", "name": n, "input": {}}, st.sampled_from(["look", "gone"])),
        st.just({"type": "thinking", "thinking": "hm", "signature": "s"}),
    ),
    min_size=1,
    max_size=5,
)
STOPS = st.sampled_from(
    [
        "end_turn",
        "tool_use",
        "max_tokens",
        "stop_sequence",
        "pause_turn",
        "refusal",
        "model_context_window_exceeded",
        "?",
    ]
)


def valid(messages: list[dict[str, Any]]) -> None:
    """What the API demands of a history, as far as the fold can break it."""
    assert messages[0]["role"] == "user"
    open_calls: list[str] = []
    for earlier, message in zip([None, *messages], messages, strict=False):
        assert earlier is None or earlier["role"] != message["role"]
        content = message["content"]
        blocks = [text(content)] if isinstance(content, str) else content
        assert blocks
        assert all(block.get("text") != "" for block in blocks if message["role"] == "assistant")
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        assert results == open_calls
        assert [block["type"] for block in blocks[: len(results)]] == ["tool_result"] * len(results)
        open_calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
    assert open_calls == []


@given(st.lists(st.tuples(BLOCKS, STOPS), min_size=1, max_size=8), st.integers(1, 4))
def test_every_history_is_valid(turns: list[tuple[list[dict[str, Any]], str]], speeches: int) -> None:
    """Whatever the model says and however often a run ends and goes on, each request is one the API accepts."""
    steps: list[Any] = []
    for number, (blocks, stop) in enumerate(turns):
        content = [
            {**block, "id": f"t{number}_{index}"} if block["type"] == "tool_use" else block
            for index, block in enumerate(blocks)
        ]
        uses = any(block["type"] == "tool_use" for block in content)
        steps.append(reply(*content, stop="end_turn" if stop == "tool_use" and not uses else stop))
    model = ScriptedModel(*steps, *[reply(text("."))] * 50)
    so_far = Run()

    async def talk() -> None:
        for _ in range(speeches):
            await drive(agent(max_turns=3), so_far, model=model, tools=ScriptedTools(), hear=says("one", "two"))

    asyncio.run(talk())
    for messages in model.requests:
        valid(messages)
    assert Run.of(so_far.events).messages == so_far.messages
