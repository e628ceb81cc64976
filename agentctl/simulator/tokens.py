"""How many tokens a request and a reply have, as an estimate that is always the same, and what the prompt cache held.

Four characters of canonical JSON are a token: about right for English, and deterministic. The cache follows the
documented rules ("Prompt caching"): what a `cache_control` marks is written with everything before it, and read when a
later request begins with it, even if that one is marked further on, up to twenty blocks. Nothing under a minimum length
is cached. Nothing expires: there is no clock here, and a run is over before the API's five minutes are.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import Any, Final

import orjson

from agentctl.agent.events import Block, JsonObject
from agentctl.simulator.conversation import blocks_of

CHARACTERS_PER_TOKEN: Final = 4
MINIMUM_CACHED: Final = 1024
"""Tokens under which a prefix is not cached."""
LOOKBACK: Final = 20
"""Blocks before a marked one at which an earlier prefix is still found."""
UNCACHEABLE: Final = ("thinking", "redacted_thinking")


@dataclass(frozen=True, slots=True)
class Prefix:
    """The prompt up to one of its blocks."""

    digest: bytes
    tokens: int
    ttl: str | None
    """For how long it is to be kept; None when it is not marked."""


def count(value: Any) -> int:
    """Tokens in a JSON value; what marks it for the cache is not counted."""
    return -(-len(orjson.dumps(_unmarked(value), option=orjson.OPT_SORT_KEYS)) // CHARACTERS_PER_TOKEN)


def count_request(body: JsonObject) -> int:
    """Input tokens of a request."""
    return sum(count(part) for part, _ in _parts(body))


class PromptCache:
    """The prefixes this server has written."""

    def __init__(self) -> None:
        self._written: set[bytes] = set()

    def usage(self, body: JsonObject, *, remembers: bool = True) -> JsonObject:
        """The input side of a reply's usage; the request's marked prefixes are written if it `remembers`."""
        prefixes = prefixes_of(body)
        marked = [place for place, each in enumerate(prefixes) if each.ttl and each.tokens >= MINIMUM_CACHED]
        found = [
            prefix.tokens
            for place in marked
            for prefix in prefixes[max(0, place - LOOKBACK) : place + 1]
            if prefix.digest in self._written
        ]
        read = max(found, default=0)
        created = {"5m": 0, "1h": 0}
        ends = [read, *(prefixes[place].tokens for place in marked if prefixes[place].tokens > read)]
        for (start, end), place in zip(pairwise(ends), marked[len(marked) + 1 - len(ends) :], strict=True):
            created[prefixes[place].ttl or "5m"] += end - start
        if remembers:
            self._written |= {prefixes[place].digest for place in marked}
        total = prefixes[-1].tokens if prefixes else 0
        return {
            "input_tokens": total - ends[-1],
            "cache_creation_input_tokens": sum(created.values()),
            "cache_read_input_tokens": read,
            "cache_creation": {f"ephemeral_{ttl}_input_tokens": tokens for ttl, tokens in created.items()},
        }


def prefixes_of(body: JsonObject) -> list[Prefix]:
    """Every prefix of the prompt, shortest first."""
    digest, total = sha256(str(body.get("model")).encode()), 0
    prefixes = []
    for part, ttl in _parts(body):
        digest.update(orjson.dumps(_unmarked(part), option=orjson.OPT_SORT_KEYS))
        total += count(part)
        prefixes.append(Prefix(digest.digest(), total, ttl))
    return prefixes


def _parts(body: JsonObject) -> list[tuple[JsonObject, str | None]]:
    """The prompt in the order the API reads it (tools, system, messages), each block with how long it is to be kept."""
    blocks = [*body.get("tools", []), *blocks_of(body.get("system") or [])]
    for message in body["messages"]:
        blocks += [{"role": message["role"], **block} for block in blocks_of(message["content"])]
    parts = [(block, _ttl(block)) for block in blocks]
    cacheable = [place for place, (block, _) in enumerate(parts) if block.get("type") not in UNCACHEABLE]
    if cacheable and body.get("cache_control"):  # marks the last block that can be
        parts[cacheable[-1]] = (parts[cacheable[-1]][0], _ttl(body))
    return parts


def _ttl(part: JsonObject) -> str | None:
    marker = part.get("cache_control")
    return marker.get("ttl", "5m") if marker else None


def _unmarked(value: Any) -> Any:
    return {key: item for key, item in value.items() if key != "cache_control"} if isinstance(value, dict) else value


def output_tokens(content: list[Block]) -> int:
    """Output tokens of a reply, thinking included."""
    shown = [{k: v for k, v in block.items() if k not in {"signature", "id", "type"}} for block in content]
    return sum(count(block) for block in shown)
