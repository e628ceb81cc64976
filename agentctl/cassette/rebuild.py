"""The traffic of a run, rebuilt from its facts: a store keeps events and no wire bytes, and these say everything.

Requests are folded from the events by the definition that was asked, exactly as they were then; replies are written as
JSON bodies that the one decoder reads back to equal events. Whether a rebuilt recording replays to the same run is
for the caller to try: a failed attempt keeps less than its bytes did.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from agentctl.agent.events import (
    Entry,
    JsonObject,
    ModelAsked,
    ModelFailed,
    ModelReplied,
    Observed,
    ToolCalled,
    ToolReturned,
)
from agentctl.agent.ports import Request
from agentctl.agent.request import build, stable_part
from agentctl.agent.run import Run
from agentctl.agent.spec import Agent
from agentctl.agent.values import replace
from agentctl.cassette.file import write
from agentctl.cassette.record import readable_body
from agentctl.cassette.secrets.redact import Redactor
from agentctl.cassette.secrets.scrub import redacted, redacted_take
from agentctl.cassette.tape import API_BASE, MESSAGES_PATH, Break, Cassette, Header, Interaction, RecordedTool, Take

ERRORS: Final = range(300, 600)
JSON_TYPE: Final[Mapping[str, str]] = {"content-type": "application/json"}
STREAM_TYPE: Final[Mapping[str, str]] = {"content-type": "text/event-stream"}
PING: Final = "event: ping\ndata: {}\n\n"
AS_TOLD: Final = re.compile(r"\A(?:HTTP \d+ \w+|the stream broke off with \w+): ")
"""What the decoder puts before the server's own words."""
NOT_RUN: Final = frozenset({"denied", "not_run", "interrupted"})
"""Results that the loop itself gave: no tool was asked for them."""


def rebuilt(agent: Agent, entries: Iterable[Entry]) -> tuple[tuple[Interaction, ...], Take]:
    """The interactions of a run that `agent` made, and the take that they are."""
    made = _Rebuilt(agent)
    for entry in entries:
        made.take(entry)
    take = Take(
        interactions=tuple(range(len(made.interactions))),
        seconds=tuple(made.seconds),
        tools=tuple(made.tools),
        observed=tuple(made.observed),
        breaks=tuple(made.breaks),
    )
    return tuple(made.interactions), take


def keep(path: Path, header: Header, interactions: Iterable[Interaction], redactor: Redactor) -> Cassette:
    """Writes a recording that no tape was running for, without secrets; `header` holds its takes.

    Raises:
        CassetteError: the file cannot be written.
    """
    clean = tuple(redacted(each, redactor) for each in interactions)
    takes = tuple(redacted_take(take, redactor) for take in header.takes)
    cassette = Cassette(clean, replace(header, takes=takes), path)
    write(path, cassette)
    return cassette


def reply_of(replied: ModelReplied) -> JsonObject:
    """The message that the decoder reads as this reply."""
    message: JsonObject = {
        "id": replied.id,
        "type": "message",
        "role": "assistant",
        "model": replied.model,
        "content": replied.content,
        "stop_reason": replied.stop_reason,
        "stop_sequence": replied.stop_sequence,
        "usage": replied.usage,
    }
    return message if replied.stop_details is None else {**message, "stop_details": replied.stop_details}


def interaction_of(request: Request, message: JsonObject, *, request_id: str | None = None) -> Interaction:
    """A request and the message that answered it."""
    headers = JSON_TYPE if request_id is None else {**JSON_TYPE, "request-id": request_id}
    return _interaction(request, 200, _text(message), headers)


def _interaction(request: Request, status: int, body: str, headers: Mapping[str, str]) -> Interaction:
    asked = {"content-type": "application/json"}
    if request.betas:
        asked["anthropic-beta"] = ",".join(request.betas)
    return Interaction(
        method=request.method,
        uri=API_BASE + MESSAGES_PATH,
        request=readable_body(request.body),
        status=status,
        headers=headers,
        stored=body,
        request_headers=asked,
    )


def _text(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # integers over 64 bits, lone surrogates
        return json.dumps(value)


class _Rebuilt:
    """The run so far, folded, and the traffic so far."""

    def __init__(self, agent: Agent) -> None:
        self.interactions: list[Interaction] = []
        self.seconds: list[float] = []
        self.tools: list[RecordedTool] = []
        self.observed: list[Observed] = []
        self.breaks: list[Break] = []
        self._agent, self._stable, self._run = agent, stable_part(agent), Run()
        self._called: dict[str, float] = {}
        self._since = 0.0

    def take(self, entry: Entry) -> None:
        """Takes the next fact."""
        match entry.event:
            case ModelAsked():
                self._since = entry.at
            case ModelReplied() as replied:
                request = build(self._agent, self._run, self._stable)
                self._put(interaction_of(request, reply_of(replied), request_id=replied.request_id), entry.at)
            case ModelFailed() as failed:
                self._fail(failed, entry.at)
            case ToolCalled() as called:
                self._called[called.call_id] = entry.at
            case ToolReturned() as returned if returned.call_id in self._called and returned.error_type not in NOT_RUN:
                took = max(entry.at - self._called[returned.call_id], 0.0)
                self.tools.append(RecordedTool.of(returned, round(took, 3)))
            case Observed() as seen:
                self.observed.append(seen)
        self._run.append(entry.event, entry.at)

    def _put(self, interaction: Interaction, at: float) -> None:
        self.interactions.append(interaction)
        self.seconds.append(round(max(at - self._since, 0.0), 3))
        self._since = at

    def _fail(self, failed: ModelFailed, at: float) -> None:
        """An attempt that was answered with an error, or whose answer never came to its end."""
        request = build(self._agent, self._run, self._stable)
        error = {"type": failed.error_type, "message": AS_TOLD.sub("", failed.message)}
        answer = {"type": "error", "error": error}
        headers = {} if failed.request_id is None else {"request-id": failed.request_id}
        if failed.status in ERRORS:
            headers["x-should-retry"] = "true" if failed.retryable else "false"
            if failed.retry_after is not None:
                headers["retry-after"] = str(failed.retry_after)
            self._put(_interaction(request, failed.status or 0, _text(answer), {**JSON_TYPE, **headers}), at)
        elif failed.status is not None:
            body = PING if failed.error_type == "stream_truncated" else f"event: error\ndata: {_text(answer)}\n\n"
            self._put(_interaction(request, failed.status, body, {**STREAM_TYPE, **headers}), at)
        else:
            broken = Break(len(self.interactions), failed.error_type, failed.message, failed.retryable)
            self.breaks.append(broken)
            self._put(_interaction(request, 200, "", headers), at)
