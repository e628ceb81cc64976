"""Foreign recordings as cases to be: what each file holds, read back once before anything is written.

A draft's events are read from the very recording that would be kept, so what is scored is what was carried.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import orjson

from agentctl.agent.events import Event, Json, JsonObject, ModelAsked, ModelFailed, ModelReplied, RunStarted, UserSaid
from agentctl.agent.spec import Agent
from agentctl.agent.values import replace
from agentctl.cassette import file as cassette_file
from agentctl.cassette.foreign import conversations
from agentctl.cassette.imports import files
from agentctl.cassette.imports.talk import Conversation, Left, texts
from agentctl.cassette.tape import Cassette, Interaction, Take
from agentctl.cassette.transcript import UNKNOWN, began, recorded
from agentctl.config.refs import is_name
from agentctl.errors import CassetteError
from agentctl.evals.transcripts import told
from agentctl.model.decode import decode_reply
from agentctl.observe.figures import count

LARGEST: Final = 500
"""Characters of JSON that a value of metadata may have in a suite."""

NOT_IN_NAMES: Final = re.compile(r"[^a-z0-9._-]+|\.\.+")


@dataclass(frozen=True, slots=True)
class Draft:
    """One conversation, ready to be a case."""

    name: str
    place: str
    events: tuple[Event, ...]
    interactions: tuple[Interaction, ...]
    take: Take
    messages: int
    metadata: JsonObject = field(default_factory=dict)
    at: float | None = None

    @property
    def asked(self) -> JsonObject:
        """The first request: model and, where they are known, system prompt and tools."""
        try:
            return self.interactions[0].asked if self.interactions else {}
        except CassetteError:
            return {}


@dataclass(frozen=True, slots=True)
class Read:
    """What came of one file."""

    path: Path
    format: str
    drafts: tuple[Draft, ...]
    left: tuple[Left, ...]
    passed: Counter[str]


def read(path: Path, format_: str | None = None) -> Read:
    """The conversations in a file of that format, or of the one that it turns out to be.

    Raises:
        CassetteError: it cannot be read, or is of no format known here.
    """
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise CassetteError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    try:
        format_ = format_ or files.format_of(data)
        return _recording(path, data) if format_ == files.VCR else _transcript(path, data, format_)
    except RecursionError:
        raise CassetteError(f"{path}: is nested too deeply") from None
    except CassetteError as error:
        raise CassetteError(f"{path}: {str(error).removeprefix(f'{path}: ')}", hint=error.hint) from None


def unlike(draft: Draft, agent: Agent) -> list[str]:
    """The components of `agent` that the draft says were others when it was made; what it does not say is not known."""
    asked, found = draft.asked, []
    if "system" in asked and "\n\n".join(texts(asked["system"])) != agent.system:
        found.append("system prompt")
    model = str(asked.get("model") or UNKNOWN)
    if model != UNKNOWN and not model.startswith(agent.model):
        found.append("model")
    if isinstance(asked.get("tools"), list):
        theirs = {str(tool.get("name")): _bare(tool) for tool in asked["tools"] if isinstance(tool, dict)}
        ours = {tool.name: _bare(tool.definition) for tool in agent.tools}
        found += [f"tool {name}" for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
    return found


def as_ours(events: Sequence[Event], agent: Agent) -> list[Event]:
    """The facts as a run of `agent` would have them: its name on them, and a lone text said as a text."""
    made: list[Event] = []
    for event in events:
        match event:
            case RunStarted():
                made.append(RunStarted(agent.ref, agent.bundle, agent.model, dict(agent.components)))
            case ModelAsked(turn=turn):
                made.append(ModelAsked(turn, agent.model))
            case UserSaid(content=[{"type": "text", "text": str(text)}]):
                made.append(UserSaid(text))
            case _:
                made.append(event)
    return made


def _bare(tool: JsonObject) -> JsonObject:
    return {key: value for key, value in tool.items() if key != "cache_control" and (key, value) != ("type", "custom")}


def _transcript(path: Path, data: bytes, format_: str) -> Read:
    found = files.read(data, format_)
    drafts: list[Draft] = []
    many = len(found.conversations) > 1
    for number, conversation in enumerate(found.conversations, 1):
        name = _slug(conversation.name) or _slug(f"{path.stem}-{number}" if many else path.stem) or "imported"
        draft = _draft(conversation, name, path, found.left)
        if draft is not None:
            drafts.append(draft)
    return Read(path, format_, tuple(drafts), tuple(found.left), found.passed)


def _draft(conversation: Conversation, name: str, path: Path, left: list[Left]) -> Draft | None:
    interactions, take = recorded(conversation)
    events = told(Cassette(interactions, None, path), take)
    failed = next((event for event in events if isinstance(event, ModelFailed)), None)
    if failed is not None:
        left.append(Left(conversation.place, f"the conversation: a reply of it cannot be read ({failed.message})"))
        return None
    why = _no_case(events)
    if why:
        if conversation.carried or not conversation.left:  # else all of it is named already
            held = count(conversation.carried, "message")
            left.append(Left(conversation.place, f"the conversation ({held}): {why}"))
        return None
    metadata: JsonObject = {"imported_from": f"{path.name}, {conversation.place}"}
    for key, value in conversation.metadata.items():
        if _fits(value) and key:
            metadata.setdefault(key, value)
            continue
        left.append(Left(conversation.place, f"the metadata {key!r}: too large for a suite"))
        if isinstance(value, dict) and key:  # what is small in it: a reward, a cost
            small = {name: each for name, each in value.items() if not isinstance(each, dict | list) and _fits(each)}
            metadata |= {key: small} if small and _fits(small) else {}
    if conversation.left:
        metadata["left_out"] = conversation.left
    return Draft(
        name, conversation.place, tuple(events), interactions, take, conversation.carried, metadata, began(conversation)
    )


def _fits(value: Json) -> bool:
    return len(orjson.dumps(value)) <= LARGEST


def _recording(path: Path, data: bytes) -> Read:
    cassette = replace(cassette_file.parse(data, path), header=None)
    left = [
        Left(f"interaction {index}", f"{each.method} {each.uri.partition('?')[0]} is no call of the Messages API")
        for index, each in enumerate(cassette.interactions)
        if not each.is_messages_call
    ]
    found = conversations(cassette, decode_reply)
    drafts: list[Draft] = []
    for number, one in enumerate(found, 1):
        name = _slug(f"{path.stem}-{number}" if len(found) > 1 else path.stem) or "imported"
        place = "interaction " + ", ".join(str(index) for index in one.interactions)
        interactions = tuple(cassette.interactions[index] for index in one.interactions)
        take = Take(tuple(range(len(interactions))))
        events = tuple(told(Cassette(interactions, None, path), take))
        messages = sum(isinstance(event, ModelReplied | UserSaid) for event in events)
        why = _no_case(events)
        if why:
            left.append(Left(place, f"the conversation: {why}"))
            continue
        metadata: JsonObject = {"imported_from": f"{path.name}, {place}"}
        drafts.append(Draft(name, place, events, interactions, take, messages, metadata))
    return Read(path, files.VCR, tuple(drafts), tuple(left), Counter())


def _no_case(events: Sequence[Event]) -> str:
    said = (event.content for event in events if isinstance(event, UserSaid))
    if not any(text for content in said for text in texts(content)):
        return "the user says nothing in it, and a case begins with words"
    return ""


def _slug(text: str) -> str:
    """A name for a case out of any text; empty when nothing of it can be in one."""
    name = NOT_IN_NAMES.sub("-", text.lower()).strip("-._")[:100].rstrip("-._")
    return name if is_name(name) else ""
