"""Streams cut at every byte, and streams with events dropped, doubled, moved or changed: one decoder, one answer."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

from agentctl.agent.events import ModelReplied, to_json
from agentctl.agent.ports import API_VERSION
from agentctl.errors import ModelError
from agentctl.model.decode import StreamDecoder, decode_reply
from agentctl.model.sse import SseParser
from agentctl.simulator.errors import Refusal
from agentctl.simulator.validator import validate
from tests.torture import mutate
from tests.torture.hunt import Play, hunt
from tests.torture.part import Outcome, Part, Trial
from tests.torture.parts.recordings import mutated_events

ROOT: Final = Path(__file__).resolve().parents[3]
HEADERS: Final = {"content-type": "text/event-stream"}
STREAMS: Final = 40
"""Different ones that are changed: the shortest."""

Answer = tuple[str, Any]


def recorded_streams() -> list[bytes]:
    """The replies in the shipped recordings that are streams, the shortest first."""
    found: dict[bytes, None] = {}
    for path in sorted(ROOT.glob("cassettes/support/*.yaml")):
        for each in json.loads(path.read_bytes())["interactions"]:
            body = each["response"]["body"]["string"]
            if body.startswith("event:"):
                found[body.encode()] = None
    return sorted(found, key=lambda body: (len(body), body))


def _typed(error: ModelError) -> str:
    """The error's type; it has to have one, and words."""
    assert error.type
    assert str(error)
    return error.type


def answer(chunks: Iterable[bytes], deltas: list[tuple[str, str]] | None = None) -> Answer:
    """What the decoder makes of a stream: the reply, or the type and words of the error."""
    heard = None if deltas is None else lambda kind, text: deltas.append((kind, text))
    decoder = StreamDecoder(200, HEADERS, heard)
    try:
        for chunk in chunks:
            decoder.feed(chunk)
        return "reply", to_json(decoder.close())
    except ModelError as error:
        return _typed(error), ""


def split(chance: Random, body: bytes) -> list[bytes]:
    """The same bytes in other pieces: one at a time, at one place, or anywhere."""
    way = chance.random()
    if way < 0.2:
        return [body[at : at + 1] for at in range(len(body))]
    if way < 0.6:
        at = chance.randrange(len(body) + 1)
        return [body[:at], body[at:]]
    cuts = sorted(chance.randrange(len(body) + 1) for _ in range(chance.randint(1, 30)))
    return [body[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]


def line_ends(chance: Random, body: bytes) -> bytes:
    """The same events with other ends of lines, comments, marks and fields, all of which mean nothing."""
    body = body.replace(b"\n", chance.choice((b"\n", b"\n", b"\r\n", b"\r")))
    if chance.random() < 0.2:
        body = b"\xef\xbb\xbf" + body
    if chance.random() < 0.2:
        body = b": keep-alive" + chance.choice((b"\n\n", b"\r\n\r\n")) + body
    return body


def _split_anywhere(_folder: Path) -> Play:
    """Whatever the pieces, the answer is that of the whole body, and the deltas add up to the same text."""
    bodies = recorded_streams()[:STREAMS]

    def play(chance: Random) -> str:
        body = line_ends(chance, chance.choice(bodies))
        if chance.random() < 0.5:
            body = mutate.mutated_bytes(chance, body, bodies)
        whole: list[tuple[str, str]] = []
        pieces: list[tuple[str, str]] = []
        expected, got = answer([body], whole), answer(split(chance, body), pieces)
        assert got == expected, f"in pieces {got}, as a whole {expected}"
        if expected[0] == "reply":
            assert pieces == whole, "other deltas in pieces"
        events = SseParser()
        assert [*events.feed(body), *events.close()] == [*_one_by_one(body)], "other events one byte at a time"
        return "answered" if expected[0] == "reply" else "refused"

    return play


def _one_by_one(body: bytes) -> Iterable[tuple[bytes, bytes]]:
    parser = SseParser()
    for at in range(len(body)):
        yield from parser.feed(body[at : at + 1])
    yield from parser.close()


def _every_byte(_folder: Path) -> Play:
    """Every stream at every byte: cut there, it is never an answer; split there, it is the same answer."""
    bodies = recorded_streams()[:STREAMS]
    expected = [answer([body]) for body in bodies]
    ends = []
    total = 0
    for body in bodies:
        total += len(body)
        ends.append(total)

    def play(chance: Random) -> str:
        at = chance.randrange(total)
        index = next(i for i, end in enumerate(ends) if at < end)
        body = bodies[index]
        cut = at - (ends[index] - len(body))
        assert answer([body[:cut], body[cut:]]) == expected[index], f"split at {cut}"
        kind, found = answer([body[:cut]])
        left = body[cut:].strip()
        assert kind == "stream_truncated" or not left or (kind, found) == expected[index], f"cut at {cut}: {kind}"
        return "right"

    return play


def _changed_events(_folder: Path) -> Play:
    """Whatever the events say, it is a reply that can be sent back and run, or a typed error."""
    bodies = [body.decode().split("\n\n")[:-1] for body in recorded_streams()[:STREAMS]]

    def play(chance: Random) -> str:
        body = "".join(mutated_events(chance, list(chance.choice(bodies)))).encode("utf-8", "surrogatepass")
        try:
            reply = decode_reply(200, HEADERS if chance.random() < 0.9 else {}, body)
        except ModelError as error:
            _typed(error)
            return "refused"
        _check_reply(reply)
        return "answered"

    return play


def _check_reply(reply: ModelReplied) -> None:
    """What readers of a reply rely on."""
    assert isinstance(reply.id, str)
    assert isinstance(reply.usage, dict)
    assert reply.stop_reason is None or isinstance(reply.stop_reason, str)
    calls = [block for block in reply.content if block["type"] == "tool_use"]
    if reply.stop_reason == "tool_use":
        assert calls
        assert all(isinstance(call["input"], dict) and "partial_json" not in call for call in calls)


def _whole_bodies(_folder: Path) -> Play:
    """A reply that is one JSON object, with changed values and any status and headers: a reply or a typed error."""
    wholes = [found for body in recorded_streams()[:STREAMS] for kind, found in [answer([body])] if kind == "reply"]
    errors = [{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded", "details": {}}}]
    seeds = [*({"type": "message", "role": "assistant", **each} for each in wholes), *errors * 5]

    def play(chance: Random) -> str:
        data = json.dumps(mutate.mutated_values(chance, chance.choice(seeds))).encode()
        if chance.random() < 0.2:
            data = mutate.mutated_bytes(chance, data)
        status = chance.choice((200, 200, 200, 201, 301, 400, 401, 413, 429, 500, 529, 999))
        headers = {
            chance.choice(("retry-after", "retry-after-ms", "x-should-retry", "request-id", "content-type")): str(
                chance.choice(mutate.VALUES)
            )
        }
        try:
            _check_reply(decode_reply(status, headers, data))
        except ModelError as error:
            wait = error.retry_after
            assert wait is None or 0 <= wait < float("inf"), f"a wait of {wait}"
            return "refused"
        return "answered"

    return play


def _requests(_folder: Path) -> Play:
    """Changed requests at the simulator's rules, which judge what the loop sends: taken, or refused in words."""
    seeds = []
    for path in sorted(ROOT.glob("cassettes/support/*.yaml")):
        seeds += [each["request"]["body"] for each in json.loads(path.read_bytes())["interactions"]]
    asked = [json.loads(body) for body in sorted(seeds, key=len)[:STREAMS]]

    def play(chance: Random) -> str:
        body = mutate.mutated_values(chance, chance.choice(asked))
        try:
            validate(body, API_VERSION)
        except Refusal:
            return "refused"
        return "taken"

    return play


def _hunted(make: Any, noun: str, bad: str, trial: Trial) -> Outcome:
    return hunt(trial, make).outcome(noun, bad)


_DIFFERENCES: Final = "differences"
_UNTYPED: Final = "untyped errors"

PARTS: Final = [
    Part(("B3",), "streams in pieces", 1_000, 30_000, partial(_hunted, _split_anywhere, "streams", _DIFFERENCES)),
    Part(("B3", "F13"), "streams cut at a byte", 4_000, 60_000, partial(_hunted, _every_byte, "cuts", _DIFFERENCES)),
    Part(("B3", "F20"), "changed events", 8_000, 150_000, partial(_hunted, _changed_events, "streams", _UNTYPED)),
    Part(("B3", "F09"), "changed bodies", 8_000, 150_000, partial(_hunted, _whole_bodies, "bodies", _UNTYPED)),
    Part(("B5",), "requests at the simulator", 2_000, 30_000, partial(_hunted, _requests, "requests", _UNTYPED)),
]
