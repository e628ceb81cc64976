"""`decide`: from the facts so far, the next move. Pure: no I/O, no clock, no state of its own.

The loop is split in two. `decide` names the move; `drive` makes it and writes down what happened. So for every prefix
of every run, `decide` must choose what happened next, and resuming after a crash is `decide(events so far)`.

The order of the questions is the whole policy:
1. Calls that wait come first: stop where one may have run and nobody has settled it (see `settle`), refuse what was
   denied, ask the person where a tool wants it, run the rest together.
2. A reply that cannot be acted on ends the run with a reason of its own; nothing it asked for is run.
3. Before the model is asked, the limits are.
4. When nobody waits for anything, it is the user's turn.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from msgspec import Struct

from agentctl.agent.events import Block
from agentctl.agent.run import Run
from agentctl.agent.settle import uncertain
from agentctl.agent.spec import Agent


class AskModel(Struct, frozen=True):
    """Ask `model` for the next reply."""

    turn: int
    model: str


class AskPerson(Struct, frozen=True):
    """Ask a person whether this call may run."""

    call: Block


class RefuseCall(Struct, frozen=True):
    """Answer this call without running it."""

    call: Block
    reason: str


class CallTools(Struct, frozen=True):
    """Run these calls at the same time."""

    calls: tuple[Block, ...]


class Listen(Struct, frozen=True):
    """Let the user speak."""


class Stop(Struct, frozen=True):
    """End the run for this reason; `hint` is what a person can do about it."""

    reason: str
    message: str = ""
    hint: str = ""


Move: TypeAlias = AskModel | AskPerson | RefuseCall | CallTools | Listen | Stop

ENDS_OF_REPLY: Final = {
    "max_tokens": Stop(
        "max_tokens",
        "the reply was cut at max_tokens; raise params.max_tokens or ask for less",
        "raise params.max_tokens in the agent's YAML",
    ),
    "model_context_window_exceeded": Stop(
        "context_window",
        "the conversation no longer fits the model's context",
        "start a new conversation, or shorten what the tools return",
    ),
    "refusal": Stop("refused", "the model declined to answer", "say it in other words, or ask another model"),
}
"""Stop reasons that end a run; `end_turn` and `stop_sequence` complete a turn, `tool_use` and `pause_turn` go on."""

TURN_COMPLETE: Final = frozenset({"end_turn", "stop_sequence"})


def decide(agent: Agent, run: Run) -> Move:
    """The next move of `agent` in this run."""
    if run.ended is not None or run.started is None:
        return Listen()
    if run.calls:
        return _next_call(agent, run)
    if run.awaits_model:
        return _within_limits(agent, run) or AskModel(run.next_turn, run.standby or agent.model)
    if run.reply is None:
        return Listen()
    stop = run.reply.stop_reason
    if stop in TURN_COMPLETE:
        return Listen()
    return ENDS_OF_REPLY.get(stop or "") or Stop(
        "unknown_stop", f"stop_reason {stop!r} is not known; nothing was run", "ask again, or look for a newer agentctl"
    )


def _next_call(agent: Agent, run: Run) -> Move:
    """What to do with the calls of the last reply that have no result yet."""
    waiting = run.unanswered
    if run.called and uncertain(run):
        return Stop("uncertain", "a call was begun by a process that died, and nobody knows whether it took effect")
    for call in waiting:
        answer = run.approvals.get(call["id"])
        if answer is not None and not answer.approved:
            return RefuseCall(call, answer.reason)
    for call in waiting:
        tool = agent.tool(call["name"])
        if tool is not None and tool.approve == "always" and call["id"] not in run.approvals:
            return AskPerson(call)
    return CallTools(tuple(waiting))


def _within_limits(agent: Agent, run: Run) -> Stop | None:
    """The limit that forbids one more request, if any."""
    limits, usage = agent.limits, run.usage
    if run.turns_since_said >= limits.max_turns:
        return Stop(
            "max_turns",
            f"{limits.max_turns} turns without an answer for the user (limits.max_turns)",
            "raise limits.max_turns",
        )
    if limits.max_input_tokens is not None and usage.all_input >= limits.max_input_tokens:
        return Stop(
            "budget",
            f"{usage.all_input} input tokens used of {limits.max_input_tokens}",
            "raise limits.max_input_tokens",
        )
    if limits.max_output_tokens is not None and usage.output_tokens >= limits.max_output_tokens:
        return Stop(
            "budget",
            f"{usage.output_tokens} output tokens used of {limits.max_output_tokens}",
            "raise limits.max_output_tokens",
        )
    return None
