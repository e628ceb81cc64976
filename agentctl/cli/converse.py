"""What `agentctl run` does: says things to an agent and hands back its answer, for people and for scripts.

Standard output holds the answer (or the JSON that was asked for) and nothing else; the trace, the run's id and the
notice that a model is simulated go to standard error.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from agentctl.agent.drive import nobody
from agentctl.agent.events import Entry, ModelReplied, Recalled, RunEnded, to_json
from agentctl.agent.loop import TURN_COMPLETE
from agentctl.agent.ports import Approve, Sink
from agentctl.agent.run import text_of
from agentctl.cli import exits
from agentctl.cli.approval import allow, asking
from agentctl.cli.chat.input import typing_ahead
from agentctl.cli.console import complain, json_document, json_line, note, say, silence_stdout
from agentctl.cli.outcome import document, exit_code, price_for
from agentctl.cli.run_options import Format, Options
from agentctl.cli.screen import readers_may_leave, screen
from agentctl.cli.session import Conversation, Progress, Session, open_session
from agentctl.cli.signals import Signals, Terminated, stopped_by
from agentctl.errors import RecordingMiss, UsageError
from agentctl.observe.clean import clean
from agentctl.observe.trace import Trace

STDIN = "-"


def conversed(
    agent: str,
    messages: Sequence[str],
    options: Options,
    *,
    simulate: bool,
    model: str | None,
    max_seconds: float | None,
    caches: bool,
) -> int:
    """Says these messages, or standard input, and prints what was asked for; the exit code.

    Raises:
        UsageError: there is nothing to say.
        AgentctlError: there is no such agent, or no way to reach a model.
    """
    progress = Progress()
    said = _messages(messages)
    code = None
    with Signals(progress.way_on) as signals:
        try:
            with readers_may_leave(), typing_ahead():
                body = _converse(
                    *(agent, said, options, progress),
                    simulate=simulate,
                    model=model,
                    max_seconds=max_seconds,
                    caches=caches,
                )
                asyncio.run(stopped_by(signals, body, progress.wait))
        except (KeyboardInterrupt, asyncio.CancelledError):
            code = signals.code or exits.INTERRUPTED
        except Terminated:
            code = exits.TERMINATED
        except RecordingMiss as miss:
            code = miss.exit_code
    return _report(options, progress, code)


async def _converse(
    ref: str,
    messages: Sequence[str],
    options: Options,
    progress: Progress,
    *,
    simulate: bool,
    model: str | None,
    max_seconds: float | None,
    caches: bool,
) -> None:
    async with open_session(ref, simulate=simulate, model=model, max_seconds=max_seconds, caches=caches) as session:
        if session.simulation and not options.quiet:
            note(session.simulation)
        waiting = list(messages)

        async def hear() -> str | None:
            return waiting.pop(0) if waiting else None

        trace = _trace(session, options)
        progress.session, progress.conversation = session, Conversation(session)
        await progress.conversation.go(
            hear,
            approve=_approver(options),
            sinks=_sinks(options, trace),
            on_delta=trace.delta if trace is not None else None,
        )


def _messages(given: Sequence[str]) -> list[str]:
    """What the user says, from the arguments or standard input, as text that can be sent."""
    if not given and sys.stdin.isatty():
        raise UsageError("nothing to say", hint="give a message, pipe one in, or talk with `agentctl chat`")
    said = [_stdin() if message == STDIN else message for message in given or [STDIN]]
    texts = [message.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for message in said]
    if not all(text.strip() for text in texts):
        raise UsageError("a message is empty", hint="the API takes no empty text")
    return texts


def _stdin() -> str:
    return sys.stdin.buffer.read().decode("utf-8", "replace").rstrip("\n")


def _trace(session: Session, options: Options) -> Trace | None:
    if options.quiet or options.format is not Format.TEXT:
        return None
    return Trace(screen(sys.stderr), price=price_for(session.agent), show_thinking=options.thinking)


def _approver(options: Options) -> Approve:
    if options.yes:
        return allow
    if sys.stdin.isatty() and sys.stderr.isatty():
        return asking(screen(sys.stderr))
    return nobody


def _sinks(options: Options, trace: Trace | None) -> list[Sink]:
    if options.format is Format.STREAM_JSON:
        return [_line]
    if options.format is Format.JSON:
        return []
    sinks: list[Sink] = [trace] if trace is not None else []
    if trace is None or not (sys.stdout.isatty() and sys.stderr.isatty()):
        sinks.append(_answer)  # else it is on the screen already
    return sinks


def _line(entry: Entry) -> None:
    json_line({"seq": entry.seq, "at": entry.at, "event": to_json(entry.event)})


def _answer(entry: Entry) -> None:
    """Each answer that completes a turn, and what is said when nobody answers; the rest is part of the trace."""
    event = entry.event
    if isinstance(event, RunEnded) and event.reason == "degraded":
        _say(event.message)
    if isinstance(event, Recalled):
        _say(text_of(event.content))
    if isinstance(event, ModelReplied) and event.stop_reason not in {"tool_use", "pause_turn"}:
        text = text_of(event.content)
        if text or event.stop_reason in TURN_COMPLETE:
            _say(text)


def _say(text: str) -> None:
    try:
        say(clean(text))
        sys.stdout.flush()
    except BrokenPipeError:  # who has read enough has not made the run fail
        silence_stdout()


def _report(options: Options, progress: Progress, code: int | None) -> int:
    """Prints what is left to say; `code` is the exit code where something other than the run decided it."""
    session, conversation = progress.session, progress.conversation
    if session is None or conversation is None or not conversation.id:
        return exits.ERRORED if code is None else code
    run = conversation.run
    if options.format is not Format.TEXT:
        result = document(run, conversation.id, session.agent, attempts=session.live.wire.sent)
        if options.format is Format.JSON:
            json_document(result)
        else:
            json_line({"type": "result", **result})
    if (options.quiet or options.format is not Format.TEXT) and run.ended is not None and exit_code(run):
        complain(f"the run ended with {run.ended.reason}: {run.ended.message}", hint=run.ended.hint)
    if not options.quiet:
        note(f"run {conversation.id}")
    if code in {exits.INTERRUPTED, exits.TERMINATED} and conversation.way_on:
        note(conversation.way_on)
    return exit_code(run) if code is None else code
