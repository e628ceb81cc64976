"""What a content block may look like: one small check for each kind that a client makes itself, a name for the rest."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from agentctl.agent.events import Block, JsonObject
from agentctl.simulator.compose import signature_of
from agentctl.simulator.errors import invalid

CALL: Final = "tool_use"
RESULT: Final = "tool_result"

FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "text": frozenset({"type", "text", "cache_control", "citations"}),
    "thinking": frozenset({"type", "thinking", "signature"}),
    "redacted_thinking": frozenset({"type", "data"}),
    CALL: frozenset({"type", "id", "name", "input", "cache_control", "caller", "toolset_name"}),
    RESULT: frozenset({"type", "tool_use_id", "content", "is_error", "cache_control", "toolset_name"}),
}
"""The fields of the kinds that are looked into; of all others only the kind is."""

OTHER_KINDS: Final = frozenset(
    {"image", "document", "search_result", "server_tool_use", "web_search_tool_result", "web_fetch_tool_result"}
    | {"code_execution_tool_result", "bash_code_execution_tool_result", "text_editor_code_execution_tool_result"}
    | {"tool_search_tool_result", "container_upload", "mcp_tool_use", "mcp_tool_result", "mcp_tool_listing"}
    | {"advisor_tool_result", "compaction", "fallback"}
)
IN_RESULTS: Final = ("text", "image", "search_result", "document", "tool_reference", "browser_state")
ROLE_OF: Final = {CALL: "assistant", "thinking": "assistant", "redacted_thinking": "assistant", RESULT: "user"}
"""Who may send a kind, where not both may."""

ID: Final = re.compile(r"[a-zA-Z0-9_-]+")
MAX_NAME: Final = 200
TTLS: Final = ("5m", "1h")


def check_block(place: str, block: Any, role: str) -> None:
    """Passes a block the API would take from `role`; `place` is where it stands, `messages.0.content.0`.

    Raises:
        Refusal: 400, with the place.
    """
    if not isinstance(block, dict):
        raise invalid(f"{place}: Input should be a valid dictionary")
    kind = block.get("type")
    if not isinstance(kind, str):
        raise invalid(f"{place}.type: Field required")
    if kind not in FIELDS and kind not in OTHER_KINDS:
        tags = ", ".join(f"'{tag}'" for tag in sorted({*FIELDS, *OTHER_KINDS}))
        raise invalid(f"{place}: Input tag '{kind}' found using 'type' does not match any of the expected tags: {tags}")
    if ROLE_OF.get(kind, role) != role:
        raise invalid(f"{place}: `{kind}` blocks can only be specified in `{ROLE_OF[kind]}` messages")
    for name in block:
        if name not in FIELDS.get(kind, block):
            raise invalid(f"{place}.{kind}.{name}: Extra inputs are not permitted")
    check_marker(f"{place}.{kind}", block)
    if kind in CHECKS:
        CHECKS[kind](f"{place}.{kind}", block)


def check_marker(place: str, part: JsonObject) -> None:
    """Passes the `cache_control` of a part, when it has one."""
    marker = part.get("cache_control")
    if marker is None:
        return
    if not isinstance(marker, dict) or marker.get("type") != "ephemeral":
        raise invalid(f"{place}.cache_control.ephemeral.type: Input should be 'ephemeral'")
    if marker.get("ttl", "5m") not in TTLS:
        raise invalid(f"{place}.cache_control.ephemeral.ttl: Input should be '5m' or '1h'")


def check_words(text: str) -> None:
    """Passes a text that says something."""
    if not text:
        raise invalid("messages: text content blocks must be non-empty")
    if not text.strip():
        raise invalid("messages: text content blocks must contain non-whitespace text")


def _check_text(place: str, block: Block) -> None:
    check_words(_string(place, block, "text"))


def _check_thinking(place: str, block: Block) -> None:
    thinking, signature = _string(place, block, "thinking"), _string(place, block, "signature")
    if signature != signature_of(thinking):
        raise invalid(f"{place.removesuffix('.thinking')}: Invalid `signature` in `thinking` block")


def _check_redacted(place: str, block: Block) -> None:
    _string(place, block, "data")


def _check_call(place: str, block: Block) -> None:
    if not ID.fullmatch(_string(place, block, "id")):
        raise invalid(f"{place}.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
    name = _string(place, block, "name")
    if not name:
        raise invalid(f"{place}.name: String should have at least 1 character")
    if len(name) > MAX_NAME:
        raise invalid(f"{place}.name: String should have at most {MAX_NAME} characters")
    if "input" not in block:
        raise invalid(f"{place}.input: Field required")
    if not isinstance(block["input"], dict):
        raise invalid(f"{place}.input: Input should be a valid dictionary")


def _check_result(place: str, block: Block) -> None:
    _string(place, block, "tool_use_id")
    if not isinstance(block.get("is_error", False), bool):
        raise invalid(f"{place}.is_error: Input should be a valid boolean")
    content = block.get("content", "")
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        raise invalid(f"{place}.content: Input should be a valid list")
    for position, inner in enumerate(content):
        here = f"{place}.content.{position}"
        if not isinstance(inner, dict) or inner.get("type") not in IN_RESULTS:
            raise invalid(f"{here}: Input should be a valid content block of a tool result")
        if inner["type"] == "text":
            _string(f"{here}.text", inner, "text")
        check_marker(here, inner)


CHECKS: Final[Mapping[str, Callable[[str, Block], None]]] = {
    "text": _check_text,
    "thinking": _check_thinking,
    "redacted_thinking": _check_redacted,
    CALL: _check_call,
    RESULT: _check_result,
}


def _string(place: str, block: JsonObject, name: str) -> str:
    if name not in block:
        raise invalid(f"{place}.{name}: Field required")
    value = block[name]
    if not isinstance(value, str):
        raise invalid(f"{place}.{name}: Input should be a valid string")
    return value
