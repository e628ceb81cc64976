"""`agentctl replay WHAT --live`: goes on from a turn of a run, perhaps with something changed, as a run of its own.

What stands before the turn is taken over as it is written, never asked or executed again; from the turn on the run is
as live as any. It is stored with the run that it forked from as its parent.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from agentctl import __version__
from agentctl.agent import fork
from agentctl.agent.drive import nobody
from agentctl.agent.events import Event, RunStarted, ToolCalled
from agentctl.agent.run import Run
from agentctl.agent.spec import Agent
from agentctl.cli import exits
from agentctl.cli.approval import allow, asking
from agentctl.cli.console import json_document, note
from agentctl.cli.outcome import document, exit_code, price_for
from agentctl.cli.replay.sources import Changes, ForkOptions, Recording, Stored, one_run
from agentctl.cli.screen import screen
from agentctl.cli.session import Conversation, Session, open_session
from agentctl.cli.signals import Signals, stopped_by
from agentctl.cli.wiring import with_system
from agentctl.config.nearest import nearest
from agentctl.errors import UsageError
from agentctl.observe.trace import Trace


def go_on(source: Recording | Stored, take: int | None, changes: Changes, options: ForkOptions) -> int:
    """Forks the run and drives the fork to its end; returns the exit code.

    Raises:
        UsageError: there is no such turn or call, no file to read, nothing to ask, or no agent to ask it of.
    """
    entries = one_run(source, take)
    events = [entry.event for entry in entries]
    beginning, turn = _beginning(events, changes)
    ref = changes.agent or _agent_of(events)
    system = _text_of(changes.system) if changes.system is not None else None
    with Signals() as signals:
        try:
            body = _drive(source, beginning, turn, ref, system, changes, options)
            return asyncio.run(stopped_by(signals, body))
        except (KeyboardInterrupt, asyncio.CancelledError):
            return signals.code or exits.INTERRUPTED


async def _drive(
    source: Recording | Stored,
    beginning: Sequence[Event],
    turn: int,
    ref: str,
    system: str | None,
    changes: Changes,
    options: ForkOptions,
) -> int:
    async with open_session(ref, simulate=options.simulate, model=changes.model) as session:
        session.agent = with_system(session.agent, system)
        if session.simulation and not options.json:
            note(session.simulation)
        _warn(beginning, session.agent, turn, changes)
        conversation = _stored(session, source, fork.started_by(beginning, session.agent), turn)
        trace = None if options.json else _trace(session, conversation.run, thinking=options.thinking)
        waiting = list(changes.said[1:])

        async def hear() -> str | None:
            return waiting.pop(0) if waiting else None

        asks = sys.stdin.isatty() and sys.stderr.isatty()
        await conversation.go(
            hear,
            approve=allow if options.yes else asking(screen(sys.stderr)) if asks else nobody,
            sinks=[] if trace is None else [trace],
            on_delta=None if trace is None else trace.delta,
        )
        if options.json:
            json_document(
                {
                    **document(conversation.run, conversation.id, session.agent, attempts=session.live.wire.sent),
                    "parent": _parent(source),
                    "from_turn": turn,
                }
            )
        note(f"run {conversation.id}, forked from {source.name} at turn {turn}")
        return exit_code(conversation.run)


def _beginning(events: Sequence[Event], changes: Changes) -> tuple[list[Event], int]:
    """The facts that the fork begins with, and the turn that it asks the model for."""
    turn = changes.turn
    for each in changes.results:
        name, mark, file = each.partition("=")
        if not mark:
            raise UsageError(f"--edit-tool-result {each}: is no CALL=FILE")
        call_id = fork.call_named(events, name)
        events = fork.with_result(events, call_id, _text_of(Path(file)))
        knows = fork.turn_after(events, call_id)
        if turn is not None and turn < knows and changes.turn is not None:
            raise UsageError(f"turn {turn} did not know the result of {name} yet", hint=f"--from {knows}")
        turn = turn or knows
    if turn is None:
        turn = fork.turns_of(events) + 1 if changes.said and not (changes.model or changes.system) else 1
    beginning = fork.before_turn(events, turn)
    if changes.said:
        beginning = fork.with_words(beginning, changes.said[0])
    if not Run.of(beginning).awaits_model:
        raise UsageError("nobody waits for the model there", hint="say what the user says next: --say TEXT")
    return beginning, turn


def _agent_of(events: Sequence[Event]) -> str:
    """The agent that the run says it was, which must be one of this project's."""
    started = next((event for event in events if isinstance(event, RunStarted)), None)
    if started is None or "@" not in started.agent:
        raise UsageError("the run does not say which agent it was", hint="name one: --agent support@2")
    return started.agent


def _warn(beginning: Sequence[Event], agent: Agent, turn: int, changes: Changes) -> None:
    """What a reader of the fork should know: the definition has moved on, or the tools see another world."""
    started = next((event for event in beginning if isinstance(event, RunStarted)), None)
    chosen = {"model"} if changes.model else set()
    chosen |= {"system prompt"} if changes.system else set()
    if started is not None and started.components:
        known = {*started.components, *agent.components} - chosen
        moved = sorted(name for name in known if started.components.get(name) != agent.components.get(name))
        if moved:
            note(f"{agent.ref} has changed since the run: {', '.join(moved)}")
    writes = [
        event.name
        for event in beginning
        if isinstance(event, ToolCalled) and (spec := agent.tool(event.name)) is not None and spec.effect == "write"
    ]
    if writes:
        names = ", ".join(dict.fromkeys(writes))
        note(f"what {names} did before turn {turn} is not done again; tools see the workspace as it is now")


def _stored(session: Session, source: Recording | Stored, beginning: Sequence[Event], turn: int) -> Conversation:
    """A new run in the store that begins with these facts, and the conversation that goes on with it."""
    agent = session.agent
    meta = {
        "model": agent.model,
        "source": session.live.source,
        "by": f"agentctl {__version__}",
        "forked": {"from": source.name, "turn": turn},
    }
    run_id = session.runs.create(agent.ref, agent.bundle, parent=_parent(source), meta=meta)
    run = Run.of(beginning)
    for entry in run.entries:
        session.runs.append(run_id, entry)
    return Conversation(session, run, run_id)


def _parent(source: Recording | Stored) -> str | None:
    return source.run_id if isinstance(source, Stored) else None


def _trace(session: Session, run: Run, *, thinking: bool) -> Trace:
    """A trace on which the beginning stands already."""
    trace = Trace(screen(sys.stdout), price=price_for(session.agent), show_thinking=thinking)
    for entry in run.entries:
        trace(entry)
    return trace


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        near = nearest(path.name, [each.name for each in path.parent.glob("*")], kind="files")
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise UsageError(f"{path}: cannot be read ({reason})", hint=near) from None
