"""Where a cached prefix breaks is the first byte that differs, in the order in which the API caches."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.agent.events import ModelReplied
from agentctl.agent.spec import Agent, ToolSpec
from agentctl.agent.values import replace
from agentctl.diffing.prefix import Recorded, prefix_break, prefix_cost, recorded_of

MODEL = "claude-sonnet-5-5"


def tool(name: str, description: str = "Looks it up.") -> ToolSpec:
    """A tool with an empty schema."""
    return ToolSpec(name, {"name": name, "description": description, "input_schema": {"type": "object"}}, "/h.py:f")


AGENT = Agent(
    name="desk",
    version="1",
    model=MODEL,
    system="Be brief.\nBe kind.\nSay so.",
    params={"max_tokens": 100},
    tools=(tool("one"), tool("two")),
)
TOOLS = sum(len(orjson.dumps(each.definition)) for each in AGENT.tools)


def test_the_same_prefix_stays() -> None:
    """Parameters, limits and what stands behind a tool are no part of it."""
    other = replace(AGENT, params={"max_tokens": 5, "thinking": {"type": "adaptive"}}, version="2")
    assert prefix_break(AGENT, AGENT) is None
    assert prefix_break(AGENT, other) is None
    assert prefix_break(AGENT, replace(AGENT, tools=(replace(tool("one"), timeout=1.0), tool("two")))) is None


def test_system_prompt() -> None:
    """Its line, and its byte behind all tools."""
    found = prefix_break(AGENT, replace(AGENT, system="Be brief.\nBe calm.\nSay so."))
    assert found is not None
    assert (found.component, found.path, found.line) == ("system prompt", "system[0].text", 2)
    assert found.byte == TOOLS + len("Be brief.\nBe ")
    assert found.bytes == (TOOLS + len(AGENT.system), TOOLS + len(AGENT.system))


def test_tools_come_first() -> None:
    """A change of a tool breaks the prefix before any change of the system prompt; its place is named."""
    found = prefix_break(AGENT, replace(AGENT, system="Other.", tools=(tool("one"), tool("two", "Looks it down."))))
    assert found is not None
    assert (found.component, found.path, found.line) == ("tool two", "tools[1].description", None)
    swapped = prefix_break(AGENT, replace(AGENT, tools=(tool("two"), tool("one"))))
    assert swapped is not None
    assert (swapped.component, swapped.path) == ("tool one", "tools[0]")


@pytest.mark.parametrize(
    ("change", "component"),
    [
        ({"model": "claude-opus-4-1"}, "model"),
        ({"tools": (tool("one"),)}, "tool two"),
        ({"tools": (tool("one"), tool("two"), tool("three"))}, "system prompt"),
        ({"system": ""}, "system prompt"),
        ({"cache": False}, "cache"),
    ],
)
def test_other_breaks(change: dict[str, Any], component: str) -> None:
    """Another model, a tool more or fewer, no prompt, no cache."""
    found = prefix_break(AGENT, replace(AGENT, **change))
    assert found is not None
    assert found.component == component


def test_nothing_to_lose() -> None:
    """A version that marked nothing for the cache, or has nothing to mark, loses nothing."""
    assert prefix_break(replace(AGENT, cache=False), replace(AGENT, system="Other.")) is None
    assert prefix_break(replace(AGENT, system="", tools=()), AGENT) is None


@given(st.text(max_size=30), st.text(max_size=30))
def test_bytes_before_the_break_are_the_same(old: str, new: str) -> None:
    """Whatever the prompts: what is before the byte is equal, and the byte is not."""
    found = prefix_break(replace(AGENT, system=old), replace(AGENT, system=new))
    one, other = old.encode("utf-8", "surrogatepass"), new.encode("utf-8", "surrogatepass")
    if found is None:
        assert one == other
        return
    at = found.byte - TOOLS
    assert one[:at] == other[:at]
    assert one[at : at + 1] != other[at : at + 1]


def reply(**usage: int) -> ModelReplied:
    """A reply with this usage."""
    return ModelReplied(id="msg_1", content=[], stop_reason="end_turn", usage={**usage}, model=MODEL)


def test_costs_are_those_of_the_price_list() -> None:
    """A thousand cold runs write the prefix, a thousand warm ones read what it has more, in every turn."""
    found = prefix_break(AGENT, replace(AGENT, system="Other."))
    assert found is not None
    cost = prefix_cost(found, AGENT, (Recorded(1000, 2.0), Recorded(2000, 3.0)))
    assert not cost.estimated
    assert cost.write == Decimal("5.000")
    assert cost.read == Decimal("0.2")
    assert cost.length == Decimal("0.3")
    assert cost.once == Decimal("0.005")
    document = cost.to_json()
    assert document["usd_per_1000_runs"]["break"] == pytest.approx(4.8)
    off = prefix_break(AGENT, replace(AGENT, cache=False))
    assert off is not None
    assert prefix_cost(off, AGENT, (Recorded(1000, 2.0), None)).write is not None


def test_what_was_not_recorded_is_estimated() -> None:
    """Without recordings tokens are a quarter of the bytes; a model without a price has no cost."""
    found = prefix_break(AGENT, replace(AGENT, system="Other."))
    assert found is not None
    cost = prefix_cost(found, replace(AGENT, model="nobody-knows"), (None, Recorded(9, 1.0)))
    assert cost.estimated
    assert cost.tokens == (found.bytes[0] // 4, 9)
    assert (cost.write, cost.read, cost.once) == (None, None, None)
    assert prefix_cost(found, AGENT, (None, None), priced=False).write is None


def test_recorded_prefixes() -> None:
    """What the first reply of each run wrote or read, and how many replies a run has."""
    runs = [
        [reply(cache_creation_input_tokens=1500), reply(cache_read_input_tokens=1500)],
        [reply(cache_read_input_tokens=1500, input_tokens=9)],
        [],
    ]
    assert recorded_of(runs) == Recorded(1500, 1.5)
    assert recorded_of([[reply(input_tokens=5)]]) == Recorded(0, 1.0)
    assert recorded_of([]) is None
