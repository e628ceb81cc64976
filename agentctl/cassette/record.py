"""A tee on live traffic: the run gets every byte the moment it arrives, the tape keeps a copy.

A reply is on the tape from the moment its headers came, so a stream that breaks or that nobody reads to the end is kept
too, marked with the reason. Nothing reaches a file before `save`, and there it is stripped to an allow-list of headers
and redacted.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from agentctl.agent.events import JsonObject, Observed, ToolCalled, ToolReturned
from agentctl.agent.ports import Clock, Request, Tools, Wire, WireReply
from agentctl.agent.values import replace
from agentctl.cassette.file import write
from agentctl.cassette.match import Chain
from agentctl.cassette.secrets.redact import SHAPES_ONLY, Redactor
from agentctl.cassette.secrets.scrub import REPLY_HEADERS, redacted, redacted_take
from agentctl.cassette.tape import API_BASE, Break, Cassette, Header, Interaction, RecordedTool, Take
from agentctl.errors import ModelError

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104  compared with, never bound

UNFINISHED: Final = ("closed", "the reply was not read to its end when it was recorded")


class Tape:
    """One take while it is recorded. `clock` gives seconds and only ever grows."""

    def __init__(self, *, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._replies: list[_Reply] = []
        self._tools: list[RecordedTool] = []
        self._observed: list[Observed] = []
        self.user: Tape | None = None
        """What a simulated user asked its model meanwhile, on a tape of its own."""

    @property
    def partial(self) -> bool:
        """Whether a reply on the tape was never finished."""
        return any(reply.ended is not None for reply in self._replies)

    def start(self, request: Request, reply: WireReply, uri: str, sent_at: float) -> _Reply:
        """Puts a reply on the tape that is about to be read."""
        asked = Interaction(
            method=request.method,
            uri=uri,
            request=_sent(request, reply.requested),
            status=reply.status,
            headers={name: reply.headers[name] for name in REPLY_HEADERS if name in reply.headers},
            stored=b"",
            request_headers=_request_headers(request),
        )
        started = _Reply(asked, reply.body, self._clock, sent_at, reply.took)
        self._replies.append(started)
        return started

    def answered(self, returned: ToolReturned, seconds: float = 0.0) -> None:
        """Puts the answer to a tool call on the tape."""
        self._tools.append(RecordedTool.of(returned, round(seconds, 3)))

    @property
    def turns(self) -> int:
        """Replies on the tape."""
        return len(self._replies)

    def finished(self) -> Tape:
        """The tape up to the first reply that was never finished, without those that were no answers."""
        whole = Tape(clock=self._clock)
        replies = takewhile(lambda reply: reply.ended is None, self._replies)
        whole._replies = [reply for reply in replies if reply.is_answer]
        whole._tools = self._tools[:]
        whole.user = None if self.user is None else self.user.finished()
        return whole

    def observe(self, observed: Observed) -> None:
        """Puts on the tape what was seen of the world after the run."""
        self._observed.append(observed)

    def now(self) -> float:
        """The tape's clock."""
        return self._clock()

    def take(self, first: int = 0) -> tuple[tuple[Interaction, ...], Take]:
        """What is on the tape, its interactions numbered from `first`."""
        breaks = [
            Break(first + i, reply.ended[0], reply.ended[1], reply.retryable)
            for i, reply in enumerate(self._replies)
            if reply.ended is not None
        ]
        then = first + len(self._replies)
        more, user = ((), Take(())) if self.user is None else self.user.take(then)
        take = Take(
            interactions=tuple(range(first, then)),
            seconds=tuple(reply.seconds for reply in self._replies),
            tools=tuple(self._tools),
            observed=tuple(self._observed),
            breaks=tuple(breaks),
            user=user.interactions,
        )
        return (*(reply.interaction() for reply in self._replies), *more), take


class _Reply:
    """The body of one reply on its way through: iterating it gives the live bytes and keeps them."""

    def __init__(
        self, asked: Interaction, body: AsyncIterator[bytes], clock: Clock, sent_at: float, took: float | None
    ) -> None:
        self.pieces: list[bytes] = []
        self.seconds = 0.0
        self.ended: tuple[str, str] | None = UNFINISHED
        """Why the body is not whole: (error type, message); None once its end was seen."""
        self.retryable = True
        self._asked = asked
        self._body = body
        self._clock = clock
        self._sent_at = sent_at
        self._took = took

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            piece = await anext(self._body)
        except StopAsyncIteration:
            self._end(None)
            raise
        except ModelError as error:
            self.retryable = error.retryable
            self._end((error.type, str(error)))
            raise
        self.pieces.append(piece)
        return piece

    async def aclose(self) -> None:
        """Closes the live body, as the one who reads it would have."""
        close: Any = getattr(self._body, "aclose", None)
        if close is not None:
            await close()

    @property
    def is_answer(self) -> bool:
        """Whether its status is no error's."""
        return 200 <= self._asked.status < 300  # noqa: PLR2004  as HTTP has them

    def interaction(self) -> Interaction:
        """What was kept so far."""
        return replace(self._asked, stored=b"".join(self.pieces))

    def _end(self, ended: tuple[str, str] | None) -> None:
        self.ended = ended
        self.seconds = round(self._clock() - self._sent_at if self._took is None else self._took, 3)


class RecordingWire:
    """A `ports.Wire` that keeps on `tape` what goes through `wire`; `base_url` is where `wire` sends to."""

    def __init__(self, wire: Wire, tape: Tape, *, base_url: str = API_BASE) -> None:
        self._wire = wire
        self._tape = tape
        self._base = public_base(base_url)

    async def send(self, request: Request) -> WireReply:
        """Sends; the reply's body is kept while it is read. What `wire` raises goes through."""
        sent_at = self._tape.now()
        reply = await self._wire.send(request)
        kept = self._tape.start(request, reply, self._base + request.path, sent_at)
        return WireReply(reply.status, reply.headers, kept, reply.requested)


class RecordingTools:
    """A `ports.Tools` that keeps on `tape` what `tools` answers."""

    def __init__(self, tools: Tools, tape: Tape) -> None:
        self._tools = tools
        self._tape = tape

    async def call(self, call: ToolCalled) -> ToolReturned:
        """Calls, keeps the answer, returns it."""
        started = self._tape.now()
        returned = await self._tools.call(call)
        self._tape.answered(returned, self._tape.now() - started)
        return returned


def save(path: Path, header: Header, tapes: Sequence[Tape], redactor: Redactor = SHAPES_ONLY) -> Cassette:
    """Writes the tapes as takes 0, 1, ... of one recording and returns it; `header.takes` is filled in here.

    Raises:
        CassetteError: the file cannot be written.
    """
    interactions: list[Interaction] = []
    takes: list[Take] = []
    for tape in tapes:
        more, take = tape.take(len(interactions))
        interactions += [redacted(each, redactor) for each in more]
        takes.append(redacted_take(take, redactor))
    cassette = Cassette(tuple(interactions), replace(header, takes=tuple(takes)), path)
    write(path, cassette)
    return cassette


def public_base(base_url: str) -> str:
    """The base URL to write down: a server on this machine stands in for the API, and its port changes."""
    base = base_url.rstrip("/")
    return API_BASE if urlsplit(base).hostname in LOOPBACK else base


def readable_body(body: Mapping[str, Any]) -> str:
    """A request body as JSON text, the conversation last: what a reviewer looks for, and what makes indexing cheap."""
    first = {name: body[name] for name in ("model",) if name in body}
    last = {name: body[name] for name in ("system", "tools", "messages") if name in body}
    rest = {name: value for name, value in body.items() if name not in first and name not in last}
    return orjson.dumps({**first, **rest, **last}).decode()


def _sent(request: Request, requested: bytes | None) -> str:
    """The body as it was sent, if a replay would know it again from what it asks; else what was asked."""
    if requested is not None:
        try:
            sent: JsonObject = orjson.loads(requested)
            if Chain().key(replace(request, body=sent)) == Chain().key(request):
                return readable_body(sent)
        except (orjson.JSONDecodeError, AttributeError):
            pass
    return readable_body(request.body)


def _request_headers(request: Request) -> dict[str, str]:
    headers = {"content-type": "application/json"}
    if request.betas:
        headers["anthropic-beta"] = ",".join(request.betas)
    return headers
