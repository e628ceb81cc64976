"""A chat becomes a case: what was said, which tools it took, and the recording of it, so that it can be scored at once.

A recording is only kept when a replay will ask for the same again; where it would not, the case is written all the same
and the person is told why, and which command records it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from agentctl import __version__
from agentctl.agent.events import Approved, JsonObject, ModelAsked, ModelFailed, RunEnded, ToolCalled, UserSaid
from agentctl.agent.run import Run
from agentctl.cassette.record import save
from agentctl.cassette.tape import Header
from agentctl.cli.session import Conversation
from agentctl.cli.suite_append import append_case, as_data
from agentctl.config.project import Project
from agentctl.config.refs import is_name
from agentctl.config.texts import shown
from agentctl.errors import UsageError
from agentctl.evals.plan import Job, plan
from agentctl.evals.prices import Prices
from agentctl.evals.replay import record_hint, replay
from agentctl.evals.suite import load_suite


@dataclass(frozen=True, slots=True)
class SavedCase:
    """A case that was written. `recording` is None when the session was not recorded for it, and `why` says why."""

    suite: Path
    recording: Path | None
    why: str = ""
    hint: str = ""


def save_case(conversation: Conversation, name: str, suite: str | None = None) -> SavedCase:
    """Adds the conversation to a suite (the agent's own, unless named) as the case `name`, recorded where possible.

    Raises:
        UsageError: the name is taken or cannot be one, or nothing was said.
        ConfigError: the suite is wrong.
        AgentctlError: a file cannot be written.
    """
    session, run = conversation.session, conversation.run
    path = _suite_path(session.project, suite or session.agent.name)
    _check_name(name, path, session.project)
    append_case(path, session.agent.ref, _case(run, name, conversation.id, session.agent.ref))
    job = next(job for job in plan(session.project, [path.stem], filters=[name]) if job.case.id == name)
    why = _not_recordable(conversation, job)
    if why or conversation.tape is None:
        return SavedCase(path, None, why, record_hint(job))
    save(
        job.recording, _header(job, session.live.source), [conversation.tape], job.suite.rules.for_recording(os.environ)
    )
    return SavedCase(path, job.recording)


async def scored(project: Project, saved: SavedCase, name: str) -> str:
    """What `agentctl eval` will say of the case: empty when it passes, else the reason."""
    job = next(job for job in plan(project, [saved.suite.stem], filters=[name]) if job.case.id == name)
    (result, *_) = await replay(job, Prices())
    return "" if result.status == "pass" else f"{result.status}: {result.reason}"


def _suite_path(project: Project, name: str) -> Path:
    if not is_name(name):
        raise UsageError(f"{shown(name)} cannot name a suite", hint="lower-case letters, digits, `.`, `_` and `-`")
    return project.evals / f"{name}.yaml"


def _check_name(name: str, path: Path, project: Project) -> None:
    if not is_name(name):
        raise UsageError(f"{shown(name)} cannot name a case", hint="lower-case letters, digits, `.`, `_` and `-`")
    if path.exists() and any(case.id == name for case in load_suite(path, project).cases):
        raise UsageError(f"{project.show(path)} has a case {name} already", hint="choose another name")


def _case(run: Run, name: str, run_id: str, agent: str) -> JsonObject:
    events = [entry.event for entry in run.entries]
    said = [event.content for event in events if isinstance(event, UserSaid) and isinstance(event.content, str)]
    if not said:
        raise UsageError("nothing was said yet that could become a case")
    tools = [event.name for event in events if isinstance(event, ToolCalled)]
    case: JsonObject = {"id": name, "description": f"Saved from run {run_id} of {agent}"}
    turns = [as_data(text) for text in said]
    case["input"] = turns[0] if len(turns) == 1 else turns
    if any(isinstance(event, Approved) for event in events):
        case["approve"] = True
    sequence = {"type": "trajectory:tool-sequence", "value": tools, "mode": "in_order"}
    case["assert"] = [{"ended": "completed"}, sequence if tools else {"trajectory:step-count": {"equals": 0}}]
    return case


def _not_recordable(conversation: Conversation, job: Job) -> str:
    """Why a replay would not go the way the session went; empty when it would."""
    events = [entry.event for entry in conversation.run.entries]
    tape, models = conversation.tape, {event.model for event in events if isinstance(event, ModelAsked)}
    ends = {event.reason for event in events if isinstance(event, RunEnded)}
    unlike = job.agent.bundle != conversation.session.agent.bundle or models != {job.agent.model}
    reasons = {
        "a session that went on with a stored run has no recording of its beginning": tape is None,
        "a turn of this session was interrupted or failed": tape is not None
        and (tape.partial or bool(ends - {"completed"})),
        "an attempt of this session failed": any(isinstance(event, ModelFailed) for event in events),
        "a call of this session was denied": any(
            isinstance(event, Approved) and not event.approved for event in events
        ),
        f"the suite tests {job.agent.ref} as its document stands, and this session did not": unlike,
        "the suite looks at the state of a fresh workspace": bool(job.queries),
        "the case has several takes": job.repeats > 1,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _header(job: Job, source: str) -> Header:
    return Header(
        suite=job.suite.name,
        case=job.case.id,
        agent=job.agent.ref,
        bundle=job.agent.bundle,
        components=job.components,
        at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        by=f"agentctl {__version__}",
        source=source,
    )
