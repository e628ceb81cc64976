"""A transcript as the facts of a run, read from its messages alone: the same facts that its recording would tell.

Nothing is turned into bytes on the way: ten thousand transcripts are told in seconds.
"""

from __future__ import annotations

from collections.abc import Iterator

from agentctl.agent.events import Block, Event, ModelAsked, ModelReplied, RunEnded, RunStarted, ToolReturned, UserSaid
from agentctl.agent.events import ToolCalled as Called
from agentctl.cassette.imports.talk import Conversation, Message
from agentctl.cassette.retold import ENDS
from agentctl.cassette.transcript import UNKNOWN
from agentctl.evals.plan import IMPORTED

Timed = tuple[Event, float]


def told_by(conversation: Conversation) -> list[Timed]:
    """Every fact with its time, 0 where nothing says when: the start, what was said, called and answered, the end."""
    model = conversation.model or next((each.model for each in conversation.messages if each.model), UNKNOWN)
    facts: list[Timed] = []
    names: dict[str, str] = {}
    turns, at = 0, 0.0
    for message in conversation.messages:
        at = message.at if message.at is not None else at
        if message.role == "assistant":
            turns += 1
            facts.append((ModelAsked(turns, model), at))
            facts += [(event, at) for event in _reply(message, model, names)]
        else:
            facts += [(event, at) for event in _heard(message.content, names)]
    began = next((each.at for each in conversation.messages if each.at is not None), 0.0)
    started = RunStarted(agent=IMPORTED.name, bundle="", model=model)
    return [(started, began), *facts, (_end(conversation), at)]


def seconds_of(conversation: Conversation) -> float:
    """From what was heard to each reply, in all; 0 where nothing says when."""
    total, heard = 0.0, None
    for message in conversation.messages:
        if message.role == "assistant" and message.at is not None and heard is not None:
            total += max(message.at - heard, 0.0)
        heard = message.at if message.at is not None else heard
    return total


def _reply(message: Message, model: str, names: dict[str, str]) -> Iterator[Event]:
    said = message.content
    blocks: list[Block] = [{"type": "text", "text": said}] if isinstance(said, str) else said
    content = [block for block in blocks if block != {"type": "text", "text": ""}]
    yield ModelReplied(message.id, message.model or model, content, message.stop_reason, message.usage)
    for block in content:
        if block["type"] == "tool_use":
            names[block["id"]] = block["name"]
            yield Called(block["id"], block["name"], block["input"])


def _heard(content: str | list[Block], names: dict[str, str]) -> Iterator[Event]:
    if isinstance(content, str):
        yield UserSaid(content)
        return
    said: list[Block] = []
    for block in content:
        if block["type"] == "tool_result":
            given, call_id = block.get("content"), block["tool_use_id"]
            shown = given if isinstance(given, (str, list)) else ""
            yield ToolReturned(
                call_id, names.get(call_id, UNKNOWN), shown, "reported" if block.get("is_error") else None
            )
        else:
            said.append(block)
    if said:
        yield UserSaid(said)


def _end(conversation: Conversation) -> RunEnded:
    last = conversation.messages[-1] if conversation.messages else None
    if last is None or last.role != "assistant":
        return RunEnded("interrupted", "the recording ends before the model has answered")
    known = ENDS.get(last.stop_reason or "")
    return RunEnded(*known) if known else RunEnded("unknown_stop", f"stop_reason {last.stop_reason!r}")
