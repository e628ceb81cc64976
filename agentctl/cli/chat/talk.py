"""What `agentctl chat` does: a person talks to an agent and sees what it does, turn by turn, in their terminal."""

from __future__ import annotations

import asyncio
import sys
from typing import Final

from agentctl.agent.events import RunStarted
from agentctl.agent.spec import Agent
from agentctl.cli import exits
from agentctl.cli.chat.input import reader, typing_ahead
from agentctl.cli.chat.session import Chat
from agentctl.cli.chat.slash import COMMANDS
from agentctl.cli.console import note
from agentctl.cli.screen import readers_may_leave, screen
from agentctl.cli.session import open_session
from agentctl.cli.signals import Signals, stopped_by
from agentctl.errors import UsageError

HISTORY: Final = "chat_history"


def talked(agent: str, wanted: str | None, *, simulate: bool, model: str | None, thinking: bool, caches: bool) -> int:
    """A chat to its end; the exit code. `wanted` is a stored run to go on with, see `_go_on`.

    Raises:
        AgentctlError: there is no such agent or run, or no way to reach a model.
    """
    begun: list[Chat] = []
    with Signals(lambda: "".join(each.conversation.way_on for each in begun)) as signals:
        try:
            with readers_may_leave(), typing_ahead():
                body = _chat(
                    *(agent, wanted, begun, signals),
                    simulate=simulate,
                    model=model,
                    thinking=thinking,
                    caches=caches,
                )
                return asyncio.run(stopped_by(signals, body))
        except asyncio.CancelledError:  # a signal came before there was a chat
            return signals.code or exits.INTERRUPTED


async def _chat(
    ref: str,
    wanted: str | None,
    begun: list[Chat],
    signals: Signals,
    *,
    simulate: bool,
    model: str | None,
    thinking: bool,
    caches: bool,
) -> int:
    console = screen(sys.stdout)
    async with open_session(ref, simulate=simulate, model=model, caches=caches) as session:
        source = reader(session.project.state / HISTORY, list(COMMANDS))
        talking = Chat(session, console, source, COMMANDS, signals, thinking=thinking)
        begun.append(talking)
        talking.page.line(f"{session.agent.ref} · {session.agent.model}", "bold", indent="")
        if session.simulation:
            talking.say(session.simulation, "yellow")
        if source.shows_typing:
            talking.say("/help lists the commands; Ctrl-C stops the agent, Ctrl-D leaves")
        if wanted is not None:
            _go_on(talking, wanted)
        code = await talking.talk()
        _farewell(talking)
        return code


def _go_on(talking: Chat, wanted: str) -> None:
    """Takes a stored run up again; `wanted` is an id, part of one, or `latest` for the agent's own newest."""
    session = talking.session
    if wanted == "latest":
        newest = session.runs.latest(session.agent.ref)
        if newest is None:
            raise UsageError(f"no run of {session.agent.ref} is stored yet", hint="leave --continue out to begin one")
        run_id = newest.id
    else:
        run_id = session.runs.resolve(wanted)
    talking.resume(run_id)
    talking.say(f"going on with run {run_id}")
    started = talking.conversation.run.started
    if started is not None and (changes := _changes(started, session.agent)):
        talking.say(f"changed since it began: {changes}", "yellow")


def _changes(started: RunStarted, agent: Agent) -> str:
    """The components of the definition that are not what they were."""
    names = sorted({*started.components, *agent.components})
    changed = [name for name in names if started.components.get(name) != agent.components.get(name)]
    other = [f"the agent was {started.agent}"] if started.agent != agent.ref else []
    return ", ".join([*other, *changed])


def _farewell(talking: Chat) -> None:
    """Where the conversation is now, for whoever sits at a terminal; on standard error, since it is none of it."""
    if talking.conversation.id:
        flag = " --simulate" if talking.session.live.simulated else ""
        note(f"run {talking.conversation.id}; go on with: agentctl chat {talking.session.agent.ref} --continue{flag}")
