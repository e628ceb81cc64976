"""The facts of a run.

A run is an append-only list of these events, and everything that reads a run reads this list: the trace, the journal,
the log, scorers, diff, cost, budgets, resume. Three rules keep that true:

1. An event is a fact in the past tense, frozen and JSON-safe. It carries neither order nor time; `Entry` does. So
   "did the replay do the same?" is `==` on two lists of events.
2. Nothing is stored that can be folded from what is there. The next request is folded from the events (`run.Run`), so
   no event holds the conversation, and a run of n turns is stored in O(n).
3. A new kind needs a reader that cannot be written without it. Text deltas, questions to a person, wire bytes and
   totals over a suite are no events; the *answer* of a person is.

Blocks inside events (`content`) keep the shape of the Messages API, byte for byte where the API demands it (thinking).
They are plain dicts; nobody may change one after the event exists.

Events, and the values that travel with each of them (requests, replies, recordings), are `msgspec.Struct`s: a replay
makes some fifty for each case, and a frozen dataclass takes eight times as long to make as one of these. Everything
else is a dataclass.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any, ClassVar, Final, TypeAlias, get_args

from msgspec import Struct, field

from agentctl.errors import ModelError

Json: TypeAlias = Any
JsonObject: TypeAlias = dict[str, Any]
Block: TypeAlias = JsonObject


def _kind(name: str) -> str:
    """The kind of a class of events: `RunStarted` is `run_started`."""
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in name).lstrip("_")


class _Fact(Struct, frozen=True, tag_field="kind", tag=_kind):
    """An event; as JSON it begins with its kind."""


class RunStarted(_Fact, frozen=True):
    """A run of `agent` (`name@version`) began; `bundle` and `components` are the digests of what defines it."""

    kind: ClassVar[str] = "run_started"
    agent: str
    bundle: str
    model: str
    components: dict[str, str] = field(default_factory=dict)
    parent: str | None = None
    """The run this one was forked from or delegated by."""


class UserSaid(_Fact, frozen=True):
    """The person (or the script) spoke; `content` is a string or a list of content blocks, as the API takes it."""

    kind: ClassVar[str] = "user_said"
    content: str | list[Block]


class GuardRuled(_Fact, frozen=True):
    """A guard looked at something and ruled; `verdict` is `allow`, `block` or `ask`."""

    kind: ClassVar[str] = "guard_ruled"
    guard: str
    stage: str
    """`input`, `output`, `tool_call` or `tool_result`."""
    verdict: str
    reason: str = ""
    call_id: str | None = None


class ModelAsked(_Fact, frozen=True):
    """The intent to ask the model: written before the request is sent. `turn` counts replies asked for, from 1."""

    kind: ClassVar[str] = "model_asked"
    turn: int
    model: str


class ModelReplied(_Fact, frozen=True):
    """One complete reply: `message_stop` was seen (or a whole JSON body read) and every block parsed strictly."""

    kind: ClassVar[str] = "model_replied"
    id: str
    model: str
    content: list[Block]
    stop_reason: str | None
    usage: JsonObject
    stop_sequence: str | None = None
    stop_details: Json = None
    request_id: str | None = None


class ModelFailed(_Fact, frozen=True):
    """One attempt failed. The last one of a run that ended with `model_error` says why it did."""

    kind: ClassVar[str] = "model_failed"
    attempt: int
    error_type: str
    message: str
    status: int | None = None
    retryable: bool = False
    retry_after: float | None = None
    """Seconds the server asked us to wait."""
    request_id: str | None = None

    @classmethod
    def of(cls, error: ModelError, attempt: int) -> ModelFailed:
        """The failure of this attempt, counted from 1."""
        return cls(
            attempt=attempt,
            error_type=error.type,
            message=str(error),
            status=error.status,
            retryable=error.retryable,
            retry_after=error.retry_after,
            request_id=error.request_id,
        )


class FellBack(_Fact, frozen=True):
    """The model that was asked could not answer; `model` is asked in its place until the user speaks again."""

    kind: ClassVar[str] = "fell_back"
    model: str
    reason: str
    """The type of the error: `overloaded_error`, `breaker_open`, ..."""


class Recalled(_Fact, frozen=True):
    """The answer that `model` gave in another run, to the same first question, was given again. It costs nothing."""

    kind: ClassVar[str] = "recalled"
    run: str
    """The run in which the model was asked."""
    model: str
    content: list[Block]
    """Its text, without what was thought."""
    stop_reason: str
    age_seconds: float
    """Since then."""
    stop_sequence: str | None = None


class Approved(_Fact, frozen=True):
    """A person (or a rule, `by`) decided on a tool call; `approved=False` is an answer too."""

    kind: ClassVar[str] = "approved"
    call_id: str
    approved: bool
    by: str = "person"
    reason: str = ""


class ToolCalled(_Fact, frozen=True):
    """The intent to run a tool: written before its handler starts."""

    kind: ClassVar[str] = "tool_called"
    call_id: str
    name: str
    input: JsonObject


class ToolReturned(_Fact, frozen=True):
    """The one answer to a tool call. `error_type` is None or one of `TOOL_ERRORS`; then `content` tells the model."""

    kind: ClassVar[str] = "tool_returned"
    call_id: str
    name: str
    content: str | list[Block]
    error_type: str | None = None

    @property
    def is_error(self) -> bool:
        """Whether the model is told that the call failed."""
        return self.error_type is not None


TOOL_ERRORS: Final = (
    "unknown_tool",
    "invalid_input",
    "raised",
    "timeout",
    "too_large",
    "not_serializable",
    "blocked",
    "denied",
    "interrupted",
    "not_run",
    "reported",
)
"""Why a tool call has no result; `reported` is an error that the tool itself returned on purpose (`ToolFailure`)."""


class Settled(_Fact, frozen=True):
    """A call that was begun and never answered was looked into; see `agent.settle`.

    `verdict` is `repeat`, `happened` or `abandoned`; the last two are followed by the call's ToolReturned.
    """

    kind: ClassVar[str] = "settled"
    call_id: str
    verdict: str
    by: str
    """`rule`, `lookup` or `person`."""
    reason: str = ""


class Resumed(_Fact, frozen=True):
    """Another process goes on with the run. Whoever drove it before can write nothing more: its place is taken."""

    kind: ClassVar[str] = "resumed"
    by: str
    """`agentctl 0.1.0`."""


class Delegated(_Fact, frozen=True):
    """A tool call was handed to another run, `run`, of `agent`; its result comes back as that call's ToolReturned."""

    kind: ClassVar[str] = "delegated"
    call_id: str
    agent: str
    run: str


class HandedOff(_Fact, frozen=True):
    """From here on `agent` answers the user; the conversation so far stays."""

    kind: ClassVar[str] = "handed_off"
    agent: str
    bundle: str
    model: str
    call_id: str | None = None


class Observed(_Fact, frozen=True):
    """The world, looked at after the run: `name` says what was asked (a `state:` query), `value` what came back."""

    kind: ClassVar[str] = "observed"
    name: str
    value: Json


class RunEnded(_Fact, frozen=True):
    """The last event of a run, whatever happened; `reason` is one of `END_REASONS`, `completed` when it went well."""

    kind: ClassVar[str] = "run_ended"
    reason: str
    message: str = ""
    hint: str = ""
    """What a person can do about it: advice of whoever wrote the run down, no fact that a replay has to repeat."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunEnded) and (self.reason, self.message) == (other.reason, other.message)

    def __hash__(self) -> int:
        return hash((self.reason, self.message))


END_REASONS: Final = (
    "completed",
    "max_turns",
    "max_tokens",
    "context_window",
    "refused",
    "unknown_stop",
    "deadline",
    "budget",
    "blocked",
    "model_error",
    "missing_recording",
    "uncertain",
    "degraded",
    "interrupted",
    "error",
)

Event: TypeAlias = (
    RunStarted
    | UserSaid
    | GuardRuled
    | ModelAsked
    | ModelReplied
    | ModelFailed
    | FellBack
    | Recalled
    | Approved
    | ToolCalled
    | ToolReturned
    | Settled
    | Resumed
    | Delegated
    | HandedOff
    | Observed
    | RunEnded
)

EVENT_TYPES: Final[dict[str, type[Event]]] = {cls.kind: cls for cls in get_args(Event)}


_FIELDS: Final = {
    cls: (names, attrgetter(*names)) for cls in EVENT_TYPES.values() for names in [("kind", *cls.__struct_fields__)]
}
"""Of each kind: the names of what `to_json` writes, and what reads them all at once."""


class Entry(Struct, frozen=True):
    """An event with its place in the run: `seq` counts from 0, `at` is seconds since the epoch (UTC)."""

    seq: int
    at: float
    event: Event


def to_json(event: Event) -> JsonObject:
    """The event as a JSON object: its fields and its `kind`. Nothing is copied deeper than the first level."""
    names, values = _FIELDS[type(event)]
    return dict(zip(names, values(event), strict=True))


def from_json(data: JsonObject) -> Event:
    """The event that `to_json` wrote.

    Raises:
        ValueError: the kind is unknown, or a field is missing or unknown.
    """
    fields = dict(data)
    kind = fields.pop("kind", None)
    cls = EVENT_TYPES.get(kind) if isinstance(kind, str) else None
    if cls is None:
        msg = f"unknown event kind {kind!r}"
        raise ValueError(msg)
    try:
        return cls(**fields)
    except TypeError as error:
        msg = f"bad {kind} event: {error}"
        raise ValueError(msg) from None
