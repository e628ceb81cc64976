"""What the real API refuses, refused here with its words: a client that passes here sends valid requests.

Fields first, rule by rule in the order of `RULES`, then the conversation (`agentctl.simulator.history`). The rules are
those of the public API reference and of its error messages; the first one broken answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from agentctl.agent.events import JsonObject
from agentctl.simulator.blocks import check_marker
from agentctl.simulator.conversation import blocks_of
from agentctl.simulator.errors import Refusal, invalid
from agentctl.simulator.history import check_history
from agentctl.simulator.models import is_known, limits_of

VERSIONS: Final = frozenset({"2023-06-01", "2026-10-21"})
STRICT: Final = "2026-10-21"
"""From this version on the sampling parameters are refused, and some blocks in some turns."""

COUNTED: Final = frozenset(
    {"model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "cache_control", "speed"}
)
"""Fields of count_tokens."""
FIELDS: Final = COUNTED | frozenset(
    {"max_tokens", "stream", "stop_sequences", "metadata", "service_tier", "container", "inference_geo", "diagnostics"}
    | {"temperature", "top_p", "top_k"}
)
BETA_FIELDS: Final = frozenset(
    {"context_management", "mcp_servers", "compaction", "fallbacks", "fallback_credit_token", "billing_policy"}
    | {"thread"}
)
"""Known only to a request with an `anthropic-beta` header."""
SAMPLING: Final = ("temperature", "top_p", "top_k")
TOOL_FIELDS: Final = frozenset(
    {"type", "name", "description", "input_schema", "cache_control", "strict", "input_examples", "defer_loading"}
    | {"eager_input_streaming", "allowed_callers"}
)
TOOL_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,128}")
MIN_THINKING: Final = 1024
MAX_BREAKPOINTS: Final = 4
MAX_MESSAGES: Final = 100_000
EFFORTS: Final = ("low", "medium", "high", "xhigh", "max", None)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: its body, and how it came."""

    body: JsonObject
    strict: bool
    beta: bool
    counting: bool


def validate(body: Any, version: str | None, *, beta: bool = False, counting: bool = False) -> None:
    """Passes a request the API would take.

    `beta` says whether it has a beta header, `counting` that it is for count_tokens, where nothing is generated.

    Raises:
        Refusal: with the API's status, type and message.
    """
    if version is None:
        raise invalid("anthropic-version: header is required")
    if version not in VERSIONS:
        raise invalid(f'anthropic-version: "{version[:40]}" is not a valid version')
    if not isinstance(body, dict):
        raise invalid("The request body is not a JSON object")
    asked = Asked(body, strict=version == STRICT, beta=beta, counting=counting)
    for rule in RULES:
        rule(asked)
    check_history(
        body["messages"],
        strict=asked.strict,
        prefill=counting or limits_of(body["model"]).prefill,
        thinks=_thinking(body) == "enabled",
    )


def _check_known(asked: Asked) -> None:
    known = (COUNTED if asked.counting else FIELDS) | (BETA_FIELDS if asked.beta else frozenset())
    for name in asked.body:
        if name not in known:
            raise invalid(f"{name}: Extra inputs are not permitted")


def _check_model(asked: Asked) -> None:
    model = asked.body.get("model")
    if model is None:
        raise invalid("model: Field required")
    if not isinstance(model, str):
        raise invalid("model: Input should be a valid string")
    if not is_known(model):
        raise Refusal(404, "not_found_error", f"model: {model}")


def _check_messages(asked: Asked) -> None:
    messages = asked.body.get("messages")
    if messages is None:
        raise invalid("messages: Field required")
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise invalid("messages: Input should be a valid list")
    if not messages:
        raise invalid("messages: at least one message is required")
    if len(messages) > MAX_MESSAGES:
        raise invalid(f"messages: List should have at most {MAX_MESSAGES} items")


def _check_plain(asked: Asked) -> None:
    """The fields that only have to be of their type."""
    if not isinstance(asked.body.get("stream", False), bool):
        raise invalid("stream: Input should be a valid boolean")
    if not isinstance(asked.body.get("metadata", {}), dict):
        raise invalid("metadata: Input should be a valid dictionary")
    stops = asked.body.get("stop_sequences", [])
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        raise invalid("stop_sequences: Input should be a valid list")
    if not all(stop.strip() for stop in stops):
        raise invalid("stop_sequences: each stop sequence must contain non-whitespace")
    config = asked.body.get("output_config", {})
    if not isinstance(config, dict):
        raise invalid("output_config: Input should be a valid dictionary")
    if config.get("effort") not in EFFORTS:
        raise invalid("output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'")


def _check_system(asked: Asked) -> None:
    system = asked.body.get("system", "")
    if isinstance(system, str):
        return
    if not isinstance(system, list):
        raise invalid("system: Input should be a valid list")
    for index, block in enumerate(system):
        if not isinstance(block, dict) or block.get("type") != "text" or not isinstance(block.get("text"), str):
            raise invalid(f"system.{index}: Input should be a valid text block")
        if not block["text"]:
            raise invalid("system: text content blocks must be non-empty")
        check_marker(f"system.{index}", block)


def _check_tools(asked: Asked) -> None:
    tools = asked.body.get("tools", [])
    if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
        raise invalid("tools: Input should be a valid list")
    names: set[str] = set()
    for index, tool in enumerate(tools):
        place = f"tools.{index}.custom"
        name = tool.get("name")
        if not isinstance(name, str) or not TOOL_NAME.fullmatch(name):
            raise invalid(f"{place}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
        if name in names:
            raise invalid("tools: Tool names must be unique.")
        names.add(name)
        check_marker(place, tool)
        if tool.get("type") in ("custom", None):
            _check_custom(place, tool)


def _check_custom(place: str, tool: JsonObject) -> None:
    for name in tool:
        if name not in TOOL_FIELDS:
            raise invalid(f"{place}.{name}: Extra inputs are not permitted")
    schema = tool.get("input_schema")
    if schema is None:
        raise invalid(f"{place}.input_schema: Field required")
    if not isinstance(schema, dict):
        raise invalid(f"{place}.input_schema: Input should be a valid dictionary")
    if schema.get("type") != "object":
        raise invalid(f"{place}.input_schema.type: Input should be 'object'")
    if not isinstance(tool.get("description", ""), str):
        raise invalid(f"{place}.description: Input should be a valid string")


def _check_tool_choice(asked: Asked) -> None:
    choice = asked.body.get("tool_choice")
    if choice is None:
        return
    kind = choice.get("type") if isinstance(choice, dict) else None
    if kind not in ("auto", "any", "tool", "none"):
        raise invalid("tool_choice: Input tag does not match any of the expected tags: 'auto', 'any', 'tool', 'none'")
    names = [tool["name"] for tool in asked.body.get("tools", [])]
    if not names and kind != "none":
        raise invalid("tool_choice: tool_choice may only be specified while providing tools")
    if kind == "tool" and choice.get("name") not in names:
        raise invalid(f"tool_choice: Tool '{choice.get('name')}' not found in provided tools")
    if kind in ("any", "tool") and _thinking(asked.body) == "enabled":
        raise invalid("Thinking may not be enabled when tool_choice forces tool use.")


def _check_breakpoints(asked: Asked) -> None:
    check_marker("cache_control", asked.body)
    marked = sum(1 for part in _parts(asked.body) if isinstance(part, Mapping) and part.get("cache_control"))
    if marked > MAX_BREAKPOINTS:
        raise invalid(f"A maximum of {MAX_BREAKPOINTS} blocks with cache_control may be provided. Found {marked}.")


def _parts(body: JsonObject) -> Iterator[Any]:
    """Everything that can carry a breakpoint; the history is not checked yet and may hold anything."""
    yield body
    yield from body.get("tools", [])
    yield from blocks_of(body.get("system", []))
    for message in body["messages"]:
        content = message.get("content")
        for block in content if isinstance(content, list) else []:
            yield block
            inner = block.get("content") if isinstance(block, Mapping) else None
            yield from inner if isinstance(inner, list) else []


def _check_max_tokens(asked: Asked) -> None:
    if asked.counting:
        return
    wanted, limit = asked.body.get("max_tokens"), limits_of(asked.body["model"]).max_output
    if wanted is None:
        raise invalid("max_tokens: Field required")
    if not isinstance(wanted, int) or isinstance(wanted, bool):
        raise invalid("max_tokens: Input should be a valid integer")
    if wanted < 1:
        raise invalid("max_tokens: Input should be greater than or equal to 1")
    if wanted > limit:
        allowed = f"which is the maximum allowed number of output tokens for {asked.body['model']}"
        raise invalid(f"max_tokens: {wanted} > {limit}, {allowed}")


def _check_thinking(asked: Asked) -> None:
    if asked.body.get("thinking") is None:
        return
    kind = _thinking(asked.body)
    if kind not in ("enabled", "disabled", "adaptive", "between_tools"):
        tags = "'adaptive', 'between_tools', 'disabled', 'enabled'"
        raise invalid(f"thinking: Input tag does not match any of the expected tags: {tags}")
    if kind != "enabled":
        return
    budget = asked.body["thinking"].get("budget_tokens")
    if not isinstance(budget, int) or isinstance(budget, bool):
        raise invalid("thinking.enabled.budget_tokens: Field required")
    if budget < MIN_THINKING:
        raise invalid(f"thinking.enabled.budget_tokens: Input should be greater than or equal to {MIN_THINKING}")
    if not asked.counting and budget >= asked.body["max_tokens"]:
        raise invalid("`max_tokens` must be greater than `thinking.budget_tokens`.")


def _check_sampling(asked: Asked) -> None:
    for name in SAMPLING:
        if asked.strict and name in asked.body:
            raise invalid(f"{name}: Extra inputs are not permitted")
    if _thinking(asked.body) == "enabled" and asked.body.get("temperature", 1) != 1:
        raise invalid("`temperature` may only be set to 1 when thinking is enabled.")


RULES: Final[tuple[Callable[[Asked], None], ...]] = (
    _check_known,
    _check_model,
    _check_messages,
    _check_plain,
    _check_system,
    _check_tools,
    _check_tool_choice,
    _check_breakpoints,
    _check_max_tokens,
    _check_thinking,
    _check_sampling,
)


def _thinking(body: JsonObject) -> Any:
    """The kind of thinking that is asked for."""
    thinking = body.get("thinking")
    return thinking.get("type") if isinstance(thinking, dict) else None
