"""A run's facts are enough: the traffic rebuilt from them replays to the same facts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentctl.agent.drive import drive
from agentctl.agent.events import Approved, Entry, ModelFailed, RunEnded, ToolReturned, UserSaid
from agentctl.agent.ports import Request, WireReply
from agentctl.agent.run import Run
from agentctl.agent.spec import Agent, Retry
from agentctl.agent.values import replace
from agentctl.cassette.file import parse, serialise
from agentctl.cassette.tape import Header
from agentctl.errors import Unreachable
from agentctl.evals.case import Case, Suite
from agentctl.evals.from_run import changed_since, difference, obstacle, recording_of
from agentctl.evals.plan import Job
from agentctl.model.client import WireModel
from support.scripted import ScriptedModel, ScriptedTools, agent, call, reply, says, text

HEADER = Header("s", "c", "test@1", "", {}, "2026-11-23T10:00:00Z", "agentctl", "test (rebuilt from run 1)")
WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
INPUTS = st.dictionaries(WORDS, st.none() | st.booleans() | st.integers(-(2**53), 2**53) | WORDS, max_size=3)


def job_of(runner: Agent, said: Sequence[str], *, approve: bool = False) -> Job:
    """A job of a case that is in no file."""
    case = Case("c", tuple(said), (), approve=approve)
    suite = Suite("s", Path("s.yaml"), "s.yaml", runner.ref, (case,))
    return Job(suite, case, runner, 1, Path("c.yaml"), "c.yaml", replace(runner, limits=replace(runner.limits)))


def parted(job: Job, run: Run) -> str:
    """Where a replay parts from the run, of a recording that has been to a file and back."""
    cassette = recording_of(job, run.entries, HEADER)
    assert parse(serialise(cassette)).interactions == cassette.interactions
    return asyncio.run(difference(job, parse(serialise(cassette)), run.events))


@st.composite
def exchanges(draw: st.DrawFn) -> tuple[list[str], list[Any], dict[str, str]]:
    """What a user says, how the model replies to it, and what its tool answers."""
    said, steps, number = draw(st.lists(WORDS, min_size=1, max_size=3)), [], 0
    for _ in said:
        for _ in range(draw(st.integers(0, 2))):
            calls = []
            for given_ in draw(st.lists(INPUTS, min_size=1, max_size=3)):
                number += 1
                calls.append({**call("look", f"toolu_{number}"), "input": given_})
            thoughts = [{"type": "thinking", "thinking": draw(WORDS), "signature": "c2ln"}] * draw(st.integers(0, 1))
            steps.append(reply(*thoughts, *calls))
        steps.append(replace(reply(text(draw(WORDS))), request_id=draw(st.none() | st.just("req_1"))))
    return said, steps, {"look": draw(WORDS)}


@given(exchanges())
@settings(max_examples=60)
def test_what_happened_happens_again(exchange: tuple[list[str], list[Any], dict[str, str]]) -> None:
    """Events, a recording rebuilt from them, a file, and a replay of it: the same events."""
    said, steps, results = exchange
    runner = agent()
    run = asyncio.run(drive(runner, Run(), model=ScriptedModel(*steps), tools=ScriptedTools(results), hear=says(*said)))
    assert run.ended == RunEnded("completed")
    assert parted(job_of(runner, said), run) == ""


class Failing:
    """A wire that fails in one way and then answers."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes | None) -> None:
        self.replies: list[tuple[int, dict[str, str], bytes | None]] = [(status, headers, body)]

    async def send(self, request: Request) -> WireReply:
        """The failure, then a reply."""
        if self.replies:
            status, headers, body = self.replies.pop()
            return WireReply(status, headers, self._body(body))
        message = {"type": "message", "role": "assistant", "id": "msg_1", "model": "m", "content": [text("Hi")]}
        whole = orjson.dumps({**message, "stop_reason": "end_turn", "stop_sequence": None, "usage": {}})
        return WireReply(200, {"content-type": "application/json"}, self._body(whole))

    async def _body(self, body: bytes | None) -> AsyncIterator[bytes]:
        if body is None:
            raise Unreachable("it broke", type="connection_error", retryable=True)
        yield body


ERROR = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (529, {"request-id": "req_9"}, ERROR),
        (429, {"retry-after": "0"}, b'{"type":"error","error":{"type":"rate_limit_error","message":"Slow down"}}'),
        (503, {}, b"<html>gone</html>"),
        (200, {"content-type": "text/event-stream"}, b"event: error\ndata: " + ERROR + b"\n\n"),
        (200, {"content-type": "text/event-stream"}, b"event: ping\ndata: {}\n\n"),
        (200, {}, None),
        (400, {}, b'{"type":"error","error":{"type":"invalid_request_error","message":"No"}}'),
    ],
    ids=["overloaded", "told to wait", "no JSON", "inside the stream", "cut short", "connection lost", "refused"],
)
def test_failed_attempts_happen_again(status: int, headers: dict[str, str], body: bytes | None) -> None:
    """Every kind of failure is rebuilt so that the real retry loop meets it again."""
    runner = replace(agent(), retry=Retry(attempts=2, base=0.0, cap=0.0))
    model = WireModel(Failing(status, headers, body), runner.retry)
    run = asyncio.run(drive(runner, Run(), model=model, tools=ScriptedTools(), hear=says("Hello")))
    assert any(isinstance(event, ModelFailed) for event in run.events)
    assert parted(job_of(runner, ["Hello"]), run) == ""


def test_a_session_in_several_parts_is_one_run() -> None:
    """A chat ends after each message and goes on: the case says it all at once."""
    runner, run = agent(), Run()
    for word in ("one", "two"):
        model = ScriptedModel(reply(text(word)))
        asyncio.run(drive(runner, run, model=model, tools=ScriptedTools(), hear=says(word)))
    assert parted(job_of(runner, ["one", "two"]), run) == ""


def test_a_replay_that_goes_another_way_is_found() -> None:
    """The case says something else: it is named where the two part."""
    runner = agent()
    run = asyncio.run(
        drive(runner, Run(), model=ScriptedModel(reply(text("Hi"))), tools=ScriptedTools(), hear=says("Hello"))
    )
    assert "user_said" in parted(job_of(runner, ["Good day"]), run)


def test_what_stands_in_the_way_is_said_in_words() -> None:
    """A picture, no end; a denied call is no obstacle."""
    runner = agent()
    job = job_of(runner, ["x"])
    ended = RunEnded("completed")
    assert "1 image" in obstacle(job, [UserSaid([{"type": "image"}]), ended])
    assert obstacle(job, [UserSaid("x"), Approved("toolu_1", approved=False), ended]) == ""
    assert "not finished" in obstacle(job, [UserSaid("x")])
    assert obstacle(job, [UserSaid("x"), ended]) == ""


def test_what_changed_is_named_by_component() -> None:
    """Components of the run's beginning against those of the agent now."""
    now = replace(agent(), components={"model": "1", "tool look": "2"})
    run = asyncio.run(
        drive(now, Run(), model=ScriptedModel(reply(text("Hi"))), tools=ScriptedTools(), hear=says("Hello"))
    )
    later = replace(now, components={"model": "1", "tool look": "3", "tool see": "4"})
    assert changed_since(later, run.events) == ("tool look", "tool see")


def test_the_time_of_replies_and_tools_is_kept() -> None:
    """Seconds come from when the facts happened."""
    runner, run, ticks = agent(), Run(), iter(range(100))
    asyncio.run(
        drive(
            runner,
            run,
            model=ScriptedModel(reply(call("look")), reply(text("Hi"))),
            tools=ScriptedTools(),
            hear=says("Hello"),
            when=lambda _event: next(ticks),
        )
    )
    take = recording_of(job_of(runner, ["Hello"]), run.entries, HEADER).takes[0]
    assert take.seconds == (1, 1)
    assert [(tool.returned, tool.seconds) for tool in take.tools] == [(ToolReturned("toolu_1", "look", "ok"), 1)]
    assert all(isinstance(entry, Entry) for entry in run.entries)
