"""Two runs part where one did something that the other did not; what merely names a run is no difference."""

from __future__ import annotations

from typing import Any

from agentctl.agent.events import (
    Event,
    ModelAsked,
    ModelReplied,
    Recalled,
    RunEnded,
    RunStarted,
    ToolCalled,
    ToolReturned,
    UserSaid,
)
from agentctl.agent.values import replace
from agentctl.diffing.runs import first_divergence


def replied(*content: dict[str, Any]) -> ModelReplied:
    """A reply with these blocks."""
    uses = any(block["type"] == "tool_use" for block in content)
    return ModelReplied("msg_1", "claude-sonnet-5-5", list(content), "tool_use" if uses else "end_turn", {})


def text(value: str) -> dict[str, Any]:
    """A block of text."""
    return {"type": "text", "text": value}


def use(call_id: str, **input_: Any) -> dict[str, Any]:
    """A call of a tool."""
    return {"type": "tool_use", "id": call_id, "name": "look", "input": input_}


def run(*events: Event) -> list[Event]:
    """A run in which one thing was said."""
    return [UserSaid("Hello"), ModelAsked(1, "claude-sonnet-5-5"), *events, RunEnded("completed")]


def answered(*calls: tuple[str, str, str]) -> list[Event]:
    """A reply with calls (id, input, result), and their results in the order of the calls."""
    asked = replied(*(use(call_id, at=at) for call_id, at, _ in calls))
    called = [ToolCalled(call_id, "look", {"at": at}) for call_id, at, _ in calls]
    return run(asked, *called, *(ToolReturned(call_id, "look", result) for call_id, _, result in calls))


def test_the_same() -> None:
    """Other ids, another order of the calls of one reply: the same was done."""
    one = answered(("toolu_1", "a", "A"), ("toolu_2", "b", "B"))
    other = answered(("toolu_9", "b", "B"), ("toolu_8", "a", "A"))
    assert first_divergence(one, other) is None
    assert first_divergence(one, one) is None


def test_another_input() -> None:
    """The field of the call that differs, and the turn."""
    found = first_divergence(answered(("toolu_1", "a", "A")), answered(("toolu_2", "b", "A")))
    assert found is not None
    assert (found.turn, found.path, found.old, found.new) == (1, "tool_uses[0].input.at", "a", "b")


def test_another_result() -> None:
    """A result that is JSON is looked into."""
    found = first_divergence(
        answered(("toolu_1", "a", '{"status": "sent"}')), answered(("toolu_2", "a", '{"status": "lost"}'))
    )
    assert found is not None
    assert (found.kind, found.path, found.old, found.new) == ("tool_returned", "content.status", "sent", "lost")


def test_another_kind_of_block() -> None:
    """Thought in one, said in the other: the whole blocks are the difference, not the word for their kind."""
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "x"}
    found = first_divergence(run(replied(text("Yes."))), run(replied(thought, text("Yes."))))
    assert found is not None
    assert (found.path, found.old) == ("content[0]", text("Yes."))
    assert found.new == {"type": "thinking", "thinking": "Hm."}


def test_one_goes_on() -> None:
    """A run that ended where the other went on has no event there."""
    longer = run(replied(text("Yes.")))
    shorter = longer[:-2]
    found = first_divergence(longer, shorter)
    assert found is not None
    assert (found.old_index, found.new_index) == (2, None)
    back = first_divergence(shorter, longer)
    assert back is not None
    assert (back.old_index, back.new_index) == (None, 2)


def test_models_and_usage_say_nothing() -> None:
    """What was spent, and by which model, is told elsewhere."""
    one = replied(text("Yes."))
    assert first_divergence(run(one), run(replace(one, model="other", usage={"input_tokens": 9}))) is None


def test_a_cached_answer() -> None:
    """It is an answer like others: how old it was, of which run, and that nobody was asked makes no difference."""
    began = [RunStarted("a@1", "b", "m"), UserSaid("Open?")]

    def cached(said: str, age: float) -> list[Event]:
        return [*began, Recalled(f"run-{age}", "m", [text(said)], "end_turn", age), RunEnded("completed")]

    asked = [*began, ModelAsked(1, "m"), replied(text("Yes.")), RunEnded("completed")]
    assert first_divergence(cached("Yes.", 1.0), cached("Yes.", 2.0)) is None
    assert first_divergence(cached("Yes.", 1.0), asked) is None
    found = first_divergence(asked, cached("No.", 1.0))
    assert found is not None
    assert (found.old, found.new) == ("Yes.", "No.")
