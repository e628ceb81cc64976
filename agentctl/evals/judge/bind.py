"""Brings a suite's assertions and their rubrics together: every rubric is loaded once, every slot of it has a value."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agentctl.agent.values import replace
from agentctl.config.project import Project
from agentctl.config.rubrics import Rubric, load_rubric
from agentctl.evals.case import Case, Suite
from agentctl.evals.judge.brief import Brief, brief_of
from agentctl.evals.judge.ruling import Ruling
from agentctl.evals.judge.verdicts import FOLDER, Verdicts
from agentctl.evals.scorers.judge import Asks
from agentctl.evals.scorers.outcome import Outcome
from agentctl.evals.scorers.score import Assertion
from agentctl.evals.scorers.turns import of_turn


@dataclass(frozen=True, slots=True)
class Judge:
    """A rubric, what an assertion asks of it, and where its verdicts are. Called with an outcome, it rules."""

    rubric: Rubric
    asks: Asks
    verdicts: Verdicts

    def __call__(self, outcome: Outcome) -> Ruling:
        """What the recorded votes come to.

        Raises:
            CannotScore: they are not recorded, or cannot be read.
        """
        return self.verdicts.ruling(self.brief(outcome), self.asks.votes, self.asks.threshold)

    def brief(self, outcome: Outcome) -> Brief:
        """What it is shown of a finished run."""
        return brief_of(self.rubric, outcome, self.asks.vars, self.verdicts.redactor)


def bound(suite: Suite, project: Project) -> Suite:
    """The suite with a judge behind every assertion that asks for one."""
    folder = project.cassettes / suite.name / FOLDER
    verdicts = Verdicts(folder, project.show(folder), suite.rules.for_replay(os.environ))
    rubrics: dict[str, Rubric] = {}

    def with_judge(each: Assertion) -> Assertion:
        if each.parts:
            parts = tuple(map(with_judge, each.parts))
            return replace(each, parts=parts, ready=replace(each.ready, parts=parts))
        asks = each.ready
        if not isinstance(asks, Asks):
            return each
        rubric = rubrics[asks.rubric] = rubrics.get(asks.rubric) or load_rubric(asks.rubric, project)
        return replace(each, ready=replace(asks, rule=Judge(rubric, asks, verdicts)))

    cases = (replace(case, asserts=tuple(map(with_judge, case.asserts))) for case in suite.cases)
    return replace(suite, cases=tuple(cases))


def judges_of(case: Case) -> list[Judge]:
    """The judges of a case in a plan, in the order of its assertions."""
    asked = [each.ready for each in case.checks if isinstance(each.ready, Asks)]
    return [asks.rule for asks in asked if isinstance(asks.rule, Judge)]


def judged_in(asserts: Iterable[Assertion], outcome: Outcome) -> Iterator[tuple[Judge, Outcome]]:
    """Each judge with what it judges of a run: all of it, or the turn that the assertion (or its set) is about."""
    for each in asserts:
        seen = outcome if each.turn is None else of_turn(outcome, each.turn)
        if seen is None:  # there is no such turn, which is a fail without a judge
            continue
        if isinstance(each.ready, Asks) and isinstance(each.ready.rule, Judge):
            yield each.ready.rule, seen
        yield from judged_in(each.parts, seen)
