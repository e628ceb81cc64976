"""Recording: nothing is delayed, nothing is lost, nothing secret is kept."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from agentctl.agent.events import Observed, ToolReturned
from agentctl.agent.ports import WireReply
from agentctl.agent.values import replace
from agentctl.cassette.file import read
from agentctl.cassette.play import RecordedTools, RecordedWire
from agentctl.cassette.record import RecordingWire, Tape, public_base, readable_body, save
from agentctl.cassette.secrets.redact import redactor
from agentctl.cassette.tape import Break
from agentctl.errors import Unreachable

CANARY = "canary-8f2e61d0"
KEY = "sk-ant-api03-Qm9ndXMgY2FuYXJ5IGtleQ"


def test_bytes_go_through_as_they_come(kit: SimpleNamespace) -> None:
    """The consumer has the first piece before the second one exists, and the pieces are the live ones."""

    async def record() -> None:
        second = asyncio.Event()

        async def live() -> Any:
            yield b"first"
            await second.wait()
            yield b"second"

        class Waiting:
            async def send(self, request: Any) -> WireReply:
                return WireReply(200, {}, live())

        reply = await RecordingWire(Waiting(), Tape()).send(kit.request(kit.ASK))
        body = aiter(reply.body)
        assert await anext(body) == b"first"
        second.set()
        assert [piece async for piece in body] == [b"second"]

    asyncio.run(record())


def test_what_is_kept_is_by_allow_list(recorded: Any, kit: SimpleNamespace) -> None:
    """Reply headers that a replay needs, the API's own address in place of the simulator's port, and nothing else."""
    text = recorded.path.read_text()
    assert "set-cookie" not in text
    assert "8123" not in text
    for interaction in recorded.interactions:
        assert interaction.uri == "https://api.anthropic.com/v1/messages"
        assert dict(interaction.headers) == kit.STREAM
        assert dict(interaction.request_headers) == {"content-type": "application/json"}
    assert recorded.takes[0].seconds == (1.0, 1.0)
    assert [tool.seconds for tool in recorded.takes[0].tools] == [1.0, 1.0]


def test_betas_are_kept(tmp_path: Path, kit: SimpleNamespace) -> None:
    """The beta header was part of what was asked."""
    tape = Tape()
    wire = RecordingWire(kit.ScriptedWire((200, {}, b"event: ping\n\n")), tape)
    request = replace(kit.request(kit.ASK), betas=("a-1", "b-2"))
    asyncio.run(_drain(wire, request, kit))
    saved = save(tmp_path / "betas.yaml", kit.header(), [tape])
    assert saved.interactions[0].request_headers["anthropic-beta"] == "a-1,b-2"
    assert saved.interactions[0].headers["content-type"] == "text/event-stream"


async def _drain(wire: Any, request: Any, kit: SimpleNamespace) -> bytes:
    body: bytes = await kit.body_of(await wire.send(request))
    return body


def test_the_body_is_readable_and_in_order() -> None:
    """The model first, the conversation last, text as it is; values untouched."""
    body = {
        "messages": [{"role": "user", "content": "Grüße"}],
        "stream": True,
        "tools": [],
        "system": "s",
        "model": "m",
    }
    text = readable_body(body)
    assert text == '{"model":"m","stream":true,"system":"s","tools":[],"messages":[{"role":"user","content":"Grüße"}]}'
    assert orjson.loads(text) == body


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b'{"messages":[{"role":"user","content":"hi"}],"stream":true,"model":"m"}', "sent"),
        (b'{"messages":[{"role":"user","content":"hi"}],"anthropic_version":"bedrock-2023-05-31"}', "asked"),
        (b"not json", "asked"),
        (b"[]", "asked"),
    ],
)
def test_what_was_sent_is_kept_when_a_replay_would_know_it(
    sent: bytes, kept: str, kit: SimpleNamespace, tmp_path: Path
) -> None:
    """A provider that rewrites the body does not make its recording unfindable."""
    request = kit.request({"role": "user", "content": "hi"}, model="m")
    del request.body["stream"], request.body["system"], request.body["tools"], request.body["max_tokens"]

    class Sending:
        async def send(self, request: Any) -> WireReply:
            async def body() -> Any:
                yield b"{}"

            return WireReply(200, {}, body(), sent)

    tape = Tape()
    asyncio.run(_drain(RecordingWire(Sending(), tape), request, kit))
    saved = save(tmp_path / "sent.yaml", kit.header(), [tape])
    assert ("stream" in saved.interactions[0].asked) is (kept == "sent")
    assert asyncio.run(_drain(RecordedWire(saved), request, kit)) == b"{}"


def test_a_broken_reply_is_kept_and_marked(tmp_path: Path, kit: SimpleNamespace) -> None:
    """What came before the connection broke is on the tape, with the error that ended it."""
    error = Unreachable("reset by peer", type="connection_error", retryable=True)
    tape = Tape()
    wire = RecordingWire(kit.ScriptedWire((200, kit.STREAM, [b"half \xc3", error])), tape)
    with pytest.raises(Unreachable, match="reset by peer"):
        asyncio.run(_drain(wire, kit.request(kit.ASK), kit))
    assert tape.partial
    saved = save(tmp_path / "broken.yaml", kit.header(), [tape])
    assert saved.takes[0].breaks == (Break(0, "connection_error", "reset by peer", retryable=True),)
    assert read(tmp_path / "broken.yaml") == saved
    assert saved.interactions[0].body.startswith(b"half ")


def test_a_reply_that_nobody_finished_is_marked(kit: SimpleNamespace) -> None:
    """A consumer that stops early, or is cancelled, leaves a partial reply, whatever becomes of the iterator."""

    async def record() -> Tape:
        tape = Tape()
        reply = await RecordingWire(kit.ScriptedWire((200, {}, b"x" * 200)), tape).send(kit.request(kit.ASK))
        async for _ in reply.body:
            break
        await reply.body.aclose()  # type: ignore[attr-defined]
        return tape

    tape = asyncio.run(record())
    (interaction,), take = tape.take()
    assert (tape.partial, interaction.body, take.breaks[0].type) == (True, b"x" * 50, "closed")


def test_takes_are_numbered_through(tmp_path: Path, kit: SimpleNamespace) -> None:
    """Three tapes become takes 0, 1, 2 of one file, each with its own interactions and tools."""
    tapes = []
    for n in range(3):
        tape = Tape()
        wire = RecordingWire(
            kit.ScriptedWire((429, {"retry-after": "1"}, b"{}"), (200, {}, f"answer {n}".encode())), tape
        )
        asyncio.run(_drain(wire, kit.request(kit.ASK), kit))
        asyncio.run(_drain(wire, kit.request(kit.ASK), kit))
        tape.answered(ToolReturned("toolu_1", "get_order", f"result {n}"), 0.5)
        tape.observe(Observed("n", n))
        tapes.append(tape)
    saved = save(tmp_path / "takes.yaml", kit.header(), tapes)
    assert [take.interactions for take in saved.takes] == [(0, 1), (2, 3), (4, 5)]
    for n in range(3):
        wire, tools = RecordedWire(saved, n), RecordedTools(saved, n)
        assert asyncio.run(_drain(wire, kit.request(kit.ASK), kit)) == b"{}"
        assert asyncio.run(_drain(wire, kit.request(kit.ASK), kit)) == f"answer {n}".encode()
        assert tools.observed("n").value == n
    assert saved.interactions[0].headers == {"retry-after": "1"}


def test_no_secret_reaches_the_file(tmp_path: Path, kit: SimpleNamespace) -> None:
    """A canary in the URL, the headers, bodies, an error, a tool result and an observation is scrubbed."""
    planted = f"{CANARY} {KEY} Bearer {KEY}"
    error = Unreachable(f"lost {planted}", type="connection_error")
    tape = Tape()
    wire = RecordingWire(
        kit.ScriptedWire(
            (200, {"x-api-key": CANARY, "request-id": planted}, kit.sse({"type": "text", "text": planted}, cuts=999)),
            (401, {"set-cookie": CANARY}, orjson.dumps({"error": {"message": planted}})),
            (200, {}, [planted.encode(), error]),
        ),
        tape,
        base_url=f"https://user:{CANARY}@gateway.example/{CANARY}",
    )
    request = kit.request({"role": "user", "content": planted})
    asyncio.run(_drain(wire, request, kit))
    asyncio.run(_drain(wire, request, kit))
    with pytest.raises(Unreachable):
        asyncio.run(_drain(wire, request, kit))
    tape.answered(ToolReturned("toolu_1", "get_order", [{"type": "text", "text": planted}]))
    tape.observe(Observed("env", {"key": planted}))
    rules = redactor({"ANTHROPIC_API_KEY": CANARY})
    saved = save(tmp_path / "secret.yaml", kit.header(), [tape], rules)
    text = (tmp_path / "secret.yaml").read_text()
    assert CANARY not in text
    assert KEY not in text
    assert saved.interactions[0].uri == "https://gateway.example/[redacted:ANTHROPIC_API_KEY]/v1/messages"
    assert asyncio.run(_drain(RecordedWire(saved, redactor=rules), request, kit)) == saved.interactions[0].body


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("http://127.0.0.1:8123", "https://api.anthropic.com"),
        ("http://localhost:1/", "https://api.anthropic.com"),
        ("http://[::1]:9", "https://api.anthropic.com"),
        ("https://gateway.example/anthropic/", "https://gateway.example/anthropic"),
        ("https://api.anthropic.com", "https://api.anthropic.com"),
    ],
)
def test_the_address_written_down(base: str, expected: str) -> None:
    """A server on this machine stands in for the API; any other one is named."""
    assert public_base(base) == expected
