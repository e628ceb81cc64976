"""Prices: what is known is exact, what is not known is None, and nothing is ever negative or free by mistake."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.model.pricing import COUNTS, price

MODEL = "claude-sonnet-5-5"
MILLION = 1_000_000


def usage(**counts: Any) -> dict[str, Any]:
    """A usage object of the wire."""
    return {"input_tokens": 0, "output_tokens": 0, **counts}


def cost(model: str = MODEL, **counts: Any) -> Decimal:
    """The price, which is known."""
    total = price(model, usage(**counts))
    assert total is not None
    return total


def test_input_and_output_add_up() -> None:
    """A reply costs its input and its output, each at its own rate."""
    assert cost(input_tokens=MILLION) > 0
    assert cost(output_tokens=MILLION) > cost(input_tokens=MILLION)
    both = cost(input_tokens=MILLION, output_tokens=MILLION)
    assert both == cost(input_tokens=MILLION) + cost(output_tokens=MILLION)


def test_cache_has_rates_of_its_own() -> None:
    """Reading the cache is cheaper than input, writing it dearer, and dearer still for an hour."""
    plain = cost(input_tokens=MILLION)
    assert 0 < cost(cache_read_input_tokens=MILLION) < plain
    written = cost(cache_creation_input_tokens=MILLION)
    assert written > plain
    for_an_hour = {"ephemeral_1h_input_tokens": MILLION, "ephemeral_5m_input_tokens": 0}
    assert cost(cache_creation_input_tokens=MILLION, cache_creation=for_an_hour) > written


def test_server_tools_are_billed() -> None:
    """A search that the API ran for us costs money too."""
    searched = cost(input_tokens=MILLION, server_tool_use={"web_search_requests": 10})
    assert searched > cost(input_tokens=MILLION)


def test_usage_as_the_api_sends_it() -> None:
    """Fields that cost nothing, null or nested, change nothing."""
    full = {
        "input_tokens": 1000,
        "output_tokens": 100,
        "cache_creation_input_tokens": None,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 0},
        "server_tool_use": None,
        "service_tier": "standard",
        "inference_geo": "not_available",
        "output_tokens_details": {"thinking_tokens": 3},
    }
    assert price(MODEL, full) == cost(input_tokens=1000, output_tokens=100)


@pytest.mark.parametrize("model", ["gpt-nothing", "", "claude", "claude-sonnet-99", "x" * 300])
def test_unknown_model_is_unknown(model: str) -> None:
    """A model without a list price has no price, and never the price 0."""
    assert price(model, usage(input_tokens=10, output_tokens=10)) is None


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", "bedrock"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "bedrock"),
        ("claude-sonnet-4-5@20250929", "vertex"),
    ],
)
def test_clouds(model: str, provider: str) -> None:
    """The clouds' own names for a model are known under their provider."""
    total = price(model, usage(input_tokens=10, output_tokens=10), provider)
    assert total is not None
    assert total > 0


def test_unknown_provider_is_unknown() -> None:
    """A provider without a list has no prices."""
    assert price(MODEL, usage(input_tokens=10), "moonbase") is None


@pytest.mark.parametrize("counts", [{}, {"input_tokens": 5}, {"output_tokens": 5}, {"input_tokens": None}])
def test_missing_counts_are_unknown(counts: dict[str, Any]) -> None:
    """A reply that does not say how much it used has no price."""
    assert price(MODEL, counts) is None


@pytest.mark.parametrize("bad", [-1, "5", 5.5, True, [5], {"a": "b"}, -(10**30)])
@pytest.mark.parametrize("name", COUNTS)
def test_counts_that_are_none(bad: Any, name: str) -> None:
    """A count that is no whole number makes the price unknown, not wrong."""
    assert price(MODEL, usage(**{name: bad})) is None


@pytest.mark.parametrize(
    "breakdown",
    [{"ephemeral_1h_input_tokens": -5}, {"ephemeral_1h_input_tokens": "5"}, {"ephemeral_1h_input_tokens": 9}],
)
def test_breakdowns_that_are_none(breakdown: dict[str, Any]) -> None:
    """Parts that are no counts, or more than their whole, make the price unknown."""
    assert price(MODEL, usage(cache_creation_input_tokens=5, cache_creation=breakdown)) is None


ANYTHING = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(), st.text(max_size=3))
FIELDS = st.sampled_from([*COUNTS, "cache_creation", "server_tool_use", "service_tier"])
PARTS = st.dictionaries(
    st.sampled_from(["ephemeral_1h_input_tokens", "web_search_requests", "x"]), ANYTHING, max_size=3
)


@given(st.dictionaries(FIELDS, st.one_of(ANYTHING, PARTS, st.lists(ANYTHING, max_size=2)), max_size=6))
def test_any_usage(counts: dict[str, Any]) -> None:
    """Whatever a usage object holds: a price that is not negative, or None, and for an unknown model always None."""
    total = price(MODEL, counts)
    assert total is None or total >= 0
    assert price("gpt-nothing", counts) is None


def test_import_is_free_of_the_price_list() -> None:
    """The prices of every provider are loaded at the first price asked for."""
    code = "import sys, agentctl.model.pricing; print('genai_prices' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("odd", [{"input_tokens": 1 << 64}, {"cache_creation": {"\ud800": 1}}])
def test_counts_that_no_reply_can_have_have_no_price(odd: dict[str, Any]) -> None:
    """Traces that others wrote may hold anything."""
    assert price(MODEL, usage(**odd)) is None
