"""What is wrong with the judges of a suite, before anything runs: rubrics that are not there, slots without a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from agentctl.config.nearest import nearest
from agentctl.config.project import Project
from agentctl.config.rubrics import Rubric, load_rubric
from agentctl.errors import ConfigError, Problem, UsageError
from agentctl.evals.scorers.judge import Asks
from agentctl.evals.scorers.score import Assertion, all_of


class Asking(Protocol):
    """A case, as far as it matters here."""

    @property
    def id(self) -> str:
        """Its name."""
        ...

    @property
    def vars(self) -> Mapping[str, str | int]:
        """Its variables."""
        ...

    @property
    def asserts(self) -> tuple[Assertion, ...]:
        """Its assertions."""
        ...


def refuse_wrong(file: str, cases: Sequence[Asking], project: Project) -> None:
    """Looks at every rubric that these cases name; `file` is their suite's.

    Raises:
        ConfigError: one is not there or wrong, or a slot of it has no value in some case.
    """
    rubrics: dict[str, Rubric | UsageError | ConfigError] = {}
    problems: list[Problem] = []
    asked = ((case, each) for case in cases for each in all_of(case.asserts))
    for case, each in asked:
        asks = each.ready
        if not isinstance(asks, Asks):
            continue
        found = rubrics[asks.rubric] = rubrics.get(asks.rubric) or _loaded(asks.rubric, project)
        if isinstance(found, ConfigError):
            problems += found.problems
        elif isinstance(found, UsageError):
            problems.append(Problem(file, each.line, 1, f"{each.type}: {found}", found.hint))
        else:
            problems += [Problem(file, each.line, 1, *flaw) for flaw in _unfilled(found, asks, case)]
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))


def _loaded(ref: str, project: Project) -> Rubric | UsageError | ConfigError:
    try:
        return load_rubric(ref, project)
    except (UsageError, ConfigError) as error:
        return error


def _unfilled(rubric: Rubric, asks: Asks, case: Asking) -> Iterator[tuple[str, str]]:
    """Slots that nobody fills, and variables that fill none."""
    given = {**rubric.vars, **case.vars, **asks.vars}
    for name in sorted(rubric.slots - given.keys()):
        hint = nearest(name, list(given), kind="variables") or f"judge: {{rubric: {rubric.ref}, vars: {{{name}: ...}}}}"
        yield f"{rubric.ref} asks for `{name}`, and case {case.id} has no value for it", hint
    for name in sorted(asks.vars.keys() - rubric.slots):
        yield f"{rubric.ref} has no slot `{name}`", nearest(name, sorted(rubric.slots), kind="slots")
