"""What a reply costs in USD, from the list prices of the `genai-prices` package, read offline.

A price that is not known is None and shown as such; it is never 0. The package is imported at the first price asked
for: it holds the prices of every provider and takes longer to load than a whole replay.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import orjson

from agentctl.agent.events import JsonObject

PROVIDERS: Final = {"anthropic": "anthropic", "bedrock": "aws", "vertex": "google"}
COUNTS: Final = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
BREAKDOWNS: Final = ("cache_creation", "server_tool_use")
"""Objects of counts: cache writes by their lifetime, uses of the API's own tools."""


def price(model: str, usage: JsonObject, provider: str = "anthropic") -> Decimal | None:
    """USD for one reply's wire `usage`, caches and server tools at their own rates; None when it is not known."""
    billed: JsonObject = {name: usage[name] for name in COUNTS if usage.get(name) is not None}
    for name in BREAKDOWNS:
        counts = usage.get(name)
        if isinstance(counts, dict):
            billed[name] = {key: count for key, count in counts.items() if count is not None}
    if not all(_is_count(count) for value in billed.values() for count in _leaves(value)):
        return None
    try:
        counted = orjson.dumps(billed, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # more than 64 bits, or a key that is no text
        return None
    return _price(model, counted, PROVIDERS.get(provider, provider))


def _leaves(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else [value]


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


@lru_cache(maxsize=4096)
def _price(model: str, billed: bytes, provider: str) -> Decimal | None:
    prices = _prices()
    try:
        extracted = prices.extract_usage({"usage": orjson.loads(billed)}, provider_id="anthropic")
        total: Decimal = prices.calc_price(extracted.usage, model, provider_id=provider).total_price
    except (LookupError, ValueError):
        return None
    return total


def _prices() -> Any:
    import genai_prices  # noqa: PLC0415

    return genai_prices
