"""What a recording holds, as frozen values: interactions, and a header that says what they were recorded for.

A cassette without a header is a foreign one: someone else's recording, of which nothing is known but the traffic.
Bodies stay as they are stored until someone asks: what a replay never looks at is never decompressed or parsed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

import orjson
from msgspec import Struct, field

from agentctl.agent.events import Block, JsonObject, Observed, ToolReturned
from agentctl.agent.nesting import MAX_NESTING, nested_too_deep
from agentctl.cassette.encoding import decoded
from agentctl.cassette.eventstream import as_sse, is_event_stream
from agentctl.cassette.platforms import is_in_messages_form, model_at
from agentctl.errors import CassetteError

SCHEMA: Final = 2
"""Version of our header. Older ones are upgraded on read, newer ones refused."""

Seconds: TypeAlias = int | float
"""As it was written: a whole number stays one."""

PLAIN: Final = ("{", "event:", "data:")
"""How replies begin that are neither compressed nor in frames."""

MESSAGES_PATH: Final = "/v1/messages"
API_BASE: Final = "https://api.anthropic.com"


class Interaction(Struct, frozen=True):
    """One request and its reply. Header names are lower case; a header that came twice keeps its first value."""

    method: str
    uri: str
    request: str | bytes
    """The request body as stored."""
    status: int
    headers: Mapping[str, str]
    """Of the reply."""
    stored: str | bytes
    """The reply body as stored, perhaps compressed; `body` is what a client would read."""
    request_headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The URI's path, without host and query; a host may have been blotted out with what no host can hold."""
        try:
            return urlsplit(self.uri).path
        except ValueError:
            rest = self.uri.partition("://")[2].partition("?")[0].partition("#")[0]
            return rest[rest.find("/") :] if "/" in rest else ""

    @property
    def is_messages_call(self) -> bool:
        """Whether this asks a model for a message: not token counting, not batches, not files, on any host."""
        if self.method != "POST":
            return False
        path = self.path
        if path.rstrip("/").endswith(MESSAGES_PATH):
            return True
        return bool(model_at(path)) and is_in_messages_form(self.request)

    @property
    def body(self) -> bytes:
        """The reply body as a client reads it.

        Raises:
            CassetteError: it is compressed in a way that cannot be undone here, or a damaged event stream.
        """
        stored = self.stored
        if type(stored) is str and stored.startswith(PLAIN):
            return stored.encode("utf-8", "surrogatepass")
        data = decoded(stored, self.headers.get("content-encoding", ""))
        return as_sse(data) if is_event_stream(data) else data

    @property
    def asked(self) -> JsonObject:
        """The request body as a JSON object, parsed anew at each call.

        Raises:
            CassetteError: the body is no JSON object, or is nested too deep.
        """
        value = parse_json(decoded(self.request, self.request_headers.get("content-encoding", "")), "the request body")
        if not isinstance(value, dict):
            raise CassetteError("the request body is no JSON object")
        if nested_too_deep(value):
            raise CassetteError(f"the request body has more than {MAX_NESTING} lists and objects within one another")
        return value


class RecordedTool(Struct, frozen=True):
    """The answer to one tool call, and the seconds it took when it was recorded."""

    call_id: str
    name: str
    content: str | list[Block]
    error_type: str | None
    seconds: Seconds

    @classmethod
    def of(cls, returned: ToolReturned, seconds: float) -> RecordedTool:
        """What a tool returned after so many seconds."""
        return cls(returned.call_id, returned.name, returned.content, returned.error_type, seconds)

    @property
    def returned(self) -> ToolReturned:
        """The answer as the run was told it."""
        return ToolReturned(self.call_id, self.name, self.content, self.error_type)


class Break(Struct, frozen=True):
    """Reply `interaction` (an index into the cassette) was never finished: why, in the words of the error it raised."""

    interaction: int
    type: str
    message: str
    retryable: bool = False


class Take(Struct, frozen=True):
    """One run of the case: what it asked and got, in order. The n-th repeat of a case replays the n-th take."""

    interactions: tuple[int, ...]
    """Indexes into the cassette's interactions."""
    seconds: tuple[Seconds, ...] = ()
    """How long each reply took, from sending to the last byte."""
    tools: tuple[RecordedTool, ...] = ()
    observed: tuple[Observed, ...] = ()
    breaks: tuple[Break, ...] = ()
    user: tuple[int, ...] = ()
    """Indexes of what a simulated user asked its model, in order; they are none of `interactions`."""
    rest: tuple[JsonObject, ...] = ()
    """Of a transcript: the messages after its last reply, which no request carries."""


class Header(Struct, frozen=True):
    """What a recording is of, and the digests of everything that shaped it."""

    suite: str
    case: str
    agent: str
    """`name@version`."""
    bundle: str
    components: Mapping[str, str]
    """Digest of each component by name, `case input` included."""
    at: str
    """When it was recorded: ISO 8601, UTC."""
    by: str
    """`agentctl 0.1.0`."""
    source: str
    """The host that answered, or `agentctl simulator`."""
    takes: tuple[Take, ...] = ()
    schema: int = SCHEMA
    partial: bool = False
    """Whether the recording was interrupted; see `cassette.partial`."""
    transcript: bool = False
    """Whether it was imported and tells what an agent did that is not defined here; see `cassette.transcript`."""
    adaptive: float | None = None
    """The error at which repeating was stopped once the verdict stood; None when every repeat was made."""
    verdict: bool = False
    """Whether it holds a judge's votes on an answer; `agent` is the rubric then, and `case` the first one judged."""


class Cassette(Struct, frozen=True):
    """One recording file. `header` is None for a foreign one; `path` is where it was read from."""

    interactions: tuple[Interaction, ...]
    header: Header | None = None
    path: Path | None = None

    def __eq__(self, other: object) -> bool:
        """The same recording, wherever it was read from."""
        if not isinstance(other, Cassette):
            return NotImplemented
        return (self.interactions, self.header) == (other.interactions, other.header)

    __hash__ = None  # type: ignore[assignment]  # it holds mappings

    @property
    def takes(self) -> tuple[Take, ...]:
        """The takes; a foreign file is one take of all its calls of the Messages API."""
        if self.header is not None:
            return self.header.takes
        return (Take(tuple(i for i, each in enumerate(self.interactions) if each.is_messages_call)),)

    @property
    def name(self) -> str:
        """The file's path, for messages."""
        return str(self.path) if self.path is not None else "the recording"


def parse_json(data: str | bytes, what: str) -> Any:
    """JSON, strictly, with what orjson alone refuses (lone surrogates, as cut-off emoji leave them).

    Raises:
        CassetteError: `what` is not JSON.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            raise CassetteError(f"{what} is not JSON ({error})") from None
