"""What the real API refuses, refused here with its words: a client that passes here sends valid requests.

Fields first (`check_fields`), then the conversation (`agentctl.simulator.history`). The rules are those of the public
API reference and of its error messages; the first one broken answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from agentctl.agent.events import JsonObject
from agentctl.simulator.conversation import blocks_of
from agentctl.simulator.errors import Refusal, invalid
from agentctl.simulator.history import check_history

VERSIONS: Final = frozenset({"2023-06-01", "2026-10-21"})
SAMPLING_GONE: Final = "2026-10-21"
"""From this version on the sampling parameters are refused."""

FIELDS: Final = frozenset(
    {"model", "messages", "max_tokens", "system", "tools", "tool_choice", "stream", "thinking", "stop_sequences"}
    | {"metadata", "service_tier", "temperature", "top_p", "top_k", "output_config", "container", "cache_control"}
    | {"context_management", "mcp_servers", "inference_geo", "speed"}
)
SAMPLING: Final = ("temperature", "top_p", "top_k")
TOOL_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,128}")
MAX_OUTPUT: Final = 128_000
MIN_THINKING: Final = 1024
MAX_BREAKPOINTS: Final = 4


def validate(body: Any, version: str | None, *, counting: bool = False) -> None:
    """Passes a request the API would take; `counting` for count_tokens, which has no `max_tokens`.

    Raises:
        Refusal: with the API's status, type and message.
    """
    if version is None:
        raise invalid("anthropic-version: header is required")
    if version not in VERSIONS:
        raise invalid(f"anthropic-version: '{version}' is not a valid version")
    if not isinstance(body, dict):
        raise invalid("The request body is not a JSON object")
    for rule in RULES:
        rule(body)
    if not counting:
        _check_max_tokens(body)
        _check_thinking(body)
    if version == SAMPLING_GONE:
        _check_sampling(body)
    check_history(body["messages"], strict=version == SAMPLING_GONE)


def _check_known(body: JsonObject) -> None:
    for name in body:
        if name not in FIELDS:
            raise invalid(f"{name}: Extra inputs are not permitted")


def _check_model(body: JsonObject) -> None:
    model = body.get("model")
    if model is None:
        raise invalid("model: Field required")
    if not isinstance(model, str):
        raise invalid("model: Input should be a valid string")
    if not model.startswith("claude-"):
        raise Refusal(404, "not_found_error", f"model: {model}")


def _check_messages(body: JsonObject) -> None:
    messages = body.get("messages")
    if messages is None:
        raise invalid("messages: Field required")
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise invalid("messages: Input should be a valid list")
    if not messages:
        raise invalid("messages: at least one message is required")


def _check_system(body: JsonObject) -> None:
    system = body.get("system", "")
    if isinstance(system, str):
        return
    if not isinstance(system, list):
        raise invalid("system: Input should be a valid list")
    for index, block in enumerate(system):
        if not isinstance(block, dict) or block.get("type") != "text" or not isinstance(block.get("text"), str):
            raise invalid(f"system.{index}: Input should be a valid text block")
        if not block["text"]:
            raise invalid(f"system.{index}: text content blocks must be non-empty")


def _check_tools(body: JsonObject) -> None:
    tools = body.get("tools", [])
    if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
        raise invalid("tools: Input should be a valid list")
    names: set[str] = set()
    for index, tool in enumerate(tools):
        name = tool.get("name")
        if not isinstance(name, str) or not TOOL_NAME.fullmatch(name):
            raise invalid(f"tools.{index}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
        if name in names:
            raise invalid("tools: Tool names must be unique.")
        names.add(name)
        if tool.get("type", "custom") == "custom":
            _check_schema(index, tool.get("input_schema"))
    if body.get("tool_choice") is not None and not tools:
        raise invalid("tool_choice: tool_choice may only be specified while providing tools")


def _check_schema(index: int, schema: Any) -> None:
    if schema is None:
        raise invalid(f"tools.{index}.custom.input_schema: Field required")
    if not isinstance(schema, dict) or schema.get("type") != "object":
        raise invalid(f"tools.{index}.custom.input_schema.type: Input should be 'object'")


def _check_breakpoints(body: JsonObject) -> None:
    parts = [*body.get("tools", []), *blocks_of(body.get("system") or [])]
    for message in body["messages"]:
        content = message.get("content")
        parts += content if isinstance(content, list) else []
    marked = sum(1 for part in parts if isinstance(part, Mapping) and "cache_control" in part)
    if marked > MAX_BREAKPOINTS:
        raise invalid(f"A maximum of {MAX_BREAKPOINTS} blocks with cache_control may be provided. Found {marked}.")


RULES: Final[tuple[Callable[[JsonObject], None], ...]] = (
    _check_known,
    _check_model,
    _check_messages,
    _check_system,
    _check_tools,
    _check_breakpoints,
)


def _check_max_tokens(body: JsonObject) -> None:
    limit = body.get("max_tokens")
    if limit is None:
        raise invalid("max_tokens: Field required")
    if not isinstance(limit, int) or isinstance(limit, bool):
        raise invalid("max_tokens: Input should be a valid integer")
    if limit < 1:
        raise invalid("max_tokens: Input should be greater than or equal to 1")
    if limit > MAX_OUTPUT:
        allowed = f"which is the maximum allowed number of output tokens for {body['model']}"
        raise invalid(f"max_tokens: {limit} > {MAX_OUTPUT}, {allowed}")


def _check_thinking(body: JsonObject) -> None:
    thinking = body.get("thinking")
    if thinking is None:
        return
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    if not isinstance(kind, str) or kind not in {"enabled", "disabled", "adaptive"}:
        raise invalid("thinking: Input tag does not match any of the expected tags: 'disabled', 'enabled', 'adaptive'")
    if kind != "enabled":
        return
    budget = thinking.get("budget_tokens")
    if not isinstance(budget, int):
        raise invalid("thinking.enabled.budget_tokens: Field required")
    if budget < MIN_THINKING:
        raise invalid("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
    if budget >= body["max_tokens"]:
        raise invalid("`max_tokens` must be greater than `thinking.budget_tokens`.")


def _check_sampling(body: JsonObject) -> None:
    for name in SAMPLING:
        if name in body:
            raise invalid(f"{name}: Extra inputs are not permitted")
