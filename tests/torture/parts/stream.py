"""Rows of the fault table where a reply begins well and goes wrong: silence, cuts, order, the wire itself."""

from __future__ import annotations

import asyncio
import gzip
import time
from contextlib import suppress
from typing import Final

from agentctl.agent.ports import Request
from agentctl.agent.spec import Limits, Provider
from agentctl.errors import DeadlineExceeded
from agentctl.model.claude import ClaudeWire
from agentctl.model.client import WireModel
from tests.torture import raw
from tests.torture.part import Outcome, Part, Trial
from tests.torture.raw import ASKS, CHUNKED, FINE, OK, PING, STOP, STREAM, TOOL, Raw, Talk, streams
from tests.torture.wirecase import Case, part

REQUEST: Final = Request({"model": "claude-sonnet-5-5", "max_tokens": 10, "messages": []})
HELLO: Final = raw.start() + raw.text(0, "Half an answer")
IMPATIENT: Final = {"limits": {"max_turns": 4, "max_seconds": 20, "idle_seconds": 0.4}}
MANY: Final = range(1, 4)


def _silence() -> list[Case]:
    """F10, F11, F12."""
    deadline = {
        "kind": "deadline",
        "code": 6,
        "flags": ("--timeout", "1"),
        "least": 1.0,
        "seconds": 4.0,
        "says": "hint",
    }
    idle = {"kind": "timeout_error", "requests": range(2, 4), "agent": IMPATIENT, "least": 1.2, "seconds": 6.0}

    def pings(talk: Talk) -> None:
        talk.say(raw.head("200 OK", *CHUNKED), raw.chunk(raw.start()))
        while talk.nap(0.05):
            talk.say(raw.chunk(PING))

    def comments(talk: Talk) -> None:
        talk.say(raw.head("200 OK", *CHUNKED))
        while talk.nap(0.05):
            talk.say(raw.chunk(b": still here\n\n"))

    def drips(talk: Talk) -> None:
        talk.say(raw.head("200 OK", *CHUNKED))
        for byte in FINE:
            if not talk.nap(0.1):
                return
            talk.say(raw.chunk(bytes([byte])))

    def stalls(*said: bytes) -> raw.Act:
        return raw.then(raw.says(raw.head("200 OK", *CHUNKED), *map(raw.chunk, said)), raw.hangs())

    return [
        Case("no first byte", (raw.hangs(),), **deadline),
        Case("headers, then nothing", (stalls(),), **deadline),
        Case("half an answer, then nothing", (stalls(HELLO),), **deadline),
        Case("a byte now and then", (drips,), **deadline),
        Case("pings until the deadline", (pings,), **deadline),
        Case("silence is noticed", (stalls(),), **idle),
        Case("silence in the middle is noticed", (stalls(HELLO),), **idle),
        Case("silence, then fine", (stalls(HELLO), OK), code=0, requests=2, agent=IMPATIENT, answer="All is well."),
        Case("nothing but pings is noticed", (pings,), **idle),
        Case("nothing but comments is noticed", (comments,), **idle),
        Case("silence inside a tool call", (stalls(raw.start() + raw.use(0, end=False)),), **idle),
    ]


def _cut() -> list[Case]:
    """F13, F14, F15."""
    asks = raw.start() + raw.text(0, "I look.")
    half = raw.opened(1, type="tool_use", id="toolu_raw", name="mark", input={})
    brace = raw.grows(1, type="input_json_delta", partial_json="{")
    cut = {"kind": "stream_truncated", "requests": 3}
    return [
        Case("after text", (streams(HELLO),), **cut),
        Case("after text, on a screen", (streams(HELLO),), requests=3, screen=True, says="void"),
        Case("after the stop reason", (streams(FINE.removesuffix(STOP)),), **cut),
        Case("after text, then fine", (streams(HELLO), OK), code=0, requests=2, answer="All is well."),
        Case("inside tool input", (streams(asks + half + brace),), **cut),
        Case("inside tool input, then asked again", (streams(asks + half), TOOL, OK), code=0, requests=3, ran=1),
        Case("whole tool input, no block stop", (streams(asks + raw.use(1, end=False)),), **cut),
        Case("block stop, no message end", (streams(asks + raw.use(1)),), **cut),
        Case("tool use without message_stop", (streams(ASKS.removesuffix(STOP)),), **cut),
        Case("message_stop in a tool call", (streams(asks + raw.use(1, end=False) + raw.ends("tool_use")),),
             kind="protocol_error", requests=3),
        Case("no stop reason", (streams(asks + raw.use(1) + STOP),), kind="unknown_stop", requests=1),
    ]  # fmt: skip


def _stops() -> list[Case]:
    """F16, F17, F21, F22."""
    asks = raw.start() + raw.text(0, "I look.")
    refused = raw.ends("refusal", stop_details={"type": "refusal", "category": "cyber"})
    odd = raw.opened(0, type="hologram", shape="cube") + raw.grows(0, type="spin_delta", angle=3) + raw.closed(0)
    news = raw.event({"type": "weather", "rain": True}) + raw.event({"type": "content_block_glow", "index": 0})
    pause = streams(raw.start() + raw.text(0, "One moment.") + raw.ends("pause_turn"))
    return [
        Case("max_tokens in a tool call", (streams(asks + raw.use(1, end=False) + raw.ends("max_tokens")),), code=6,
             kind="max_tokens", says="max_tokens"),
        Case("max_tokens behind a tool call", (streams(asks + raw.use(1) + raw.ends("max_tokens")),), code=6,
             kind="max_tokens"),
        Case("refusal with a tool call", (streams(asks + raw.use(1) + refused),), kind="refused"),
        Case("refusal inside a tool call", (streams(asks + raw.use(1, end=False) + refused),), kind="protocol_error",
             requests=MANY),
        Case("unknown event", (streams(raw.start() + news + raw.text(0, "All is well.") + raw.ends()),), code=0,
             answer="All is well."),
        Case("unknown block", (streams(raw.start() + odd + raw.text(1, "All is well.") + raw.ends()),), code=0,
             answer="All is well."),
        Case("unknown stop", (streams(asks + raw.use(1) + raw.ends("coffee_break")),), kind="unknown_stop",
             says="coffee_break"),
        Case("unknown tool", (streams(asks + raw.use(1, name="rm_rf") + raw.ends("tool_use")), OK), code=0, requests=2),
        Case("pause for ever", (pause,), code=6, kind="max_turns", requests=4),
        Case("pause twice", (pause, pause, OK), code=0, requests=3),
    ]  # fmt: skip


def _overloads() -> list[Case]:
    """F18."""
    busy = raw.event({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}})
    wrong = raw.event({"type": "error", "error": {"type": "invalid_request_error", "message": "bad"}})
    return [
        Case("before anything", (streams(busy), OK), code=0, requests=2),
        Case("before text", (streams(raw.start() + busy), OK), code=0, requests=2),
        Case("after text", (streams(HELLO + busy), OK), code=0, requests=2, answer="All is well."),
        Case("after text, on a screen", (streams(HELLO + busy), OK), code=0, requests=2, screen=True, says="void"),
        Case("after a tool call", (streams(raw.start() + raw.use(0) + busy), OK), code=0, requests=2),
        Case("for ever", (streams(HELLO + busy),), kind="overloaded_error", requests=3),
        Case("what no retry mends", (streams(HELLO + wrong),), kind="invalid_request_error", requests=1),
        Case("only the name says error", (streams(raw.event({"error": {"type": "overloaded_error"}}, "error")), OK),
             code=0, requests=2),
    ]  # fmt: skip


def _transport() -> list[Case]:
    """F19."""
    packed = gzip.compress(FINE)
    zipped = (*STREAM, "content-encoding: gzip")
    top = raw.head("200 OK", *CHUNKED)

    def resets(talk: Talk) -> None:
        talk.say(top, raw.chunk(HELLO))
        talk.nap(0.05)
        talk.reset()

    lost = {"kind": "connection_error", "requests": 3}
    return [
        Case("RST", (resets,), **lost),
        Case("RST, then fine", (resets, OK), code=0, requests=2, answer="All is well."),
        Case("short content-length", (raw.says(raw.head("200 OK", *STREAM, "content-length: 99999"), FINE),), **lost),
        Case("short chunk", (raw.says(top, b"fff\r\n" + HELLO),), **lost),
        Case("chunk length is no number", (raw.says(top, b"zz\r\n" + HELLO + b"\r\n"),), **lost),
        Case("chunk length is negative", (raw.says(top, b"-5\r\n" + HELLO + b"\r\n"),), **lost),
        Case("chunk length is huge", (raw.says(top, b"f" * 40 + b"\r\n" + HELLO + b"\r\n"),), **lost),
        Case("no last chunk", (raw.says(top, raw.chunk(FINE)),), kind="connection_error", requests=3),
        Case("gzip", (raw.says(raw.head("200 OK", *zipped), packed),), code=0, answer="All is well."),
        Case("gzip cut", (raw.says(raw.head("200 OK", *zipped), packed[:-20]),), kind="stream_truncated", requests=3),
        Case("gzip that is none", (raw.says(raw.head("200 OK", *zipped), FINE),), **lost),
        Case("gzip and a bad checksum", (raw.says(raw.head("200 OK", *zipped), packed[:-8] + b"\0" * 8),), **lost),
    ]  # fmt: skip


def _broken() -> list[Case]:
    """F20."""
    asks = raw.start() + raw.text(0, "I look.")
    end = raw.ends("tool_use")
    bad: dict[str, bytes] = {
        "bad UTF-8": asks.replace(b"I look.", b"I \xff\xfe\xc0 look.") + raw.use(1) + end,
        "half a surrogate in tool input": asks + raw.use(1, '{"id": "\\ud800"}') + end,
        "no JSON in an event": asks + b"event: content_block_start\ndata: {nope\n\n" + raw.use(1) + end,
        "no JSON in tool input": asks + raw.use(1, '{"id": ORD}') + end,
        "NaN in tool input": asks + raw.use(1, '{"id": NaN}') + end,
        "tool input is a list": asks + raw.use(1, '["ORD-1"]') + end,
        "wrong index": asks + raw.use(2) + end,
        "index is a text": asks + raw.use(1).replace(b'"index": 1', b'"index": "1"') + end,
        "negative index": asks + raw.use(1).replace(b'"index": 1', b'"index": -1') + end,
        "no start": raw.text(0, "I look.") + raw.use(1) + end,
        "two starts": asks + raw.start() + raw.use(1) + end,
        "block opened twice": asks + raw.opened(1, type="text", text="") + raw.use(1) + end,
        "delta without a block": asks + raw.grows(1, type="text_delta", text="x") + raw.use(1) + end,
        "stop without a block": asks + raw.closed(1) + raw.use(1) + end,
        "block behind the end": asks + raw.use(1) + end.removesuffix(STOP) + raw.use(2, id="other") + STOP,
        "event behind the stop": asks + raw.use(1) + end + raw.use(2, id="other"),
        "two calls of one id": asks + raw.use(1) + raw.use(2) + end,
        "call without an id": asks + raw.use(1, id="") + end,
        "call without a name": asks + raw.use(1, name="") + end,
        "tool_use without a call": asks + end,
        "data is a list": asks + b"event: content_block_stop\ndata: [1]\n\n" + raw.use(1) + end,
    }
    return [Case(name, (streams(reply),), kind="protocol_error", requests=MANY) for name, reply in bad.items()]


LATE: Final = 0.25
"""Seconds a call may outlast its deadline here, where others work too; the figure says how long it did."""


async def _deadlines(rounds: int, seconds: float) -> list[float]:
    """How long each of these calls outlasted its deadline, by turns before the first byte and in the middle."""
    late = []
    stalls = raw.then(raw.says(raw.head("200 OK", *CHUNKED), raw.chunk(HELLO)), raw.hangs())
    with Raw([act for _ in range(rounds) for act in (raw.hangs(), stalls)]) as server:
        wire = ClaudeWire(Provider(base_url=server.url), api_key="none")
        model = WireModel(wire, limits=Limits())
        for _ in range(2 * rounds):
            began = time.monotonic()
            with suppress(DeadlineExceeded):
                await model.ask(REQUEST, on_failure=lambda _: None, time_left=seconds)
                late.append(-seconds)  # an answer: there was none to give
            late.append(time.monotonic() - began - seconds)
        await wire.aclose()
    return late


def _at_the_deadline(trial: Trial) -> Outcome:
    late = asyncio.run(_deadlines(trial.rounds, 0.3))
    figures = f"{len(late)} calls ended {min(late) * 1000:.0f} to {max(late) * 1000:.0f} ms after their deadline"
    return Outcome(min(late) >= 0 and max(late) <= LATE, figures)


PARTS: Final = [
    Part(("F10",), "the deadline is kept", 3, 30, _at_the_deadline),
    part("F10", "silence", _silence, "F11", "F12"),
    part("F13", "replies cut short", _cut, "F14", "F15"),
    part("F16", "reasons to stop", _stops, "F17", "F21", "F22"),
    part("F18", "overloaded in the middle", _overloads),
    part("F19", "connections that break", _transport),
    part("F20", "replies against the protocol", _broken),
]
