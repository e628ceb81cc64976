"""Replay: the recorded replies in order, and an explanation where there is none."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.agent.events import Observed, ToolCalled
from agentctl.agent.ports import Request, Tools, Wire
from agentctl.agent.values import replace
from agentctl.cassette.extend import ExtendedTools, ExtendedWire
from agentctl.cassette.play import RecordedTools, RecordedWire
from agentctl.cassette.tape import Break, Cassette, Interaction, Take
from agentctl.errors import CassetteError, RecordingMiss, Unreachable

URI = "https://api.anthropic.com/v1/messages"


def cassette_of(*replies: tuple[Any, int, str], header: Any = None) -> Cassette:
    """A cassette of (request body, status, reply text)."""
    made = [Interaction("POST", URI, orjson.dumps(body).decode(), status, {}, text) for body, status, text in replies]
    return Cassette(tuple(made), header)


async def ask(wire: Wire, request: Request, kit: SimpleNamespace) -> tuple[int, bytes]:
    """Status and body."""
    reply = await wire.send(request)
    return reply.status, await kit.body_of(reply)


def test_a_recorded_run_replays(recorded: Cassette, kit: SimpleNamespace) -> None:
    """The same requests get the same bytes, in one piece, and everything served is counted."""

    async def replay() -> None:
        wire, tools = RecordedWire(recorded, 0), RecordedTools(recorded, 0)
        requests = kit.conversation([tool.returned for tool in recorded.takes[0].tools])
        for request, interaction in zip(requests, recorded.interactions, strict=True):
            reply = await wire.send(request)
            assert [piece async for piece in reply.body] == [interaction.body]
            assert (reply.status, dict(reply.headers)) == (200, kit.STREAM)
        for block in reversed(kit.CALLS):
            result = await tools.call(ToolCalled(block["id"], block["name"], block["input"]))
            assert result.content == f"get_order {block['id']} ✓"
        assert tools.observed("state: orders") == Observed("state: orders", [["ORD-1", "shipped"]])
        assert (wire.served, tools.served) == (2, 2)

    asyncio.run(replay())


def test_the_same_request_again_gets_the_next_reply(kit: SimpleNamespace) -> None:
    """A retry sequence replays as it was recorded, other requests between its attempts or not."""
    body, other = {"messages": [kit.ASK]}, {"messages": [kit.ASK, kit.ASK]}
    cassette = cassette_of((body, 429, "a"), (other, 200, "x"), (body, 429, "b"), (body, 200, "c"))

    async def replay() -> None:
        wire = RecordedWire(cassette)
        assert [await ask(wire, Request(body), kit) for _ in range(3)] == [(429, b"a"), (429, b"b"), (200, b"c")]
        assert await ask(wire, Request(other), kit) == (200, b"x")
        with pytest.raises(RecordingMiss, match="more often than") as caught:
            await wire.send(Request(body))
        assert wire.served == 4
        assert caught.value.components == ()

    asyncio.run(replay())


@given(
    recorded=st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=6),
    asked=st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=8),
)
def test_how_a_recorded_body_is_laid_out_makes_no_difference(
    recorded: list[tuple[int, bool]], asked: list[tuple[int, bool]]
) -> None:
    """Bodies compared to the letter and bodies that must be hashed are found in the same order."""

    def body(ask: tuple[int, bool]) -> dict[str, Any]:
        return {"model": "m", "stream": ask[1], "messages": [{"role": "user", "content": f"é{ask[0]}"}]}

    plain = [Interaction("POST", URI, orjson.dumps(body(ask)).decode(), 200, {}, "") for ask in recorded]
    spaced = [replace(each, request=json.dumps(orjson.loads(each.request), indent=1)) for each in plain]
    wires = [RecordedWire(Cassette(tuple(made))) for made in (plain, spaced)]
    for ask in asked:
        first, second = (wire.find(Request(body(ask))) for wire in wires)
        assert (first is None) == (second is None)
    assert wires[0].replied == wires[1].replied


def test_takes_do_not_mix(kit: SimpleNamespace) -> None:
    """Each take serves its own replies; a take that was not recorded is a miss with the command that records it."""
    body = {"messages": [kit.ASK]}
    takes = (Take((0,)), Take((2, 1)))
    cassette = cassette_of((body, 200, "a"), (body, 200, "b"), (body, 200, "c"), header=kit.header(takes=takes))

    async def replay() -> None:
        wires = [RecordedWire(cassette, 1), RecordedWire(cassette, 0), RecordedWire(cassette, 1)]
        assert [(await ask(wire, Request(body), kit))[1] for wire in wires] == [b"c", b"a", b"c"]
        assert (await ask(wires[0], Request(body), kit))[1] == b"b"

    asyncio.run(replay())
    for make in (RecordedWire, RecordedTools):
        with pytest.raises(RecordingMiss, match="holds 2 takes; take 3") as caught:
            make(cassette, 2)
        assert (
            caught.value.hint
            == "record it again: agentctl eval support --filter order-status --repeat 3 --record-mode all"
        )


PREFIX_TOOLS = [{"name": "get_order", "description": "One order.", "input_schema": {"type": "object"}}]
CHANGES = {
    "system": ({"system": "You are a pirate."}, "at system", ("system prompt",)),
    "model": (
        {"model": "claude-other"},
        'at model\n  recorded: "claude-sonnet-5-5"\n  now:      "claude-other"',
        ("model",),
    ),
    "params": ({"max_tokens": 1}, "at max_tokens\n  recorded: 1024\n  now:      1", ("params",)),
    "new param": ({"thinking": {"type": "adaptive"}}, r"at thinking\n  recorded: \(nothing\)", ("params",)),
    "tool": (
        {"tools": [{"name": "get_order", "description": "One order!", "input_schema": {"type": "object"}}]},
        r'at tools\[0\].description\n  recorded: "One order."\n  now:      "One order!"',
        ("tool get_order",),
    ),
    "new tool": (
        {"tools": [{"name": "a"}, *PREFIX_TOOLS]},
        r'at tools\[0\].name\n  recorded: "get_order"\n  now:      "a"',
        ("tool a",),
    ),
    "no tools": ({"tools": []}, r"at tools\[0\]\n .*\n  now:      \(nothing\)", ("tool get_order",)),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_miss_names_the_first_difference(name: str, recorded: Cassette, kit: SimpleNamespace) -> None:
    """The error says which recorded request is nearest, where it differs, and how to record again."""
    changes, reason, components = CHANGES[name]
    with pytest.raises(RecordingMiss, match=reason) as caught:
        asyncio.run(RecordedWire(recorded).send(kit.request(kit.ASK, **changes)))
    assert "interaction 0 differs" in str(caught.value)
    assert str(recorded.path) in str(caught.value)
    assert caught.value.components == components
    assert caught.value.hint == "record it again: agentctl eval support --filter order-status --record-mode all"


def test_tools_in_another_order_are_a_difference(kit: SimpleNamespace) -> None:
    """The order of tools is a component of its own, as in a header."""
    tools = [{"name": "a"}, {"name": "b"}]
    cassette = cassette_of(({"tools": tools, "messages": [kit.ASK]}, 200, ""))
    with pytest.raises(RecordingMiss) as caught:
        asyncio.run(RecordedWire(cassette).send(Request({"tools": tools[::-1], "messages": [kit.ASK]})))
    assert caught.value.components == ("tool order",)


def test_a_miss_in_the_conversation_shows_both_texts(recorded: Cassette, kit: SimpleNamespace) -> None:
    """Of a long conversation the nearest request is shown, and of a long text the part that differs."""
    requests = kit.conversation([tool.returned for tool in recorded.takes[0].tools])
    messages = orjson.loads(orjson.dumps(requests[1].body["messages"]))
    messages[2]["content"][1]["content"] = "get_order toolu_2 ✗"
    with pytest.raises(RecordingMiss) as caught:
        asyncio.run(RecordedWire(recorded).send(kit.request(*messages)))
    assert str(caught.value).splitlines()[0].endswith("interaction 1 differs at messages[2].content[1].content")
    assert str(caught.value).splitlines()[1:] == [
        '  recorded: "get_order toolu_2 ✓"',
        '  now:      "get_order toolu_2 ✗"',
    ]
    assert caught.value.components == ()
    long = {"role": "user", "content": "x" * 500 + "A" + "y" * 500}
    cassette = cassette_of(({"messages": [{**long, "content": long["content"].replace("A", "B")}]}, 200, ""))
    with pytest.raises(RecordingMiss) as caught:
        asyncio.run(RecordedWire(cassette).send(Request({"messages": [long]})))
    shown = str(caught.value).splitlines()[1:]
    assert "xxBy" in shown[0]
    assert "xxAy" in shown[1]
    assert all(len(line) < 100 for line in shown)
    assert caught.value.hint == ""


def test_a_tool_call_that_was_not_recorded_is_a_miss(recorded: Cassette) -> None:
    """Neither another id, nor another name, nor the same call twice is answered, and nothing is executed."""

    async def replay() -> None:
        tools = RecordedTools(recorded)
        await tools.call(ToolCalled("toolu_1", "get_order", {}))
        for call_id, name in (("toolu_1", "get_order"), ("toolu_2", "refund"), ("toolu_9", "get_order")):
            with pytest.raises(RecordingMiss, match=f"the call {call_id} of {name}"):
                await tools.call(ToolCalled(call_id, name, {}))
        with pytest.raises(RecordingMiss, match="nothing recorded under 'state: refunds'"):
            tools.observed("state: refunds")

    asyncio.run(replay())


def test_a_broken_reply_breaks_again(kit: SimpleNamespace) -> None:
    """A stream that was cut when it was recorded is cut again, after the same bytes and with the same error."""
    body = {"messages": [kit.ASK]}
    take = Take((0, 1), breaks=(Break(0, "connection_error", "the peer left", retryable=True),))
    cassette = cassette_of((body, 200, "half"), (body, 200, "whole"), header=kit.header(takes=(take,)))

    async def replay() -> None:
        wire = RecordedWire(cassette)
        reply = await wire.send(Request(body))
        pieces = []
        with pytest.raises(Unreachable, match="the peer left") as caught:
            pieces += [piece async for piece in reply.body]
        assert (caught.value.type, caught.value.retryable) == ("connection_error", True)
        assert await ask(wire, Request(body), kit) == (200, b"whole")

    asyncio.run(replay())


def test_a_secret_in_the_request_is_known_by_what_is_left_of_it(kit: SimpleNamespace) -> None:
    """The recording holds the redacted text; the request that still holds the secret is answered, in order."""
    said = {"role": "user", "content": "my key: sk-ant-api03-abcdefghijklmnop"}
    kept = {"role": "user", "content": "my key: [redacted:anthropic-key]"}
    cassette = cassette_of(({"messages": [kept]}, 429, "a"), ({"messages": [kept]}, 200, "b"))

    async def replay() -> None:
        wire = RecordedWire(cassette)
        assert await ask(wire, Request({"messages": [kept]}), kit) == (429, b"a")
        assert await ask(wire, Request({"messages": [said]}), kit) == (200, b"b")
        with pytest.raises(RecordingMiss):
            await wire.send(Request({"messages": [kept]}))

    asyncio.run(replay())


def test_a_recording_without_calls_is_a_miss(kit: SimpleNamespace) -> None:
    """An empty take answers nothing and says so."""
    with pytest.raises(RecordingMiss, match="holds no call of the model"):
        asyncio.run(RecordedWire(Cassette((), kit.header(takes=(Take(()),)))).send(kit.request(kit.ASK)))
    with pytest.raises(RecordingMiss, match="holds no takes"):
        RecordedWire(Cassette((), kit.header()))


def test_a_damaged_body_names_its_interaction(kit: SimpleNamespace) -> None:
    """A reply or a request that cannot be read is the file's error, not a miss."""
    body = {"messages": [kit.ASK]}
    cassette = cassette_of((body, 200, "x"))
    damaged = replace(cassette.interactions[0], stored=b"\x1f\x8bnothing")
    with pytest.raises(CassetteError, match="interaction 0: a compressed body is damaged"):
        asyncio.run(RecordedWire(Cassette((damaged,))).send(Request(body)))
    cut = replace(cassette.interactions[0], request='{"messages": [')
    with pytest.raises(CassetteError, match="interaction 0: the request body is not JSON"):
        asyncio.run(RecordedWire(Cassette((cut,))).send(Request(body)))


def test_what_is_not_recorded_can_go_live(recorded: Cassette, kit: SimpleNamespace) -> None:
    """Extended, a recording answers what it holds and hands on the rest, requests and tool calls alike."""

    async def replay() -> None:
        live = kit.ScriptedWire((200, kit.STREAM, b"live"))
        wire: Wire = ExtendedWire(RecordedWire(recorded), live)
        requests = kit.conversation([tool.returned for tool in recorded.takes[0].tools])
        assert (await ask(wire, requests[0], kit))[1] == recorded.interactions[0].body
        assert (await ask(wire, kit.request(kit.ASK, max_tokens=7), kit))[1] == b"live"
        assert (await ask(wire, requests[1], kit))[1] == recorded.interactions[1].body
        assert live.sent == 1
        tools: Tools = ExtendedTools(RecordedTools(recorded), kit.EchoTools())
        assert (await tools.call(ToolCalled("toolu_1", "get_order", {}))).content == "get_order toolu_1 ✓"
        assert (await tools.call(ToolCalled("toolu_7", "refund", {}))).content == "refund toolu_7 ✓"

    asyncio.run(replay())
