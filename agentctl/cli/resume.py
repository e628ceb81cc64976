"""`agentctl resume`: goes on with a run whose process died, from its facts alone.

A reply that came is never asked for again, a tool that answered never run again. A call that was begun and did not
answer is settled first (see `agent.settle`): by rule, by the tool's own `lookup`, or by a person, here or with a flag.
While one waits for a person nothing is written, so that it can be looked into.
"""

from __future__ import annotations

import asyncio
import json as jsonlib
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Final

import typer

from agentctl import __version__
from agentctl.agent.drive import nobody
from agentctl.agent.events import Block, Event, Resumed
from agentctl.agent.ports import Approve
from agentctl.agent.run import Run
from agentctl.agent.settle import ABANDONED, HAPPENED, REPEAT, Ruling, needs_person, settle
from agentctl.agent.tools import LiveTools
from agentctl.cli import exits
from agentctl.cli.approval import allow, asking
from agentctl.cli.console import complain, json_document, note, say
from agentctl.cli.outcome import document, exit_code, price_for
from agentctl.cli.ruling import asking_rulings
from agentctl.cli.screen import readers_may_leave, screen
from agentctl.cli.session import Conversation, Progress, Session, open_runs, open_session
from agentctl.cli.signals import Signals, stopped_by
from agentctl.cli.wiring import open_project, workspace_for
from agentctl.errors import UsageError
from agentctl.observe.clean import clean
from agentctl.observe.trace import Trace
from agentctl.store.runs import StoredRun

OVER: Final = ("completed", "refused", "blocked")
"""Ends at which nothing waits: a run goes on from there only when the user speaks."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the flags ask for."""

    simulate: bool
    json: bool
    yes: bool
    agent: str | None
    rulings: Mapping[str, Ruling] = field(default_factory=dict)


def resume(
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="An id, the start or end of one, or `last`.", show_default=False)
    ] = None,
    *,
    all: Annotated[bool, typer.Option("--all", help="Every run whose process died.")] = False,
    happened: Annotated[
        list[str] | None,
        typer.Option("--happened", metavar="CALL[=TEXT]", help="This call took effect; TEXT is what it answered."),
    ] = None,
    repeat: Annotated[
        list[str] | None, typer.Option("--repeat", metavar="CALL", help="This call did not take effect: run it.")
    ] = None,
    abandon: Annotated[
        list[str] | None, typer.Option("--abandon", metavar="CALL", help="Leave this call; the model is told.")
    ] = None,
    agent: Annotated[
        str | None, typer.Option("--agent", metavar="REF", help="Go on with this definition, not the run's own.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Approve every tool call that asks for it.")] = False,
    simulate: Annotated[bool, typer.Option("--simulate", help="The built-in simulator is the model.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document for each run.")] = False,
) -> int:
    """Go on with a run whose process died.

    What was answered is never asked or run again. A call that was begun and never answered may have taken effect: one
    that only reads or is idempotent is repeated, one with a `lookup` is looked up, for the others you are asked, or say
    it with --happened, --repeat or --abandon. Until then the run stays as it is (exit 3).
    """
    if (run is None) is not all:
        raise UsageError("name a run, or say --all", hint="`agentctl runs list` shows those that are open")
    options = Options(simulate, json, yes, agent, _rulings(happened or [], repeat or [], abandon or []))
    found = _open_runs() if run is None else [_named(run)]
    if not found:
        note("no run is open")
    codes = []
    for each in found:
        progress = Progress()
        with Signals(progress.way_on) as signals, readers_may_leave():
            try:
                codes.append(asyncio.run(stopped_by(signals, _resume(each, options, progress), progress.wait)))
            except (KeyboardInterrupt, asyncio.CancelledError):
                if progress.way_on():
                    note(progress.way_on())
                return signals.code or exits.INTERRUPTED
    return max(codes, default=exits.OK)


def _rulings(happened: Sequence[str], repeat: Sequence[str], abandon: Sequence[str]) -> dict[str, Ruling]:
    rulings = {each: Ruling(REPEAT) for each in repeat} | {each: Ruling(ABANDONED) for each in abandon}
    for each in happened:
        call, _, text = each.partition("=")
        rulings[call] = Ruling(HAPPENED, text)
    if len(rulings) < len(happened) + len(repeat) + len(abandon):
        raise UsageError("a call is named twice", hint="say one thing of each call")
    return rulings


def _open_runs() -> list[StoredRun]:
    """Runs without an end that no living process is at, the oldest first."""
    with open_runs(open_project()) as store:
        store.check()
        found = [each for each in reversed(store.list()) if each.ended is None and each.said]
        return [each for each in found if not store.is_alive(each.id)]


def _named(run: str) -> StoredRun:
    """The run, if there is something to go on with.

    Raises:
        UsageError: there is no such run, it is over, nothing was said in it, or another process is at it.
    """
    with open_runs(open_project()) as store:
        store.check()
        found = store.get(store.resolve(run))
        if found.ended in OVER:
            raise UsageError(f"run {found.id} is over: {found.ended}", hint="say something: agentctl chat AGENT -c")
        if store.is_alive(found.id):
            raise UsageError(f"another process is at run {found.id}", hint="end it first; a stopped one counts as well")
        if not found.said:  # its end would be taken for an answer
            hint = f'say it again: agentctl run {found.agent} "MESSAGE"'
            raise UsageError(f"run {found.id} died before its first message was stored: nothing was done", hint=hint)
    return found


async def _resume(stored: StoredRun, options: Options, progress: Progress) -> int:
    """Settles what is open and drives the run to its end; its exit code."""
    async with open_session(options.agent or stored.agent, simulate=options.simulate) as session:
        agent = session.agent
        if options.agent is None and agent.bundle != stored.bundle:
            hint = f"--agent {agent.ref} goes on with it as it is now; `agentctl diff` says what changed"
            raise UsageError(f"{agent.ref} is not what it was when run {stored.id} began", hint=hint)
        progress.conversation = conversation = _conversation(session, stored)
        waiting = [call for call in needs_person(agent, conversation.run) if call["id"] not in options.rulings]
        if waiting and not (sys.stdin.isatty() and sys.stderr.isatty()):
            return _uncertain(stored, waiting, options)
        if not session.runs.claim(stored.id):
            raise UsageError(f"another process is at run {stored.id}")
        if session.simulation:
            note(session.simulation)
        trace = None if options.json else Trace(screen(sys.stderr), price=price_for(agent))
        left = await _go_on(conversation, options, trace)
        if left:
            return _uncertain(stored, left, options)
        run = conversation.run
        if options.json:
            json_document(document(run, stored.id, agent, attempts=session.live.wire.sent))
        elif run.text:
            say(clean(run.text))
        return exit_code(run)


async def _go_on(conversation: Conversation, options: Options, trace: Trace | None) -> list[Block]:
    """Drives the run to its end; or returns the calls that nobody said anything of, with nothing run."""
    session, run = conversation.session, conversation.run
    store = session.runs.sink(conversation.id)

    def emit(event: Event) -> None:
        entry = run.append(event, time.time())
        store(entry)
        if trace is not None:
            trace(entry)

    emit(Resumed(f"agentctl {__version__}"))
    tools = LiveTools(session.agent, workspace_for(session.agent, session.project), conversation.id)
    ask = asking_rulings(options.rulings, None if options.json else screen(sys.stderr))
    left = await settle(session.agent, run, lookup=tools, ask=ask, emit=emit)
    if left:
        return left

    async def hear() -> None:
        return None

    sinks = [] if trace is None else [trace]
    await conversation.go(
        hear, approve=_approver(options), sinks=sinks, on_delta=None if trace is None else trace.delta
    )
    return []


def _conversation(session: Session, stored: StoredRun) -> Conversation:
    run = Run()
    for entry in session.runs.entries(stored.id):
        run.append(entry.event, entry.at)
    return Conversation(session, run, stored.id)


def _approver(options: Options) -> Approve:
    if options.yes:
        return allow
    return asking(screen(sys.stderr)) if sys.stdin.isatty() and sys.stderr.isatty() else nobody


def _uncertain(stored: StoredRun, calls: Sequence[Block], options: Options) -> int:
    """Names every call that a person has to decide on."""
    if options.json:
        waiting = [{"call": call["id"], "name": call["name"], "input": call["input"]} for call in calls]
        json_document({"run": stored.id, "ended": None, "uncertain": waiting})
    for call in calls:
        given = jsonlib.dumps(call["input"], ensure_ascii=False)
        complain(
            f"run {stored.id}: {call['name']} {given} was begun and did not answer: it may have taken effect",
            hint=f"agentctl resume {stored.id} --happened {call['id']}=TEXT (or --repeat, or --abandon {call['id']})",
        )
    return exits.ERRORED
