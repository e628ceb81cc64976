"""A recording in the place of the model and the tools: the same requests get the same replies, nothing else happens.

There is no way from here to a socket or to a tool's code. A request that was not recorded is a `RecordingMiss`, never a
live call; the same request again is answered by the next recorded reply, so a retry sequence replays as it was.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import orjson

from agentctl.agent.events import Observed, ToolCalled, ToolReturned
from agentctl.agent.ports import Request, Whole, WireReply
from agentctl.cassette.match import Chain, RecordedChain, place_of
from agentctl.cassette.nearest import Diverged, differences
from agentctl.cassette.rerecord import rerecord
from agentctl.cassette.secrets.redact import SHAPES_ONLY, Redactor
from agentctl.cassette.tape import Break, Cassette, Take
from agentctl.errors import CassetteError, RecordingMiss, Unreachable

SHORT: Final = 1 << 15
"""Characters of a request that is compared to the letter before it is hashed."""


class RecordedWire:
    """A `ports.Wire` that answers from take `take` (from 0) of a cassette.

    A `lenient` one takes an answer to the same conversation where it has none to the same request.

    Raises:
        RecordingMiss: the cassette has no such take.
    """

    def __init__(
        self, cassette: Cassette, take: int = 0, *, redactor: Redactor = SHAPES_ONLY, lenient: bool = False
    ) -> None:
        self.served = 0
        """Requests answered so far."""
        self.loose = 0
        """Of those, the ones whose conversation alone was the same."""
        self._cassette = cassette
        self._take = take_of(cassette, take)
        self._number = take
        self._redactor = redactor
        self._seconds = dict(zip(self._take.interactions, self._take.seconds, strict=False))
        self._served: set[int] = set()
        self._plain: Index | None = None
        self._redacted: Index | None = None
        self._lenient = [Index(cassette, self._take, each, lenient=True) for each in (None, redactor) if lenient]

    @property
    def replied(self) -> frozenset[int]:
        """The recorded replies that were served, by their index."""
        return frozenset(self._served)

    async def send(self, request: Request) -> WireReply:
        """The next recorded reply to `request`.

        Raises:
            RecordingMiss: there is none (left).
            CassetteError: a recorded body cannot be read.
        """
        index = self.find(request)
        if index is None:
            raise self.miss(request)
        return self.reply(index)

    def reply(self, index: int) -> WireReply:
        """The recorded reply `index`, as `find` named it.

        Raises:
            CassetteError: its body cannot be read.
        """
        interaction = self._cassette.interactions[index]
        try:
            body = interaction.body
        except CassetteError as error:
            raise self._named(index, error) from None
        breaks = self._take.breaks
        broken = next((each for each in breaks if each.interaction == index), None) if breaks else None
        pieces = Whole(body) if broken is None else _broken_off(body, broken)
        return WireReply(interaction.status, interaction.headers, pieces, took=self._seconds.get(index))

    def find(self, request: Request) -> int | None:
        """The index of the next recorded reply to `request`, counted as served; None when there is none (left).

        What was asked is looked up first as it is and then redacted: recordings hold no secrets, so a request that
        does is known by what is left of it.
        """
        found = self._in_turn(request)
        if found is None:
            if self._plain is None:
                self._plain = Index(self._cassette, self._take)
            found = self._next(self._plain.of(request))
        if found is None:
            if self._redacted is None:
                self._redacted = Index(self._cassette, self._take, self._redactor)
            found = self._next(self._redacted.of(request))
        for index in self._lenient:
            if found is None:
                found = self._next(index.of(request))
                self.loose += found is not None
        return found

    def miss(self, request: Request) -> RecordingMiss:
        """The error that says which recorded request comes nearest, and where `request` differs from it."""
        place = f"{self._cassette.name} (take {self._number + 1})"
        hint = rerecord(self._cassette)
        if not self._take.interactions:
            return RecordingMiss(f"no recording for this request: {place} holds no call of the model", hint=hint)
        found = differences(
            request, self._cassette, self._take.interactions, self._redactor, lenient=bool(self._lenient)
        )
        if not found:
            return RecordingMiss(f"this request was asked more often than {place} recorded it", hint=hint)
        changed = tuple(dict.fromkeys(each.component for each in found if each.component is not None))
        also = "".join(f"\n  and at {each.path}" for each in found[1:])
        message = (
            f"no recording for this request in {place}; interaction {found[0].interaction} differs {found[0]}{also}"
        )
        return Diverged(message, components=changed, hint=hint, differences=found)

    def _in_turn(self, request: Request) -> int | None:
        """The first reply that waits, if `request` is to the letter what it was recorded for, and a short one.

        That is what a replay nearly always asks. To write it out costs less than to hash both; of a long conversation,
        turn after turn, it would cost the square of its length.
        """
        for index in self._take.interactions:
            if index not in self._served:
                break
        else:
            return None
        recorded = self._cassette.interactions[index]
        text = recorded.request
        if len(text) > SHORT or place_of(recorded) != (request.method, request.path) or text != _written(request):
            return None
        self._served.add(index)
        self.served += 1
        return index

    def _next(self, waiting: list[int]) -> int | None:
        while waiting:
            found = waiting.pop()
            if found not in self._served:  # the other index may have served it
                self._served.add(found)
                self.served += 1
                return found
        return None

    def _named(self, index: int, error: CassetteError) -> CassetteError:
        return CassetteError(f"{self._cassette.name}: interaction {index}: {error}", hint=error.hint)


class Index:
    """The interactions of one take by key, each list with the next one last; built when the first request comes."""

    def __init__(
        self, cassette: Cassette, take: Take, redactor: Redactor | None = None, *, lenient: bool = False
    ) -> None:
        self._cassette = cassette
        self._take = take
        self._redactor = redactor
        self._lenient = lenient
        self._chain = Chain(redactor, lenient=lenient)
        self._found: dict[bytes, list[int]] | None = None

    def of(self, request: Request) -> list[int]:
        """The interactions that recorded this request and wait to be served, the next one last.

        Raises:
            CassetteError: a recorded request cannot be read.
        """
        if self._found is None:
            self._found = self._build()
        return self._found.get(self._chain.key(request), [])

    def _build(self) -> dict[bytes, list[int]]:
        chain = RecordedChain(self._redactor, lenient=self._lenient)
        found: dict[bytes, list[int]] = {}
        for index in self._take.interactions:
            try:
                key = chain.key(self._cassette.interactions[index])
            except CassetteError as error:
                raise CassetteError(f"{self._cassette.name}: interaction {index}: {error}", hint=error.hint) from None
            found.setdefault(key, []).append(index)
        for waiting in found.values():
            waiting.reverse()
        return found


class RecordedTools:
    """A `ports.Tools` that answers from take `take` (from 0) of a cassette; no tool is ever executed.

    Raises:
        RecordingMiss: the cassette has no such take.
    """

    def __init__(self, cassette: Cassette, take: int = 0) -> None:
        self.served = 0
        """Calls answered so far."""
        self._cassette = cassette
        recorded = take_of(cassette, take)
        self._observed = recorded.observed
        self._waiting: dict[tuple[str, str], list[ToolReturned]] = {}
        for tool in reversed(recorded.tools):
            self._waiting.setdefault((tool.call_id, tool.name), []).append(tool.returned)

    async def call(self, call: ToolCalled) -> ToolReturned:
        """The recorded answer to `call`.

        Raises:
            RecordingMiss: there is none (left).
        """
        found = self.find(call)
        if found is None:
            raise RecordingMiss(
                f"no recorded result for the call {call.call_id} of {call.name} in {self._cassette.name}",
                hint=rerecord(self._cassette),
            )
        return found

    def find(self, call: ToolCalled) -> ToolReturned | None:
        """The recorded answer, counted as served; None when there is none (left)."""
        waiting = self._waiting.get((call.call_id, call.name))
        if not waiting:
            return None
        self.served += 1
        return waiting.pop()

    def observed(self, name: str) -> Observed:
        """What was seen of the world after the recorded run, under that name.

        Raises:
            RecordingMiss: nothing was observed under it.
        """
        for seen in self._observed:
            if seen.name == name:
                return seen
        raise RecordingMiss(f"nothing recorded under {name!r} in {self._cassette.name}", hint=rerecord(self._cassette))


def take_of(cassette: Cassette, take: int) -> Take:
    """Take number `take`, from 0.

    Raises:
        RecordingMiss: there are not that many.
    """
    takes = cassette.takes
    if not 0 <= take < len(takes):
        count = "no takes" if not takes else "1 take" if len(takes) == 1 else f"{len(takes)} takes"
        raise RecordingMiss(
            f"{cassette.name} holds {count}; take {take + 1} was asked for", hint=rerecord(cassette, repeat=take + 1)
        )
    return takes[take]


def _written(request: Request) -> str | None:
    """The request's body as a recording has it; None when it takes more than that to write it."""
    try:
        return orjson.dumps(request.body).decode()
    except TypeError:
        return None


async def _broken_off(body: bytes, broken: Break) -> AsyncIterator[bytes]:
    """A recorded body as far as it came, and then the way it broke."""
    if body:
        yield body
    raise Unreachable(broken.message, type=broken.type, retryable=broken.retryable)
