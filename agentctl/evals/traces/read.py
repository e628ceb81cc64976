"""Transcripts of any format known here as traces, one at a time; what is none is named and never dropped in silence.

A conversation that cannot be carried whole is a trace all the same: what its keeper said of it stands beside the
messages, and leaving it out would change every share that is counted over it. So is an empty one, which is what a
benchmark writes of a run that crashed.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Final

from agentctl.agent.events import JsonObject
from agentctl.agent.run import Run
from agentctl.cassette.imports import claude_code, files
from agentctl.cassette.imports.conversations import messages_of
from agentctl.cassette.imports.talk import Conversation, Found, Left
from agentctl.cassette.imports.walk import Record, walk
from agentctl.errors import CassetteError
from agentctl.evals.traces.told import seconds_of, told_by
from agentctl.evals.traces.trace import (
    DOMAINS,
    MODELS,
    Trace,
    case_in,
    cost_in,
    named,
    seconds_in,
    trial_in,
    word_in,
)

LOOKED_AT: Final = 50
"""Records of a file that are looked at to see what kind of file it is."""


def traces_in(path: Path, *, cost_key: str = "") -> Iterator[Trace | Left]:
    """Every conversation in the file; a Left for what is none.

    Raises:
        CassetteError: it cannot be read, or is no JSON.
    """
    records = walk(path)
    first = list(islice(records, LOOKED_AT))
    values = [value for _, _, value in first if isinstance(value, dict)]
    if any("uuid" in each and ("parentUuid" in each or "sessionId" in each) for each in values):
        yield from _session(path, cost_key)
    elif values and all(isinstance(each.get("role"), str) and messages_of(each) is None for each in values):
        yield _loose(path, chain(first, records), cost_key)
    else:
        for record in chain(first, records):
            yield _one(path, record, cost_key)


def _one(path: Path, record: Record, cost_key: str) -> Trace | Left:
    place, line, value = record
    if isinstance(value, Left):
        return Left(f"{path}, {place}", value.reason)
    if isinstance(value, list) and value and all(isinstance(each, dict) and "role" in each for each in value):
        value = {"messages": value}
    if not isinstance(value, dict):
        return Left(f"{path}, {place}", "is no JSON object")
    if messages_of(value) is None:
        keys = ", ".join(list(value)[:5])
        return Left(f"{path}, {place}", f"holds no messages (its keys: {keys})")
    found = Found("")
    return _trace(path, place, line, files.conversation(value, place, found), cost_key)


def _loose(path: Path, records: Iterator[Record], cost_key: str) -> Trace:
    """A file with a message on each line is one conversation."""
    found, messages = Found(""), [value for _, _, value in records]
    conversation = files.conversation({"messages": messages}, "line 1", found)
    return _trace(path, "", 1, conversation, cost_key)


def _session(path: Path, cost_key: str) -> Iterator[Trace]:
    try:
        found = claude_code.read(path.read_bytes())
    except OSError as error:
        raise CassetteError(f"{path}: cannot be read ({error.strerror or error})") from None
    for conversation in found.conversations:
        yield _trace(path, conversation.place, 1, conversation, cost_key)


def _trace(path: Path, place: str, line: int, conversation: Conversation, cost_key: str) -> Trace:
    run = Run()
    for event, at in told_by(conversation):
        run.append(event, at)
    metadata: JsonObject = conversation.metadata
    cost, key = cost_in(metadata, cost_key)
    case, trial = named(case_in(metadata) or conversation.name, trial_in(metadata))
    return Trace(
        file=str(path),
        place=place,
        line=line,
        run=run,
        metadata=metadata,
        case=case,
        trial=trial,
        model=word_in(metadata, MODELS) or conversation.model,
        domain=word_in(metadata, DOMAINS),
        cost=cost,
        cost_key=key,
        seconds=seconds_in(metadata) or seconds_of(conversation),
        keeps=False,
        transcript=True,
        group=str(path),
        left=conversation.left,
    )
