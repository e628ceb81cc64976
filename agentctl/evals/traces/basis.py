"""What traces are scored by: a suite's assertions, labels asked for by hand, or both; and which case a trace is of.

A trace is of the case that it names, in any of the ways a log writes a case's id. One that is of no case is scored by
what the suite asks of every case, if it asks anything; else there is no verdict on it, and that is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import orjson

from agentctl.agent.values import replace
from agentctl.config.nearest import nearest
from agentctl.config.project import Project
from agentctl.config.refs import is_name
from agentctl.config.texts import shown
from agentctl.errors import UsageError
from agentctl.evals.assertions import assertion_of
from agentctl.evals.case import Case, Suite
from agentctl.evals.redaction import project_rules
from agentctl.evals.scorers.score import Assertion, Misfit
from agentctl.evals.suite import load_suite
from agentctl.evals.traces.trace import Trace

LABEL: Final = re.compile(r"(?P<key>[^<>=]+?)(?P<sign>>=|<=|==?)(?P<value>.*)", re.DOTALL)
NOT_IN_NAMES: Final = re.compile(r"[^a-z0-9._-]+|\.\.+")
LONGEST: Final = 100


@dataclass(frozen=True, slots=True)
class Basis:
    """The suites that traces may be of; one that a trace names may be put here before it is scored."""

    suites: dict[str, Suite] = field(default_factory=dict)
    default: str = ""
    """The suite of traces that name none; empty for none."""
    labels: tuple[Assertion, ...] = ()
    case: str = ""
    """The case that all of them are of, when they do not say so themselves."""

    def suite_of(self, trace: Trace) -> Suite | None:
        """The suite that a trace is scored by; None when it is by labels only.

        Raises:
            UsageError: nothing says what to score it by.
        """
        suite = self.suites.get(self.default or trace.suite)
        if suite is None and not self.labels:
            hint = "--suite SUITE scores by a suite, --label reward=1 by what the traces say of themselves"
            raise UsageError(f"{trace.shown}: nothing says what to score it by", hint=hint)
        return suite

    def case_of(self, trace: Trace, suite: Suite | None) -> tuple[Case, str]:
        """(the case with all that is asked of it, why there can be no verdict; empty when there can)."""
        name = self.case or trace.case
        found = _found(name, trace, suite.cases) if suite is not None else None
        if found is not None:
            return found, ""
        common = suite.asserts if suite is not None else ()
        case = Case(id=case_name(name) or case_name(Path(trace.file).stem) or "trace", input=trace.said, asserts=common)
        if suite is None or common or self.labels:
            return case, ""
        why = f"it names the case {shown(name)}" if name else "it names no case"
        return case, f"{why}, and suite {suite.name} has none like it"


def _found(name: str, trace: Trace, cases: Sequence[Case]) -> Case | None:
    wanted = set(_spellings(name, trace.trial))
    return next((case for case in cases if case.id in wanted), None) if name else None


def _spellings(name: str, trial: int | None) -> Iterator[str]:
    """How a case of this name may be called in a suite; `agentctl import` calls it by its trial too."""
    for each in (name, case_name(name), f"case-{case_name(name)}", f"task-{case_name(name)}"):
        yield each
        if trial is not None:
            yield f"{each}-trial-{trial}"


def case_name(text: str) -> str:
    """A case's id out of any text; empty when nothing of it can be in one."""
    name = NOT_IN_NAMES.sub("-", text.lower()).strip("-._")[:LONGEST].rstrip("-._")
    return name if is_name(name) else ""


def label_of(text: str) -> Assertion:
    """The assertion that `reward=1`, `info.cost<=0.5` or `kind=retail` stands for.

    Raises:
        UsageError: it stands for none.
    """
    found = LABEL.fullmatch(text)
    if found is None or not found["key"].strip():
        raise UsageError(f"--label {shown(text)}: is no KEY=VALUE", hint="--label reward=1, or --label 'turns<=20'")
    key = {">=": "min", "<=": "max"}.get(found["sign"], "equals")
    try:
        return assertion_of({"label": {"key": found["key"].strip(), key: _value(found["value"].strip())}})
    except Misfit as misfit:
        raise UsageError(f"--label {shown(text)}: {str(misfit).removeprefix('label: ')}", hint=misfit.hint) from None


def _value(text: str) -> object:
    """JSON where it is some, else the text itself."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def check_case(case: str, suite: Suite) -> None:
    """Refuses the name of a case that the suite has not.

    Raises:
        UsageError: it has none of that name.
    """
    known = [each.id for each in suite.cases]
    if known and case not in known:
        hint = nearest(case, known, kind="cases")
        raise UsageError(f"suite {suite.name} has no case {shown(case)}", hint=hint)


def loaded(path: Path, project: Project) -> Suite:
    """The suite in that file with its judges at hand: their verdicts are looked up, and nobody is asked.

    Raises:
        ConfigError: it is wrong, or a rubric of it is.
    """
    suite = load_suite(path, project)
    every = Case("every", (), suite.asserts)
    if not (suite.is_judged or replace(suite, cases=(every,)).is_judged):
        return suite
    from agentctl.evals.judge.bind import bound  # noqa: PLC0415  few suites have judges

    rules = project_rules(project) + suite.rules
    judged = bound(replace(suite, rules=rules, cases=(*suite.cases, every)), project)
    return replace(judged, cases=judged.cases[:-1], asserts=judged.cases[-1].asserts)
