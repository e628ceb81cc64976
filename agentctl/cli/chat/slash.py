"""The commands of a chat: each is a line that begins with a slash, acts on the chat, and is never sent to the model."""

from __future__ import annotations

import shlex
from collections import defaultdict
from pathlib import Path
from typing import Final

from agentctl.agent.events import ModelReplied, Recalled
from agentctl.agent.run import Usage
from agentctl.cli.chat.session import Chat, Command
from agentctl.cli.chat.to_suite import save_case, scored
from agentctl.cli.outcome import cost_of, price_for
from agentctl.cli.runs.transcript import write_transcript
from agentctl.cli.wiring import with_model
from agentctl.errors import UsageError
from agentctl.observe.figures import count, dollars, tokens
from agentctl.observe.trace import Trace

KEYS: Final = (
    "Enter sends; Alt-Enter, or a backslash at the end of the line, begins a new line; Tab completes a command.\n"
    "Ctrl-C stops the agent and keeps the conversation; twice leaves. Ctrl-D leaves."
)


def _help(chat: Chat, _rest: str) -> None:
    width = max(len(command.usage) for command in COMMANDS.values())
    beside = width + max(len(command.summary) for command in COMMANDS.values()) <= chat.page.room
    for command in COMMANDS.values():
        if beside:
            chat.page.write((f"{command.usage:<{width}}  ", "bold"), (f"{command.summary}\n", ""))
        else:
            chat.page.write((f"{command.usage}\n", "bold"))
            chat.page.block(command.summary)
    chat.say(KEYS)


def _exit(chat: Chat, _rest: str) -> None:
    chat.leave()


def _clear(chat: Chat, _rest: str) -> None:
    chat.clear()
    chat.say("a new conversation; the one so far is stored")


def _model(chat: Chat, rest: str) -> None:
    agent = chat.session.agent
    if not rest:
        chat.say(f"{agent.ref} runs on {agent.model}; /model ID changes it for this session", "")
        return
    chat.session.agent = with_model(agent, rest)
    chat.turn_page()
    chat.say(f"from here on {rest} answers; the document is as it was")


def _tools(chat: Chat, _rest: str) -> None:
    tools = chat.session.agent.tools
    if not tools:
        chat.say(f"{chat.session.agent.ref} has no tools", "")
    for tool in tools:
        marks = [
            *(["run by the API"] if tool.is_server else []),
            *(["writes"] if tool.effect == "write" else []),
            *(["asks first"] if tool.approve == "always" else []),
        ]
        chat.page.write((tool.name, "bold"), (f"  {', '.join(marks)}\n" if marks else "\n", "yellow"))
        chat.page.line(str(tool.definition.get("description", "")), "dim")


def _cost(chat: Chat, _rest: str) -> None:
    run = chat.conversation.run
    by_model: dict[str, Usage] = defaultdict(Usage)
    for entry in run.entries:
        if isinstance(entry.event, ModelReplied):
            by_model[entry.event.model] += Usage.of(entry.event.usage)
    for model, usage in by_model.items():
        chat.page.figures([model, *tokens(usage)], indent="")
    replies = sum(isinstance(entry.event, ModelReplied) for entry in run.entries)
    total = cost_of(run, price_for(chat.session.agent)) if replies else None
    simulated = " at list prices; nothing was billed: the model is simulated" if chat.session.live.simulated else ""
    cached = sum(isinstance(entry.event, Recalled) for entry in run.entries)
    if cached:
        chat.say(f"{count(cached, 'cached answer')}: $0", "")
    elif not replies:
        chat.say("the model was not asked yet", "")
    if replies:
        chat.say(f"{count(replies, 'model call')}: {dollars(total)}{simulated}", "")


def _save(chat: Chat, rest: str) -> None:
    conversation = chat.conversation
    if not conversation.run.entries:
        raise UsageError("nothing was said yet")
    path = Path(rest or f"{conversation.id}.json").expanduser()
    write_transcript(path, conversation.run.entries, replace=False)
    chat.say(f"saved {path}")


async def _eval(chat: Chat, rest: str) -> None:
    name, suite = _eval_arguments(rest)
    project = chat.session.project
    saved = await save_case(chat.conversation, name, suite)
    if saved.recording is None:
        chat.say(f"case {name} added to {project.show(saved.suite)}, not recorded: {saved.why}")
        chat.say(f"hint: {saved.hint}")
        return
    chat.say(f"case {name} added to {project.show(saved.suite)}, recorded in {project.show(saved.recording)}")
    trouble = await scored(project, saved, name)
    chat.say(f"it does not pass yet: {trouble}" if trouble else "it passes", "yellow" if trouble else "dim")


def _eval_arguments(rest: str) -> tuple[str, str | None]:
    try:
        words = shlex.split(rest)
    except ValueError as error:
        raise UsageError(f"/eval {rest}: {error}") from None
    match words:
        case [name] if not name.startswith("-"):
            return name, None
        case [name, "--suite", suite] | ["--suite", suite, name]:
            return name, suite
    raise UsageError(
        "/eval takes the name of the new case", hint="/eval refund-twice, or /eval refund-twice --suite refunds"
    )


def _trace(chat: Chat, rest: str) -> None:
    if rest in {"on", "off"}:
        chat.details = rest == "on"
        chat.say(f"the trace is {rest}")
        return
    runs = chat.session.runs
    entries = runs.entries(runs.resolve(rest)) if rest else tuple(chat.conversation.run.entries)
    if not entries:
        raise UsageError("nothing was said yet", hint="/trace on, /trace off, or /trace RUN for a stored run")
    trace = Trace(chat.console, price=price_for(chat.session.agent))
    for entry in entries:
        trace(entry)
    trace.close()


COMMANDS: Final[dict[str, Command]] = {
    command.name: command
    for command in (
        Command("/help", "this list", _help),
        Command("/exit", "leave", _exit),
        Command("/clear", "begin a new conversation", _clear),
        Command("/model [ID]", "show the model, or go on with another", _model),
        Command("/tools", "what the agent can use", _tools),
        Command("/cost", "tokens and USD so far", _cost),
        Command("/save [FILE]", "write the transcript: .json, .jsonl or .md", _save),
        Command("/eval NAME [--suite S]", "turn this conversation into a recorded case", _eval),
        Command("/trace [on|off|RUN]", "show the whole trace; switch it; show a stored run", _trace),
    )
}
