"""A suite as it is run: every case with its words filled in and its checks compiled, or a named problem for each flaw.

A suite is known by the name of its file, a case by its id; both name files on disk. Data is never a template: variables
are filled into what the user says and into nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import orjson

from agentctl.agent.events import JsonObject
from agentctl.agent.values import replace
from agentctl.config.check import check
from agentctl.config.document import Document
from agentctl.config.nearest import nearest
from agentctl.config.project import Project
from agentctl.config.refs import is_name
from agentctl.config.render import TemplateError, render
from agentctl.config.texts import shown
from agentctl.config.yamls import read_yaml
from agentctl.errors import ConfigError, Problem, UsageError
from agentctl.evals import assertions
from agentctl.evals.case import Case, Suite
from agentctl.evals.documents import CaseDocument, SuiteDocument, terms_of
from agentctl.evals.redaction import rules_of
from agentctl.evals.scorers.python_ import Check
from agentctl.evals.scorers.score import Assertion, Misfit, all_of
from agentctl.evals.user.spec import SimulatedUser

SUFFIX: Final = ".yaml"
SHORT: Final = frozenset({"file", "matrix"})
"""Keys of a case that stands for several."""
Path_ = tuple[str | int, ...]


def suite_paths(project: Project, names: Sequence[str] = ()) -> list[Path]:
    """The files of the suites with these names (or paths), each once; of all in `evals/`, without names.

    Raises:
        UsageError: there is no such suite.
    """
    known = sorted(project.evals.glob(f"*{SUFFIX}"))
    if not names:
        return known
    return list(dict.fromkeys(_path_of(name, known, project) for name in names))


def _path_of(name: str, known: Sequence[Path], project: Project) -> Path:
    by_name = {path.stem: path for path in known}
    if name in by_name:
        return by_name[name]
    path = Path(name)
    if path.suffix == SUFFIX and path.is_file():
        return path.resolve()
    hint = (
        nearest(path.stem, list(by_name), kind="suites")
        or f"a suite is a file {project.show(project.evals)}/NAME{SUFFIX}"
    )
    raise UsageError(f"there is no suite {shown(name)}", hint=hint)


def load_suite(path: Path, project: Project) -> Suite:
    """The suite in the file `path`.

    Raises:
        ConfigError: with every problem, each with its line and column.
    """
    document = read_yaml(path, project.show(path))
    if _is_short(document.value):
        from agentctl.evals.cases.expand import expanded  # noqa: PLC0415  most suites write their cases out

        document = expanded(document, path.parent, project)
    suite = _Loader(path, document, check(SuiteDocument, document)).suite()
    if any(case.faults for case in suite.cases):
        from agentctl.evals.faults.written import refuse_misplaced  # noqa: PLC0415  few suites have faults

        refuse_misplaced(document, suite.agent, [(case.faults, len(case.input)) for case in suite.cases], project)
    if any(case.user is not None for case in suite.cases):
        suite = _with_users(suite, project)
    if suite.is_judged:
        from agentctl.evals.judge.refuse import refuse_wrong  # noqa: PLC0415  few suites have judges

        refuse_wrong(suite.file, suite.cases, project)
    return suite


def _user(case: CaseDocument) -> SimulatedUser | None:
    user = case.user
    return None if user is None else SimulatedUser(user.persona, user.goal, user.facts, user.max_turns)


def _with_users(suite: Suite, project: Project) -> Suite:
    """The suite, the personas of its users looked up."""
    from agentctl.evals.user.bind import with_personas  # noqa: PLC0415  few suites have simulated users

    cases = suite.cases
    users = with_personas([case.user for case in cases], [case.line for case in cases], suite.file, project)
    pairs = zip(cases, users, strict=True)
    return replace(suite, cases=tuple(case if user is None else replace(case, user=user) for case, user in pairs))


def _is_short(value: Any) -> bool:
    """Whether some of its cases stand in files, or for several."""
    if not isinstance(value, dict):
        return False
    cases = value.get("cases")
    if "scenarios" in value or isinstance(cases, str):
        return True
    return isinstance(cases, list) and any(
        isinstance(each, str) or (isinstance(each, dict) and not SHORT.isdisjoint(each)) for each in cases
    )


class _Loader:
    """Builds a suite and collects what is wrong with it."""

    def __init__(self, path: Path, document: Document, checked: SuiteDocument) -> None:
        self._path = path
        self._document = document
        self._checked = checked
        self._problems: list[Problem] = []
        self._known: dict[bytes, Assertion] = {}
        """Checks that were made, by what is written: but for those whose parts stand in places of their own."""

    def suite(self) -> Suite:
        checked = self._checked
        if not is_name(self._path.stem):
            self._refuse((), f"{shown(self._path.name)} cannot name a suite: recordings are kept under it")
        common = self._asserts(("assert",))
        cases = [self._case(index, case, common) for index, case in enumerate(checked.cases)]
        self._check_unique(cases)
        if checked.agent is None and not ((cases or common) and all(case.transcript for case in cases)):
            self._refuse((), "`agent` is missing")
        if self._problems:
            unique = dict.fromkeys(self._problems)
            raise ConfigError(sorted(unique, key=lambda problem: (problem.line, problem.column)))
        return Suite(
            name=self._path.stem,
            path=self._path,
            file=self._document.file,
            agent=checked.agent or "",
            cases=tuple(cases),
            description=checked.description,
            asserts=common,
            rules=rules_of(checked.redact),
        )

    def _case(self, index: int, case: CaseDocument, common: tuple[Assertion, ...]) -> Case:
        path: Path_ = ("cases", index)
        if not is_name(case.id):
            hint = "an id is lower-case letters, digits, `.`, `_` and `-`, and does not begin with `.`, `_` or `-`"
            self._refuse((*path, "id"), f"{shown(case.id) or 'an empty text'} cannot name a case", hint)
        variables = {**self._checked.vars, **case.vars}
        said = self._input(path, case, variables)
        own = self._asserts((*path, "assert"))
        if case.user is None:
            self._check_turns((*path, "assert"), own, len(said))
            self._check_turns((*path, "input"), common, len(said))
        return Case(
            id=case.id,
            input=said,
            asserts=common + own,
            description=case.description,
            vars=variables,
            tags=case.tags,
            repeat=case.repeat,
            threshold=case.threshold,
            approve=self._checked.approve if case.approve is None else case.approve,
            deny=case.deny,
            user=_user(case),
            transcript=case.transcript,
            metadata=case.metadata,
            line=self._line_of(path),
            terms=terms_of(case),
            faults=self._faults(path, case, own + common) if case.faults else (),
        )

    def _faults(self, path: Path_, case: CaseDocument, asserts: Sequence[Assertion]) -> tuple[JsonObject, ...]:
        """What goes wrong in the case; none when it is written wrong, which is refused."""
        from agentctl.evals.faults.written import faults_of, unplayable  # noqa: PLC0415  few cases have faults

        place = (*path, "faults")
        why = unplayable(case.transcript, case.user is not None, asserts)
        if why:
            self._refuse(place, why, on_key=True)
        try:
            return faults_of(self._document, place, _at(self._document.value, place))
        except ConfigError as error:
            self._problems += error.problems
            return ()

    def _input(self, path: Path_, case: CaseDocument, variables: Mapping[str, str | int]) -> tuple[str, ...]:
        one = isinstance(case.input, str)
        turns = (case.input,) if isinstance(case.input, str) else case.input or ()
        if not turns and case.user is None:
            empty = "`input` must not be empty: the user says something"
            self._refuse(
                (*path, "input"), empty if case.input is not None else f"`input` is missing in `cases[{path[1]}]`"
            )
        if case.user is not None and (len(turns) > 1 or case.transcript):
            what = "a transcript has no simulated user" if case.transcript else "`input` is its first message alone"
            self._refuse((*path, "user"), f"{what}: the rest is the user's to say", on_key=True)
        said: list[str] = []
        for index, turn in enumerate(turns):
            try:
                said.append(render(turn, variables) if "{" in turn else turn)
            except TemplateError as error:
                place = (*path, "input") if one else (*path, "input", index)
                for flaw in error.flaws:
                    self._refuse(place, flaw.message, flaw.hint, text_line=flaw.line)
        return tuple(said)

    def _asserts(self, path: Path_) -> tuple[Assertion, ...]:
        """The assertions at `path`; those that are wrong are refused and left out."""
        made: list[Assertion] = []
        around = self._document.find(path)
        for index, raw in enumerate(_at(self._document.value, path)):
            place = (*path, index)
            line = around.line if around.children is None else self._document.find(place).line
            try:
                assertion = self._assertion(raw, line, place)
            except Misfit as misfit:
                self._refuse((*place, *misfit.path), str(misfit), misfit.hint, on_key=misfit.on_key)
                continue
            for each in all_of([assertion]) if assertion.parts else [assertion]:
                if isinstance(each.ready, Check):
                    self._check_file(place, each.ready)
            made.append(assertion)
        return tuple(made)

    def _assertion(self, raw: Any, line: int, place: Path_) -> Assertion:
        """The check that is written there. Many cases ask the same: each check is made ready once.

        Raises:
            Misfit: it is none.
        """
        try:
            key = orjson.dumps(raw)
        except TypeError:  # a number beyond 64 bits
            key = b""
        known = self._known.get(key)
        if known is not None:
            return replace(known, line=line)
        assertion = assertions.assertion_of(raw, line, partial(self._line, place))
        if key and not assertion.parts:
            self._known[key] = assertion
        return assertion

    def _line_of(self, path: Path_) -> int:
        """Where a case stands in the suite's file; of one from another file, where the cases begin."""
        place = self._document.find(path)
        return place.line if place.file == self._document.file else self._document.find(path[:1]).line

    def _line(self, place: Path_, path: Path_) -> int:
        return self._document.find((*place, *path)).line

    def _check_turns(self, path: Path_, asserts: Sequence[Assertion], said: int) -> None:
        """Refuses checks of a turn that there is not: where they stand or, of the suite's, at the input."""
        for each in all_of(asserts):
            if each.turn is not None and abs(each.turn) > said:
                times = "once" if said == 1 else f"{said} times"
                self._refuse(path, f"{each.type} (line {each.line}) is about turn {each.turn}; the user speaks {times}")

    def _check_file(self, place: Path_, check_: Check) -> None:
        file = self._path.parent / check_.file
        if not file.is_file():
            self._refuse(place, f"python: there is no file {shown(check_.file)} beside the suite")

    def _check_unique(self, cases: Sequence[Case]) -> None:
        """Ids name files, and not every file system tells upper from lower case."""
        seen: dict[str, int] = {}
        for index, case in enumerate(cases):
            key = case.id.casefold()
            if key in seen:
                self._refuse(
                    ("cases", index, "id"), f"duplicate id {shown(case.id)}; it is on line {seen[key]} already"
                )
            seen.setdefault(key, case.line)

    def _refuse(self, path: Path_, message: str, hint: str = "", *, on_key: bool = False, text_line: int = 0) -> None:
        problem = self._document.problem(path, message, hint=hint, on_key=on_key, text_line=text_line)
        self._problems.append(problem)


def _at(value: Any, path: Path_) -> list[Any]:
    """The list at `path`; empty when there is none."""
    for step in path[:-1]:
        value = value[step]
    found: list[Any] | None = value.get(path[-1])
    return found or []
