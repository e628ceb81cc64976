"""Sessions of Claude Code: lines linked by `uuid` and `parentUuid`, of which one path is what the model saw last.

A reply comes as a line for each of its blocks, a subagent as a chain of its own, a rewound turn as a branch. What was
rewound is told as left out; what belongs to a turn on the path (another block of its reply, another of its results)
is taken in wherever it hangs.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from agentctl.agent.events import Block, JsonObject
from agentctl.cassette.imports.talk import Conversation, Found, Message, records, sound_blocks, stop_reason

FORMAT: Final = "claude-code"
SPOKEN: Final = frozenset({"user", "assistant"})
ABOUT: Final = ("sessionId", "version", "cwd", "gitBranch")


class Line:
    """One line of the file that stands in a chain."""

    def __init__(self, number: int, place: str, raw: JsonObject) -> None:
        self.number, self.place, self.raw = number, place, raw
        self.uuid = str(raw.get("uuid"))
        message = raw.get("message")
        self.message: JsonObject = message if isinstance(message, dict) else {}
        self.spoken = _is_spoken(raw) and isinstance(message, dict)
        identity = self.message.get("id") if raw.get("type") == "assistant" else None
        self.reply = identity if isinstance(identity, str) and identity else None
        content = self.message.get("content")
        self.blocks: list[Any] = content if isinstance(content, list) else []

    @property
    def parent(self) -> str | None:
        """The line before it; across a compaction, the one before that."""
        found = self.raw.get("parentUuid") or self.raw.get("logicalParentUuid")
        return found if isinstance(found, str) else None

    def before(self, lines: dict[str, Line]) -> Line | None:
        """The line it goes on with; a subagent's first one goes on with none."""
        found = lines.get(self.parent or "")
        return found if found is not None and bool(found.raw.get("isSidechain")) == self.is_side else None

    @property
    def is_side(self) -> bool:
        """Whether it is a subagent's."""
        return bool(self.raw.get("isSidechain"))

    def ids(self, kind: str, key: str) -> set[str]:
        """The ids of its blocks of a kind."""
        return {
            block[key]
            for block in self.blocks
            if isinstance(block, dict) and block.get("type") == kind and isinstance(block.get(key), str)
        }


def read(data: bytes) -> Found:
    """The conversations in a session file: the session's own, and one for each subagent.

    Raises:
        CassetteError: it is empty, or holds no JSON.
    """
    found = Found(FORMAT)
    lines: dict[str, Line] = {}
    titles: list[str] = []
    for number, (place, raw) in enumerate(records(data, found)):
        if not isinstance(raw, dict):
            found.leave(place, "is no JSON object")
            continue
        if isinstance(raw.get("uuid"), str):
            line = Line(number, place, raw)
            if line.uuid in lines and line.spoken:
                found.passed["repeated line"] += 1
                continue
            lines[line.uuid] = line
        if _is_spoken(raw):
            if not isinstance(raw.get("message"), dict) or not isinstance(raw.get("uuid"), str):
                found.leave(place, "a message without `message` or `uuid`")
            continue
        found.passed[str(raw.get("type") or "untyped")] += 1
        if isinstance(raw.get("summary"), str):
            titles.append(raw["summary"])
    _chains(list(lines.values()), lines, titles, found)
    return found


def _is_spoken(raw: JsonObject) -> bool:
    return str(raw.get("type")) in SPOKEN


def _chains(ordered: list[Line], lines: dict[str, Line], titles: list[str], found: Found) -> None:
    """One conversation for each root: the path to its last line, and what hangs on it."""
    trees: dict[str, list[Line]] = {}
    for line in ordered:
        trees.setdefault(_root(line, lines), []).append(line)
    for tree in trees.values():
        spoken = [line for line in tree if line.spoken]
        if not spoken:
            continue
        path = _path(spoken[-1], lines)
        kept = _with_siblings(spoken, path)
        for line in spoken:
            if line.uuid not in kept:
                found.leave(line.place, "a turn that was rewound: it is on no path to the session's end")
        conversation = _conversation([line for line in spoken if line.uuid in kept], found)
        if titles and not conversation.metadata.get("sidechain"):
            conversation.metadata["summary"] = titles[-1]
        found.conversations.append(conversation)


def _root(line: Line, lines: dict[str, Line]) -> str:
    seen = {line.uuid}
    while (before := line.before(lines)) is not None and before.uuid not in seen:
        line = before
        seen.add(line.uuid)
    return line.uuid


def _path(line: Line, lines: dict[str, Line]) -> set[str]:
    """The line and all before it."""
    path = {line.uuid}
    while (before := line.before(lines)) is not None and before.uuid not in path:
        line = before
        path.add(line.uuid)
    return path


def _with_siblings(spoken: list[Line], path: set[str]) -> set[str]:
    """The path, the other blocks of the replies on it, and every result of their calls."""
    replies = {line.reply for line in spoken if line.uuid in path and line.reply}
    kept = path | {line.uuid for line in spoken if line.reply in replies}
    calls = {call for line in spoken if line.uuid in kept for call in line.ids("tool_use", "id")}
    answered = {line.uuid for line in spoken if not line.ids("tool_result", "tool_use_id").isdisjoint(calls)}
    return kept | answered


def _conversation(lines: list[Line], found: Found) -> Conversation:
    first = lines[0].raw
    sidechain = bool(first.get("isSidechain"))
    conversation = Conversation(lines[0].place)
    conversation.metadata = {key: first[key] for key in ABOUT if isinstance(first.get(key), str)}
    if sidechain:
        conversation.metadata["sidechain"] = True
    name = str(first.get("agentId") or first.get("sessionId") or "")
    conversation.name = f"side-{name or first.get('uuid')}" if sidechain else name
    place_of_reply: dict[str, int] = {}
    for line in lines:
        content = line.message.get("content")
        if not isinstance(content, (str, list)):
            found.leave(line.place, "a message without content", conversation)
            continue
        if isinstance(content, list):
            kept = sound_blocks(content, line.place, found, conversation)
            if content and not kept:
                continue
            content = kept
        conversation.carried += 1
        if line.raw["type"] == "user":
            _hear(conversation, content, _at(line.raw))
        elif line.reply in place_of_reply:
            _go_on(conversation, place_of_reply[line.reply], content, line.message)
        else:
            if line.reply is not None:
                place_of_reply[line.reply] = len(conversation.messages)
            conversation.messages.append(_reply(content, line.message, _at(line.raw)))
    return conversation


def _hear(conversation: Conversation, content: str | list[Block], at: float | None) -> None:
    """Results of one turn, which come a line each, are one message."""
    last = conversation.messages[-1] if conversation.messages else None
    if last is not None and last.role == "user" and _results(last.content) and _results(content):
        conversation.messages[-1] = Message("user", [*last.content, *content], at=at)
    else:
        conversation.messages.append(Message("user", content, at=at))


def _results(content: str | list[Block]) -> bool:
    return not isinstance(content, str) and bool(content) and all(each["type"] == "tool_result" for each in content)


def _reply(content: str | list[Block], message: JsonObject, at: float | None) -> Message:
    usage, model, identity = message.get("usage"), message.get("model"), message.get("id")
    return Message(
        "assistant",
        content,
        id=identity if isinstance(identity, str) else "",
        model=model if isinstance(model, str) else "",
        stop_reason=stop_reason(content, message.get("stop_reason")),
        usage=usage if isinstance(usage, dict) else {},
        at=at,
    )


def _go_on(conversation: Conversation, index: int, content: str | list[Block], message: JsonObject) -> None:
    """Another block of a reply: what the line says of the whole reply is newer than what was known."""
    before = conversation.messages[index]
    whole = [*_listed(before.content), *_listed(content)]
    conversation.messages[index] = _reply(whole, {"usage": before.usage, **message}, before.at)


def _listed(content: str | list[Block]) -> list[Block]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _at(raw: JsonObject) -> float | None:
    try:
        return datetime.fromisoformat(str(raw.get("timestamp"))).timestamp()
    except ValueError:
        return None
