"""How many tokens a request and a reply have, as an estimate that is always the same, and what the prompt cache held.

Four characters of canonical JSON are a token: about right for English, and deterministic. The cache follows the
documented rules ("Prompt caching"): a prefix ending in a `cache_control` block is read when it was seen before and
written when not, and is not cached at all under a minimum length.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Final

import orjson

from agentctl.agent.events import Block, JsonObject
from agentctl.simulator.conversation import blocks_of

CHARACTERS_PER_TOKEN: Final = 4
MINIMUM_CACHED: Final = 1024
"""Tokens under which a prefix is not cached."""


def count(value: Any) -> int:
    """Tokens in a JSON value; what marks it for the cache is not counted."""
    return -(-len(orjson.dumps(_unmarked(value), option=orjson.OPT_SORT_KEYS)) // CHARACTERS_PER_TOKEN)


def count_request(body: JsonObject) -> int:
    """Input tokens of a request."""
    return sum(count(part) for part, _ in _parts(body))


class PromptCache:
    """The prefixes this server has seen."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def usage(self, body: JsonObject) -> dict[str, int]:
        """The input side of a reply's usage; remembers the request's marked prefixes."""
        parts = _parts(body)
        digest = sha256(str(body.get("model")).encode())
        total = read = written = 0
        for part, marked in parts:
            digest.update(orjson.dumps(_unmarked(part), option=orjson.OPT_SORT_KEYS))
            total += count(part)
            if not marked or total < MINIMUM_CACHED:
                continue
            if digest.digest() in self._seen:
                read = total
            else:
                self._seen.add(digest.digest())
                written = total
        created = max(written - read, 0)
        return {
            "input_tokens": total - read - created,
            "cache_creation_input_tokens": created,
            "cache_read_input_tokens": read,
        }


def _parts(body: JsonObject) -> list[tuple[Any, bool]]:
    """The prompt in the order the API reads it (tools, system, messages), each part with whether it is marked."""
    parts = [(tool, "cache_control" in tool) for tool in body.get("tools", [])]
    parts += [(block, "cache_control" in block) for block in blocks_of(body.get("system") or [])]
    for message in body["messages"]:
        for block in blocks_of(message["content"]):
            parts.append(({"role": message["role"], **block}, "cache_control" in block))
    return parts


def _unmarked(value: Any) -> Any:
    return {key: item for key, item in value.items() if key != "cache_control"} if isinstance(value, dict) else value


def output_tokens(content: list[Block]) -> int:
    """Output tokens of a reply, thinking included."""
    shown = [{k: v for k, v in block.items() if k not in {"signature", "id", "type"}} for block in content]
    return sum(count(block) for block in shown)
