"""`MemoryWire`: the API without a socket, for whoever runs it in the same process and on a clock of their own.

A client sees what it would see through a socket: the same replies, the same events, the same errors where a connection
breaks. Every wait is the event loop's own, so a loop that keeps its own time waits for nothing and times out all the
same. The requests are checked as strictly as ever, and what the API would refuse is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Final, NoReturn

import orjson

from agentctl.agent.ports import API_VERSION, Request, WireReply
from agentctl.errors import Unreachable
from agentctl.simulator.api import Api
from agentctl.simulator.faults.deliveries import Bent
from agentctl.simulator.http import HttpReply, HttpRequest

HEADERS: Final = {
    "host": "simulator",
    "content-type": "application/json",
    "accept-encoding": "gzip",
    "anthropic-version": API_VERSION,
    "x-api-key": "simulated",
}

ENDS_WHOLE: Final = frozenset({"hang-up", "latency", "interim"})
"""Faults that a client has no part in, or that are over when the first byte comes."""
UNANSWERED: Final = frozenset({"drop", "refuse", "tls"})
"""Faults that leave no byte of a reply."""

BROKEN: Final = {
    "refuse": "the connection was reset",
    "tls": "the TLS handshake failed",
    "drop": "the connection was closed without a reply",
    "wrong-length": "the connection was closed inside the body",
    "rst": "the connection was reset",
    "fin": "the connection was closed inside the body",
    "short-chunk": "the connection was closed inside a chunk",
    "bad-chunk": "a chunk of the body has no size",
}


class MemoryWire:
    """A `ports.Wire` to this API. `sent` counts the requests that left."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self.sent = 0

    @property
    def refused(self) -> str:
        """Why a request was refused first that no fault was to refuse: it was wrong, or the script fails on it."""
        return next((each.reason for each in self._api.served if each.error and not each.fault), "")

    async def send(self, request: Request) -> WireReply:
        """The reply, as soon as its head would be here.

        Raises:
            Unreachable: a fault breaks what is no stream.
        """
        self.sent += 1
        headers = {**HEADERS, **({"anthropic-beta": ",".join(request.betas)} if request.betas else {})}
        body = orjson.dumps(request.body)
        asked = HttpRequest(request.method, request.path, "", "HTTP/1.1", headers, body)
        reply = self._api.early(asked, None) or self._api.answer(asked)
        if reply.delay:
            await asyncio.sleep(reply.delay)
        bent = reply.delivery
        if not isinstance(bent, Bent) or bent.fault.kind in ENDS_WHOLE:
            return _with(reply, _plainly(reply))
        values = bent.fault.values
        match bent.fault.kind:
            case "slow":
                await asyncio.sleep(values["seconds"])
                return _with(reply, _slowly(_pieces(reply), values["seconds"]))
            case "pings":
                return _with(reply, _slowly(_pieces(reply), values["every"]))
            case "trickle":
                return _with(reply, _slowly(_crumbs(reply, values), values["every"]))
        if bent.fault.kind in UNANSWERED:
            await _break(bent)
        if bent.fault.kind == "wrong-length":
            return _with(reply, _as_announced(reply, bent))
        if bent.whole == 0:  # what is no stream is one piece, head and all
            await _break(bent)
        return _with(reply, _until_broken(reply, bent))


def _with(reply: HttpReply, body: AsyncIterator[bytes]) -> WireReply:
    return WireReply(reply.status, {name.lower(): value for name, value in reply.headers.items()}, body)


def _pieces(reply: HttpReply) -> Iterator[bytes]:
    return iter([reply.body]) if isinstance(reply.body, bytes) else reply.body


def _crumbs(reply: HttpReply, values: Mapping[str, int]) -> Iterator[bytes]:
    step = max(values["bytes"], 1)
    return (piece[at : at + step] for piece in _pieces(reply) for at in range(0, len(piece), step))


async def _plainly(reply: HttpReply) -> AsyncIterator[bytes]:
    for piece in _pieces(reply):
        yield piece


async def _slowly(pieces: Iterator[bytes], seconds: float) -> AsyncIterator[bytes]:
    for piece in pieces:
        await asyncio.sleep(seconds)
        yield piece


async def _as_announced(reply: HttpReply, bent: Bent) -> AsyncIterator[bytes]:
    """As many bytes as a wrong length says: fewer than there are, or all of them and then the break."""
    whole = b"".join(_pieces(reply))
    less = bent.fault.values["less"]
    yield whole[: max(len(whole) - less, 0)] if less else whole
    if not less:
        await _break(bent)


async def _until_broken(reply: HttpReply, bent: Bent) -> AsyncIterator[bytes]:
    """What comes whole (the head was the first of it), then the break. A stream that was compressed just ends."""
    for index, piece in enumerate(_pieces(reply), start=1):
        if index >= bent.whole:
            break
        yield piece
    if bent.fault.kind != "cut-gzip":
        await _break(bent)


async def _break(bent: Bent) -> NoReturn:
    if bent.fault.kind == "stall":
        await asyncio.Event().wait()  # until whoever waits has given up
    raise Unreachable(
        f"no complete reply from the API: {BROKEN.get(bent.fault.kind, 'the connection broke')}",
        type="connection_error",
        retryable=True,
    )
