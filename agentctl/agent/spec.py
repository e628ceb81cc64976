"""What an agent is, once its documents are loaded: frozen values, no files, no YAML.

The core defines these types and the `config` room builds them, so that nothing in the core knows how a definition is
written down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agentctl.agent.events import JsonObject


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """One tool: what the model is told (`definition`, sent as it is) and how a call of it is carried out."""

    name: str
    definition: JsonObject
    """The wire definition: `name`, `description`, `input_schema`, or a server tool's `type` and options."""
    handler: str | None = None
    """`/absolute/file.py:function`; None for a server tool, which the API runs itself."""
    effect: str = "read"
    """`read`, or `write` when a call changes something outside the run."""
    approve: str = "never"
    """`never`, or `always` when a person must allow each call."""
    timeout: float = 30.0
    """Seconds a call may take."""
    max_result_chars: int = 50_000
    """Longer results are refused as `too_large`: the model is told to ask for less."""
    idempotent: bool = False
    """Whether a call may be repeated with the same idempotency key without a second effect."""
    lookup: str | None = None
    """`/absolute/file.py:function` that says what came of a call: its result, or None when it had no effect."""
    on_interrupt: str | None = None
    """`finish` or `cancel`: what becomes of a call that works when the run is interrupted. See `finishes`."""

    @property
    def finishes(self) -> bool:
        """Whether an interrupted run waits for a call that works; said nowhere, it does for one with an effect."""
        return self.on_interrupt == "finish" or (self.on_interrupt is None and self.effect == "write")

    @property
    def is_server(self) -> bool:
        """Whether the API runs this tool itself."""
        return self.handler is None

    @property
    def input_schema(self) -> JsonObject:
        """The JSON Schema of the input; `{}` for a server tool."""
        schema: JsonObject = self.definition.get("input_schema", {})
        return schema


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may use. None is no limit.

    `max_turns` and `max_seconds` hold between two things the user says, so that a long chat is no runaway;
    the token limits hold for the whole run. Input tokens include those read from and written to the prompt cache.
    `call_seconds` and `idle_seconds` end one attempt to ask the model, which may then be repeated.
    """

    max_turns: int = 20
    max_seconds: float | None = 300.0
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    call_seconds: float | None = None
    """From sending a request to the end of its reply."""
    idle_seconds: float | None = 120.0
    """Without anything new of a reply: silence, or nothing but pings."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How a failed attempt is repeated: `attempts` in all; full jitter up to `base * 2**n`, at most `cap` seconds."""

    attempts: int = 3
    base: float = 0.5
    cap: float = 30.0
    budget: float = 0.1
    """Retries there may be for each call of the process, over the last minute; a few are always allowed."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """When a model that fails is left alone: when `share` of the last `window` calls failed, of `minimum` at least."""

    window: int = 20
    minimum: int = 10
    share: float = 0.5
    open_seconds: float = 30.0
    """Seconds until one call tries whether it answers again; each one that fails doubles them."""


@dataclass(frozen=True, slots=True)
class Provider:
    """Where the model runs: `anthropic`, `bedrock` or `vertex`, each through the SDK's own client."""

    name: str = "anthropic"
    base_url: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    """Passed to the SDK's client: `region`, `project_id`, `aws_region`, `aws_profile`."""


@dataclass(frozen=True, slots=True)
class Fallback:
    """Another model, asked when those before it cannot; `params` replace the agent's own, null takes one away."""

    model: str
    params: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CachedAnswers:
    """When the answer that an earlier run got to the same first question is given again, in place of a model's."""

    when: str = "always"
    """`always`: before a model is asked; `unavailable`: when none of the agent's models can answer."""
    max_age_seconds: float = 3600.0
    """Since the model gave it; older ones are never given."""
    max_entries: int = 1000
    """Answers kept of one agent, all its versions together; the one that was not used for longest goes first."""


@dataclass(frozen=True, slots=True)
class Agent:
    """One version of an agent, ready to run."""

    name: str
    version: str
    model: str
    system: str
    params: JsonObject
    """Body fields of every request beside model, system, tools and messages: `max_tokens`, `thinking`, ..."""
    tools: tuple[ToolSpec, ...] = ()
    limits: Limits = field(default_factory=Limits)
    retry: Retry = field(default_factory=Retry)
    breaker: Breaker | None = field(default_factory=Breaker)
    """None when no model is ever left alone."""
    fallbacks: tuple[Fallback, ...] = ()
    """Asked in this order, at the edge of a turn."""
    degrade: str = ""
    """What the user is told when nobody can answer; without it the run ends with the error."""
    cached_answers: CachedAnswers | None = None
    """None when every question is asked."""
    provider: Provider = field(default_factory=Provider)
    betas: tuple[str, ...] = ()
    """Values of the `anthropic-beta` header."""
    cache: bool = True
    """Whether the stable prefix (tools and system prompt) is marked for the prompt cache."""
    setup: str | None = None
    """`/absolute/file.py:function` that fills a fresh workspace (a seeded database) for the tools."""
    workspace_name: str = ""
    """Names the workspace that runs outside an eval share; the tools document's name."""
    components: Mapping[str, str] = field(default_factory=dict)
    """Digest of each component by its name: `system prompt`, `model`, `params`, `tool NAME`, ..."""
    bundle: str = ""
    """Digest over all components."""
    source: Path | None = None
    """The document this was loaded from; None when it was read from a git revision."""

    @property
    def ref(self) -> str:
        """`name@version`."""
        return f"{self.name}@{self.version}"

    def tool(self, name: str) -> ToolSpec | None:
        """The tool of that name, or None."""
        for tool in self.tools:
            if tool.name == name:
                return tool
        return None
