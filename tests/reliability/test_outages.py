"""What an agent does while its model is out: over a real socket, with faults, through the one client there is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from agentctl.agent.drive import drive
from agentctl.agent.events import Event, FellBack, ModelAsked, ModelFailed, ModelReplied, ToolCalled
from agentctl.agent.run import Run
from agentctl.agent.spec import Agent, Breaker, Fallback, Limits, Provider, Retry, ToolSpec
from agentctl.agent.values import replace
from agentctl.cassette.play import RecordedWire
from agentctl.cassette.rebuild import rebuilt
from agentctl.cassette.tape import Cassette, Header, Take
from agentctl.cli.breakers import SharedStates
from agentctl.config.check import check
from agentctl.config.yamls import load_yaml
from agentctl.model.breaker import States
from agentctl.model.claude import ClaudeWire
from agentctl.model.client import WireModel
from agentctl.model.health import Health
from agentctl.simulator.faults.plan import FaultRule, Plan
from agentctl.simulator.script import Script
from agentctl.simulator.server import Simulator
from support.desk import agentctl, lay_down
from support.scripted import ScriptedTools, says

SCRIPT = """
schema: 1
kind: simulator
rules:
  - when: {results: none}
    reply:
      thinking: Which order is it? I have to look it up first.
      text: Let me look that order up for you, it will only take a moment.
      tools: [{look: {order: ORD-1042, note: "quite a long note, so that its input comes in several pieces"}}]
default: {text: It is on its way.}
"""
MODELS = ("claude-sonnet-5-5", "claude-haiku-5-5", "claude-opus-5-5")
LOOK = {"name": "look", "description": "Looks.", "input_schema": {"type": "object"}}
AGENT = Agent(
    name="desk",
    version="1",
    model=MODELS[0],
    system="You help.",
    params={"max_tokens": 2000, "thinking": {"type": "enabled", "budget_tokens": 1024}},
    tools=(ToolSpec("look", LOOK, handler="/x.py:look"),),
    retry=Retry(attempts=1, base=0.0),
    limits=Limits(max_seconds=10.0, idle_seconds=0.3),
    fallbacks=(Fallback(MODELS[1]), Fallback(MODELS[2], {"thinking": None})),
)


async def _driven(agent: Agent, said: Sequence[str], faults: Sequence[FaultRule], states: States | None) -> _Driven:
    async with Simulator(check(Script, load_yaml(SCRIPT, "s")), faults=Plan(faults)) as server:
        wire = ClaudeWire(Provider(base_url=server.base_url), api_key="simulated")
        health = Health("the simulator", states)
        model = WireModel(wire, agent.retry, limits=agent.limits, health=health, breaker=agent.breaker)
        heard: list[tuple[str, str]] = []
        tools = ScriptedTools({"look": "shipped"})
        try:
            run = await drive(
                agent, Run(), model=model, tools=tools, hear=says(*said), on_delta=lambda *each: heard.append(each)
            )
        finally:
            await wire.aclose()
        return _Driven(run, server, tools, heard)


class _Driven:
    """What came of a run."""

    def __init__(self, run: Run, server: Simulator, tools: ScriptedTools, heard: list[tuple[str, str]]) -> None:
        self.run, self.server, self.tools = run, server, tools
        self.shown = ""
        for kind, piece in heard:
            if kind == "restart":
                self.shown = ""
            elif kind == "text":
                self.shown += piece

    def of(self, kind: type[Event]) -> list[Event]:
        """The events of that kind."""
        return [event for event in self.run.events if isinstance(event, kind)]


def driven(
    agent: Agent = AGENT, *faults: FaultRule, said: Sequence[str] = ("Where is it?",), states: States | None = None
) -> _Driven:
    """A run of the agent against a simulator with these faults."""
    return asyncio.run(_driven(agent, said, faults, states))


OUTAGES = {
    "500": "api_error",
    "503": "api_error",
    "504": "timeout_error",
    "529": "overloaded_error",
    "429": "rate_limit_error",
    "error-event": "overloaded_error",
    "eof,at=tool": "stream_truncated",
    "eof,at=tool-end": "stream_truncated",
    "rst": "connection_error",
    "bad-chunk": "connection_error",
    "stall": "timeout_error",
    "pings": "timeout_error",
}


@pytest.mark.parametrize("fault", OUTAGES)
@pytest.mark.parametrize("place", [1, 2, 3])
def test_the_next_model_answers(fault: str, place: int) -> None:
    """Twelve faults, and as many models of the chain down: the right one answers, nothing is shown or run twice."""
    down = MODELS[:place]
    done = driven(AGENT, *(FaultRule(fault=fault, model=model, times=1) for model in down))
    failed = [event.error_type for event in done.of(ModelFailed) if isinstance(event, ModelFailed)]
    assert failed == [OUTAGES[fault]] * place
    asked = [(event.turn, event.model) for event in done.of(ModelAsked) if isinstance(event, ModelAsked)]
    if place == len(MODELS):
        assert done.run.ended is not None
        assert done.run.ended.reason == "model_error"
        assert (done.of(ToolCalled), done.tools.finished) == ([], [])
        assert asked == [(1, model) for model in MODELS]
        return
    answered = MODELS[place]
    assert asked == [*((1, model) for model in MODELS[: place + 1]), (2, answered)]
    assert [event.model for event in done.of(ModelReplied) if isinstance(event, ModelReplied)] == [answered] * 2
    assert len(done.tools.finished) == 1
    assert done.shown.count("Let me look that order up") == 1
    assert (done.run.turns, done.run.text) == (2, "It is on its way.")
    assert not [served for served in done.server.served if served.error]


def test_inside_a_chain_of_tool_calls_nobody_reads_the_others_thoughts() -> None:
    """The model that stands in gets the calls and results without the thinking, and the API takes it; it stays."""
    done = driven(
        AGENT, FaultRule(fault="529", model=MODELS[0], turn=1, times=1), said=("Where is it?", "And the other?")
    )
    asked = [event.model for event in done.of(ModelAsked) if isinstance(event, ModelAsked)]
    assert asked == [MODELS[0], MODELS[0], MODELS[1], MODELS[0], MODELS[0]]
    assert [served.error for served in done.server.served] == [""] * 5
    assert done.run.ended is not None
    assert done.run.ended.reason == "completed"
    assert done.run.turns == 4


@pytest.mark.parametrize("fault", ["400", "401", "402", "403", "404", "413", "spend-cap", "customer-limit", "redirect"])
def test_what_another_model_would_say_too_is_no_outage(fault: str) -> None:
    """One request, no fallback, no kind words: the caller has to mend it."""
    done = driven(replace(AGENT, degrade="Please call us."), FaultRule(fault=fault))
    assert len(done.server.served) == 1
    assert done.of(FellBack) == []
    assert done.run.ended is not None
    assert done.run.ended.reason == "model_error"


def test_when_nobody_answers_the_user_is_told() -> None:
    """The end says that it is degraded; what the user hears stands where the answer would."""
    agent = replace(AGENT, degrade="We cannot look that up right now. Please call 0800 1234.")
    done = driven(agent, FaultRule(fault="529"))
    assert done.run.ended is not None
    assert done.run.ended.reason == "degraded"
    assert done.run.text == "We cannot look that up right now. Please call 0800 1234."
    assert [event.reason for event in done.of(FellBack) if isinstance(event, FellBack)] == ["overloaded_error"] * 2


def test_an_open_breaker_is_not_asked_again(tmp_path: Path) -> None:
    """Shared by file: another process falls back at once, and the one probe that answers closes it for all."""
    rules = Breaker(window=2, minimum=2, share=1.0, open_seconds=0.4)
    agent = replace(AGENT, breaker=rules, retry=Retry(attempts=2, base=0.0))
    states = SharedStates(tmp_path / "health.db")
    first = driven(agent, FaultRule(fault="529", model=MODELS[0]), states=states)
    assert len([served for served in first.server.served if served.fault]) == 2
    second = driven(agent, states=SharedStates(tmp_path / "health.db"))
    failed = [event.error_type for event in second.of(ModelFailed) if isinstance(event, ModelFailed)]
    assert failed == ["breaker_open"]
    assert [event.model for event in second.of(ModelReplied) if isinstance(event, ModelReplied)] == [MODELS[1]] * 2
    asyncio.run(asyncio.sleep(0.5))
    third = driven(agent, states=states)
    assert [event.model for event in third.of(ModelReplied) if isinstance(event, ModelReplied)] == [MODELS[0]] * 2


def test_an_account_that_may_spend_no_more_is_left_alone() -> None:
    """One request finds the cap; the next ones, of any model, are not sent."""
    done = driven(AGENT, FaultRule(fault="spend-cap"), said=("One?", "Two?"))
    assert len(done.server.served) == 1


async def _outage(clients: int, calls: int) -> tuple[int, int]:
    """Requests that arrived, and calls that were made, by clients of one process while everything fails."""
    async with Simulator(check(Script, load_yaml(SCRIPT, "s")), faults=Plan([FaultRule(fault="529")])) as server:
        wire = ClaudeWire(Provider(base_url=server.base_url), api_key="simulated")
        health = Health("the simulator")
        agent = replace(AGENT, fallbacks=(), retry=Retry(attempts=3, base=0.001), breaker=None)
        agent = replace(agent, limits=Limits())  # on a busy machine, a third of a second is no silence
        model = WireModel(wire, agent.retry, limits=agent.limits, health=health)

        async def one() -> None:
            for _ in range(calls):
                await drive(agent, Run(), model=model, tools=ScriptedTools(), hear=says("Hello?"))

        try:
            await asyncio.gather(*(one() for _ in range(clients)))
        finally:
            await wire.aclose()
        return len(server.served), clients * calls


def test_an_outage_is_not_made_worse() -> None:
    """Three attempts each would be three times the load; the budget keeps it at a tenth more."""
    arrived, made = asyncio.run(_outage(clients=20, calls=5))
    assert made < arrived <= 1.1 * made + 3


@pytest.mark.parametrize("fault", ["529", "eof,at=tool", "rst"])
def test_a_run_that_fell_back_replays_as_it_was(fault: str, tmp_path: Path) -> None:
    """Its recording, rebuilt from its facts, gives the same events: the failure, the change of models, the answer."""
    done = driven(AGENT, FaultRule(fault=fault, model=MODELS[0], turn=1, times=1))
    interactions, take = rebuilt(AGENT, done.run.entries)
    cassette = Cassette(interactions, None, tmp_path / "x.yaml")
    wire = RecordedWire(replace(cassette, header=header(take)), 0)
    model = WireModel(wire, AGENT.retry)
    tools = ScriptedTools({"look": "shipped"})
    again = asyncio.run(drive(AGENT, Run(), model=model, tools=tools, hear=says("Where is it?")))
    assert again.events == done.run.events


def header(take: Take) -> Header:
    """The header of a recording with this one take."""
    return Header("s", "c", AGENT.ref, "", {}, "2026-11-23T00:00:00Z", "agentctl", "agentctl simulator", (take,))


def test_run_says_what_the_user_is_told(tmp_path: Path) -> None:
    """The kind words are the answer on standard output; the exit code, the trace and the document say what they are."""
    lay_down(tmp_path)
    with (tmp_path / "prompts/desk/v1.yaml").open("a") as document:
        document.write("degrade: {message: Please call us.}\nfallbacks: [claude-haiku-5-5]\n")
    (tmp_path / "prompts/desk/simulator.yaml").write_text(
        "schema: 1\nkind: simulator\nrules: []\ndefault: {text: never, fault: 529}\n"
    )
    done = agentctl(tmp_path, "run", "desk", "Hello", "--simulate")
    assert (done.returncode, done.stdout) == (3, "Please call us.\n")
    assert "overloaded_error: claude-haiku-5-5 is asked instead" in done.stderr
    assert done.stderr.count("retrying") == 2
    assert "ended: degraded: Please call us." in done.stderr
    document_ = json.loads(agentctl(tmp_path, "run", "desk", "Hello", "--simulate", "--json").stdout)
    assert (document_["ended"], document_["text"], document_["attempts"]) == ("degraded", "Please call us.", 4)
    assert document_["error"]["type"] == "overloaded_error"
    assert document_["fell_back"][0]["model"] == "claude-haiku-5-5"
