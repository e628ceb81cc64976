"""A fault is one thing that goes wrong with one reply; as a text it is its kind and what there is to say of it.

    529                          the API is overloaded
    429,retry_after=2            any status; `retry_after` is sent as it is written, be it 2, NaN or a date
    eof,at=tool                  the stream ends, properly but too early, inside the input of a tool

The same text stands in a script's rule, in a file of faults, in a case of a suite, in `--fault` and in the header
`x-simulate-fault`. What it makes of a reply is the simulator's; see `simulator.faults`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final, Protocol

from agentctl.agent.events import JsonObject
from agentctl.config.nearest import nearest
from agentctl.config.texts import shown

HEADER: Final = "x-simulate-fault"

BEFORE_A_VALUE: Final = re.compile(r",(?=\s*[a-z_]+=|\s*\Z)")
"""Commas that part values; those inside one, as in a date, do not."""

PLACES: Final = ("start", "text", "tool", "tool-end", "end")
"""Where in a stream: after message_start; inside a text; inside the input of a tool; after all of it, before its block
stops; before message_stop. A number is how many events were sent."""


ALERTS: Final = (
    "handshake_failure",
    "bad_certificate",
    "certificate_expired",
    "unknown_ca",
    "protocol_version",
    "internal_error",
    "unrecognized_name",
)
"""Why a TLS handshake may be refused, in the words of RFC 8446."""


class Layer(StrEnum):
    """What is bent. The first three come before the body of a request is read, where there is a socket to see it on."""

    CONNECTION = "connection"
    HANDSHAKE = "handshake"
    HEAD = "head"
    REPLY = "reply"
    MESSAGE = "message"
    EVENTS = "events"
    WIRE = "wire"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault and the values it may be given, with what they are without one."""

    layer: Layer
    says: str
    values: Mapping[str, str | int | float] = field(default_factory=dict)


AT: Final = {"at": "text"}

KINDS: Final[Mapping[str, Kind]] = {
    "refuse": Kind(Layer.CONNECTION, "the connection is reset before a byte is read"),
    "tls": Kind(Layer.HANDSHAKE, "the TLS handshake fails", {"alert": ALERTS[0]}),
    "early": Kind(Layer.HEAD, "an error before the body of the request is read", {"status": 429, "retry_after": ""}),
    "spend-cap": Kind(Layer.REPLY, "429 for a spend cap: no retry-after", {"code": "enforced_spend_limit_reached"}),
    "ramp-limit": Kind(Layer.REPLY, "429 for usage that grows too fast", {"retry_after": "1"}),
    "customer-limit": Kind(Layer.REPLY, "400 for a spend limit that the customer set"),
    "html": Kind(Layer.REPLY, "a page of a proxy", {"status": 200}),
    "redirect": Kind(Layer.REPLY, "to another place", {"status": 307, "to": "http://127.0.0.1:9/v1/messages"}),
    "empty": Kind(Layer.REPLY, "no body at all", {"status": 200}),
    "stop-reason": Kind(Layer.MESSAGE, "the message stops for another reason", {"value": "refusal", "category": ""}),
    "fallback-block": Kind(Layer.MESSAGE, "another model took over inside the message"),
    "duplicate-id": Kind(Layer.MESSAGE, "every tool call of the message has the same id twice"),
    "unknown-block": Kind(Layer.MESSAGE, "a content block that nobody knows yet"),
    "wrong-type": Kind(Layer.MESSAGE, "the content-type of something else", {"value": "text/html"}),
    "error-event": Kind(Layer.EVENTS, "an error inside the stream", {"type": "overloaded_error", **AT}),
    "eof": Kind(Layer.EVENTS, "the stream ends, properly but too early", AT),
    "bad-json": Kind(Layer.EVENTS, "an event that is no JSON", AT),
    "bad-utf8": Kind(Layer.EVENTS, "an event that is no UTF-8", AT),
    "bad-tool-json": Kind(Layer.EVENTS, "the input of a tool stops half-way, the message goes on"),
    "out-of-order": Kind(Layer.EVENTS, "an event comes before the one it follows", AT),
    "wrong-index": Kind(Layer.EVENTS, "an event of a block that was never begun", AT),
    "duplicate-event": Kind(Layer.EVENTS, "an event comes twice", {"at": "start"}),
    "unknown-event": Kind(Layer.EVENTS, "an event that nobody knows yet", AT),
    "pings": Kind(Layer.EVENTS, "nothing but pings, for ever", {"every": 0.05, **AT}),
    "open-tool": Kind(Layer.EVENTS, "max_tokens inside the input of a tool, whose block never stops"),
    "early-delta": Kind(Layer.EVENTS, "a message_delta before the last one: what was used so far"),
    "trailing-spaces": Kind(Layer.EVENTS, "blanks behind the JSON of every event"),
    "latency": Kind(Layer.WIRE, "seconds before the first byte", {"seconds": 1.0}),
    "slow": Kind(Layer.WIRE, "seconds before each event", {"seconds": 0.1}),
    "trickle": Kind(Layer.WIRE, "so many bytes at a time", {"bytes": 1, "every": 0.001}),
    "stall": Kind(Layer.WIRE, "nothing more comes, and the connection stays", AT),
    "rst": Kind(Layer.WIRE, "the connection is reset", AT),
    "fin": Kind(Layer.WIRE, "the connection is closed inside the body", AT),
    "short-chunk": Kind(Layer.WIRE, "a chunk is shorter than its size, and the connection is closed", AT),
    "bad-chunk": Kind(Layer.WIRE, "a chunk has no size", AT),
    "cut-gzip": Kind(Layer.WIRE, "the compressed stream ends half-way", AT),
    "drop": Kind(Layer.WIRE, "the connection is closed before a byte of the reply"),
    "wrong-length": Kind(Layer.WIRE, "a content-length that is not the body's", {"more": 10, "less": 0}),
    "interim": Kind(Layer.WIRE, "replies of status 1xx before the reply", {"status": 103, "times": 1}),
    "hang-up": Kind(Layer.WIRE, "a whole reply that promises to keep the connection, which is closed"),
}
STATUS: Final = Kind(
    Layer.REPLY,
    "an error status: 400 to 599",
    {"retry_after": "", "retry_after_ms": "", "should_retry": "", "type": "", "message": "", "code": ""},
)
INTERIM: Final = frozenset(range(100, 200)) - {101}
STATUSES: Final = range(400, 600)


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind, or an error status as a text, and its values, all of them."""

    kind: str
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def layer(self) -> Layer:
        """What it bends."""
        return _kind(self.kind).layer

    @property
    def at(self) -> str:
        """Where in the stream: a place, or a number of events; empty for what has no place."""
        return str(self.values.get("at", ""))

    def __str__(self) -> str:
        given = {name: value for name, value in self.values.items() if value != _kind(self.kind).values[name]}
        return ",".join([self.kind, *(f"{name}={value}" for name, value in given.items())])


class Due(Protocol):
    """Which request meets which fault."""

    def due(self, body: JsonObject, digest: str, turn: int) -> Iterator[tuple[int, Fault]]:
        """The faults that are due for this request, each with its place; `turn` counts replies since the user spoke."""
        ...

    def fired(self, index: int) -> None:
        """Counts a fault that happened: one that the reply has a place for."""
        ...


class Unknown(ValueError):
    """A text that names no fault. `hint` says what would."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def fault_of(text: str) -> Fault:
    """The fault that the text names.

    Raises:
        Unknown: it names none, or gives it a value that it does not take.
    """
    name, *given = (part.strip() for part in BEFORE_A_VALUE.split(text))
    kind = _kind(name)
    values: dict[str, Any] = dict(kind.values)
    for each in given:
        key, equals, value = each.partition("=")
        if not equals or key not in values:
            takes = f"it takes {', '.join(values)}" if values else "it takes no values"
            raise Unknown(
                f"{shown(each)} is no value of the fault {name}", nearest(key, list(values), kind="") or takes
            )
        values[key] = _value(name, key, value, values[key])
    return Fault(name, values)


def _kind(name: str) -> Kind:
    if name in KINDS:
        return KINDS[name]
    if name.isascii() and name.isdigit() and int(name) in STATUSES:
        return STATUS
    hint = nearest(name, list(KINDS), kind="faults") or f"a status from 400 to 599, or one of {', '.join(KINDS)}"
    raise Unknown(f"there is no fault {shown(name) or 'without a name'}", hint)


def _value(name: str, key: str, text: str, default: object) -> str | int | float:
    """The value in the type of its default."""
    if key == "at" and text not in PLACES and not text.isdecimal():
        raise Unknown(f"{shown(text)} is no place in a stream", f"a number of events, or {', '.join(PLACES)}")
    try:
        value = type(default)(text) if isinstance(default, int | float) else text
    except ValueError:
        raise Unknown(f"{name}: {key} is a number, and {shown(text)} is none") from None
    if isinstance(value, int | float) and not 0 <= value < float("inf"):
        raise Unknown(f"{name}: {key} must not be negative or endless")
    if name == "interim" and key == "status" and value not in INTERIM:
        raise Unknown(
            f"{value} is no status of an interim reply", "from 100 to 199, without 101: nobody asked for that"
        )
    if key == "alert" and text not in ALERTS:
        raise Unknown(f"{shown(text)} is no alert of TLS", nearest(text, list(ALERTS), kind="alerts"))
    if key == "status" and value not in {status.value for status in HTTPStatus} | {529}:
        raise Unknown(f"{name}: there is no status {value}")
    return value
