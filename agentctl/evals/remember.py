"""What of an evaluation goes into the history: a few numbers for each case, small enough to be kept for ever.

An evaluation leaves them in a file of its own, which takes no lock and opens no database: the project's database takes
them in when somebody asks for the history, or when many wait. The documents of the newest results lie beside them (see
`evals.history`); the figures stay when those are gone.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import orjson

from agentctl.config.commit import checked_out
from agentctl.config.project import Project
from agentctl.evals.files import write_whole
from agentctl.evals.places import waiting
from agentctl.evals.result import Evaluation, SuiteResult
from agentctl.evals.scorers.outcome import Outcome
from agentctl.store.found import Found, ResultCase

MOST_WAITING: Final = 100
"""Results that may wait for the database."""
DIGITS: Final = 6
"""Of dollars and seconds: the same figures are the same however they were summed."""


def remember(project: Project, evaluation: Evaluation, exit_code: int, kept: Path | None) -> None:
    """Adds what each suite came to to the history; `kept` is the document.

    Raises:
        StoreError: it cannot be written.
    """
    at, folder = time.time(), waiting(project)
    revision, file = checked_out(project.root), "" if kept is None else kept.name
    found = [
        _found(suite, revision, exit_code, file, at, interrupted=evaluation.interrupted)
        for suite in evaluation.suites
        if suite.cases
    ]
    if found:
        name = f"{datetime.fromtimestamp(at, UTC):%Y%m%dT%H%M%S.%fZ}-{os.getpid()}.json"
        write_whole(folder / name, orjson.dumps([each.to_json() for each in found]))
        if sum(1 for _ in folder.iterdir()) > MOST_WAITING:
            from agentctl.evals.trend import open_results  # noqa: PLC0415  an evaluation in a hundred opens the database

            open_results(project).close()


def _found(suite: SuiteResult, revision: str, exit_code: int, file: str, at: float, *, interrupted: bool) -> Found:
    sums: dict[str, _Sum] = {}
    for case in suite.cases:
        sums.setdefault(case.trial_of or case.id, _Sum()).add(case.outcome)
    return Found(
        suite=suite.suite,
        agent=suite.agent,
        bundle=suite.bundle,
        model=suite.model,
        revision=revision,
        complete=not interrupted and len({case.id for case in suite.cases}) >= suite.of,
        exit_code=exit_code,
        file=file,
        at=at,
        cases=tuple(
            ResultCase(tally.id, tally.verdict or "", tally.passed, tally.judged, *sums[tally.id].figures)
            for tally in suite.tallies
        ),
    )


@dataclass(slots=True)
class _Sum:
    """What the runs of a case took."""

    played: int = 0
    cost_usd: float | None = 0.0
    seconds: float = 0.0
    tokens: int = 0

    def add(self, outcome: Outcome | None) -> None:
        if outcome is None:
            return
        cost, usage = outcome.cost_usd, outcome.usage
        self.played += 1
        self.cost_usd = None if cost is None or self.cost_usd is None else self.cost_usd + float(cost)
        self.seconds += outcome.seconds
        self.tokens += usage.all_input + usage.output_tokens

    @property
    def figures(self) -> tuple[int, float | None, float, int]:
        cost = None if self.cost_usd is None else round(self.cost_usd, DIGITS)
        return self.played, cost, round(self.seconds, DIGITS), self.tokens
