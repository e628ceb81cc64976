"""A chat becomes a case: what was said, which tools it took, and the recording of it, so that it can be scored at once.

A recording is only kept when a replay will ask for the same again; where it would not, the case is written all the same
and the person is told why, and which command records it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from agentctl.agent.events import ModelAsked, ModelFailed, Recalled, RunEnded
from agentctl.cassette.rebuild import keep
from agentctl.cassette.record import save
from agentctl.cli.cases.append import append_case
from agentctl.cli.cases.make import case_of, check_name, header_of, job_of, suite_path
from agentctl.cli.session import Conversation
from agentctl.config.project import Project
from agentctl.evals.from_run import difference, recording_of
from agentctl.evals.plan import Job
from agentctl.evals.prices import Prices
from agentctl.evals.replay import replay
from agentctl.evals.standing import record_hint


@dataclass(frozen=True, slots=True)
class SavedCase:
    """A case that was written. `recording` is None when the session was not recorded for it, and `why` says why."""

    suite: Path
    recording: Path | None
    why: str = ""
    hint: str = ""


async def save_case(conversation: Conversation, name: str, suite: str | None = None) -> SavedCase:
    """Adds the conversation to a suite (the agent's own, unless named) as the case `name`, recorded where possible.

    Raises:
        UsageError: the name is taken or cannot be one, or nothing was said.
        ConfigError: the suite is wrong.
        AgentctlError: a file cannot be written.
    """
    session, run = conversation.session, conversation.run
    path = suite_path(session.project, suite or session.agent.name)
    check_name(name, path, session.project)
    case = case_of(run.events, name, f"Saved from run {conversation.id} of {session.agent.ref}")
    append_case(path, session.agent.ref, case)
    job = job_of(session.project, path.stem, name)
    why = _not_recordable(conversation, job)
    if why:
        return SavedCase(path, None, why, record_hint(job))
    redactor = job.suite.rules.for_recording(os.environ)
    if conversation.tape is not None:
        save(job.recording, header_of(job, session.live.source), [conversation.tape], redactor)
        return SavedCase(path, job.recording)
    header = header_of(job, f"{session.live.source} (rebuilt from run {conversation.id})", run.entries[0].at)
    cassette = recording_of(job, run.entries, header)
    finished = run.events if run.ended is not None else [*run.events, RunEnded("completed")]
    parts = await difference(job, cassette, finished)
    if parts:
        return SavedCase(path, None, f"a replay would part from this session: {parts}", record_hint(job))
    keep(job.recording, cassette.header or header, cassette.interactions, redactor)
    return SavedCase(path, job.recording)


async def scored(project: Project, saved: SavedCase, name: str) -> str:
    """What `agentctl eval` will say of the case: empty when it passes, else the reason."""
    job = job_of(project, saved.suite.stem, name)
    (result, *_) = await replay(job, Prices())
    return "" if result.status == "pass" else f"{result.status}: {result.reason}"


def _not_recordable(conversation: Conversation, job: Job) -> str:
    """Why a replay would not go the way the session went; empty when it would."""
    events = [entry.event for entry in conversation.run.entries]
    tape, models = conversation.tape, {event.model for event in events if isinstance(event, ModelAsked)}
    ends = {event.reason for event in events if isinstance(event, RunEnded)}
    unlike = job.agent.bundle != conversation.session.agent.bundle or models != {job.agent.model}
    reasons = {
        "a turn of this session was interrupted or failed": tape is not None
        and (tape.partial or bool(ends - {"completed"})),
        "an answer of this session was a cached one (chat with --no-cache)": any(
            isinstance(event, Recalled) for event in events
        ),
        "an attempt of this session failed": any(isinstance(event, ModelFailed) for event in events),
        f"the suite tests {job.agent.ref} as its document stands, and this session did not": unlike,
        "the suite looks at the state of a fresh workspace": bool(job.queries),
        "the case has several takes": job.repeats > 1,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")
