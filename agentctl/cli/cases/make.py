"""A run as a case of a suite: what was said, which tools it took, how it ended, and the header of its recording."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from agentctl import __version__
from agentctl.agent.events import Event, JsonObject, RunEnded, UserSaid
from agentctl.agent.run import Run, text_of
from agentctl.cassette.tape import Header
from agentctl.cli.cases.append import as_data
from agentctl.config.project import Project
from agentctl.config.refs import is_name
from agentctl.config.texts import shown
from agentctl.errors import UsageError
from agentctl.evals.approvals import as_document, decided
from agentctl.evals.plan import Job, plan
from agentctl.evals.scorers.outcome import outcome_of
from agentctl.evals.suite import load_suite

MOST_CALLS: Final = 20
"""Tool calls that are asserted one by one; of more, only their number is."""


def suite_path(project: Project, name: str) -> Path:
    """Where the suite of that name is, or would be.

    Raises:
        UsageError: it can be no suite's name.
    """
    if not is_name(name):
        raise UsageError(f"{shown(name)} cannot name a suite", hint="lower-case letters, digits, `.`, `_` and `-`")
    return project.evals / f"{name}.yaml"


def check_name(name: str, path: Path, project: Project) -> None:
    """Refuses what cannot name another case of the suite at `path`.

    Raises:
        UsageError: it is no name, or it is taken.
        ConfigError: the suite is wrong.
    """
    if not is_name(name):
        raise UsageError(f"{shown(name)} cannot name a case", hint="lower-case letters, digits, `.`, `_` and `-`")
    if path.exists() and name.casefold() in case_ids(path, project):
        raise UsageError(f"{project.show(path)} has a case {name} already", hint="choose another name")


def case_ids(path: Path, project: Project) -> set[str]:
    """The ids of the suite's cases, in lower case.

    Raises:
        ConfigError: the suite is wrong.
    """
    return {case.id.casefold() for case in load_suite(path, project).cases}


def job_of(project: Project, suite: str, name: str, agent: str | None = None) -> Job:
    """The case as it would be run."""
    return next(job for job in plan(project, [suite], agent=agent, filters=[name]) if job.case.id == name)


def said_in(events: Sequence[Event]) -> list[str]:
    """What the user says, turn by turn; what is no text is not in it."""
    said = [text_of(event.content) for event in events if isinstance(event, UserSaid)]
    return [text for text in said if text]


def case_of(events: Sequence[Event], name: str, description: str) -> JsonObject:
    """The case that these facts pass, as a suite's document has it.

    Raises:
        UsageError: nothing was said.
    """
    said = said_in(events)
    if not said:
        raise UsageError("nothing was said that could become a case")
    turns = [as_data(text) for text in said]
    case: JsonObject = {"id": name, "description": description, "input": turns[0] if len(turns) == 1 else turns}
    approve, deny = decided(events)
    if approve:
        case["approve"] = True
    if deny:
        case["deny"] = as_document(deny)
    tools = outcome_of(Run.of(events)).tool_names
    ended = next((event.reason for event in reversed(events) if isinstance(event, RunEnded)), "completed")
    calls: JsonObject = {"type": "trajectory:tool-sequence", "value": tools, "mode": "in_order"}
    if not 0 < len(tools) <= MOST_CALLS:
        calls = {"trajectory:step-count": {"equals": len(tools)}}
    case["assert"] = [{"ended": ended}, calls]
    return case


def header_of(job: Job, source: str, at: float | None = None) -> Header:
    """The header of a recording of the case, made now or at `at` (seconds since the epoch)."""
    made = datetime.now(UTC) if at is None else datetime.fromtimestamp(at, UTC)
    transcript = job.case.transcript
    return Header(
        suite=job.suite.name,
        case=job.case.id,
        agent=job.agent.name if transcript else job.agent.ref,
        bundle=job.agent.bundle,
        components=job.components,
        at=made.strftime("%Y-%m-%dT%H:%M:%SZ"),
        by=f"agentctl {__version__}",
        source=source,
        transcript=transcript,
    )
