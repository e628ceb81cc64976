"""The calls of a recording one by one: what each asked, got, took and cost. A call that cannot be read says why.

Sizes are those of the bodies as a client reads them, in bytes, with compression undone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from agentctl.agent.events import JsonObject
from agentctl.agent.run import Usage
from agentctl.cassette.encoding import decoded
from agentctl.cassette.tape import Cassette, Interaction
from agentctl.cli.sheet import DIM, RED, Sheet
from agentctl.errors import CassetteError, ModelError
from agentctl.model.decode import decode_reply
from agentctl.observe.clean import clean
from agentctl.observe.figures import seconds

HEAD: Final = ("call", "request", "reply", "status", "stop", "in", "out", "time")
INDENT: Final = "     "


def listing(cassette: Cassette, index: int) -> JsonObject:
    """Interaction `index` as `cassettes show --json` lists it; figures that are not known are null."""
    interaction = cassette.interactions[index]
    found: JsonObject = {
        "i": index,
        "method": interaction.method,
        "path": interaction.path,
        "request_bytes": _size(interaction.request, interaction.request_headers.get("content-encoding", "")),
        "reply_bytes": _size(interaction.stored, interaction.headers.get("content-encoding", "")),
        "status": interaction.status,
        "stop_reason": None,
        "usage": Usage().to_json(),
        "error_type": None,
        "reason": "",
    }
    if not interaction.is_messages_call:
        return found
    return {**found, **_told(interaction)}


def _size(stored: str | bytes, encoding: str) -> int | None:
    try:
        return len(decoded(stored, encoding))
    except CassetteError:
        return None


def _told(interaction: Interaction) -> JsonObject:
    try:
        reply = decode_reply(interaction.status, interaction.headers, interaction.body)
    except CassetteError as error:
        return {"error_type": "unreadable", "reason": str(error)}
    except ModelError as error:
        return {"error_type": error.type, "reason": str(error)}
    return {"stop_reason": reply.stop_reason, "usage": Usage.of(reply.usage).to_json()}


def table(sheet: Sheet, calls: Sequence[JsonObject]) -> Iterator[str]:
    """The calls in columns: the first eight columns that fit, then in a line of its own why one has no answer."""
    rows = [_cells(call) for call in calls]
    if not rows:
        return
    widths = [max(map(len, column)) for column in zip(HEAD, *rows, strict=True)]
    yield sheet.paint(sheet.beside(HEAD, widths, INDENT), DIM)
    for call, row in zip(calls, rows, strict=True):
        yield sheet.beside(row, widths, INDENT)
        if call["reason"]:
            yield from sheet.lines(call["reason"], RED, indent=f"{INDENT}  ")


def _cells(call: JsonObject) -> tuple[str, ...]:
    usage = Usage(**call["usage"])
    took = call.get("seconds")
    stop = call["stop_reason"] or call["error_type"] or ""
    known = bool(usage.all_input or usage.output_tokens)
    return (
        _harmless(f"{call['i']} {call['method']} {call['path']}"),
        _bytes(call["request_bytes"]),
        _bytes(call["reply_bytes"]),
        str(call["status"]),
        _harmless(stop),
        f"{usage.all_input:,}" if known else "",
        f"{usage.output_tokens:,}" if known else "",
        "" if took is None else seconds(took),
    )


def _harmless(text: str) -> str:
    """Text of a file, on one line and without anything that acts."""
    return clean(text).replace("\n", "␊").replace("\t", " ")


def _bytes(size: int | None) -> str:
    return "?" if size is None else f"{size:,} B"
