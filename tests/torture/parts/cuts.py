"""A valid reply whose connection ends after each of its bytes: there is no answer and no call but from all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final

import orjson

from agentctl.agent.ports import Request
from agentctl.agent.spec import Provider
from agentctl.errors import ModelError
from agentctl.model.claude import ClaudeWire
from agentctl.model.decode import decode
from tests.torture import raw
from tests.torture.part import Outcome, Part, Trial
from tests.torture.raw import ASKS, FINE, Raw, Talk

REQUEST: Final = Request({"model": "claude-sonnet-5-5", "max_tokens": 10, "messages": []})
BLANK: Final = 2
"""Line ends at the end of a stream that say nothing: without them the last event is whole."""
JSON_REPLY: Final = orjson.dumps(
    {"id": "msg_raw", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn", "usage": {},
     "content": [{"type": "text", "text": "All is well."}]}
)  # fmt: skip


def _framings() -> Iterator[tuple[str, bytes, int]]:
    """Name, bytes of a whole reply, and how many at its end may be missing."""
    for name, body in (("text", FINE), ("tool", ASKS)):
        chunks = b"".join(raw.chunk(body[at : at + 200]) for at in range(0, len(body), 200)) + raw.chunk(b"")
        yield f"{name}, chunked", raw.head("200 OK", *raw.CHUNKED) + chunks, 0
        yield f"{name}, sized", raw.head("200 OK", *raw.STREAM, f"content-length: {len(body)}") + body, 0
        yield f"{name}, until the end", raw.head("200 OK", *raw.STREAM) + body, BLANK
    yield "JSON", raw.head("200 OK", *raw.JSON) + JSON_REPLY, 0


async def _cut(reply: bytes, counts: list[int], *, reset: bool) -> list[str]:
    """What each of these beginnings of the reply, in this order, comes to: `reply`, or the type of the error."""
    left = iter(counts)

    def act(talk: Talk) -> None:
        count = next(left)
        if reset and count < len(reply):
            talk.say(reply[:count])
            talk.nap(0.002)
            talk.reset()
        else:
            talk.say(reply[:count])

    outcomes = []
    with Raw([act]) as server:
        wire = ClaudeWire(Provider(base_url=server.url), api_key="none")
        for _ in counts:
            try:
                await decode(await wire.send(REQUEST))
                outcomes.append("reply")
            except ModelError as error:
                outcomes.append(error.type)
        await wire.aclose()
    return outcomes


def _cuts(trial: Trial) -> Outcome:
    tried, failures = 0, []
    for number, (name, reply, spare) in enumerate(_framings()):
        for reset in (False, True):
            step = 1 if trial.full else trial.rounds
            first = (trial.seed + number) % step
            counts = [*range(first, len(reply) - spare, step), len(reply)]
            outcomes = asyncio.run(_cut(reply, counts, reset=reset))
            tried += len(counts)
            failures += [
                f"{name}, {'RST' if reset else 'FIN'} after {count} of {len(reply)} bytes: {what}"
                for count, what in zip(counts, outcomes, strict=True)
                if (what == "reply") != (count == len(reply))
            ]
    return Outcome(not failures, f"{tried:,} cuts, {len(failures)} that were not told", tuple(failures))


PARTS: Final = [Part(("X6",), "a connection that ends after each byte", 61, 1, _cuts)]
