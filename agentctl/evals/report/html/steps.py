"""A run as the page draws it: one step per thing that took time or was said, each with where it stands in the run.

A step begins with the entry that announced it and ends with the entry that answered it, so calls that ran at the same
time overlap here as they did then. Nothing of a run is left out but what names it (ids, signatures, digests): a call
without an answer and a request without a reply are steps too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final

from agentctl.agent.events import (
    Approved,
    Block,
    Delegated,
    Entry,
    Event,
    GuardRuled,
    HandedOff,
    JsonObject,
    ModelAsked,
    ModelFailed,
    ModelReplied,
    Observed,
    Recalled,
    RunEnded,
    RunStarted,
    ToolCalled,
    ToolReturned,
    UserSaid,
    from_json,
    to_json,
)
from agentctl.agent.run import Usage
from agentctl.model.pricing import price

UNSEEN: Final = frozenset({"signature", "cache_control"})
"""Fields of blocks that say nothing to a reader."""


def steps_of(entries: Sequence[JsonObject], cost_usd: float | None) -> list[JsonObject]:
    """The steps of a run from the `entries` of its result, in their order; seconds count from its first entry.

    Raises:
        ValueError: an event is damaged.
        KeyError: an entry is.
    """
    fold = _Fold()
    for data in entries:
        fold.take(Entry(data["seq"], data["at"], from_json(data["event"])))
    _price(fold.steps, cost_usd)
    for step in fold.steps:
        step.pop("wire", None)
    return fold.steps


class _Fold:
    """Reads a run once. An open step is changed until its answer is seen."""

    def __init__(self) -> None:
        self.steps: list[JsonObject] = []
        self._began: float | None = None
        self._turn = 0
        self._asked: JsonObject | None = None
        self._calls: dict[str, JsonObject] = {}

    def take(self, entry: Entry) -> None:
        if self._began is None:
            self._began = entry.at
        at = max(entry.at - self._began, 0.0)
        fold = self._folds.get(type(entry.event))
        if fold is None:
            told = {name: value for name, value in to_json(entry.event).items() if name != "kind"}
            self._step(entry.event.kind, entry.seq, at, told=told)
        else:
            fold(self, entry.event, entry.seq, at)

    def _step(self, kind: str, seq: int, at: float, **fields: Any) -> JsonObject:
        step: JsonObject = {"kind": kind, "seq": seq, "last": seq, "turn": self._turn, "at": round(at, 4), **fields}
        self.steps.append(step)
        return step

    def _started(self, event: RunStarted, seq: int, at: float) -> None:
        self._step("start", seq, at, agent=event.agent, model=event.model, parent=event.parent)

    def _said(self, event: UserSaid, seq: int, at: float) -> None:
        self._step("user", seq, at, content=_content(event.content))

    def _model_asked(self, event: ModelAsked, seq: int, at: float) -> None:
        self._turn = event.turn
        self._asked = self._step("model", seq, at, model=event.model)

    def _replied(self, event: ModelReplied, seq: int, at: float) -> None:
        step = self._asked or self._step("model", seq, at, model=event.model)
        self._asked = None
        _end(step, seq, at)
        usage = Usage.of(event.usage)
        step |= {
            "model": event.model,
            "content": [_block(block) for block in event.content],
            "stop": event.stop_reason,
            "usage": [usage.all_input, usage.cache_read_input_tokens, usage.cache_creation_input_tokens],
            "out": usage.output_tokens,
            "wire": event.usage,
        }
        self._calls |= {block["id"]: block for block in step["content"] if block.get("type") == "tool_use"}

    def _recalled(self, event: Recalled, seq: int, at: float) -> None:
        content = [_block(block) for block in event.content]
        self._step("recalled", seq, at, content=content, run=event.run, age=event.age_seconds)

    def _failed(self, event: ModelFailed, seq: int, at: float) -> None:
        began = self._asked["at"] if self._asked is not None else at
        self._step(
            "failed", seq, began, attempt=event.attempt, error=event.error_type, text=event.message, status=event.status
        )
        _end(self.steps[-1], seq, at)
        if self._asked is not None:  # the next attempt, if there is one, begins here
            self._asked["at"] = round(at, 4)

    def _tool(self, call_id: str, name: str, seq: int, at: float, arguments: Any) -> JsonObject:
        """The step of a call: its one place for what was asked, allowed and answered."""
        open_ = self._calls.get(call_id)
        if open_ is not None and open_.get("kind") == "tool":
            return open_
        if open_ is not None:  # the reply's own block names the call; the step has its arguments
            arguments = open_.pop("input", arguments) if arguments is None else arguments
            open_.pop("input", None)
            name = open_.get("name", name)
        step = self._step("tool", seq, at, name=name, call=call_id, input=arguments)
        self._calls[call_id] = step
        return step

    def _called(self, event: ToolCalled, seq: int, at: float) -> None:
        step = self._tool(event.call_id, event.name, seq, at, event.input)
        step |= {"at": round(at, 4), "input": event.input, "called": seq}

    def _returned(self, event: ToolReturned, seq: int, at: float) -> None:
        step = self._tool(event.call_id, event.name, seq, at, None)
        _end(step, seq, at)
        step |= {"result": _content(event.content), "error": event.error_type}

    def _approved(self, event: Approved, seq: int, at: float) -> None:
        step = self._tool(event.call_id, "", seq, at, None)
        step["approval"] = {"approved": event.approved, "by": event.by, "reason": event.reason}
        step["last"] = seq

    def _ruled(self, event: GuardRuled, seq: int, at: float) -> None:
        what = {"guard": event.guard, "stage": event.stage, "verdict": event.verdict, "text": event.reason}
        self._step("guard", seq, at, **what)

    def _delegated(self, event: Delegated, seq: int, at: float) -> None:
        self._tool(event.call_id, "", seq, at, None)["delegated"] = {"agent": event.agent, "run": event.run}

    def _handed_off(self, event: HandedOff, seq: int, at: float) -> None:
        self._step("handoff", seq, at, agent=event.agent, model=event.model)

    def _observed(self, event: Observed, seq: int, at: float) -> None:
        self._step("observed", seq, at, name=event.name, value=event.value)

    def _ended(self, event: RunEnded, seq: int, at: float) -> None:
        self._step("end", seq, at, reason=event.reason, text=event.message)

    _folds: ClassVar[dict[type[Event], Callable[[_Fold, Any, int, float], None]]] = {
        RunStarted: _started,
        UserSaid: _said,
        GuardRuled: _ruled,
        ModelAsked: _model_asked,
        ModelReplied: _replied,
        ModelFailed: _failed,
        Recalled: _recalled,
        Approved: _approved,
        ToolCalled: _called,
        ToolReturned: _returned,
        Delegated: _delegated,
        HandedOff: _handed_off,
        Observed: _observed,
        RunEnded: _ended,
    }


def _end(step: JsonObject, seq: int, at: float) -> None:
    step["last"], step["took"] = seq, round(max(at - step["at"], 0.0), 4)


def _content(content: str | list[Block]) -> str | list[Block]:
    return content if isinstance(content, str) else [_block(block) for block in content]


def _block(block: Block) -> Block:
    return {key: value for key, value in block.items() if key not in UNSEEN}


def _price(steps: Sequence[JsonObject], cost_usd: float | None) -> None:
    """Gives each reply its share of what the run cost, by list prices: shares add up to what the result says."""
    replies = [step for step in steps if "wire" in step]
    listed = [price(step["model"], step["wire"]) for step in replies]
    known = [each for each in listed if each is not None]
    if cost_usd is None or len(known) < len(listed):
        return
    total = float(sum(known))
    for step, each in zip(replies, known, strict=True):
        step["cost"] = round(cost_usd * float(each) / total, 8) if total else 0.0
