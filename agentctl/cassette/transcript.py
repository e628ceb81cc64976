"""A conversation of others as a recording: every reply is kept, and of each request only what is new in it.

Nobody knows what their requests looked like, so none is made up: a request holds the messages since the last reply (a
session of thousands of turns stays as large as it was), and what came after the last reply stands in the take.
`foreign.transcribed` reads it back, as it reads recorded traffic.
"""

from __future__ import annotations

from agentctl.agent.events import JsonObject, ModelReplied
from agentctl.agent.ports import Request
from agentctl.cassette.imports.talk import Conversation, Message
from agentctl.cassette.rebuild import interaction_of, reply_of
from agentctl.cassette.tape import Interaction, Take

UNKNOWN = "unknown"


def recorded(conversation: Conversation) -> tuple[tuple[Interaction, ...], Take]:
    """The interactions of the conversation, and the take that they are."""
    interactions: list[Interaction] = []
    seconds: list[float] = []
    waiting: list[JsonObject] = []
    heard: float | None = None
    model = _model(conversation)
    for message in conversation.messages:
        if message.role != "assistant":
            waiting.append({"role": message.role, "content": message.content})
            heard = message.at if message.at is not None else heard
            continue
        about = {} if interactions else _about(conversation)
        request = Request({"model": message.model or model, **about, "messages": waiting})
        interactions.append(interaction_of(request, reply_of(_reply(message, model))))
        seconds.append(round(max(message.at - heard, 0.0), 3) if message.at is not None and heard is not None else 0.0)
        waiting, heard = [], message.at
    indexes = tuple(range(len(interactions)))
    return tuple(interactions), Take(indexes, tuple(seconds), rest=tuple(waiting))


def began(conversation: Conversation) -> float | None:
    """When it began, in seconds since the epoch; None when nothing says so."""
    return next((message.at for message in conversation.messages if message.at is not None), None)


def _model(conversation: Conversation) -> str:
    named = (message.model for message in conversation.messages if message.model)
    return conversation.model or next(named, UNKNOWN)


def _about(conversation: Conversation) -> JsonObject:
    about: JsonObject = {}
    if conversation.system:
        about["system"] = conversation.system
    if conversation.tools:
        about["tools"] = conversation.tools
    return about


def _reply(message: Message, model: str) -> ModelReplied:
    content = message.content
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return ModelReplied(
        message.id,
        message.model or model,
        [block for block in blocks if block != {"type": "text", "text": ""}],
        message.stop_reason,
        message.usage,
    )
