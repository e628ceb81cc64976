"""`agentctl validate`: every document and suite of the project, and all that is wrong with them at once.

Problems go to stderr as `error: file:line:column: message` and make the exit code 2. Warnings (what is there for
nothing, a quarantine that is about to end) do not. With `--released` a version that a git revision holds and that says
something else here is exit 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from agentctl.agent.events import JsonObject
from agentctl.agent.handlers import load_function
from agentctl.agent.spec import Agent
from agentctl.agent.values import replace
from agentctl.cli.console import complain, json_document, note, say
from agentctl.cli.exits import FAILED, USAGE
from agentctl.config.load import load_agent
from agentctl.config.nearest import nearest
from agentctl.config.project import Project
from agentctl.config.refs import parse_revision
from agentctl.config.released import released_problems
from agentctl.config.survey import survey
from agentctl.config.trees import WorkingTree
from agentctl.config.yamls import read_yaml
from agentctl.errors import AgentctlError, ConfigError, NothingSelected, Problem, UsageError
from agentctl.evals.case import Suite
from agentctl.evals.redaction import PROJECT_FILE, project_rules
from agentctl.evals.scorers.python_ import Check
from agentctl.evals.scorers.score import Assertion
from agentctl.evals.suite import load_suite, suite_paths
from agentctl.evals.terms import today
from agentctl.observe.clean import clean
from agentctl.observe.figures import count

SCRIPT = "simulator.yaml"
ENDING_DAYS: Final = 14
"""Days before its end on which a quarantine is warned of."""
Wanted = Callable[[Path], bool]


@dataclass(slots=True)
class Report:
    """What was looked at, and what was found."""

    documents: list[JsonObject] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    released: list[Problem] = field(default_factory=list)


def validate(
    paths: Annotated[list[Path] | None, typer.Argument(metavar="PATH", help="Only these files.")] = None,
    released: Annotated[
        str | None,
        typer.Option(metavar="git:REV", help="Fail when a version that REV holds has other content here."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check every document and suite: keys, references, tools, schemas, and the Python behind them."""
    project = Project.find(paths[0] if paths else Path.cwd())
    report = inspect_project(project, _wanted(paths or [], project))
    if released is not None:
        report.released = released_problems(project, parse_revision(released))
    (_print_json if json else _print)(report)
    if report.problems:
        raise typer.Exit(USAGE)
    if report.released:
        raise typer.Exit(FAILED)


def inspect_project(project: Project, wanted: Wanted) -> Report:
    """Looks at every wanted document, suite and simulator script.

    Raises:
        NothingSelected: there is none.
    """
    found = survey(WorkingTree(project.root), lambda path: wanted(project.root / path))
    report = Report([asdict(each) for each in found.documents], list(found.problems), list(found.warnings))
    for path in suite_paths(project):
        if wanted(path):
            _inspect_suite(path, project, report)
    for path in sorted(project.prompts.glob(f"*/{SCRIPT}")):
        if wanted(path):
            _inspect_script(path, project, report)
    settings = project.root / PROJECT_FILE
    if settings.is_file() and wanted(settings):
        _inspect_settings(settings, project, report)
    if not report.documents and not report.problems:
        raise NothingSelected("there is no document to check", hint="documents are in prompts/, suites in evals/")
    report.problems = list(dict.fromkeys(report.problems))
    return report


def _wanted(paths: list[Path], project: Project) -> Wanted:
    """What the arguments ask for: files, and everything in directories; all of the project without any."""
    places = [path.resolve() for path in paths]
    for path, place in zip(paths, places, strict=True):
        if not place.exists():
            raise UsageError(f"there is no file {path}", hint="give files or directories of the project, or nothing")
        if not place.is_relative_to(project.root):
            raise UsageError(f"{path} is not in the project {project.root}", hint="check one project at a time")
    return lambda file: not places or any(file == place or file.is_relative_to(place) for place in places)


def _inspect_suite(path: Path, project: Project, report: Report) -> None:
    file = project.show(path)
    seen: JsonObject = {"file": file, "kind": "suite", "ref": path.stem, "cases": 0}
    report.documents.append(seen)
    try:
        suite = load_suite(path, project)
    except ConfigError as error:
        report.problems += error.problems
        _agent_under_test(path, project, report)
        return
    seen["cases"] = len(suite.cases)
    report.problems += _function_problems(suite)
    report.warnings += _ending_quarantines(suite, today())
    agent = _agent_under_test(path, project, report)
    if agent is not None:
        report.warnings += _unknown_tools(suite, agent)


def _agent_under_test(path: Path, project: Project, report: Report) -> Agent | None:
    """The agent that a suite names, sound or not; what is wrong with it is reported."""
    try:
        document = read_yaml(path, project.show(path))
        ref = document.value.get("agent") if isinstance(document.value, dict) else None
        return load_agent(ref, project) if isinstance(ref, str) else None
    except ConfigError as error:
        report.problems += error.problems
    except UsageError as error:
        report.problems.append(document.problem(("agent",), str(error), hint=error.hint))
    return None


def _function_problems(suite: Suite) -> Iterator[Problem]:
    """Assertions whose Python is not there or does not run."""
    for assertion in _assertions(suite):
        check = assertion.ready
        if isinstance(check, Check):
            try:
                load_function(f"{(suite.path.parent / check.file).resolve()}:{check.function}")
            except AgentctlError as error:
                yield Problem(suite.file, assertion.line, 1, f"{check}: {error}", error.hint)
            except (Exception, SystemExit) as error:  # noqa: BLE001  other people's code
                message = f"{check} cannot be imported: {type(error).__name__}: {error}"
                yield Problem(suite.file, assertion.line, 1, clean(message.splitlines()[0]))


def _unknown_tools(suite: Suite, agent: Agent) -> Iterator[Problem]:
    """Tools that a case waits for and the agent does not have."""
    known = [tool.name for tool in agent.tools]
    if any(tool.is_server and "name" not in tool.definition for tool in agent.tools):
        return  # a toolset: its tools are not known here
    for assertion in _assertions(replace(suite, cases=tuple(case for case in suite.cases if not case.transcript))):
        for name in dict.fromkeys(_tools_named(assertion)):
            if name not in known:
                message = f"{agent.ref} has no tool {name}"
                yield Problem(suite.file, assertion.line, 1, message, nearest(name, known, kind="tools"))


def _ending_quarantines(suite: Suite, day: date) -> Iterator[Problem]:
    """Quarantines that have ended or are about to: from the next day on an evaluation fails for them."""
    for case in suite.cases:
        quarantine = case.terms.quarantine
        if quarantine is None or (left := quarantine.days_left(day)) > ENDING_DAYS:
            continue
        ends = "ended" if left < 0 else "ends today" if left == 0 else f"ends in {count(left, 'day')},"
        message = f"the quarantine of {case.id} {ends} on {quarantine.until} ({quarantine.owner}: {quarantine.reason})"
        yield Problem(suite.file, case.line, 1, message, "mend the case and take it out, or give it another date")


def _assertions(suite: Suite) -> list[Assertion]:
    """Every assertion once; those of the suite are in each case."""
    return list({id(each): each for case in suite.cases for each in case.asserts}.values())


def _tools_named(assertion: Assertion) -> list[str]:
    """The tools an assertion wants to see called."""
    ready: Any = assertion.ready
    if assertion.type == "trajectory:tool-used":
        return [name for name, _ in ready]
    if assertion.type == "trajectory:tool-args-match":
        return [ready.name]
    return list(ready[0]) if assertion.type == "trajectory:tool-sequence" else []


def _inspect_script(path: Path, project: Project, report: Report) -> None:
    from agentctl.simulator.script import load_script  # noqa: PLC0415  few projects have one

    report.documents.append({"file": project.show(path), "kind": "simulator", "ref": path.parent.name})
    try:
        load_script(path)
    except ConfigError as error:
        report.problems += error.problems


def _inspect_settings(path: Path, project: Project, report: Report) -> None:
    report.documents.append({"file": project.show(path), "kind": "project", "ref": path.stem})
    try:
        project_rules(project)
    except ConfigError as error:
        report.problems += error.problems


def _print(report: Report) -> None:
    for problem in (*report.problems, *report.released):
        complain(str(problem), hint=problem.hint)
    for warning in report.warnings:
        note(clean(f"warning: {warning}"))
        if warning.hint:
            note(clean(f"hint: {warning.hint}"))
    for seen in report.documents:
        about = seen.get("bundle") or ("" if "cases" not in seen else f"{seen['cases']} cases")
        say(clean(f"{seen['kind'] or '?':<10} {seen['ref']:<24} {seen['file']}  {about[:19]}".rstrip()))
    problems, documents = len(report.problems) + len(report.released), len(report.documents)
    say(f"{documents} document{'s' * (documents != 1)}, {problems or 'no'} problem{'s' * (problems != 1)}")


def _print_json(report: Report) -> None:
    found: JsonObject = {
        "ok": not report.problems and not report.released,
        "documents": report.documents,
        "problems": [asdict(problem) for problem in (*report.problems, *report.released)],
        "warnings": [asdict(problem) for problem in report.warnings],
    }
    json_document(found)
