"""`agentctl import`: foreign recordings become cases with cassettes, and whatever could not be carried is named.

Nothing is lost without a word: exit 0 says that every message is in a case, 1 that something was left out (each with
its place and the reason), 2 that a file could not be read at all. What could be carried is written in both.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from agentctl.agent.events import Entry, JsonObject
from agentctl.agent.spec import Agent
from agentctl.agent.values import replace
from agentctl.cassette.imports.talk import Left
from agentctl.cassette.rebuild import keep
from agentctl.cassette.tape import Interaction, Take
from agentctl.cassette.then import times
from agentctl.cli import exits
from agentctl.cli.cases.append import append_cases
from agentctl.cli.cases.make import case_ids, case_of, header_of, said_in, suite_path
from agentctl.cli.cases.to_case import undone_on_failure
from agentctl.cli.console import complain, json_document, say
from agentctl.cli.wiring import open_project
from agentctl.config.load import load_agent
from agentctl.config.project import Project
from agentctl.errors import CassetteError
from agentctl.evals.case import Case, Suite
from agentctl.evals.from_run import difference, obstacle, recording_of
from agentctl.evals.importing import Draft, as_ours, read, unlike
from agentctl.evals.plan import Job, plan
from agentctl.observe.clean import clean
from agentctl.observe.figures import count


class Format(StrEnum):
    """What a file is."""

    AUTO = "auto"
    ANTHROPIC = "anthropic"
    OPENAI = "openai"
    VCR = "vcr"
    CLAUDE_CODE = "claude-code"


@dataclass(frozen=True, slots=True)
class Making:
    """A case to be written: its document, and its recording until the case is there to write it for."""

    case: JsonObject
    interactions: tuple[Interaction, ...]
    take: Take
    source: str
    at: float | None


@dataclass(slots=True)
class Told:
    """What is said of one file."""

    file: str
    format: str = ""
    error: str = ""
    hint: str = ""
    messages: int = 0
    cases: list[str] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    passed: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> JsonObject:
        """The file as it stands in the document."""
        return {
            "file": self.file,
            "format": self.format,
            "error": self.error or None,
            "messages": self.messages,
            "cases": self.cases,
            "left_out": [{"place": left.place, "reason": left.reason} for left in self.left],
            "passed_over": self.passed,
        }


def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Recordings or transcripts.")],
    *,
    suite: Annotated[str, typer.Option("-s", "--suite", metavar="SUITE", help="The suite; made when it is not there.")],
    agent: Annotated[
        str | None,
        typer.Option(
            "--agent", metavar="REF", help="The agent, defined here, that made them: cases are then replayed."
        ),
    ] = None,
    format: Annotated[Format, typer.Option("--format", help="What the files are.")] = Format.AUTO,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be carried, and write nothing.")] = False,
    json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> int:
    """Turn transcripts and foreign recordings into cases with cassettes.

    JSON lines of Anthropic or OpenAI messages, sessions of Claude Code, recordings of vcrpy and of Ruby's VCR.

    Without --agent a case is a transcript: replayed and scored as it stands, and never said to be of an agent here.

    Exit codes: 0 everything was carried, 1 something was left out (each is named), 2 a file cannot be read.
    """
    project = open_project()
    path = suite_path(project, suite)
    taken = case_ids(path, project) if path.exists() else set()
    runner = None if agent is None else load_agent(agent, project)
    makings: list[Making] = []
    new: set[str] = set()
    told = [_one(file, format, runner, taken, new, makings) for file in files]
    if makings and not dry_run:
        _write(project, path, agent, "" if runner is None else runner.ref, makings)
    code = exits.FAILED if any(each.left for each in told) else exits.OK
    code = exits.USAGE if any(each.error for each in told) else code
    if json:
        json_document(
            {
                "suite": suite,
                "suite_file": project.show(path),
                "written": bool(makings) and not dry_run,
                "files": [each.to_json() for each in told],
                "exit": code,
            }
        )
    else:
        _print(told, project.show(path), len(makings), dry_run=dry_run)
    return code


def _one(
    file: Path, format_: Format, agent: Agent | None, taken: set[str], new: set[str], makings: list[Making]
) -> Told:
    """What one file holds, its cases put to `makings` and their names to `new`; what is `taken` is left alone."""
    told = Told(str(file))
    try:
        found = read(file, None if format_ is Format.AUTO else format_.value)
    except CassetteError as error:
        told.error, told.hint = str(error), error.hint
        return told
    told.format, told.left, told.passed = found.format, [*found.left], dict(found.passed)
    for draft in found.drafts:
        name = _free(draft.name, new)
        if name in taken:
            told.left.append(Left(draft.place, f"{_all(draft)}: there is a case {name} already"))
            continue
        making = _made(draft, name, agent)
        if isinstance(making, str):
            told.left.append(Left(draft.place, f"{_all(draft)}: {making}"))
            continue
        new.add(name)
        makings.append(making)
        told.cases.append(name)
        told.messages += draft.messages
    return told


def _made(draft: Draft, name: str, agent: Agent | None) -> Making | str:
    """The case of a draft; why there can be none, when it is to be one of an agent that did not make it."""
    description = f"Imported from {draft.metadata['imported_from']}"
    source = f"imported from {draft.metadata['imported_from']}"
    if agent is None:
        case = case_of(draft.events, name, description)
        asserts = case.pop("assert")
        case |= {"transcript": True, "metadata": draft.metadata, "assert": asserts}
        return Making(case, draft.interactions, draft.take, source, draft.at)
    others = unlike(draft, agent)
    if others:
        return f"made with another {', '.join(others)} than {agent.ref} has; without --agent it can be a transcript"
    events = as_ours(draft.events, agent)
    moments = times(events, "", draft.take)
    entries = [Entry(seq, at, event) for seq, (event, at) in enumerate(zip(events, moments, strict=True))]
    case = case_of(events, name, description)
    job = _alone(case, tuple(said_in(events)), agent)
    why = obstacle(job, events)
    cassette = recording_of(job, entries, header_of(job, source, draft.at))
    why = why or asyncio.run(difference(job, cassette, events))
    if why:
        return f"a run of {agent.ref} cannot have gone this way ({why}); without --agent it can be a transcript"
    asserts = case.pop("assert")
    case |= {"metadata": draft.metadata, "assert": asserts}
    return Making(case, cassette.interactions, cassette.takes[0], f"{source}, taken for {agent.ref}", draft.at)


def _alone(case: JsonObject, said: tuple[str, ...], agent: Agent) -> Job:
    """A job of the case before it is in a suite."""
    made = Case(str(case["id"]), said, (), approve=case.get("approve") is True)
    suite = Suite("imported", Path("imported.yaml"), "imported.yaml", agent.ref, (made,))
    unhurried = replace(agent, limits=replace(agent.limits, max_seconds=None))
    return Job(suite, made, agent, 1, Path("imported.yaml"), "the recording", unhurried)


def _free(name: str, new: set[str]) -> str:
    """The name, numbered when it is imported twice."""
    number, free = 1, name
    while free in new:
        number += 1
        free = f"{name[:90]}-{number}"
    return free


def _all(draft: Draft) -> str:
    return f"the conversation ({count(draft.messages, 'message')})"


def _write(project: Project, path: Path, instead: str | None, runner: str, makings: Sequence[Making]) -> None:
    """Adds the cases to the suite and writes their recordings; when one fails, the suite stays as it was."""
    with undone_on_failure(path):
        append_cases(path, runner, [making.case for making in makings])
        jobs = {job.case.id: job for job in plan(project, [path.stem], agent=instead)}
        for making in makings:
            job = jobs[str(making.case["id"])]
            header = replace(header_of(job, making.source, making.at), takes=(making.take,))
            keep(job.recording, header, making.interactions, job.suite.rules.for_recording(os.environ))


def _print(told: Sequence[Told], suite: str, cases: int, *, dry_run: bool) -> None:
    for each in told:
        if each.error:
            complain(each.error, hint=each.hint)
            continue
        held = f"{count(each.messages, 'message')} in {count(len(each.cases), 'case')}"
        say(clean(f"{each.file}  {each.format}  {held}{': ' + ', '.join(each.cases) if each.cases else ''}"))
        for left in each.left:
            say(clean(f"  left out: {left.place}: {left.reason}"))
        if each.passed:
            say(clean(f"  no messages: {', '.join(f'{number} {kind}' for kind, number in each.passed.items())}"))
    word = "would be added" if dry_run else "added"
    say(clean(f"{count(cases, 'case')} {word} to {suite}"))
