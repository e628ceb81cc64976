"""What the core asks of the outside, as protocols: someone who speaks, a model, tools, someone who listens.

The rooms above (`model`, `cassette`, `store`, `observe`, `cli`) implement these; the core never imports them. The wire
types stand here because the live model and the recorder both speak them and do not know each other.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Final, Protocol, Self, TypeAlias

from msgspec import Struct

from agentctl.agent.events import (
    Entry,
    Event,
    JsonObject,
    ModelFailed,
    ModelReplied,
    Recalled,
    ToolCalled,
    ToolReturned,
)


class Request(Struct, frozen=True):
    """One call of the Messages API as it goes over the wire.

    `body["messages"]` is the fold's own list: its messages are never changed once they are in it, so whoever hashes or
    serialises a request may keep what it computed for a message it has already seen (compare by identity).
    """

    body: JsonObject
    betas: tuple[str, ...] = ()
    path: str = "/v1/messages"
    method: str = "POST"


class WireReply(Struct, frozen=True, eq=False):
    """An HTTP reply: lower-case header names, and the decoded body (no gzip, no chunking) in pieces as they arrive."""

    status: int
    headers: Mapping[str, str]
    body: AsyncIterator[bytes]
    requested: bytes | None = None
    """The request body as it was sent, where the sender knows it (the recorder keeps it)."""
    took: float | None = None
    """Seconds from sending to the last byte, where that is known already: in a recording."""


class Whole:
    """A body that is at hand: who can read it at once may, for all others it comes in one piece.

    An object of our own: an asynchronous generator is entered into the event loop's books, for what holds nothing.
    """

    __slots__ = ("_left", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._left = data

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        left, self._left = self._left, b""
        if not left:
            raise StopAsyncIteration
        return left


class Wire(Protocol):
    """Sends one request and hands back the raw reply: live, recorded or simulated.

    `send` raises `Unreachable` when there is no reply at all and `RecordingMiss` when a recording has none; iterating
    `body` raises `Unreachable` when the connection breaks. A reply with an error status is a reply, not an exception.
    """

    async def send(self, request: Request) -> WireReply:
        """Send and return as soon as the status and headers are known."""
        ...


OnDelta: TypeAlias = Callable[[str, str], None]
"""Called with (`text` | `thinking` | `restart`, piece) while a reply arrives; `restart` voids what was shown so far."""

OnFailure: TypeAlias = Callable[[ModelFailed], None]
"""Called once for each failed attempt, before the next one is made."""


class Model(Protocol):
    """Answers one request: a wire, the decoder and the retry loop behind one door."""

    async def ask(
        self,
        request: Request,
        *,
        on_failure: OnFailure,
        on_delta: OnDelta | None = None,
        time_left: float | None = None,
    ) -> ModelReplied:
        """The complete reply, within `time_left` seconds, retries and waits included.

        Raises:
            DeadlineExceeded: the time is up, or a wait the server asked for does not fit in it.
            ModelError: every attempt failed; `on_failure` has been told of each.
            RecordingMiss: strict replay holds no answer to this request.
        """
        ...


class Answers(Protocol):
    """Remembers what was answered to the first question of a run; which answers those may be: see `agent.answers`.

    Nothing here raises, or takes long: what cannot be remembered is asked again.
    """

    def recall(self, request: Request) -> Recalled | None:
        """The answer to the same request, if there is one that is not too old."""
        ...

    def keep(self, request: Request, reply: ModelReplied) -> None:
        """Takes the answer to this request."""
        ...


class Tools(Protocol):
    """Carries out tool calls: for real, or from a recording."""

    async def call(self, call: ToolCalled) -> ToolReturned:
        """The one answer to `call`. A failing tool is an answer with an `error_type`, never an exception."""
        ...


Hear: TypeAlias = Callable[[], Awaitable["str | list[JsonObject] | None"]]
"""What the user says next; None when there is nothing more to say and the run is complete."""

Approve: TypeAlias = Callable[[ToolCalled], Awaitable[tuple[bool, str]]]
"""Asks a person whether a call may run: (allowed, reason)."""

Sink: TypeAlias = Callable[[Entry], None]
"""Told of every entry the moment it is appended. Raising stops the run: a journal that cannot write must be heard."""

API_VERSION: Final = "2026-10-21"
"""The version of the Messages API that is asked for, whatever the SDK at hand would ask for."""

EXECUTES: Final = "agentctl.tool.execute"
"""The audit event (PEP 578) raised, with the tool's name, before a handler starts."""

Clock: TypeAlias = Callable[[], float]
"""Seconds, from where it began to count."""

When: TypeAlias = Callable[[Event], float]
"""When this fact happened, the next one of its run: seconds since the epoch."""
