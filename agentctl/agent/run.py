"""`Run`: everything that follows from the facts so far, folded one event at a time.

The fold is incremental and append-only: a message that is in `messages` is never changed afterwards (a user message
that grows is replaced by a new object), so whoever hashed or serialised it may keep what it computed, and a turn costs
what is new in it. Nothing here is stored anywhere; `Run.of(events)` gives it all back.

What goes back to the API follows its rules (platform docs, "Handling stop reasons" and "Tool use"): every `tool_use`
is answered exactly once, all answers of a turn in one user message in the order of the calls, before anything else the
user says; thinking blocks untouched; no empty text; a tool call that the model did not finish asking for
(`stop_reason` other than `tool_use`) leaves no trace; a refused reply is not sent back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from msgspec import Struct

from agentctl.agent.events import (
    Approved,
    Block,
    Entry,
    Event,
    FellBack,
    HandedOff,
    JsonObject,
    ModelAsked,
    ModelFailed,
    ModelReplied,
    Recalled,
    RunEnded,
    RunStarted,
    Settled,
    ToolCalled,
    ToolReturned,
    UserSaid,
)


class Usage(Struct, frozen=True):
    """Tokens, as billed. `input_tokens` leaves out those read from or written to the prompt cache, as on the wire."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0

    @classmethod
    def of(cls, wire: JsonObject) -> Usage:
        """The usage object of a reply; a field that is missing, negative or no whole number counts as 0."""
        return cls().with_reply(wire)

    def with_reply(self, wire: JsonObject) -> Usage:
        """This and the usage object of one more reply; see `of`."""
        told = [wire.get(name) for name in self.__struct_fields__]
        return self + Usage(*[each if type(each) is int and each > 0 else 0 for each in told])

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cache_read_input_tokens + other.cache_read_input_tokens,
            self.cache_creation_input_tokens + other.cache_creation_input_tokens,
        )

    @property
    def all_input(self) -> int:
        """Input tokens of every kind."""
        return self.input_tokens + self.cache_read_input_tokens + self.cache_creation_input_tokens

    def to_json(self) -> dict[str, int]:
        """The four counts by name."""
        return {name: getattr(self, name) for name in self.__struct_fields__}


class Run:
    """The fold of one run. Feed it with `append` (new facts) or build it with `of` (stored facts)."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.messages: list[JsonObject] = []
        """The conversation as the next request carries it."""
        self.started: RunStarted | None = None
        self.ended: RunEnded | None = None
        """The end, while it is the last word: a run that goes on after its end is open again."""
        self.agent: str = ""
        """The agent in charge, `name@version`; a hand-off changes it."""
        self.reply: ModelReplied | Recalled | None = None
        """The last reply; None once something newer waits for the model."""
        self.calls: dict[str, Block] = {}
        """The `tool_use` blocks of the last reply by id, in order, until all are answered."""
        self.called: set[str] = set()
        """Ids whose ToolCalled stands."""
        self.settled: dict[str, str] = {}
        """What was ruled on calls that a dead process left open, by id."""
        self.approvals: dict[str, Approved] = {}
        self.results: dict[str, ToolReturned] = {}
        self.standby = ""
        """The model that is asked in place of the agent's own; empty while that one is."""
        self.authors: dict[int, str] = {}
        """Which model was asked for each of the assistant's messages, by its place in `messages`."""
        self.turns = 0
        """Replies asked for in the whole run."""
        self.turns_since_said = 0
        """Replies asked for since the user last spoke."""
        self.usage = Usage()
        self.replies: list[ModelReplied] = []
        """Every reply of a model, refusals too."""
        self.failures: list[ModelFailed] = []
        self._model = ""
        """The model asked last."""
        self._repeats = False
        """Whether the turn that was asked for last has no reply: whoever asks next, of whichever model, asks again."""

    @classmethod
    def of(cls, events: Iterable[Event]) -> Run:
        """The fold of these events; their entries carry no time."""
        run = cls()
        for event in events:
            run.append(event, at=0.0)
        return run

    def append(self, event: Event, at: float) -> Entry:
        """Takes the next fact, `at` seconds since the epoch."""
        entry = Entry(len(self.entries), at, event)
        self.entries.append(entry)
        self.ended = None
        fold = self._folds.get(type(event))
        if fold is not None:
            fold(self, event)
        return entry

    @property
    def events(self) -> list[Event]:
        """The facts without order and time."""
        return [entry.event for entry in self.entries]

    @property
    def unanswered(self) -> list[Block]:
        """The `tool_use` blocks that still need their result, in order."""
        return [block for call_id, block in self.calls.items() if call_id not in self.results]

    @property
    def awaits_model(self) -> bool:
        """Whether something was said or returned that the model has not answered."""
        if self.reply is not None and self.reply.stop_reason != "pause_turn":
            return False
        return bool(self.messages) and not self.calls

    @property
    def next_turn(self) -> int:
        """The number of the reply to ask for: one that never came is asked for again, be it of another model."""
        return self.turns + (not self._repeats)

    @property
    def text(self) -> str:
        """The answer: the text of the last reply, its blocks joined; empty while there is none.

        Of a run that ended `degraded`, what the user was told instead.
        """
        if self.ended is not None and self.ended.reason == "degraded":
            return self.ended.message
        for entry in reversed(self.entries):
            if isinstance(entry.event, (ModelReplied, Recalled)):
                return text_of(entry.event.content)
        return ""

    def _started(self, event: RunStarted) -> None:
        self.started, self.agent = event, event.agent

    def _said(self, event: UserSaid) -> None:
        self._user(event.content)
        self.turns_since_said = 0
        self.standby, self._repeats = "", False
        self.reply = None

    def _asked(self, event: ModelAsked) -> None:
        if not self._repeats:
            self.turns += 1
            self.turns_since_said += 1
        self._repeats, self._model = True, event.model

    def _fell_back(self, event: FellBack) -> None:
        self.standby = event.model

    def _failed(self, event: ModelFailed) -> None:
        self.failures.append(event)

    def _approved(self, event: Approved) -> None:
        self.approvals[event.call_id] = event

    def _called(self, event: ToolCalled) -> None:
        self.called.add(event.call_id)
        self.settled.pop(event.call_id, None)  # begun once more, it is as open as it was

    def _settled(self, event: Settled) -> None:
        self.settled[event.call_id] = event.verdict

    def _handed_off(self, event: HandedOff) -> None:
        self.agent = event.agent

    def _replied(self, event: ModelReplied) -> None:
        self.reply, self._repeats = event, False
        self.replies.append(event)
        self.usage = self.usage.with_reply(event.usage)
        if event.stop_reason == "refusal":
            return
        keeps_calls = event.stop_reason == "tool_use"
        content = [block for block in event.content if _goes_back(block, keeps_calls=keeps_calls)]
        messages = self.messages
        if content and messages and messages[-1]["role"] == "assistant":  # it goes on after a pause
            messages[-1] = {"role": "assistant", "content": messages[-1]["content"] + content}
        elif content:
            self.authors[len(messages)] = self._model
            messages.append({"role": "assistant", "content": content})
        if keeps_calls:
            self.calls = {block["id"]: block for block in content if block.get("type") == "tool_use"}
            self.called, self.results, self.approvals, self.settled = set(), {}, {}, {}

    def _recalled(self, event: Recalled) -> None:
        """What was said before is said again: it stands in the conversation as a reply does, and costs nothing."""
        self.reply, self._repeats = event, False
        self.authors[len(self.messages)] = event.model
        self.messages.append({"role": "assistant", "content": event.content})

    def _returned(self, event: ToolReturned) -> None:
        self.results[event.call_id] = event
        if self.calls and all(call_id in self.results for call_id in self.calls):
            self._user([_result_block(self.results[call_id]) for call_id in self.calls])
            self.calls = {}
            self.reply = None

    def _ended(self, event: RunEnded) -> None:
        self.ended, self._repeats = event, False

    def _user(self, content: str | list[Block]) -> None:
        messages = self.messages
        if messages and messages[-1]["role"] == "user":
            messages[-1] = {"role": "user", "content": _blocks(messages[-1]["content"]) + _blocks(content)}
        else:
            messages.append({"role": "user", "content": content})

    _folds: ClassVar[dict[type[Event], Callable[[Run, Any], None]]] = {
        RunStarted: _started,
        UserSaid: _said,
        ModelAsked: _asked,
        ModelFailed: _failed,
        FellBack: _fell_back,
        ModelReplied: _replied,
        Recalled: _recalled,
        Approved: _approved,
        ToolCalled: _called,
        ToolReturned: _returned,
        Settled: _settled,
        HandedOff: _handed_off,
        RunEnded: _ended,
    }
    """What each kind of fact changes; the kinds that are missing change nothing that is asked here."""


def text_of(content: str | list[Block]) -> str:
    """The text blocks of a content, joined without a separator."""
    if isinstance(content, str):
        return content
    return "".join(block.get("text", "") for block in content if block.get("type") == "text")


def _blocks(content: str | list[Block]) -> list[Block]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _goes_back(block: Block, *, keeps_calls: bool) -> bool:
    """Whether the API takes this block of its own reply back as it is."""
    kind = block.get("type")
    if kind == "text":
        return bool(block.get("text"))
    if kind == "thinking":
        return bool(block.get("signature"))  # one that was cut off has none, and is refused
    if "partial_json" in block:
        return False
    return keeps_calls or kind != "tool_use"


def _result_block(result: ToolReturned) -> Block:
    block: Block = {"type": "tool_result", "tool_use_id": result.call_id, "content": result.content}
    if result.is_error:
        block["is_error"] = True
    return block
