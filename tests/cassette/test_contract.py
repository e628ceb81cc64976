"""What we record is what everyone else reads: stock vcrpy under the SDK gives the same answers and the same run."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anthropic
import orjson
import pytest
import vcr
import yaml

from agentctl.agent.drive import drive
from agentctl.agent.events import Event, RunEnded
from agentctl.agent.ports import Tools, Wire
from agentctl.agent.run import Run
from agentctl.agent.spec import Provider
from agentctl.cassette.play import RecordedTools, RecordedWire
from agentctl.cassette.record import RecordingTools, RecordingWire, Tape, save
from agentctl.cassette.tape import Cassette
from agentctl.model.claude import ClaudeWire
from agentctl.model.client import WireModel
from agentctl.model.decode import decode_reply
from support.scripted import agent, says


async def _through_sdk(path: str, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    answers = []
    with vcr.use_cassette(path, record_mode="none") as cassette:
        client = anthropic.AsyncAnthropic(api_key="none", max_retries=0, base_url="https://api.anthropic.com")
        for body in requests:
            async with client.messages.stream(**{k: v for k, v in body.items() if k != "stream"}) as stream:
                message = await stream.get_final_message()
            answers.append(message.to_dict(mode="json"))
        assert cassette.all_played
        await client.close()
    return answers


async def _through_replay(recorded: Cassette, requests: list[Any], kit: SimpleNamespace) -> list[Any]:
    wire = RecordedWire(recorded, 0)
    replies = [await wire.send(request) for request in requests]
    return [decode_reply(reply.status, reply.headers, await kit.body_of(reply)) for reply in replies]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_stock_vcr_and_the_bare_sdk_give_the_same_answers(recorded: Cassette, kit: SimpleNamespace) -> None:
    """A parallel tool turn and the answer after it come out equal through vcrpy with the SDK and through our replay."""
    requests = kit.conversation([tool.returned for tool in recorded.takes[0].tools])
    theirs = asyncio.run(_through_sdk(str(recorded.path), [request.body for request in requests]))
    ours = asyncio.run(_through_replay(recorded, requests, kit))
    assert [len(reply.content) for reply in ours] == [3, 1]
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.content == [_known(block) for block in other["content"]]
        assert (mine.id, mine.stop_reason) == (other["id"], other["stop_reason"])
        assert mine.usage == _known(other["usage"])


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    """What the SDK was told; it fills up its models with None."""
    return {key: value for key, value in fields.items() if value is not None}


async def _no_wait(_seconds: float) -> None:
    """Stands in for sleeping."""


async def _driven(wire: Wire, tools: Tools) -> list[Event]:
    who = agent(["get_order"])
    model = WireModel(wire, sleep=_no_wait)
    return (await drive(who, Run(), model=model, tools=tools, hear=says("Where are they?", "Thanks!"))).events


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_run_its_replay_and_its_replay_through_the_sdk_are_equal(tmp_path: Path, kit: SimpleNamespace) -> None:
    """Parallel tools, an overload and its retry, two things said: three times the same list of events."""

    async def three() -> tuple[list[Event], list[Event], list[Event]]:
        overloaded = orjson.dumps({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
        live = kit.ScriptedWire(
            (200, kit.STREAM, kit.sse({"type": "text", "text": "Let me look."}, *kit.CALLS, stop="tool_use")),
            (529, {"content-type": "application/json", "request-id": "req_2", "retry-after": "1"}, overloaded),
            (529, {"content-type": "application/json", "request-id": "req_3"}, overloaded),
            (200, kit.STREAM, kit.sse({"type": "text", "text": "Both are on their way 🐈\u2028."})),
            (200, kit.STREAM, kit.sse({"type": "text", "text": "You are welcome."})),
        )
        tape = Tape()
        lived = await _driven(RecordingWire(live, tape), RecordingTools(kit.EchoTools(), tape))
        saved = save(tmp_path / "run.yaml", kit.header(), [tape])
        replayed = await _driven(RecordedWire(saved), RecordedTools(saved))
        with vcr.use_cassette(str(tmp_path / "run.yaml"), record_mode="none"):
            through = ClaudeWire(Provider(base_url="https://api.anthropic.com"), api_key="none")
            by_sdk = await _driven(through, RecordedTools(saved))
            await through.aclose()
        return lived, replayed, by_sdk

    lived, replayed, by_sdk = asyncio.run(three())
    assert [type(event).__name__ for event in lived].count("ModelFailed") == 2
    assert lived[-1] == RunEnded("completed")
    assert lived == replayed
    assert lived == by_sdk


def test_yaml_and_json_load_the_file_identically(recorded: Cassette) -> None:
    """Characters that YAML refuses or folds are escaped, so both loaders see the same document."""
    assert recorded.path is not None
    data = recorded.path.read_bytes()
    assert yaml.safe_load(data) == orjson.loads(data)
    assert orjson.loads(data)["version"] == 1
    assert "\x7f\u2028\u0085" in recorded.interactions[0].asked["messages"][0]["content"]
