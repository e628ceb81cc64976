"""A run under reconstruction from its traffic: requests say what was said and returned, replies what was answered.

The decoder of replies lives in another room, so whoever calls hands it in. A `system` message inside a conversation
stands as said by the user, since a run has no other voice for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from agentctl.agent.events import (
    Block,
    Event,
    JsonObject,
    ModelAsked,
    ModelFailed,
    ModelReplied,
    RunEnded,
    RunStarted,
    ToolCalled,
    ToolReturned,
    UserSaid,
)
from agentctl.cassette.match import canonical
from agentctl.errors import ModelError

Decode: TypeAlias = Callable[[int, Mapping[str, str], bytes], ModelReplied]
"""(status, headers, body) -> the reply; raises ModelError."""

ENDS: Final = {
    "end_turn": ("completed", ""),
    "stop_sequence": ("completed", ""),
    "refusal": ("refused", "the model refused"),
    "max_tokens": ("max_tokens", "the reply was cut at max_tokens"),
    "model_context_window_exceeded": ("context_window", "the context window is full"),
    "tool_use": ("interrupted", "the recording ends before the tools have answered"),
    "pause_turn": ("interrupted", "the recording ends while the turn is paused"),
}


@dataclass(frozen=True, slots=True)
class Reply:
    """One recorded answer: `index` counts the file's interactions from 0, `body` is decompressed."""

    index: int
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Retold:
    """A run under reconstruction: the messages seen so far, each by its canonical form, and the events so far."""

    model: str
    name: str
    known: list[bytes] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    failed: ModelFailed | None = None
    stop_reason: str | None = None
    turns: int = 0
    names: dict[str, str] = field(default_factory=dict)
    """Tool names by call id."""
    called: set[str] = field(default_factory=set)
    """Ids of the tool calls in the last reply."""
    indexes: list[int] = field(default_factory=list)
    unheard: bool = False
    """Whether something was said that no reply came after."""

    def goes_on_with(self, messages: list[JsonObject]) -> bool:
        """A failed request is asked again as it was; an answered one grows by the reply and what came after it."""
        seen = len(self.known)
        if len(messages) < seen or [_form(message) for message in messages[:seen]] != self.known:
            return False
        if self.failed is not None:
            return len(messages) == seen
        if len(messages) == seen or messages[seen].get("role") != "assistant":
            return False
        sent_back = {block.get("id") for block in _blocks(messages[seen].get("content"))} - {None}
        return not sent_back or not self.called or not sent_back.isdisjoint(self.called)

    def hear(self, messages: list[JsonObject], *, goes_on: bool = True) -> None:
        """Takes what this request has beyond the last one, but for the reply to that, which is known.

        One that does not go on with the last one is new as a whole.
        """
        new = messages[len(self.known) :] if goes_on else messages
        if goes_on and self.events and self.failed is None:
            new = new[1:]
        self.known = [_form(message) for message in messages]
        self.add(new)
        self.unheard = False

    def add(self, messages: Sequence[JsonObject]) -> None:
        """Takes messages that no reply has come after yet."""
        if not self.events:
            self.events.append(RunStarted(agent=self.name, bundle="", model=self.model))
        self.unheard = self.unheard or bool(messages)
        for message in messages:
            if message.get("role") == "assistant":
                self._said_before(_blocks(message.get("content")))
            else:
                self._user(message.get("content"))

    def answer(self, reply: Reply, decode: Decode) -> None:
        """Takes the reply to the last request."""
        self.indexes.append(reply.index)
        if self.failed is None:
            self.turns += 1
            self.events.append(ModelAsked(self.turns, self.model))
        try:
            replied = decode(reply.status, reply.headers, reply.body)
        except ModelError as error:
            attempt = 1 if self.failed is None else self.failed.attempt + 1
            self.failed = ModelFailed.of(error, attempt)
            self.events.append(self.failed)
            return
        self.failed, self.stop_reason = None, replied.stop_reason
        self.events.append(replied)
        self._call_tools(replied.content)

    def finished(self) -> list[Event]:
        """All events, the end included."""
        if self.unheard:
            end = RunEnded("interrupted", "the recording ends before the model has answered")
        elif self.failed is not None:
            end = RunEnded("model_error", self.failed.message)
        else:
            known = ENDS.get(self.stop_reason or "")
            end = RunEnded(*known) if known else RunEnded("unknown_stop", f"stop_reason {self.stop_reason!r}")
        return [*self.events, end]

    def _user(self, content: Any) -> None:
        if isinstance(content, str):
            self.events.append(UserSaid(content))
            return
        said: list[Block] = []
        for block in _blocks(content):
            if block.get("type") == "tool_result":
                self.events.append(self._returned(block))
            else:
                said.append(block)
        if said:
            self.events.append(UserSaid(said))

    def _returned(self, block: Block) -> ToolReturned:
        call_id = str(block.get("tool_use_id") or "")
        content = block.get("content")
        error_type = "reported" if block.get("is_error") else None
        shown = content if isinstance(content, (str, list)) else ""
        return ToolReturned(call_id, self.names.get(call_id, "unknown"), shown, error_type)

    def _said_before(self, content: list[Block]) -> None:
        """A turn of the assistant that another recording, or someone's hand, put there."""
        content = [_whole_call(block) if block.get("type") == "tool_use" else block for block in content]
        self.turns += 1
        self.events.append(ModelAsked(self.turns, self.model))
        calls = any(block.get("type") == "tool_use" for block in content)
        self.events.append(ModelReplied("", self.model, content, "tool_use" if calls else "end_turn", {}))
        self._call_tools(content)

    def _call_tools(self, content: list[Block]) -> None:
        self.called = set()
        for block in content:
            if block.get("type") == "tool_use" and isinstance(block.get("input"), dict):
                call_id, name = str(block.get("id")), str(block.get("name"))
                self.names[call_id] = name
                self.called.add(call_id)
                self.events.append(ToolCalled(call_id, name, block["input"]))


def _whole_call(block: Block) -> Block:
    """A call that has what readers of a reply rely on: a request is whatever its sender wrote, checked by nobody."""
    input_ = block.get("input")
    return {
        **block,
        "id": str(block.get("id")),
        "name": str(block.get("name")),
        "input": input_ if isinstance(input_, dict) else {},
    }


def _form(message: JsonObject) -> bytes:
    """A message without its cache marks, which move from turn to turn."""
    content = message.get("content")
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    if isinstance(content, list):
        content = [
            {key: value for key, value in block.items() if key != "cache_control"} if isinstance(block, dict) else block
            for block in content
        ]
    return canonical([message.get("role"), content])


def _blocks(content: Any) -> list[Block]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list):
        return []
    return [block if isinstance(block, dict) else {"type": "text", "text": str(block)} for block in content]
