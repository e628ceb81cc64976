"""Recorded replies, read by the one decoder: what `replay` shows of any recording file.

A file that cannot be read is an answer too: it is refused, with the reason; a reply that is an error is shown as one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agentctl.agent.events import Event, JsonObject
from agentctl.agent.run import text_of
from agentctl.cassette.file import read
from agentctl.cassette.foreign import replies, runs
from agentctl.cassette.retold import Reply
from agentctl.errors import CassetteError, ModelError
from agentctl.model.blocks import TOOL_BLOCKS
from agentctl.model.decode import decode_reply


def replay_line(path: Path) -> JsonObject:
    """What `replay FILE --json` prints for one file: the file, why it was refused or None, and its replies."""
    shown: JsonObject = {"file": str(path), "refused": None, "replies": []}
    try:
        shown["replies"] = [_shown(reply) for reply in replies(read(path))]
    except CassetteError as error:
        shown["refused"] = str(error).removeprefix(f"{path}: ")
    return shown


def replay_runs(path: Path) -> list[list[Event]]:
    """The conversations in a recording file, each as the events of a run.

    Raises:
        CassetteError: the file cannot be read, or holds no call of the Messages API.
    """
    return runs(read(path), decode_reply)


def _shown(reply: Reply) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "i": reply.index,
        "status": reply.status,
        "ok": False,
        "stop_reason": None,
        "blocks": [],
        "text": "",
        "tool_uses": [],
        "usage": {},
        "error_type": None,
    }
    try:
        replied = decode_reply(reply.status, reply.headers, reply.body)
    except ModelError as error:
        return shown | {"error_type": error.type}
    calls = [block for block in replied.content if block.get("type") in TOOL_BLOCKS]
    return shown | {
        "ok": True,
        "stop_reason": replied.stop_reason,
        "blocks": [block.get("type") for block in replied.content],
        "text": text_of(replied.content),
        "tool_uses": [{key: call.get(key) for key in ("id", "name", "input", "type")} for call in calls],
        "usage": replied.usage,
    }
