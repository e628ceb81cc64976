"""`Chat`: a person and an agent take turns until the person leaves.

The chat is one `drive` whose `hear` is the prompt, so a chat and a script that say the same things leave the same
events. Ctrl-C ends the drive, not the run: the run has an end, `interrupted`, and goes on with what is said next.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from rich.console import Console

from agentctl.agent.events import Entry, RunEnded, RunStarted, ToolCalled, ToolReturned
from agentctl.agent.run import Run
from agentctl.cassette.record import Tape
from agentctl.cli import exits
from agentctl.cli.approval import asking
from agentctl.cli.chat.input import Reader
from agentctl.cli.outcome import price_for
from agentctl.cli.session import Conversation, Session, is_being_cancelled
from agentctl.cli.signals import Signals
from agentctl.config.nearest import nearest
from agentctl.errors import AgentctlError
from agentctl.observe.clean import clean
from agentctl.observe.page import Page
from agentctl.observe.trace import Trace

TWICE_WITHIN: Final = 2.0
"""Seconds between two Ctrl-C that leave."""


@dataclass(frozen=True, slots=True)
class Command:
    """What `/name` does. `act` gets the chat and the rest of the line; what it returns is awaited, if anything.

    It may raise AgentctlError.
    """

    usage: str
    """`/save [FILE]`."""
    summary: str
    act: Callable[[Chat, str], Awaitable[None] | None]

    @property
    def name(self) -> str:
        """`/save`."""
        return self.usage.split()[0]


class Chat:
    """A session on a console, with a reader for what is typed."""

    def __init__(
        self,
        session: Session,
        console: Console,
        reader: Reader,
        commands: Mapping[str, Command],
        signals: Signals,
        *,
        thinking: bool,
    ) -> None:
        self.session, self.console, self.commands = session, console, commands
        self.page = Page(console)
        self.conversation = Conversation(session, tape=Tape())
        self._thinking = thinking
        self._reader = reader
        self._details = True
        self.trace = self._new_trace()
        self.leaving: int | None = None
        """The exit code, once it is time to go."""
        self._turns_page = False
        """Whether the drive is to end although nobody leaves: another conversation or another model."""
        self._signals = signals
        self._main: asyncio.Task[object] | None = None
        self._turn: asyncio.Task[Run] | None = None
        self._listening = False
        self._interrupted_at = -TWICE_WITHIN

    # What commands may do

    def say(self, text: str, style: str = "dim") -> None:
        """Lines of the chat itself, cleaned."""
        self.page.block(clean(text), style, indent="")

    def leave(self, code: int = exits.OK) -> None:
        """Ends the chat after this line."""
        self.leaving = code
        self._signals.leave(code)

    def clear(self) -> None:
        """Begins a new run; the one so far stays stored."""
        self.turn_page()
        self.conversation = Conversation(self.session, tape=Tape())
        self.trace = self._new_trace()

    def turn_page(self) -> None:
        """Lets the next message find the session as it is then."""
        self._turns_page = True

    def resume(self, run_id: str) -> None:
        """Goes on with a stored run: shows its last exchange, and closes what a process that died left open.

        Raises:
            AgentctlError: there is no such run, or it cannot be read.
        """
        stored = self.session.runs.entries(run_id)
        run = Run()
        for entry in stored:
            run.append(entry.event, entry.at)
        self.conversation = Conversation(self.session, run, run_id)
        close_open(self.conversation)
        last = max((entry.seq for entry in run.entries if entry.event.kind == "user_said"), default=0)
        self.trace.show_user = True
        for entry in run.entries:
            self.trace.muted = entry.seq < last or isinstance(entry.event, RunEnded)
            self.trace(entry)
        self.trace.muted = False
        self.trace.show_user = not self._reader.shows_typing

    @property
    def details(self) -> bool:
        """Whether tools, thinking and figures are shown as they happen."""
        return self._details

    @details.setter
    def details(self, details: bool) -> None:
        self._details = self.trace.details = details

    # The conversation

    async def talk(self) -> int:
        """Takes turns until the person leaves; returns the exit code."""
        self._main = asyncio.current_task()
        try:
            with self._signals.stopping(self._terminate, interrupt=self._interrupt):
                while self.leaving is None:
                    said = await self._listen()
                    if said is not None:
                        await self._exchange(said)
        except asyncio.CancelledError:
            if self.leaving is None:
                raise
        finally:
            self.trace.close()
        return self.leaving or exits.OK

    async def _exchange(self, said: str) -> None:
        """Drives until someone leaves, turns the page or interrupts."""
        waiting = [said]

        async def hear() -> str | None:
            return waiting.pop() if waiting else await self._listen()

        self._turns_page = False
        going = self.conversation.go(hear, approve=self._approve, sinks=[self._draw], on_delta=self.trace.delta)
        self._turn = asyncio.ensure_future(going)
        try:
            await self._turn
        except asyncio.CancelledError:
            if is_being_cancelled():
                raise
        finally:
            self._turn = None

    async def _listen(self) -> str | None:
        """What the person says to the agent; None when the drive must end first."""
        while self.leaving is None and not self._turns_page:
            line = await self._line()
            if line.startswith("/") and line[1:2].isalpha():
                await self._command(line)
            elif line.strip():
                return line
        self._turns_page = False
        return None

    async def _line(self) -> str:
        if self._reader.shows_typing:
            self.console.print()
        self._listening = True
        try:
            line = await self._reader.line()
        except EOFError:
            self.leave()
        except KeyboardInterrupt:
            if self._again():
                self.leave(exits.INTERRUPTED)
            else:
                self.say("Ctrl-C again, or Ctrl-D, leaves")
        else:
            self._interrupted_at = -TWICE_WITHIN  # they are not on their way out
            return line
        finally:
            self._listening = False
        return ""

    async def _command(self, line: str) -> None:
        name, _, rest = line.partition(" ")
        command = self.commands.get(name)
        try:
            if command is None:
                hint = nearest(name, list(self.commands), kind="commands")
                self.say(f"there is no command {name}; {hint or '/help lists them'}", "yellow")
            elif (acting := command.act(self, rest.strip())) is not None:
                await acting
        except AgentctlError as error:
            self.say(f"error: {error}", "red")
            if error.hint:
                self.say(f"hint: {error.hint}")

    async def _approve(self, call: ToolCalled) -> tuple[bool, str]:
        if not self._reader.shows_typing:
            return False, "this call needs a person's approval and nobody is at a terminal to give it"
        return await asking(self.console)(call)

    def _draw(self, entry: Entry) -> None:
        """The trace, without what the chat itself has said or the person has seen."""
        event = entry.event
        stopped = isinstance(event, RunEnded) and event.reason == "interrupted"
        between = isinstance(event, RunEnded) and event.reason == "completed" and self.leaving is None
        if isinstance(event, RunEnded):
            self.trace.close()  # a line that is open belongs on the screen
        self.trace.muted = stopped or between or isinstance(event, RunStarted)
        self.trace(entry)
        self.trace.muted = False
        if stopped:
            self.page.write(("\n", ""))
            self.say("stopped; the conversation goes on with what you say next (Ctrl-C again leaves)", "yellow")

    def _new_trace(self) -> Trace:
        return Trace(
            self.console,
            price=price_for(self.session.agent),
            show_thinking=self._thinking,
            show_user=not self._reader.shows_typing,
            details=self._details,
        )

    # Signals

    def _again(self) -> bool:
        """Whether this is the second Ctrl-C in a short time."""
        now = time.monotonic()
        again = now - self._interrupted_at < TWICE_WITHIN
        self._interrupted_at = now
        return again

    def _interrupt(self) -> None:
        """Ctrl-C while the agent works ends its turn; twice leaves; a third time does not wait for anything."""
        again = self._again()
        if self._turn is None or self._listening:
            self.leave(exits.INTERRUPTED)
            assert self._main is not None
            self._main.cancel()
            return
        if again:
            self.leave(exits.INTERRUPTED)
        elif (names := self.conversation.finishing) and not self._turn.cancelling():
            self.say(f"waiting for {', '.join(names)} to finish; Ctrl-C again does not wait", "yellow")
        self._turn.cancel()

    def _terminate(self) -> None:
        self.leave(exits.TERMINATED)
        assert self._main is not None
        self._main.cancel()


def close_open(conversation: Conversation) -> None:
    """Gives a run whose process died the end it lacks: its open calls are answered, and nothing of it is run again."""
    run = conversation.run
    if run.ended is not None or run.started is None:
        return
    store = conversation.session.runs.sink(conversation.id)
    for call in run.unanswered:
        began = call["id"] in run.called
        text = "interrupted; it may have run" if began else "not run: the process ended"
        answer = ToolReturned(call["id"], call["name"], text, "interrupted" if began else "not_run")
        store(run.append(answer, time.time()))
    store(run.append(RunEnded("interrupted", "the process ended before the run did"), time.time()))
