"""Canonical JSON and digests: what changes them, and what does not."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from agentctl.agent.events import JsonObject
from agentctl.config.canonical import canonical, digest
from agentctl.config.load import load_agent
from agentctl.config.project import Project

Make = Callable[..., Project]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)  # fmt: skip


@given(JSON, st.randoms())
def test_canonical(value: Any, chance: random.Random) -> None:
    """Canonical JSON reads back as the value and does not depend on the order of keys."""
    data = canonical(value)
    assert json.loads(data) == value
    assert canonical(_shuffled(value, chance)) == data


def _shuffled(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict):
        items = [(key, _shuffled(inner, chance)) for key, inner in value.items()]
        chance.shuffle(items)
        return dict(items)
    return [_shuffled(inner, chance) for inner in value] if isinstance(value, list) else value


def _deep(levels: int) -> Any:
    return [_deep(levels - 1)] if levels else []


@pytest.mark.parametrize(
    "value",
    [2**64, -(2**63) - 1, float("nan"), [None, {"a": float("inf")}], "\ud800", {1: 2}, {2}, b"x", _deep(300)],
    ids=repr,
)
def test_no_canonical_json(value: Any) -> None:
    """What JSON readers do not agree on has no canonical form, and the error says so."""
    with pytest.raises(ValueError, match="there is no canonical JSON for this value: "):
        canonical(value)


def test_digest() -> None:
    """A digest names its algorithm; tuples count as lists."""
    assert digest({"b": (1, 2), "a": "ü"}) == digest({"a": "ü", "b": [1, 2]})
    assert digest("").startswith("sha256:")
    assert len(digest("")) == 7 + 64


def components(project: Project, ref: str = "desk") -> JsonObject:
    """The digests of an agent, with its bundle."""
    agent = load_agent(ref, project)
    return {**agent.components, "bundle": agent.bundle}


def changed(project: Project, path: str, old: str, new: str) -> set[str]:
    """The components that another text in a file changes."""
    before = components(project)
    file = project.root / path
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))
    after = components(project)
    file.write_text(text)
    return {name for name in {*before, *after} if before.get(name) != after.get(name)} - {"bundle"}


AGENT = "prompts/desk/v1.yaml"
TOOLS = "prompts/desk-tools/v1.yaml"


@pytest.mark.parametrize(
    ("path", "old", "new", "names"),
    [
        (AGENT, "Be kind.", "Be kind!", {"system prompt"}),
        (AGENT, "shop: Acme", "shop: Acne", {"system prompt"}),
        (AGENT, "sonnet-5-5", "sonnet-5-6", {"model"}),
        (AGENT, "512", "513", {"params"}),
        (AGENT, "params:", "cache: false\nparams:", {"params"}),
        (AGENT, "params:", "betas: [x]\nparams:", {"betas"}),
        (TOOLS, "Looks an order up.", "Looks an order up!", {"tool look_up"}),
        (TOOLS, "minLength: 1", "minLength: 2", {"tool look_up"}),
        (TOOLS, "name: cancel", "name: cancol", {"tool cancel", "tool cancol", "tool order"}),
        (TOOLS, "timeout: 5", "timeout: 6", set()),
        (TOOLS, "effect: write", "effect: read", set()),
        (AGENT, "description: A desk", "description: The desk", set()),
        (AGENT, "params:", "limits: {max_turns: 3}\nparams:", set()),
        (AGENT, "# the first version", "# another comment", set()),
        (AGENT, "  max_tokens: 512", "      max_tokens:    512   # enough", set()),
        (AGENT, "params:\n  max_tokens: 512", "params: {max_tokens: 512}", set()),
        (AGENT, "  You work for {{ shop }}.\n  Be", "     You work for {{shop}}.\n     Be", set()),
        (TOOLS, "{type: string, minLength: 1}", '{"minLength": 1, type: "string"}', set()),
    ],
)
def test_what_changes_a_digest(make: Make, path: str, old: str, new: str, names: set[str]) -> None:
    """What reaches the model changes the digest of its component, and nothing else changes any."""
    assert changed(make(), path, old, new) == names


def test_order_of_tools(make: Make) -> None:
    """The order of tools is a component of its own."""
    project = make()
    before = components(project)
    file = project.root / TOOLS
    written = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump({**written, "tools": written["tools"][::-1]}, sort_keys=True))
    after = components(project)
    assert {name for name in before if before[name] != after[name]} == {"tool order", "bundle"}


def test_layout_does_not_matter(make: Make) -> None:
    """The same content written by another program, keys sorted and quoted, has the same digests."""
    project = make()
    before = components(project)
    for path in (AGENT, TOOLS):
        file = project.root / path
        file.write_text(json.dumps(yaml.safe_load(file.read_text()), indent=1, sort_keys=True))
    assert components(project) == before


def test_every_character_of_the_prompt_counts(make: Make) -> None:
    """Any one character changed in the system prompt changes its digest, and only that."""
    project = make()
    file = project.root / AGENT
    text = file.read_text()
    before = components(project)
    start, end = text.index("You work"), text.index("tools:") - 1
    seen = set()
    slot = range(text.index("{{"), text.index("}}"))
    for index in (each for each in range(start, end) if text[each].isalpha() and each not in slot):
        file.write_text(text[:index] + ("x" if text[index] != "x" else "y") + text[index + 1 :])
        after = components(project)
        assert {name for name in before if before[name] != after[name]} == {"system prompt", "bundle"}
        seen.add(after["bundle"])
    assert len(seen) > 15
