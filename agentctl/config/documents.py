"""What an agent document and a tools document may say: one frozen model each, whose fields are the keys.

The docstrings under the fields are what an editor shows; `agentctl schema` takes them from here. What goes to the API
as it is written (`params`, `input_schema`) is checked here and then taken from the document, so that the model cannot
change it.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias

from pydantic import AfterValidator, ConfigDict, Field

from agentctl.agent.spec import Breaker, Fallback, Limits, Provider, Retry, ToolSpec
from agentctl.config.cached import CachedAnswersPart
from agentctl.config.check import Many, Part
from agentctl.config.findings import Invalid
from agentctl.config.nearest import nearest
from agentctl.config.refs import GIT, parse_ref
from agentctl.config.texts import shown
from agentctl.errors import UsageError

MAX_TOKENS: Final = 4096
"""`max_tokens` of an agent that sets none; the API wants one."""

EFFORTS: TypeAlias = Literal["low", "medium", "high", "xhigh", "max"]

GONE: Final = ("temperature", "top_p", "top_k")
NOT_PARAMS: Final = {
    "model": "it has a key of its own, `model`",
    "system": "it has a key of its own, `system`",
    "tools": "it has a key of its own, `tools`",
    "betas": "it has a key of its own, `betas`",
    "messages": "a run makes the messages",
    "stream": "replies are always streamed",
}
PARAMS: Final = (
    *("max_tokens", "effort", "thinking", "output_config", "tool_choice", "stop_sequences", "metadata", "service_tier"),
    *("cache_control", "container", "context_management", "compaction", "diagnostics", "fallbacks", "inference_geo"),
    *("mcp_servers", "speed", "billing_policy", "user_profile_id", "workspace_id"),
)
"""Body fields that are known, for suggestions; others are sent as they are, since the API grows."""

END: Final = r"\Z"
REFERENCE: Final = re.compile(r"[a-z0-9][a-z0-9._-]*(@[0-9]+(\.[0-9]+)*)?\Z")
FUNCTION: Final = re.compile(r"([^:\\\x00]+\.py):([A-Za-z_][A-Za-z0-9_]*)\Z")
VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
TOOL_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,128}\Z")
CLIENT_SIDE: Final = re.compile(r"(?:bash|text_editor|computer|browser|memory)_")
"""Tools the API defines and the caller has to run."""

_LIMITS, _RETRY, _BREAKER, _TOOL = Limits(), Retry(), Breaker(), ToolSpec("", {})


def _reference(text: str) -> str:
    try:
        ref = parse_ref(text)
    except UsageError as error:
        raise Invalid(str(error), hint=error.hint) from None
    if ref.revision is not None:
        raise Invalid(f"a document cannot refer to a git revision ({GIT}...)", hint="name a version: name@2")
    return text


def _param(key: str) -> str:
    if key in GONE:
        message = f"`{key}` is gone from the Messages API: the model answers 400 to it"
        raise Invalid(message, hint="delete it; `effort` says how much work an answer is worth", on_key=True)
    if key in NOT_PARAMS:
        raise Invalid(f"`{key}` does not belong in `params`: {NOT_PARAMS[key]}", on_key=True)
    meant = nearest(key, PARAMS, kind="")
    if key not in PARAMS and meant:
        raise Invalid(f"unknown key `{shown(key)}` in `params`", hint=meant, on_key=True)
    return key


def _function(text: str) -> str:
    match = FUNCTION.match(text)
    if match is None:
        raise Invalid(f"{shown(text) or 'an empty text'} is no function", hint="write file.py:function")
    steps = match[1].split("/")
    if "" in steps or ".." in steps or "." in steps:
        hint = "the file is in the folder of this document, or in one below it"
        raise Invalid(f"{shown(text)} leads out of the document's folder", hint=hint)
    return text


def _input_schema(schema: dict[str, Any]) -> dict[str, Any]:
    if schema.get("type") != "object":
        raise Invalid("`input_schema` must have `type: object`: a tool's input is always a mapping")
    return schema


def _url(text: str) -> str:
    if not re.match(r"https?://[^\s/]", text):
        raise Invalid(f"{shown(text)} is no http(s) address", hint="write https://host")
    return text


def _server_type(text: str) -> str:
    if CLIENT_SIDE.match(text):
        message = f"{shown(text)} is not run by the API but by its caller, and there is no handler for it"
        raise Invalid(message, hint="describe it in a tools document, with a handler")
    return text


def _variable(name: str) -> str:
    if not VARIABLE.match(name):
        hint = "a name is letters, digits and _, and does not begin with a digit"
        raise Invalid(f"{shown(name)} cannot name a variable", hint=hint, on_key=True)
    return name


def _tool_name(name: str) -> str:
    if not TOOL_NAME.match(name):
        hint = "a name is letters, digits, _ and -, at most 128 of them"
        raise Invalid(f"{shown(name) or 'an empty text'} cannot name a tool", hint=hint)
    return name


def _shaped(pattern: re.Pattern[str]) -> Any:
    """What an editor is told of a text that a function checks."""
    return Field(json_schema_extra={"pattern": f"^{pattern.pattern.removesuffix(END)}$"})


Reference: TypeAlias = Annotated[str, AfterValidator(_reference), _shaped(REFERENCE)]
Function: TypeAlias = Annotated[str, AfterValidator(_function), _shaped(FUNCTION)]
Text: TypeAlias = Annotated[str, Field(min_length=1)]
Variables: TypeAlias = dict[Annotated[str, AfterValidator(_variable)], str | int]
Count: TypeAlias = Annotated[int, Field(ge=1)]
Seconds: TypeAlias = Annotated[float, Field(gt=0)]


class Params(Part):
    """Fields of every request's body, beside model, system, tools and messages. Null takes an inherited one away."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="allow", json_schema_extra={"propertyNames": {"not": {"enum": [*GONE, *NOT_PARAMS]}}}
    )
    __pydantic_extra__: dict[Annotated[str, AfterValidator(_param)], Any] = Field(init=False)

    max_tokens: Count = MAX_TOKENS
    """The most tokens one reply may have."""
    effort: EFFORTS | None = None
    """How much work an answer is worth; short for `output_config: {effort: ...}`."""
    thinking: dict[str, Any] | None = None
    """Extended thinking, as the API has it: `{type: adaptive}`."""
    output_config: dict[str, Any] | None = None
    tool_choice: dict[str, Any] | None = None
    stop_sequences: Many[str] | None = None
    metadata: dict[str, Any] | None = None


class ServerTool(Part):
    """A tool that the API runs itself; every key is sent as it is written."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow")

    type: Annotated[str, AfterValidator(_server_type)]
    """As in `web_search_20250305`."""
    name: str | None = None


class ProviderPart(Part):
    """Where the model runs. Keys and credentials come from the environment, never from here."""

    name: Literal["anthropic", "bedrock", "vertex"] = "anthropic"
    base_url: Annotated[str, AfterValidator(_url)] | None = None
    """Another host that speaks the Messages API. The key is sent there if whoever runs the agent trusts that host."""
    region: Text | None = None
    """Vertex: the region."""
    project_id: Text | None = None
    """Vertex: the project."""
    aws_region: Text | None = None
    """Bedrock: the region."""
    aws_profile: Text | None = None
    """Bedrock: the profile in the AWS configuration."""

    def spec(self) -> Provider:
        """As the core knows it."""
        options = {key: value for key, value in self if key not in {"name", "base_url"} and value is not None}
        return Provider(self.name, self.base_url, options)


class RetryPart(Part):
    """How a failed request is repeated: full jitter up to `base * 2**n` seconds, at most `cap`."""

    attempts: Annotated[int, Field(ge=1, le=20)] = _RETRY.attempts
    """Requests in all, the first one included."""
    base: Annotated[float, Field(ge=0)] = _RETRY.base
    """Seconds."""
    cap: Annotated[float, Field(ge=0)] = _RETRY.cap
    """Seconds."""
    budget: Annotated[float, Field(ge=0, le=1)] = _RETRY.budget
    """Retries for each call of the process over the last minute; three are always allowed."""


class LimitsPart(Part):
    """What a run may use; null is no limit."""

    max_turns: Count = _LIMITS.max_turns
    """Replies of the model between two messages of the user."""
    max_seconds: Seconds | None = _LIMITS.max_seconds
    """Wall-clock time between two messages of the user."""
    max_input_tokens: Count | None = _LIMITS.max_input_tokens
    """Input tokens of the whole run, the prompt cache included."""
    max_output_tokens: Count | None = _LIMITS.max_output_tokens
    """Output tokens of the whole run."""
    call_seconds: Seconds | None = _LIMITS.call_seconds
    """From sending one request to the end of its reply; then it is tried again, as `retry` says."""
    idle_seconds: Seconds | None = _LIMITS.idle_seconds
    """Without anything new of a reply but pings; then it is tried again. Hidden thinking is silent: leave it room."""


class BreakerPart(Part):
    """When a model that keeps failing is left alone, by every run on this machine that asks the same host."""

    window: Annotated[int, Field(ge=1, le=1000)] = _BREAKER.window
    """How many of the last calls count."""
    minimum: Count = _BREAKER.minimum
    """Calls that there must be before any of them count."""
    share: Annotated[float, Field(gt=0, le=1)] = _BREAKER.share
    """The share of them that failed."""
    open_seconds: Seconds = _BREAKER.open_seconds
    """Seconds until one call tries whether it answers again; each one that fails doubles them."""


class FallbackPart(Part):
    """A model that is asked when those before it cannot answer."""

    model: Text
    params: dict[Annotated[str, AfterValidator(_param)], Any] = Field(default={})
    """What it is asked with in place of the agent's `params`; null takes one away."""

    def spec(self) -> Fallback:
        """As the core knows it."""
        params = {key: value for key, value in self.params.items() if key != "effort"}
        if self.params.get("effort") is not None:
            params["output_config"] = {**params.get("output_config", {}), "effort": self.params["effort"]}
        return Fallback(self.model, params)


class DegradePart(Part):
    """What becomes of a question that nobody can answer."""

    message: Text
    """What the user is told. The run is marked `degraded` wherever it is shown."""


class AnyDocument(Part):
    """Only what tells the kinds apart."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="ignore")

    kind: Literal["agent", "tools", "rubric", "persona"]


class AgentDocument(Part):
    """One version of an agent: prompts/<name>/v<version>.yaml."""

    schema_: Literal[1] = Field(alias="schema")
    """The version of this format."""
    kind: Literal["agent"]
    description: str = ""
    """For people; never sent."""
    extends: Reference | None = None
    """Another version this one builds on: mappings are merged, everything else replaces what was there."""
    model: Text
    """The model's id, as in `claude-sonnet-5-5`."""
    system: str = ""
    """The system prompt; `{{ name }}` is filled in from `vars`."""
    vars: Variables = Field(default={})
    """Values for `{{ name }}` in the system prompt."""
    tools: Reference | Many[Reference | ServerTool] | None = None
    """A tools document, or a list of tools documents and of tools that the API runs itself."""
    params: Params = Params()
    betas: Many[Text] = ()
    """Values of the `anthropic-beta` header."""
    cache: bool = True
    """Whether tools and system prompt are marked for the prompt cache."""
    provider: ProviderPart = ProviderPart()
    retry: RetryPart = RetryPart()
    limits: LimitsPart = LimitsPart()
    breaker: BreakerPart | Literal[False] = BreakerPart()
    """When a model that keeps failing is left alone; `false` never."""
    fallbacks: Many[Text | FallbackPart] = ()
    """Models to ask, in this order, when the agent's own cannot answer."""
    degrade: DegradePart | None = None
    """What the user is told when nobody can answer; without it the run ends with the error."""
    cached_answers: CachedAnswersPart | bool = False
    """Whether a first question that was answered before gets the same answer again, without a model."""


class ToolPart(Part):
    """One tool: what the model is told, and how a call is carried out."""

    name: Annotated[str, AfterValidator(_tool_name), _shaped(TOOL_NAME)]
    description: Text | None = None
    """What the model reads: what the tool does, when to use it, what it returns."""
    input_schema: Annotated[dict[str, Any], AfterValidator(_input_schema)]
    """JSON Schema of the input."""
    handler: Function
    """`file.py:function`, from this document's folder."""
    effect: Literal["read", "write"] = "read"
    """`write` when a call changes something outside the run."""
    approve: Literal["never", "always"] = "never"
    """`always` when a person must allow each call."""
    timeout: Seconds = _TOOL.timeout
    """Seconds a call may take."""
    idempotency: Literal["none", "key"] = "none"
    """`key` when a call may be repeated with the same idempotency key without a second effect."""
    lookup: Function | None = None
    """`file.py:function`, called as the handler is: what came of an interrupted call, or None if nothing did."""
    on_interrupt: Literal["finish", "cancel"] | None = None
    """Whether an interrupted run waits for a call that works; `finish` by default where `effect` is `write`."""
    max_result_chars: Count = _TOOL.max_result_chars
    """Longer results are refused: the model is told to ask for less."""

    type: Literal["custom"] | None = None
    strict: bool | None = None
    """Whether the API guarantees that inputs fit the schema."""
    cache_control: dict[str, Any] | None = None
    eager_input_streaming: bool | None = None
    defer_loading: bool | None = None
    input_examples: Many[dict[str, Any]] | None = None
    allowed_callers: Many[str] | None = None


OURS: Final = frozenset(
    {"handler", "effect", "approve", "timeout", "idempotency", "lookup", "on_interrupt", "max_result_chars"}
)
"""Keys of a tool that are not sent."""


class ToolsDocument(Part):
    """One version of a set of tools: prompts/<name>/v<version>.yaml."""

    schema_: Literal[1] = Field(alias="schema")
    """The version of this format."""
    kind: Literal["tools"]
    description: str = ""
    """For people; never sent."""
    setup: Function | None = None
    """`file.py:function` that fills a fresh workspace, the same way every time."""
    tools: Annotated[Many[ToolPart], Field(min_length=1)]
