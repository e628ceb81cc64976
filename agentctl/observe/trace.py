"""`Trace`: a run on a screen, as it happens, and the same when it is read back.

A trace is a function of the entries. The pieces of a reply that arrive early (`delta`) only move its text forward in
time; what stands on the screen when the reply is complete is what the stored reply alone would have put there. Only the
text of an attempt that failed half-way cannot be read back: it is not stored, since it was never said.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

from rich.console import Console

from agentctl.agent.events import (
    Approved,
    Block,
    Delegated,
    Entry,
    Event,
    FellBack,
    GuardRuled,
    HandedOff,
    ModelAsked,
    ModelFailed,
    ModelReplied,
    Observed,
    Recalled,
    Resumed,
    RunEnded,
    RunStarted,
    Settled,
    ToolCalled,
    ToolReturned,
    UserSaid,
)
from agentctl.agent.run import Usage
from agentctl.observe.clean import clean
from agentctl.observe.figures import age, seconds, tokens
from agentctl.observe.page import DOT, INDENT, Page
from agentctl.observe.preview import compact, content_text, one_line
from agentctl.observe.speech import Speech
from agentctl.observe.totals import Price, Totals

SETTLED: Final = {"repeat": "is run again", "happened": "took effect", "abandoned": "is left as it is"}
ERROR_LINES: Final = 3
LEAST: Final = 6
"""Cells a preview gets, however little room is left."""


class Trace:
    """A sink (`trace(entry)`) and a listener to deltas (`trace.delta`), drawing on one Rich console.

    `price` is asked for every reply (None: nothing is said of cost); `show_thinking=False` leaves one line of how much
    was thought; `show_user=False` leaves out what the person typed on this very screen; with `details=False` only what
    was said and what went wrong is drawn. While `muted`, entries are counted and not drawn.
    """

    def __init__(
        self,
        console: Console,
        *,
        price: Price | None = None,
        show_thinking: bool = True,
        show_user: bool = True,
        details: bool = True,
    ) -> None:
        self.totals = Totals(price)
        self.show_user, self.details = show_user, details
        self._page = Page(console)
        self._speech = Speech(self._page, shows_thinking=show_thinking)
        self._failing = False
        """Whether an attempt failed last: whether it is repeated shows in what comes next."""
        self._names: dict[str, str] = {}
        """Tool names by call id."""
        self._together = 0
        """Calls in the last reply."""
        self._turn = 0
        self._asked_at = 0.0
        self._called_at: dict[str, float] = {}

    def __call__(self, entry: Entry) -> None:
        """Draws one entry. Entries come in the order of their run."""
        event = entry.event
        if not isinstance(event, ModelReplied | ModelFailed):
            self._speech.pause()
        self._settle(retried=not isinstance(event, RunEnded | FellBack | Recalled))
        self._draws[type(event)](self, event, entry.at)

    def delta(self, kind: str, piece: str) -> None:
        """Draws a piece of a reply that is still arriving; see `agentctl.agent.ports.OnDelta`."""
        self._settle(retried=True)
        if kind == "restart":
            self._speech.forget()
        elif kind != "thinking" or self.details:
            self._speech.hear(kind, piece)

    def close(self) -> None:
        """Ends a line that is still open."""
        self._speech.pause()
        self._settle(retried=False)

    @property
    def muted(self) -> bool:
        """Whether entries are only counted."""
        return self._page.muted

    @muted.setter
    def muted(self, muted: bool) -> None:
        self._page.muted = muted

    @property
    def show_thinking(self) -> bool:
        """Whether thinking is drawn in full."""
        return self._speech.shows_thinking

    @show_thinking.setter
    def show_thinking(self, show: bool) -> None:
        self._speech.shows_thinking = show

    def _started(self, event: RunStarted, _at: float) -> None:
        self._speech.speaker = event.agent
        if self.details:
            parent = f"{DOT}from {event.parent}" if event.parent else ""
            self._page.line(f"{event.agent}{DOT}{event.model}{parent}", "dim", indent="")

    def _user_said(self, event: UserSaid, at: float) -> None:
        self.totals.said(at)
        self._speech.listen()
        if self.show_user:
            self._page.write(("\nyou\n", "bold green"))
            self._page.block(clean(content_text(event.content)))

    def _model_asked(self, event: ModelAsked, at: float) -> None:
        self.totals.turns += event.turn != self._turn  # one that stands in answers the same turn
        self._asked_at, self._turn = at, event.turn
        self._speech.forget()
        self._speech.head()  # a sign of life while the model is silent

    def _model_replied(self, event: ModelReplied, at: float) -> None:
        shown = [block for block in event.content if self.details or block.get("type") != "thinking"]
        self._speech.complete(shown)
        names = {block["id"]: block["name"] for block in event.content if block.get("type") == "tool_use"}
        self._names |= names
        self._together = len(names)
        cost = self.totals.replied(event, at)
        if not self.details:
            return
        self._speech.head()
        for block in event.content:
            self._server_tool(block)
        took = [seconds(at - self._asked_at)] if at else []
        usage = tokens(Usage.of(event.usage))
        self._page.figures([f"turn {self._turn}", *took, *usage, *self.totals.cost_parts(cost)])

    def _recalled(self, event: Recalled, at: float) -> None:
        self.totals.recalled(at)
        self._speech.forget()
        self._speech.complete(event.content)
        self._page.figures([f"cached answer, {age(event.age_seconds)} old", f"from run {event.run}", event.model])

    def _server_tool(self, block: Block) -> None:
        """A tool that the API ran itself stands in the reply, both its call and its result."""
        kind = str(block.get("type"))
        if kind == "server_tool_use":
            self._page.line(f"→ {block.get('name')} {compact(block.get('input'))}{DOT}run by the API")
        elif kind.endswith("_tool_result"):
            self._page.line(f"← {compact(block.get('content'))}", "dim")
        elif kind == "redacted_thinking":
            self._speech.aside("thought; the text is withheld")

    def _model_failed(self, event: ModelFailed, _at: float) -> None:
        void = self._speech.has_arrived
        self._speech.forget()
        self._speech.head()
        wait = f", told to wait {event.retry_after:g} s" if event.retry_after else ""
        if void:
            self._page.line("what it said last is void: the reply broke off", "yellow")
        what = f"attempt {event.attempt} failed: {event.error_type}{wait}: {event.message}"
        self._page.block(one_line(what, ERROR_LINES * self._page.room), "yellow")
        self._failing = True

    def _fell_back(self, event: FellBack, _at: float) -> None:
        self._speech.forget()
        self._speech.head()
        self._page.line(f"{event.reason}: {event.model} is asked instead", "yellow")

    def _settle(self, *, retried: bool) -> None:
        """Says what came of a failed attempt, once it is known."""
        if self._failing and retried:
            self._page.line("retrying", "yellow")
        self._failing = False

    def _tool_called(self, event: ToolCalled, at: float) -> None:
        self._called_at[event.call_id] = at
        if self.details:
            self._speech.head()
            name = one_line(event.name, max(self._page.room - len("→ ") - 1 - LEAST, LEAST))
            arguments = one_line(compact(event.input), max(self._page.room - len(f"→ {name} "), LEAST))
            self._page.write((f"{INDENT}→ ", ""), (name, "bold"), (f" {arguments}\n", ""))

    def _tool_returned(self, event: ToolReturned, at: float) -> None:
        called_at = self._called_at.pop(event.call_id, None)
        self.totals.returned(at)
        if not self.details and not event.is_error:
            return
        one_of_many = called_at is None or self._together > 1 or not self.details
        lead = [one_line(event.name, self._page.room)] if one_of_many else []
        lead += [event.error_type] if event.error_type else []
        lead += [seconds(at - called_at)] if called_at is not None and at else []
        self._speech.head()
        self._result(" ".join(lead), content_text(event.content), failed=event.is_error)

    def _result(self, lead: str, content: str, *, failed: bool) -> None:
        mark, style, lines = ("✗", "red", ERROR_LINES) if failed else ("←", "dim", 1)
        start = " ".join(part for part in (mark, clean(lead)) if part) + (":" if failed else "")
        preview = one_line(content, max(lines * self._page.room - len(start) - 1, LEAST)) or "(empty)"
        if failed:
            self._page.block(f"{start} {preview}", style)
        else:
            self._page.write((f"{INDENT}{start} {preview}\n", style))

    def _approved(self, event: Approved, _at: float) -> None:
        reason = f": {event.reason}" if event.reason else ""
        name = self._names.get(event.call_id, event.call_id)
        self._speech.head()
        self._page.line(f"{name} {'allowed' if event.approved else 'denied'} by {event.by}{reason}", "yellow")

    def _ruled(self, event: GuardRuled, _at: float) -> None:
        if event.verdict != "allow" or self.details:
            reason = f": {event.reason}" if event.reason else ""
            style = "dim" if event.verdict == "allow" else "red"
            self._page.line(f"guard {event.guard} on {event.stage}: {event.verdict}{reason}", style)

    def _settled(self, event: Settled, _at: float) -> None:
        reason = f": {event.reason}" if event.reason else ""
        said = SETTLED.get(event.verdict, event.verdict)
        name = self._names.get(event.call_id, event.call_id)
        self._page.line(f"{name} was interrupted and {said}, says a {event.by}{reason}", "yellow")

    def _resumed(self, event: Resumed, _at: float) -> None:
        self._page.line(f"resumed by {event.by}", "dim", indent="")

    def _delegated(self, event: Delegated, _at: float) -> None:
        self._page.line(f"→ {event.agent}{DOT}run {event.run}", "bold")

    def _handed_off(self, event: HandedOff, _at: float) -> None:
        self._speech.listen()
        self._speech.speaker = event.agent
        self._page.line(f"from here on {event.agent}{DOT}{event.model} answers", "dim")

    def _observed(self, event: Observed, _at: float) -> None:
        if self.details:
            self._page.line(f"seen afterwards: {event.name} = {compact(event.value)}", "dim")

    def _ended(self, event: RunEnded, _at: float) -> None:
        self._speech.listen()
        if event.reason != "completed":
            message = f": {event.message}" if event.message else ""
            self._page.write(("\n", ""))
            self._page.block(clean(f"ended: {event.reason}{message}"), "red", indent="")
            if event.hint:
                self._page.block(clean(f"hint: {event.hint}"), indent="")
        elif self.details:
            self._page.write(("\n", ""))
        if self.details:
            self._page.figures(self.totals.parts(), indent="")

    _draws: ClassVar[dict[type[Event], Callable[[Trace, Any, float], None]]] = {
        RunStarted: _started,
        UserSaid: _user_said,
        GuardRuled: _ruled,
        ModelAsked: _model_asked,
        ModelReplied: _model_replied,
        ModelFailed: _model_failed,
        FellBack: _fell_back,
        Recalled: _recalled,
        Approved: _approved,
        ToolCalled: _tool_called,
        ToolReturned: _tool_returned,
        Settled: _settled,
        Resumed: _resumed,
        Delegated: _delegated,
        HandedOff: _handed_off,
        Observed: _observed,
        RunEnded: _ended,
    }
