"""A run as a file: `.json` (all entries), `.jsonl` (an entry a line), `.md` (to be read). JSON can be read back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import orjson

from agentctl.agent.events import (
    Approved,
    Entry,
    Event,
    FellBack,
    JsonObject,
    ModelFailed,
    ModelReplied,
    Recalled,
    Resumed,
    RunEnded,
    RunStarted,
    Settled,
    ToolCalled,
    ToolReturned,
    UserSaid,
    to_json,
)
from agentctl.config.unwritten import unwritten
from agentctl.errors import UsageError
from agentctl.observe.clean import clean
from agentctl.observe.figures import age
from agentctl.observe.preview import content_text

FENCE: Final = "```"


def entry_json(entry: Entry) -> JsonObject:
    """`{"seq", "at", "event"}`."""
    return {"seq": entry.seq, "at": entry.at, "event": to_json(entry.event)}


def write_transcript(path: Path, entries: Sequence[Entry], *, replace: bool) -> None:
    """Writes the entries in the format of the file's extension.

    Raises:
        UsageError: the extension is not known, or the file exists and `replace` is false.
        StoreError: it cannot be written.
    """
    render = FORMATS.get(path.suffix.lower())
    if render is None:
        raise UsageError(f"{path}: the format is taken from the extension", hint=f"use one of {', '.join(FORMATS)}")
    if path.exists() and not replace:
        raise UsageError(f"{path} exists already", hint="choose another name")
    try:
        path.write_bytes(render(entries))
    except OSError as error:
        raise unwritten(path, error) from None


def _json(entries: Sequence[Entry]) -> bytes:
    return orjson.dumps(
        [entry_json(entry) for entry in entries], option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    )


def _jsonl(entries: Sequence[Entry]) -> bytes:
    return b"".join(orjson.dumps(entry_json(entry), option=orjson.OPT_APPEND_NEWLINE) for entry in entries)


def _markdown(entries: Sequence[Entry]) -> bytes:
    return ("\n\n".join(part for entry in entries for part in _parts(entry)) + "\n").encode()


FORMATS: Final[dict[str, Callable[[Sequence[Entry]], bytes]]] = {".json": _json, ".jsonl": _jsonl, ".md": _markdown}


def _parts(entry: Entry) -> Iterator[str]:
    match entry.event:
        case RunStarted(agent=agent, model=model):
            at = datetime.fromtimestamp(entry.at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
            yield f"# {clean(agent)} · {clean(model)}"
            yield f"Started {at}."
        case UserSaid(content=content):
            yield "## User"
            yield clean(content_text(content))
        case ModelReplied(content=content):
            yield "## Agent"
            yield from (clean(block["text"]) for block in content if block.get("type") == "text" and block["text"])
        case Recalled(run=run, content=content, age_seconds=seconds):
            yield "## Agent"
            yield clean(content_text(content))
            yield f"*Cached answer of run {clean(run)}, {age(seconds)} old.*"
        case ToolCalled(name=name, input=given):
            yield f"**{clean(name)}**"
            yield _fenced(orjson.dumps(given, option=orjson.OPT_INDENT_2).decode(), "json")
        case ToolReturned(name=name, content=content, error_type=error_type):
            yield f"**{clean(name)}** returned" + (f" an error ({clean(error_type)}):" if error_type else ":")
            yield _fenced(content_text(content), "")
        case _:
            aside = _aside(entry.event)
            if aside:
                yield f"*{clean(aside)}*"


def _aside(event: Event) -> str:
    """What happened beside what was said and done; empty for what is not told."""
    said = ""
    match event:
        case Approved(approved=approved, by=by):
            said = f"{'Allowed' if approved else 'Denied'} by {by}."
        case ModelFailed(attempt=attempt, error_type=error_type, message=message):
            said = f"Attempt {attempt} failed: {error_type}: {message}"
        case FellBack(model=model, reason=reason):
            said = f"{reason}: {model} was asked instead."
        case Settled(verdict=verdict, by=by, reason=reason):
            said = f"The interrupted call: {verdict}, by {by}" + (f": {reason}" if reason else ".")
        case Resumed(by=by):
            said = f"Resumed by {by}."
        case RunEnded(reason=reason, message=message, hint=hint):
            said = ": ".join(part for part in (f"Ended: {reason}", message) if part) + (f" ({hint})" if hint else "")
    return said


def _fenced(text: str, language: str) -> str:
    """A code block that the text cannot end."""
    fence = FENCE
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{clean(text)}\n{fence}"
