"""What a reply costs in USD, from the list prices of the `genai-prices` package, read offline.

A price that is not known is None and shown as such; it is never 0. The package is imported at the first price asked
for: it holds the prices of every provider and takes longer to load than a whole replay.
"""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any, Final

from agentctl.agent.events import JsonObject

PROVIDERS: Final = {"anthropic": "anthropic", "bedrock": "aws", "vertex": "google"}


def price(model: str, usage: JsonObject, provider: str = "anthropic") -> Decimal | None:
    """USD for one reply's wire `usage` (cache reads and writes at their own rates); None when unknown."""
    counts = tuple(
        (name, value) for name, value in sorted(usage.items()) if isinstance(value, int) and name.endswith("_tokens")
    )
    return _price(model, counts, PROVIDERS.get(provider, provider))


@cache
def _price(model: str, counts: tuple[tuple[str, int], ...], provider: str) -> Decimal | None:
    prices = _prices()
    try:
        extracted = prices.extract_usage({"model": model, "usage": dict(counts)}, provider_id="anthropic")
        total: Decimal = prices.calc_price(extracted.usage, model, provider_id=provider).total_price
    except (LookupError, ValueError):
        return None
    return total


def _prices() -> Any:
    import genai_prices  # noqa: PLC0415

    return genai_prices
