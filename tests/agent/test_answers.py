"""Which answers are given again, and what a run is that got one."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.agent.answers import answer_to_keep, text_blocks
from agentctl.agent.drive import drive
from agentctl.agent.events import (
    Event,
    FellBack,
    ModelAsked,
    ModelFailed,
    ModelReplied,
    Recalled,
    RunEnded,
    RunStarted,
    UserSaid,
    from_json,
    to_json,
)
from agentctl.agent.loop import AskModel, Listen, decide
from agentctl.agent.ports import Request
from agentctl.agent.run import Run
from agentctl.agent.spec import Agent, CachedAnswers, Fallback
from agentctl.agent.values import replace
from agentctl.errors import ApiError, DeadlineExceeded, Unreachable
from support.scripted import ScriptedModel, ScriptedTools, agent, call, reply, says, text

MODEL, OTHER = "claude-sonnet-5-5", "claude-haiku-5-5"
DESK = replace(agent(), cached_answers=CachedAnswers())
LAST_RESORT = replace(DESK, cached_answers=CachedAnswers(when="unavailable"))
DOWN = ApiError("down", type="overloaded_error", status=529, retryable=True)


class Remembered:
    """Answers in memory, by the whole request."""

    def __init__(self) -> None:
        self.kept: dict[bytes, ModelReplied] = {}
        self.looked = 0

    def recall(self, request: Request) -> Recalled | None:
        """What was kept."""
        self.looked += 1
        found = self.kept.get(orjson.dumps(request.body))
        return None if found is None else Recalled("run-1", found.model, text_blocks(found.content), "end_turn", 9.0)

    def keep(self, request: Request, replied: ModelReplied) -> None:
        """Keeps it."""
        self.kept[orjson.dumps(request.body)] = replied


def run(
    answers: Remembered | None, *steps: Any, said: tuple[Any, ...] = ("Are you open?",), on: Agent = DESK
) -> tuple[Run, ScriptedModel]:
    """A run of these steps, and the model that was asked."""
    model = ScriptedModel(*steps)
    done = asyncio.run(drive(on, Run(), model=model, tools=ScriptedTools(), hear=says(*said), answers=answers))
    return done, model


def kinds(done: Run) -> list[str]:
    """The kinds of its events."""
    return [event.kind for event in done.events]


SERVED = ["run_started", "user_said", "recalled", "run_ended"]


def test_the_same_first_question_is_not_asked_again() -> None:
    """The second run has the text of the first one, asks nobody, and uses no token."""
    answers = Remembered()
    first, _ = run(answers, reply(text("Till six.")))
    second, model = run(answers)
    assert (kinds(second), model.requests) == (SERVED, [])
    assert second.text == first.text == "Till six."
    assert second.ended == RunEnded("completed")
    assert (second.turns, second.usage.output_tokens) == (0, 0)
    assert run(answers, reply(text("No.")), said=("Are you closed?",))[0].text == "No."


def test_the_conversation_goes_on_from_a_cached_answer() -> None:
    """The next question is asked with the answer before it, as the first reply that the model gives."""
    answers = Remembered()
    run(answers, reply({"type": "thinking", "thinking": "Hm.", "signature": "x"}, text("Till six.")))
    done, model = run(answers, reply(text("Then too.")), said=("Are you open?", "And tomorrow?"))
    assert kinds(done) == [*SERVED[:-1], "user_said", "model_asked", "model_replied", "run_ended"]
    assert model.requests == [
        [
            {"role": "user", "content": "Are you open?"},
            {"role": "assistant", "content": [text("Till six.")]},
            {"role": "user", "content": "And tomorrow?"},
        ]
    ]
    assert done.turns == 1
    assert len(answers.kept) == 1


def test_a_cached_answer_is_a_fact_like_others() -> None:
    """It loads as it was dumped, the fold is the same, and for every prefix `decide` chooses what comes next."""
    answers = Remembered()
    run(answers, reply(text("Till six.")))
    events = run(answers, reply(text("Yes.")), said=("Are you open?", "Sure?"))[0].events
    again = [from_json(orjson.loads(orjson.dumps(to_json(event)))) for event in events]
    assert again == events
    assert Run.of(again).messages == Run.of(events).messages
    moves = [decide(DESK, Run.of(events[:index])) for index in range(1, len(events) + 1)]
    waits, asks = Listen(), AskModel(1, MODEL)
    assert moves == [waits, asks, waits, asks, asks, waits, waits]


KEEPABLE: dict[str, tuple[list[Any], bool]] = {
    "text": ([reply(text("Yes."))], True),
    "two texts": ([reply(text("Yes"), text(" sir."))], True),
    "stop sequence": ([reply(text("Yes."), stop="stop_sequence")], True),
    "cut": ([reply(text("Ye"), stop="max_tokens")], False),
    "refused": ([reply(text("No."), stop="refusal")], False),
    "refused without words": ([reply(stop="refusal")], False),
    "context": ([reply(text("Ye"), stop="model_context_window_exceeded")], False),
    "unknown stop": ([reply(text("Yes."), stop="compaction")], False),
    "paused": ([reply(text("Wait."), stop="pause_turn"), reply(text("Yes."))], False),
    "tool": ([reply(call("look")), reply(text("Yes."))], False),
    "tool that was not run": ([reply(text("Yes."), call("look"), stop="end_turn")], False),
    "tool of the API": ([reply(text("Yes."), {"type": "server_tool_use", "id": "s"}, stop="end_turn")], False),
    "nothing": ([reply(stop="end_turn")], False),
    "blank": ([reply(text(" \n"))], False),
}


@pytest.mark.parametrize("name", KEEPABLE)
def test_only_a_complete_text_is_kept(name: str) -> None:
    """What was cut off, refused, or came with a tool is asked for each time."""
    steps, keeps = KEEPABLE[name]
    answers = Remembered()
    run(answers, *steps)
    assert bool(answers.kept) is keeps


def test_an_answer_of_another_model_is_not_kept() -> None:
    """Neither of one that stood in, nor of one that the API chose by itself."""
    answers = Remembered()
    backed = replace(DESK, fallbacks=(Fallback(OTHER),))
    done, _ = run(answers, DOWN, replace(reply(text("Yes.")), model=OTHER), on=backed)
    assert (done.text, answers.kept) == ("Yes.", {})
    chosen = replace(DESK, params={**DESK.params, "fallbacks": [{"model": OTHER}]})
    run(answers, replace(reply(text("Yes.")), model=OTHER), on=chosen)
    assert answers.kept == {}
    run(answers, reply(text("Yes.")), on=chosen)
    assert len(answers.kept) == 1


def test_only_the_first_answer_of_a_run_is_kept() -> None:
    """What is said later depends on what went before, and a forked or an interrupted run is none that began here."""
    answers = Remembered()
    run(answers, reply(text("One.")), reply(text("Two.")), said=("Are you open?", "Are you open?"))
    assert [each.content for each in answers.kept.values()] == [[text("One.")]]
    forked = Run.of([RunStarted(DESK.ref, DESK.bundle, MODEL, parent="run-0"), UserSaid("Are you closed?")])
    again = Run.of([RunStarted(DESK.ref, DESK.bundle, MODEL), UserSaid("Hm?"), RunEnded("interrupted")])
    for begun, said in ((forked, None), (again, "Are you closed?")):
        words = says() if said is None else says(said)
        model = ScriptedModel(reply(text("Yes.")))
        asyncio.run(drive(DESK, begun, model=model, tools=ScriptedTools(), hear=words, answers=answers))
        assert len(model.requests) == 1
    assert len(answers.kept) == 1


def test_without_the_agents_word_nothing_is_kept() -> None:
    """An agent that says nothing of cached answers, and a drive without any, ask every time."""
    answers = Remembered()
    silent = replace(DESK, cached_answers=None)
    run(answers, reply(text("Yes.")), on=silent)
    assert (answers.kept, answers.looked) == ({}, 0)
    assert "model_asked" in kinds(run(None, reply(text("Yes.")))[0])


OUTAGES: dict[str, tuple[Any, bool]] = {
    "overloaded": (DOWN, True),
    "unreachable": (Unreachable("gone", type="connection_error"), True),
    "late": (DeadlineExceeded("late", type="deadline"), True),
    "bad request": (ApiError("no", type="invalid_request_error", status=400), False),
    "no key": (ApiError("no", type="authentication_error", status=401), False),
}


@pytest.mark.parametrize("name", OUTAGES)
def test_when_nobody_can_answer(name: str) -> None:
    """`when: unavailable` asks first, and all models of the chain; what the caller did wrong is not hidden."""
    error, helps = OUTAGES[name]
    answers = Remembered()
    backed = replace(LAST_RESORT, fallbacks=(Fallback(OTHER),), degrade="Please call.")
    run(answers, reply(text("Till six.")), on=backed)
    steps = [error, error] if helps and not isinstance(error, DeadlineExceeded) else [error]
    done, model = run(answers, *steps, on=backed)
    assert len(model.requests) == len(steps)
    assert done.ended is not None
    assert (done.ended.reason == "completed", done.text == "Till six.") == (helps, helps)
    assert ("recalled" in kinds(done)) is helps
    assert len(answers.kept) == 1


def test_what_is_kept_for_an_outage_is_always_asked_for_first() -> None:
    """And its answer replaces the one before."""
    answers = Remembered()
    run(answers, reply(text("Till six.")), on=LAST_RESORT)
    done, _ = run(answers, reply(text("Till seven.")), on=LAST_RESORT)
    assert (done.text, answers.looked) == ("Till seven.", 0)
    assert run(answers, DOWN, on=LAST_RESORT)[0].text == "Till seven."
    done, _ = run(answers, DOWN, reply(text("Yes.")), on=LAST_RESORT, said=("Are you open?", "Sure?"))
    assert (done.text, done.turns) == ("Yes.", 2)


BLOCKS = st.sampled_from(
    [
        text("Yes."),
        text(""),
        {"type": "thinking", "thinking": "Hm.", "signature": "x"},
        {"type": "redacted_thinking", "data": "x"},
        call("look"),
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
        {"type": "container_upload", "file_id": "f"},
        {"type": "a_new_kind"},
    ]
)
STOPS = st.sampled_from(["end_turn", "stop_sequence", "max_tokens", "refusal", "tool_use", "pause_turn", "new", None])
FAILED = ModelFailed(1, "overloaded_error", "down", 529, retryable=True)
MIDDLE = st.lists(st.sampled_from([FAILED, FellBack(OTHER, "overloaded_error"), ModelAsked(1, OTHER)]), max_size=3)


@given(st.lists(BLOCKS, max_size=3), STOPS, MIDDLE, st.sampled_from([MODEL, OTHER]), st.sampled_from([None, "p"]))
def test_never_an_answer_that_is_none(
    content: list[Any], stop: str | None, middle: list[Event], asked: str, parent: str | None
) -> None:
    """Whatever came back, however it came: what is kept is whole text of the agent's own model, asked for once."""
    events: list[Event] = [RunStarted("a@1", "b", MODEL, parent=parent), UserSaid("Open?")]
    replied = replace(reply(*content), stop_reason=stop)
    kept = answer_to_keep(DESK, Run.of([*events, ModelAsked(1, asked), *middle, replied]))
    only = {block["type"] for block in content} <= {"text", "thinking", "redacted_thinking"}
    whole = stop in {"end_turn", "stop_sequence"} and only and text("Yes.") in content
    alone = asked == MODEL and parent is None and all(event == FAILED for event in middle)
    assert (kept is replied) == (whole and alone)
    assert kept is None or kept is replied
