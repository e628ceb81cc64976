"""Which answers may be given again: a complete text, from the agent's own model, to the first words of a run.

Everything else is asked for each time. A reply that was cut off, refused, or that acts (a tool of ours or of the API)
is no answer to keep; one of a model that stood in is not the agent's; and what is said later in a run depends on what
went before. Pure: what is asked here follows from the facts alone.
"""

from __future__ import annotations

from typing import Final

from agentctl.agent.events import Block, ModelAsked, ModelFailed, ModelReplied, RunStarted, UserSaid
from agentctl.agent.loop import TURN_COMPLETE
from agentctl.agent.run import Run
from agentctl.agent.spec import Agent

TEXT: Final = "text"
THOUGHTS: Final = frozenset({"thinking", "redacted_thinking"})
OPENING: Final = 2
"""Events of a run that waits for its first answer: it began, and the user spoke."""


def at_first_question(run: Run) -> bool:
    """Whether nothing has happened in this run but that the user spoke once."""
    return len(run.entries) == OPENING and _opens(run)


def answer_to_keep(agent: Agent, run: Run) -> ModelReplied | None:
    """The reply that came last in this run, if it may be given again to the same question; else None.

    Failed attempts before it do not count. Where the API itself may let another model answer (`params.fallbacks`), the
    reply must name the agent's own.
    """
    events = run.events
    if len(events) <= OPENING + 1 or not _opens(run):
        return None
    asked, *failed, reply = events[OPENING:]
    if not isinstance(asked, ModelAsked) or asked.model != agent.model:
        return None
    if not isinstance(reply, ModelReplied) or not all(isinstance(event, ModelFailed) for event in failed):
        return None
    if "fallbacks" in agent.params and reply.model != agent.model:
        return None
    return reply if reply.stop_reason in TURN_COMPLETE and text_blocks(reply.content) else None


def text_blocks(content: list[Block]) -> list[Block]:
    """The text of a reply that holds nothing but text and thoughts; empty when it holds more, or says nothing."""
    if any(block.get("type") not in {TEXT, *THOUGHTS} for block in content):
        return []
    kept = [block for block in content if block.get("type") == TEXT and block.get("text")]
    return kept if any(block["text"].strip() for block in kept) else []


def _opens(run: Run) -> bool:
    """Whether it began by itself, with the user's words."""
    started, said = (entry.event for entry in run.entries[:OPENING])
    return isinstance(started, RunStarted) and started.parent is None and isinstance(said, UserSaid)
