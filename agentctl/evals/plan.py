"""What an evaluation is going to do: which cases of which suites, with which agent, how often, from which files.

A case with all its repeats is one job, since its takes share one recording.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field

from agentctl.agent.ports import API_VERSION
from agentctl.agent.spec import Agent
from agentctl.agent.values import replace
from agentctl.cassette.staleness import API
from agentctl.config.canonical import digest
from agentctl.config.code import code as code_of
from agentctl.config.load import load_agent
from agentctl.config.project import Project
from agentctl.errors import NothingSelected
from agentctl.evals.approvals import as_document
from agentctl.evals.case import Case, Suite
from agentctl.evals.redaction import project_rules
from agentctl.evals.scorers.state import StateQuery
from agentctl.evals.suite import SUFFIX, load_suite, suite_paths

CASE_INPUT: Final = "case input"
"""The component of a recording that belongs to the case, not to the agent."""


IMPORTED: Final = Agent(name="imported", version="0", model="", system="", params={})
"""Stands where a transcript's agent would: one that is not defined here, so that nothing can be said of it."""


class Job(Struct, frozen=True):
    """One case to be run `repeats` times by `agent`; its takes are in the file `recording`."""

    suite: Suite
    case: Case
    agent: Agent
    repeats: int
    recording: Path
    recording_name: str
    """The recording's file, as messages name it."""
    unhurried: Agent
    """The agent without a limit on seconds: a replay waits for nothing, so it has nothing to be late for."""
    code: Mapping[str, str] = field(default_factory=dict)
    """Digests of what shapes a recording beside the definition: the code behind the tools, the version of the API."""
    adaptive: float | None = None
    """The error at which repeating stops once the verdict stands; None: every repeat is made."""

    @property
    def components(self) -> dict[str, str]:
        """The digest of everything that shapes a recording of this case."""
        user = {} if self.case.user is None else self.case.user.components
        return {**self.agent.components, **self.code, **user, CASE_INPUT: digest(_asked(self.case))}

    @property
    def is_judged(self) -> bool:
        """Whether the case asks for a judge."""
        return self.case.is_judged

    @property
    def queries(self) -> tuple[StateQuery, ...]:
        """What is looked up after the run, each query once."""
        return self.case.queries


def _asked(case: Case) -> list[Any]:
    """What the user says, and what a person denies on the way."""
    return [*case.input, {"deny": as_document(case.deny)}] if case.deny else list(case.input)


def plan(
    project: Project,
    names: Sequence[str] = (),
    *,
    agent: str | None = None,
    filters: Sequence[str] = (),
    tags: Sequence[str] = (),
    repeat: int | None = None,
) -> list[Job]:
    """The jobs of these suites (of all, without names), in the order of their files.

    `filters` are substrings or globs of case ids, `tags` are tags; a case is taken when one of each fits. `agent` and
    `repeat` take the place of what the suites say.

    Raises:
        UsageError: there is no such suite.
        ConfigError: a suite, an agent or the project's settings are wrong.
        NothingSelected: no case is left.
    """
    common = project_rules(project)
    suites = [load_suite(path, project) for path in suite_paths(project, names)]
    suites = [_with_judges(replace(suite, rules=common + suite.rules), project) for suite in suites]
    jobs: list[Job] = []
    for suite in suites:
        cases = [case for case in suite.cases if _wanted(suite, case, filters, tags)]
        if cases:
            jobs += _jobs(project, suite, cases, agent, repeat)
    if not jobs:
        raise _nothing(project, suites, filters, tags)
    return jobs


def _with_judges(suite: Suite, project: Project) -> Suite:
    """The suite, its judges at hand where it has any."""
    if not suite.is_judged:
        return suite
    from agentctl.evals.judge.bind import bound  # noqa: PLC0415  few suites have judges

    return bound(suite, project)


def _jobs(
    project: Project, suite: Suite, cases: Sequence[Case], agent: str | None, repeat: int | None
) -> Iterator[Job]:
    """The jobs of one suite's cases. A transcript is what it is, whichever agent is asked for and how often."""
    runner, folder = IMPORTED, project.cassettes / suite.name
    own = (folder, project.show(folder))
    if not all(case.transcript for case in cases):
        runner = load_agent(agent or suite.agent, project)
        folder = recordings(project, suite, runner, agent)
    code = {API: digest(API_VERSION), **code_of(runner)}
    unhurried = replace(runner, limits=replace(runner.limits, max_seconds=None))
    shown = project.show(folder)
    for case in cases:
        place, name = own if case.transcript else (folder, shown)
        yield Job(
            suite,
            case,
            IMPORTED if case.transcript else runner,
            repeats=case.repeat if case.transcript else repeat or case.repeat,
            recording=place / f"{case.id}{SUFFIX}",
            recording_name="" if case.faults else f"{name}/{case.id}{SUFFIX}",
            unhurried=IMPORTED if case.transcript else unhurried,
            code={} if case.transcript else code,
        )


def recordings(project: Project, suite: Suite, runner: Agent, instead: str | None) -> Path:
    """The folder of a suite's recordings; an agent that runs `instead` of the suite's own has one of its own inside it.

    So trying another version neither overwrites what the suite's agent recorded, nor finds all of it stale.
    """
    folder = project.cassettes / suite.name
    if instead is None or not suite.agent or runner.bundle == load_agent(suite.agent, project).bundle:
        return folder
    return folder / runner.ref


def _wanted(suite: Suite, case: Case, filters: Iterable[str], tags: Iterable[str]) -> bool:
    names = (case.id, f"{suite.name}/{case.id}")
    by_name = not filters or any(_fits(name, each) for each in filters for name in names)
    return by_name and (not tags or not set(tags).isdisjoint(case.tags))


def _fits(name: str, wanted: str) -> bool:
    return fnmatchcase(name, wanted) if any(sign in wanted for sign in "*?[") else wanted in name


def _nothing(project: Project, suites: Sequence[Suite], filters: Sequence[str], tags: Sequence[str]) -> NothingSelected:
    if not suites:
        return NothingSelected(f"there is no suite in {project.evals}", hint="agentctl init DIR lays down a project")
    if not filters and not tags:
        return NothingSelected("the suites hold no cases")
    asked = " and ".join([f"--filter {' '.join(filters)}"] * bool(filters) + [f"--tag {' '.join(tags)}"] * bool(tags))
    known = sorted({tag for suite in suites for case in suite.cases for tag in case.tags})
    hint = f"the tags are {', '.join(known)}" if tags and known else ""
    total = sum(len(suite.cases) for suite in suites)
    return NothingSelected(f"none of {total} cases fits {asked}", hint=hint)
