"""`agentctl runs to-case`: a stored run becomes a case that passes offline, or nothing is written and it is said why.

The store keeps facts, not bytes, so the recording is rebuilt from them; it is kept only when a replay of it does the
same again, and only for the definition that the run was made with.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agentctl.agent.events import Entry, Event, JsonObject, RunStarted
from agentctl.agent.spec import Agent
from agentctl.cassette.rebuild import keep
from agentctl.cassette.tape import Cassette
from agentctl.cli.cases.append import append_case
from agentctl.cli.cases.make import case_of, check_name, header_of, job_of, suite_path
from agentctl.cli.console import json_document, say
from agentctl.cli.replay.sources import LATEST
from agentctl.cli.session import open_runs
from agentctl.cli.wiring import open_project
from agentctl.config.load import load_agent
from agentctl.config.project import Project
from agentctl.errors import UsageError
from agentctl.evals.files import write_whole
from agentctl.evals.from_run import changed_since, difference, obstacle, recording_of
from agentctl.evals.plan import Job
from agentctl.evals.prices import Prices
from agentctl.evals.replay import replay
from agentctl.evals.result import CaseResult
from agentctl.evals.suite import load_suite
from agentctl.observe.clean import clean


@dataclass(frozen=True, slots=True)
class Life:
    """A run as it was stored, and where its answers came from."""

    id: str
    entries: tuple[Entry, ...]
    source: str

    @property
    def events(self) -> list[Event]:
        """The facts."""
        return [entry.event for entry in self.entries]

    @property
    def started(self) -> RunStarted:
        """How it began.

        Raises:
            UsageError: it did not.
        """
        for event in self.events:
            if isinstance(event, RunStarted):
                return event
        raise UsageError(f"run {self.id} never began", hint="`agentctl runs list` shows the others")


def to_case(run: str, suite: str, name: str | None, agent: str | None, *, json: bool) -> None:
    """Makes the case and its recording, scores it, and says what came of it.

    Raises:
        UsageError: the run cannot be a case of that suite; nothing was written.
        AgentctlError: a document is wrong, or a file cannot be written.
    """
    project = open_project()
    with open_runs(project) as store:
        run_id = store.resolve("latest" if run in LATEST else run)
        meta = store.get(run_id).meta or {}
        life = Life(run_id, store.entries(run_id), str(meta.get("source") or "unknown"))
    name = name or f"run-{run_id}"
    path = suite_path(project, suite)
    check_name(name, path, project)
    ref = agent or (load_suite(path, project).agent if path.exists() else "") or life.started.agent
    runner = load_agent(ref, project)
    _check_definition(runner, ref, life, suite)
    case = case_of(life.events, name, f"Made from run {run_id} of {life.started.agent}")
    with undone_on_failure(path):
        append_case(path, runner.ref, case)
        job = job_of(project, suite, name, agent)
        cassette = whole(job, life)
        keep_rebuilt(job, cassette)
    (result, *_) = asyncio.run(replay(job, Prices()))
    _tell(project, job, result, agent, json=json)


@contextmanager
def undone_on_failure(path: Path) -> Iterator[None]:
    """Gives the file back as it was when what is done with it fails."""
    before = path.read_bytes() if path.exists() else None
    try:
        yield
    except BaseException:
        if before is None:
            path.unlink(missing_ok=True)
        elif path.read_bytes() != before:
            write_whole(path.resolve(), before)
        raise


def whole(job: Job, life: Life) -> Cassette:
    """The recording of the case, rebuilt from the run.

    Raises:
        UsageError: a replay of it would not do the same.
    """
    why = obstacle(job, life.events)
    if not why:
        header = header_of(job, f"{life.source} (rebuilt from run {life.id})", _began(life.entries))
        cassette = recording_of(job, life.entries, header)
        parts = asyncio.run(difference(job, cassette, life.events))
        if not parts:
            return cassette
        why = f"a replay would part from it: {parts}"
    raise UsageError(
        f"run {life.id} cannot be a recording of a case: {why}",
        hint="write the case by hand, and record it with --record-mode new-episodes",
    )


def keep_rebuilt(job: Job, cassette: Cassette) -> None:
    """Writes the recording, without secrets.

    Raises:
        CassetteError: it cannot be written.
    """
    assert cassette.header is not None
    keep(job.recording, cassette.header, cassette.interactions, job.suite.rules.for_recording(os.environ))


def _began(entries: Sequence[Entry]) -> float | None:
    return entries[0].at if entries and entries[0].at else None


def _check_definition(agent: Agent, ref: str, life: Life, suite: str) -> None:
    """Refuses a run of another definition: its answers were given to another prompt, model or set of tools."""
    if agent.bundle == life.started.bundle:
        return
    changed = changed_since(agent, life.events)
    if agent.ref != life.started.agent:
        hint = f"add --agent {life.started.agent}, or choose a suite of its own"
    else:
        hint = f"--agent {agent.name}@git:REV takes the definition as a revision has it"
    raise UsageError(
        f"run {life.id} was made by {life.started.agent} as it was then, and {ref}, which the suite {suite} tests, "
        f"differs in: {', '.join(changed) or 'its bundle'}",
        hint=hint,
    )


def _tell(project: Project, job: Job, result: CaseResult, instead: str | None, *, json: bool) -> None:
    own = job.recording.parent == project.cassettes / job.suite.name
    flag = "" if own else f" --agent {instead}"
    command = f"agentctl eval {job.suite.name} --filter {job.case.id}{flag}"
    if json:
        told: JsonObject = {
            "suite": job.suite.name,
            "case": job.case.id,
            "agent": job.agent.ref,
            "file": project.show(job.suite.path),
            "recording": job.recording_name,
            "status": result.status,
            "reason": result.reason,
            "eval": command,
        }
        json_document(told)
        return
    say(clean(f"case {job.case.id} added to {project.show(job.suite.path)}, recorded in {job.recording_name}"))
    say(clean("it passes" if result.status == "pass" else f"it does not pass: {result.status}: {result.reason}"))
    say(clean(f"  {command}"))
