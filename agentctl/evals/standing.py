"""Whether a case's recording may be played, decided before anything is: from digests, and from what the takes hold.

There is one judgement, made here; `eval` acts on it and `cassettes status` tells it, so the two cannot disagree.
Nothing is driven and no model's code is imported.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from agentctl.cassette.file import partial_of, read
from agentctl.cassette.rerecord import rerecord
from agentctl.cassette.staleness import changed, without_code
from agentctl.cassette.tape import Cassette, Interaction
from agentctl.errors import CassetteError
from agentctl.evals.approvals import DENIED, may_run
from agentctl.evals.plan import Job
from agentctl.evals.scorers.state import StateQuery

STATE_QUERY: Final = "state query"
"""The component that changed when a case asks for state that was not looked at when it was recorded."""

APPROVAL: Final = "approval"
"""The component that changed when a recorded call would not be allowed now, or one that was denied would be."""


REDACTION: Final = "redaction"
"""The component that changed when something was redacted that the rules of today leave as it is, or name otherwise."""
MARK: Final = "[redacted:"
"""How what stands in a secret's place begins."""


class Standing(Struct, frozen=True):
    """How a case's recording stands: `cassette` when it may be played, else a status that is no verdict, and why."""

    cassette: Cassette | None
    status: str = ""
    """`missing`, `stale` or `error`, as `eval` calls them."""
    reason: str = ""
    hint: str = ""
    stale: tuple[str, ...] = ()
    unfit: Cassette | None = None
    """The recording, when it is stale."""


def standing(job: Job, *, live_tools: bool = False) -> Standing:
    """Whether the recording of this case may be played for the agent and the case as they are now.

    With live tools, the code behind them is what is put to the test: that it changed is no objection.
    """
    try:
        cassette = read(job.recording)
    except CassetteError as error:
        if job.recording.exists():
            return Standing(None, "error", str(error), error.hint)
        begun = ", only an interrupted one" if partial_of(job.recording).exists() else ""
        return Standing(None, "missing", f"there is no recording {job.recording_name}{begun}", record_hint(job))
    if cassette.header is None:
        return Standing(None, "missing", "the recording is not one of this case: it has no header", record_hint(job))
    if job.case.transcript and not cassette.header.transcript:
        return Standing(None, "missing", "the recording is no transcript", record_hint(job))
    components = changed(cassette.header, job.components)
    if live_tools:
        components = without_code(components)
    components = components or _beyond_digests(job, cassette)
    if components:
        reason = f"changed since it was recorded: {', '.join(components)}"
        return Standing(None, "stale", reason, rerecord(cassette), components, cassette)
    return Standing(cassette)


def record_hint(job: Job) -> str:
    """The command that records this case."""
    if job.case.transcript:
        return f"import it again: agentctl import FILE --suite {job.suite.name}"
    repeat = f" --repeat {job.repeats}" if job.repeats != job.case.repeat else ""
    return f"record it: agentctl eval {job.suite.name} --filter {job.case.id}{repeat} --record-mode new-episodes"


def no_take_reason(job: Job, number: int) -> str:
    """Why repeat `number`, from 0, cannot be played when its take was never recorded."""
    return f"take {number + 1} of {job.repeats} is not recorded"


def _beyond_digests(job: Job, cassette: Cassette) -> tuple[str, ...]:
    """What the case asks for and the takes do not hold."""
    apart: list[str] = []
    if not job.case.transcript:
        apart += [] if _redacted_alike(job, cassette) else [REDACTION]
        apart += [] if _decided_alike(job, cassette) else [APPROVAL]
    apart += [] if _observed(cassette, job.queries) else [STATE_QUERY]
    return tuple(apart)


def _redacted_alike(job: Job, cassette: Cassette) -> bool:
    """Whether what was redacted is recognised by the rules of today; looked at only where something was."""
    for take in cassette.takes:
        first = cassette.interactions[take.interactions[0]] if take.interactions else None
        asked = None if first is None else first.request
        if first is not None and isinstance(asked, str) and MARK in asked and not _recognised(job, first):
            return False
    return True


def _recognised(job: Job, first: Interaction) -> bool:
    try:
        asked = first.asked
    except CassetteError:  # the replay says so
        return True
    redactor = job.suite.rules.for_replay(os.environ)
    messages = asked.get("messages")
    said = messages[0].get("content") if isinstance(messages, list) and messages else ""
    pairs = ((_text(asked.get("system")), job.agent.system), (_text(said), job.case.input[0]))
    return all(MARK not in was or was in {now, redactor.value(now)} for was, now in pairs)


def _text(content: Any) -> str:
    """The text of a system prompt or a message of one block."""
    block = content[0] if isinstance(content, list) and content else {}
    text = content if isinstance(content, str) else block.get("text") if isinstance(block, dict) else ""
    return text if isinstance(text, str) else ""


def _observed(cassette: Cassette, queries: Sequence[StateQuery]) -> bool:
    """Whether all of this was looked at when it was recorded."""
    if not queries:
        return True
    names = {seen.name for take in cassette.takes for seen in take.observed}
    return all(query.name in names for query in queries)


def _decided_alike(job: Job, cassette: Cassette) -> bool:
    """Whether no call that ran would be denied now, and none that was denied would run."""
    case = job.case
    asking = {tool.name for tool in job.agent.tools if tool.approve == "always"}
    if not asking:
        return not any(_denied(cassette, take.interactions) for take in cassette.takes)
    all_decided = case.approve or asking <= case.deny.keys()
    if all_decided and any(_denied(cassette, take.interactions) for take in cassette.takes):
        return False
    barred = {name for name in asking if not may_run(name, approve=case.approve, deny=case.deny)}
    return not barred or barred.isdisjoint(tool.name for take in cassette.takes for tool in take.tools)


def _denied(cassette: Cassette, interactions: Sequence[int]) -> bool:
    """Whether a call of this take was denied; the last request holds all that the model was told."""
    asked = cassette.interactions[interactions[-1]].request if interactions else ""
    return (DENIED.encode() if isinstance(asked, bytes) else DENIED) in asked  # type: ignore[operator]
