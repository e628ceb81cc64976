"""The key of an answer: the same for the same question to the same agent, another one for anything else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.agent.events import RunStarted, UserSaid
from agentctl.agent.request import build
from agentctl.agent.run import Run
from agentctl.agent.spec import Agent, Breaker, CachedAnswers, Fallback, Limits, Provider, Retry
from agentctl.agent.values import replace
from agentctl.config.answer_key import answer_key
from agentctl.config.load import load_agent
from agentctl.config.project import Project

Make = Callable[..., Project]
PLACE = "https://api.anthropic.com"


def key_of(agent: Agent, said: Any = "Are you open?", place: str = PLACE) -> str | None:
    """The key of the first question of a run."""
    run = Run.of([RunStarted(agent.ref, agent.bundle, agent.model, dict(agent.components)), UserSaid(said)])
    return answer_key(agent, build(agent, run), place)


V1, TOOLS, CODE = "prompts/desk/v1.yaml", "prompts/desk-tools/v1.yaml", "prompts/desk-tools/handlers.py"
DATABASE = "prompts/desk-tools/database.py"
CHANGES: dict[str, tuple[str, str, str]] = {
    "prompt": (V1, "Be kind.", "Be very kind."),
    "variable": (V1, "shop: Acme", "shop: Acne"),
    "model": (V1, "model: claude-sonnet-5-5", "model: claude-opus-5-5"),
    "max_tokens": (V1, "max_tokens: 512", "max_tokens: 513"),
    "effort": (V1, "max_tokens: 512", "max_tokens: 512\n  effort: low"),
    "user": (V1, "max_tokens: 512", "max_tokens: 512\n  metadata: {user_id: a}"),
    "betas": (V1, "params:", "betas: [x-2026]\nparams:"),
    "prompt cache": (V1, "params:", "cache: false\nparams:"),
    "provider": (V1, "params:", "provider: {name: vertex, project_id: p, region: global}\nparams:"),
    "base url": (V1, "params:", "provider: {base_url: 'https://other.example'}\nparams:"),
    "token limit": (V1, "params:", "limits: {max_output_tokens: 9}\nparams:"),
    "turn limit": (V1, "params:", "limits: {max_turns: 3}\nparams:"),
    "no tools": (V1, "tools: desk-tools@1\n", ""),
    "tool description": (TOOLS, "Looks an order up.", "Looks orders up."),
    "tool schema": (TOOLS, "minLength: 1", "minLength: 2"),
    "tool name": (TOOLS, "name: cancel", "name: cancel_order"),
    "handler code": (CODE, "return order\n\n\nasync", "return order + '!'\n\n\nasync"),
    "other handler's code": (CODE, "    return order\n" * 1, "    return order.upper()\n"),
    "setup code": (DATABASE, "ORD-1", "ORD-2"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_any_change_of_the_definition_is_another_key(make: Make, name: str) -> None:
    """Each thing that a document or the code beside it says, changed alone."""
    before = key_of(load_agent("desk", make()))
    path, old, new = CHANGES[name]
    file = make().root / path
    assert old in file.read_text()
    after = key_of(load_agent("desk", make({path: file.read_text().replace(old, new, 1)})))
    assert before is not None
    assert after not in {None, before}


def test_what_shapes_no_answer_keeps_the_key(make: Make) -> None:
    """Layout, comments, descriptions, and what is done when a model is slow or out."""
    project = make()
    agent = load_agent("desk", project)
    text = (project.root / V1).read_text()
    again = load_agent("desk", make({V1: f"# a comment\n{text.replace('A desk', 'Another desk')}\n"}))
    calmer = replace(
        again,
        retry=Retry(attempts=9),
        breaker=Breaker(window=3),
        fallbacks=(Fallback("claude-haiku-5-5"),),
        degrade="Sorry.",
        cached_answers=CachedAnswers(max_entries=1),
        limits=replace(again.limits, max_seconds=1.0, call_seconds=1.0, idle_seconds=None),
    )
    assert key_of(agent) == key_of(again) == key_of(calmer) is not None


AGENT = Agent("desk", "1", "m", "Be brief.", {"max_tokens": 9}, components={"system prompt": "sha256:1"}, bundle="b")
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
BLOCKS = st.lists(st.builds(lambda words: {"type": "text", "text": words}, WORDS), min_size=1, max_size=3)
SAID = WORDS | BLOCKS
AGENTS = st.builds(
    lambda name, version, model, system, tokens, betas, turns, url, component: Agent(
        name,
        version,
        model,
        system,
        {"max_tokens": tokens},
        limits=Limits(max_turns=turns),
        provider=Provider(base_url=url),
        betas=tuple(betas),
        components={"system prompt": component},
    ),
    *(st.sampled_from("ab"), st.sampled_from("12"), st.sampled_from("mn"), WORDS, st.integers(1, 3)),
    *(st.lists(WORDS, max_size=2), st.integers(1, 2), st.none() | WORDS, WORDS),
)


@given(AGENTS, AGENTS, SAID, SAID, st.sampled_from("xy"), st.sampled_from("xy"))
def test_keys_are_equal_exactly_when_everything_is(
    one: Agent, other: Agent, said: Any, also: Any, here: str, there: str
) -> None:
    """For any two agents, questions and places: same key, same question to the same agent at the same place."""
    assert key_of(one, said, here) == key_of(replace(one), said, here)
    assert (key_of(one, said, here) == key_of(other, also, there)) == ((one, said, here) == (other, also, there))


@pytest.mark.parametrize("said", ["\ud800", [{"type": "text", "text": "a", "n": 2**70}]], ids=["surrogate", "integer"])
def test_what_has_no_canonical_form_has_no_key(said: Any) -> None:
    """Such a question is asked every time."""
    assert key_of(AGENT, said) is None


def test_a_simulated_answer_is_nobody_elses() -> None:
    """The place is part of the key: a simulator's script, an address, another one's."""
    places = (PLACE, "https://api.anthropic.com:8443", "agentctl simulator sha256:1", "agentctl simulator sha256:2")
    assert len({key_of(AGENT, place=place) for place in places}) == len(places)
