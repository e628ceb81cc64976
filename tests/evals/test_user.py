"""Simulated users: a second model speaks, its words are recorded with the run, and a failure says whose it was."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agentctl.agent.ports import Request, WireReply
from agentctl.cassette.file import read
from agentctl.cli.cassettes.prune import first_takes
from agentctl.config.project import Project
from agentctl.errors import ConfigError
from agentctl.evals.divergence import replay_to_divergence
from agentctl.evals.evaluate import evaluate
from agentctl.evals.live import live_player
from agentctl.evals.modes import Match, OnDivergence, RecordMode
from agentctl.evals.plan import plan
from agentctl.evals.prices import Prices
from agentctl.evals.result import CaseResult, Evaluation
from support import till
from support.bench import message
from support.till import edit, replay, text, use

PERSONA = """\
schema: 1
kind: persona
model: claude-sonnet-5-5
instructions: You are in a hurry.
retry: {attempts: 2, base: 0.001, cap: 0.001}
"""

SUITE = """\
schema: 1
kind: suite
agent: till
cases:
  - id: buys-cake
    user: {persona: hurried@1, goal: You want a cake., facts: {thing: cake}, max_turns: 4}
    assert:
      - {type: state, database: till.db, query: "select thing from sales", rows: [[cake], [bread]]}
"""


def speaks(words: str, status: str = "goes_on") -> dict[str, Any]:
    """What a user's model replies."""
    return message(use("speak", "toolu_s", reason="so", status=status, message=words), stop="tool_use")


BUYS = [speaks("Hello"), speaks("A cake please"), speaks("", "reached")]
SELLS = [
    message(text("What would you like?")),
    message(use("book", "toolu_b", thing="cake"), stop="tool_use"),
    message(text("Sold.")),
]


@dataclass
class Two:
    """A wire for both models: it tells them apart by the tools they are offered."""

    user: list[Any] = field(default_factory=lambda: list(BUYS))
    agent: list[Any] = field(default_factory=lambda: list(SELLS))
    sent: int = 0
    asked: list[Request] = field(default_factory=list)

    async def send(self, request: Request) -> WireReply:
        """The next reply of the one who is asked."""
        self.sent += 1
        self.asked.append(request)
        speaks_up = request.body.get("tool_choice", {}).get("name") == "speak"
        said = (self.user if speaks_up else self.agent).pop(0)

        async def body() -> AsyncIterator[bytes]:
            yield json.dumps(said).encode()

        return WireReply(200, {"content-type": "application/json"}, body())


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The till, with a case whose user is simulated."""
    made = till.lay_down(tmp_path, SUITE)
    persona = tmp_path / "prompts/hurried/v1.yaml"
    persona.parent.mkdir()
    persona.write_text(PERSONA)
    return made


def record(project: Project, wire: Two | None = None, *, live_tools: bool = False, **options: Any) -> Evaluation:
    """One evaluation that records what is missing or stale."""
    wire = wire or Two()

    @asynccontextmanager
    async def go_live(_agent: Any) -> AsyncIterator[till.Live]:
        yield till.Live(wire)  # type: ignore[arg-type]  another canned wire

    async def body() -> Evaluation:
        jobs, mode = plan(project, **options), RecordMode.NONE if live_tools else RecordMode.NEW_EPISODES
        async with live_player(jobs, mode=mode, live_tools=live_tools, go_live=go_live) as player:
            return await evaluate(jobs, prices=Prices(), live=player)

    return asyncio.run(body())


def only(evaluation: Evaluation) -> CaseResult:
    """The one result."""
    (case,) = evaluation.cases
    return case


def test_both_sides_are_recorded_and_replayed(project: Project) -> None:
    """One file holds both streams; a replay asks nobody, and gives the same run."""
    live = only(record(project, wire := Two()))
    assert (live.status, wire.sent) == ("pass", 6)
    assert live.user is not None
    assert live.user.to_json()["user"] == {"persona": "hurried@1", "turns": 2, "left": "reached", "reason": "so"}
    again = replay(project)
    assert (only(again).status, again.network, again.tools_executed) == ("pass", 0, 0)
    assert live.outcome is not None
    seen = only(again).outcome
    assert seen is not None
    assert [entry.event for entry in seen.run.entries] == [entry.event for entry in live.outcome.run.entries]
    cassette = read(project.cassettes / "till/buys-cake.yaml")
    assert (cassette.takes[0].interactions, cassette.takes[0].user) == ((0, 1, 2), (3, 4, 5))
    assert seen.turns == 3, "the user's turns are not the agent's"


def test_what_the_user_is_shown(project: Project) -> None:
    """The goal and the facts, the conversation in marks, and no tool of the agent's."""
    record(project, wire := Two())
    first, last = wire.asked[0].body, wire.asked[-1].body
    assert "You want a cake." in first["system"][0]["text"]
    assert "- thing: cake" in first["system"][0]["text"]
    assert "has not begun" in first["messages"][0]["content"]
    shown = last["messages"][0]["content"]
    assert "Sold." in shown
    assert "toolu_b" not in shown


@pytest.mark.parametrize(
    ("old", "new", "component"),
    [
        ("You want a cake.", "You want two cakes.", "user goal"),
        ("max_turns: 4", "max_turns: 5", "user goal"),
        ("hurry", "rush", "user persona"),
    ],
)
def test_another_user_makes_it_stale(project: Project, old: str, new: str, component: str) -> None:
    """What they want and who they are is named apart from what the agent is."""
    record(project)
    suite, persona = project.evals / "till.yaml", project.prompts / "hurried/v1.yaml"
    edit(persona if component == "user persona" else suite, old, new)
    stale = only(replay(project))
    assert (stale.status, stale.stale) == ("stale", (component,))


def test_a_user_who_left_too_early_is_at_fault(project: Project) -> None:
    """They never said what they came for: the case fails, and says that it is not the agent's doing."""
    wire = Two(user=[speaks("Hello"), speaks("", "gave_up")])
    record(project, wire)
    failed = only(replay(project))
    assert failed.status == "fail"
    assert failed.to_json()["user_fault"] == "it was asked and left (gave up) without saying its thing"


def test_a_user_who_believed_the_agent_is_not(project: Project) -> None:
    """Everything was said, the agent claimed what it had not done, and the user went: that is the agent's failure."""
    claims = [message(text("What would you like?")), message(text("Sold."))]
    record(project, Two(agent=claims))
    failed = only(replay(project))
    assert (failed.status, failed.to_json()["user_fault"]) == ("fail", None)


def test_a_user_who_was_never_asked_is_not(project: Project) -> None:
    """An agent that acts without asking is the one that failed, whatever the user might still have said."""
    record(project, Two(user=[speaks("Hello"), speaks("", "reached")], agent=[message(text("I gave you tea."))]))
    failed = only(replay(project))
    assert (failed.status, failed.to_json()["user_fault"]) == ("fail", None)


def test_a_user_speaks_so_often_and_no_more(project: Project) -> None:
    """The conversation ends there; that alone is nobody's fault."""
    edit(project.evals / "till.yaml", "max_turns: 4", "max_turns: 1")
    record(project, wire := Two())
    failed = only(replay(project))
    assert failed.user is not None
    assert failed.user.left is not None
    assert (failed.user.left.why, failed.user.fault, wire.sent) == ("max_turns", "", 2)


@pytest.mark.parametrize(
    "said",
    [
        message(text("Hello there!")),
        speaks("", "goes_on"),
        speaks("x", "elsewhere"),
        message(use("speak", "toolu_s", status="goes_on"), stop="tool_use"),
        message(use("speak", "toolu_s", reason="", status="goes_on", message="Hel"), stop="max_tokens"),
    ],
)
def test_a_user_who_says_nothing_that_counts_is_an_error(project: Project, said: dict[str, Any]) -> None:
    """Neither a fail of the agent nor a recording."""
    found = only(record(project, Two(user=[said])))
    assert found.status == "error"
    assert "the user hurried@1" in found.reason
    assert not (project.cassettes / "till/buys-cake.yaml").exists()


def test_live_tools_meet_the_recorded_user(project: Project) -> None:
    """The tools run for real, and the user says what they said."""
    record(project)
    found = record(project, Two(user=[], agent=[]), live_tools=True)
    assert (only(found).status, found.network, found.tools_executed) == ("pass", 0, 1)


def test_beyond_the_recording_it_is_refused(project: Project) -> None:
    """What nobody recorded a user cannot answer: an error that says so, and no guess."""
    record(project)
    (job,) = plan(project)
    (found,) = asyncio.run(replay_to_divergence(job, Prices(), Match.LENIENT, OnDivergence.FAIL))
    assert found.status == "error"
    assert "a simulated user says what is recorded" in found.reason


def test_takes_are_pruned_with_their_users(project: Project) -> None:
    """Of two takes the first keeps both of its streams, and plays."""
    edit(project.evals / "till.yaml", "    user:", "    repeat: 2\n    user:")
    record(project, Two(user=[*BUYS, *BUYS], agent=[*SELLS, *SELLS]))
    path = project.cassettes / "till/buys-cake.yaml"
    kept = first_takes(read(path), 1)
    assert len(kept.interactions) == 6
    assert kept.takes[0].user == (3, 4, 5)


def test_a_first_message_may_be_given(project: Project) -> None:
    """Then the model is asked for the rest only."""
    edit(project.evals / "till.yaml", "    user:", "    input: Hello\n    user:")
    found = only(record(project, wire := Two(user=BUYS[1:])))
    assert (found.status, wire.sent) == ("pass", 5)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("hurried@1", "harried@1", "there is no document harried"),
        ("hurried@1", "till@1", "this is a document of kind agent, not persona"),
        ("max_turns: 4", "max_turn: 4", "max_turn"),
        ("    user:", "    input: [Hi, Bye]\n    user:", "`input` is its first message alone"),
        ("    user:", "    transcript: true\n    user:", "a transcript has no simulated user"),
    ],
)
def test_a_wrong_user_is_named(project: Project, old: str, new: str, problem: str) -> None:
    """Before anything runs, with its place."""
    edit(project.evals / "till.yaml", old, new)
    with pytest.raises(ConfigError) as raised:
        plan(project)
    assert problem in str(raised.value)


def test_a_persona_says_its_effort_once(project: Project) -> None:
    """One of two would be sent, and nobody could tell which."""
    both = "params: {effort: low, output_config: {effort: high}}\nretry:"
    edit(project.prompts / "hurried/v1.yaml", "retry:", both)
    with pytest.raises(ConfigError, match="`effort` says low and `output_config` says high"):
        plan(project)


def test_a_persona_that_thinks_is_refused(project: Project) -> None:
    """The API takes no forced call with thinking on, and what the user says is one."""
    edit(project.prompts / "hurried/v1.yaml", "retry:", "params: {thinking: {type: adaptive}}\nretry:")
    with pytest.raises(ConfigError, match="`thinking` does not belong in a persona"):
        plan(project)
