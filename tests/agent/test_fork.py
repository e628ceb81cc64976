"""A fork begins with every fact that its turn was decided on, and with none that came of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agentctl.agent import fork
from agentctl.agent.drive import drive
from agentctl.agent.events import Event, ModelAsked, ToolReturned, UserSaid
from agentctl.agent.loop import AskModel, decide
from agentctl.agent.run import Run
from agentctl.errors import UsageError
from support.scripted import ScriptedModel, ScriptedTools, agent, call, reply, says, text

SPEC = agent(max_turns=9)


def session() -> list[Event]:
    """Two things said; three turns on the first, with calls side by side, and one on the second."""
    model = ScriptedModel(
        reply(call("look", "toolu_a"), call("look", "toolu_b")),
        reply(call("look", "toolu_c")),
        reply(text("Found.")),
        reply(text("Bye.")),
    )
    done = drive(SPEC, Run(), model=model, tools=ScriptedTools(), hear=says("Look", "Thanks"))
    return asyncio.run(done).events


def ask_again(beginning: list[Event], *steps: Any) -> list[Event]:
    """The fork driven to its end."""
    done = drive(SPEC, Run.of(beginning), model=ScriptedModel(*steps), tools=ScriptedTools(), hear=says())
    return asyncio.run(done).events


@pytest.mark.parametrize("turn", [1, 2, 3, 4])
def test_the_next_move_is_to_ask_for_that_turn(turn: int) -> None:
    """Wherever a run is cut, the loop goes on with the turn it is cut at, and knows all that was known then."""
    events = session()
    beginning = fork.before_turn(events, turn)
    assert decide(SPEC, Run.of(beginning)) == AskModel(turn, SPEC.model)
    assert events[: len(beginning)] == beginning
    assert isinstance(events[len(beginning)], ModelAsked)


def test_a_fork_that_changes_nothing_is_the_run() -> None:
    """The same answers lead to the same facts."""
    events = session()
    beginning = fork.before_turn(events, 3)
    again = ask_again(fork.with_words(fork.before_turn(events, 4), "Thanks"), reply(text("Bye.")))
    assert again == events
    assert ask_again(beginning, reply(text("Found.")))[: len(beginning) + 2] == events[: len(beginning) + 2]


def test_after_the_last_turn_somebody_has_to_speak() -> None:
    """The turn that never was: nobody waits for the model until the user says something."""
    beginning = fork.before_turn(session(), 5)
    assert not Run.of(beginning).awaits_model
    assert decide(SPEC, Run.of(fork.with_words(beginning, "One more thing"))) == AskModel(5, SPEC.model)


@pytest.mark.parametrize("turn", [0, 6, -1])
def test_there_is_no_such_turn(turn: int) -> None:
    """The error says how many there are."""
    with pytest.raises(UsageError, match=f"no turn {turn} to go on from: the run has 4"):
        fork.before_turn(session(), turn)


def test_other_words() -> None:
    """What the user said last is replaced where the turn answers them, and followed where it answers a tool."""
    events = session()
    assert fork.with_words(fork.before_turn(events, 1), "Stop")[-1] == UserSaid("Stop")
    assert sum(isinstance(event, UserSaid) for event in fork.with_words(fork.before_turn(events, 1), "Stop")) == 1
    inside = Run.of(fork.with_words(fork.before_turn(events, 2), "And hurry"))
    assert inside.messages[-1]["content"][-1] == {"type": "text", "text": "And hurry"}


def test_another_result() -> None:
    """It stands in the place of the old one, no error whatever that was; the turn that knew it first is named."""
    events = session()
    changed = fork.with_result(events, "toolu_b", "nothing")
    assert [event for event in changed if event not in events] == [ToolReturned("toolu_b", "look", "nothing")]
    assert fork.turn_after(events, "toolu_b") == 2
    assert fork.turn_after(events, "toolu_c") == 3


@pytest.mark.parametrize(("name", "found"), [("toolu_c", "toolu_c"), ("_b", "toolu_b")])
def test_a_call_is_named_by_its_id_or_its_end(name: str, found: str) -> None:
    """As run ids are."""
    assert fork.call_named(session(), name) == found


@pytest.mark.parametrize(
    ("name", "complaint"), [("look", "fits several calls: toolu_a"), ("x", "no answered call fits")]
)
def test_a_call_that_cannot_be_told(name: str, complaint: str) -> None:
    """Several or none: the calls are listed."""
    with pytest.raises(UsageError, match=complaint) as caught:
        fork.call_named(session(), name)
    assert "toolu_b" in f"{caught.value} {caught.value.hint}"
