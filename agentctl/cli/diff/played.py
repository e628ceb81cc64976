"""Two versions of an agent on one suite: what each recorded, scored as it is now, and what it takes to fill the gaps.

Without `--live` or `--simulate` only recordings that are fresh are played. What is not recorded is named with what
recording it would take, by its own older recording or by what the other version took for the same case; with one of the
two that is told first, and then it is recorded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from agentctl.agent.values import replace
from agentctl.cli.console import note
from agentctl.cli.eval.flags import Money, Playing
from agentctl.cli.eval.playing import Finding, play
from agentctl.cli.signals import Signals, stopped_by
from agentctl.config.project import Project
from agentctl.config.refs import GIT
from agentctl.evals.marks import Reused, reused_of, sum_of
from agentctl.evals.modes import RecordMode
from agentctl.evals.plan import Job, plan
from agentctl.evals.result import CaseResult, Evaluation
from agentctl.observe.clean import clean
from agentctl.observe.figures import count, dollars

UNRECORDED: Final = frozenset({"stale", "missing"})


@dataclass(frozen=True, slots=True)
class Gap:
    """The runs of one version that have no recording that fits, and what recording them would take."""

    agent: str
    runs: int
    takes: Reused

    def __str__(self) -> str:
        if not self.takes.turns:
            return f"{self.agent}: {count(self.runs, 'run')} without a recording that fits"
        price = "price unknown" if self.takes.cost_usd is None else f"about {dollars(self.takes.cost_usd)}"
        figures = f"{count(self.takes.turns, 'turn')} · {self.takes.tokens:,} tokens · {price}"
        return f"{self.agent}: {count(self.runs, 'run')} without a recording that fits; to record them takes {figures}"


@dataclass(frozen=True, slots=True)
class Played:
    """What came of both versions. `stopped_by` is the exit code of a signal that came in between."""

    old: Evaluation
    new: Evaluation
    gaps: tuple[Gap, ...]
    stopped_by: int | None = None


def both_played(project: Project, agents: tuple[str, str], suite: str, *, live: bool, simulate: bool) -> Played:
    """Both versions on the suite.

    Raises:
        UsageError: there is no such suite, or no key to go live with.
        ConfigError: the suite is wrong.
    """
    jobs = [_jobs(project, suite, agent) for agent in agents]
    old, new = (_replayed(project, each) for each in jobs)
    gaps = tuple(gap for gap in (_gap(agents[0], old, new), _gap(agents[1], new, old)) if gap is not None)
    if not gaps or not (live or simulate):
        return Played(old, new, gaps)
    for gap in gaps:
        note(clean(str(gap)))
    playing = Playing(record_mode=RecordMode.NEW_EPISODES, simulate=simulate)
    found: list[Evaluation] = []
    for each, before in zip(jobs, (old, new), strict=True):
        evaluation, stopped_by = _play(project, each, playing)
        found.append(evaluation or before)
        if stopped_by is not None:
            return Played(found[0], found[-1], gaps, stopped_by)
    return Played(found[0], found[1], ())


def _jobs(project: Project, suite: str, agent: str) -> list[Job]:
    """The suite's jobs. What a revision's agent recorded stands where the suite's own recordings do."""
    jobs = plan(project, [suite], agent=agent)
    if f"@{GIT}" not in agent:
        return jobs
    own = [project.cassettes / suite / job.recording.name for job in jobs]
    return [
        job
        if job.recording.exists() or not path.exists()
        else replace(job, recording=path, recording_name=project.show(path))
        for job, path in zip(jobs, own, strict=True)
    ]


def _replayed(project: Project, jobs: Sequence[Job]) -> Evaluation:
    evaluation, _ = _play(project, jobs, Playing())
    if evaluation is None:
        raise KeyboardInterrupt
    return evaluation


def _play(project: Project, jobs: Sequence[Job], playing: Playing) -> tuple[Evaluation | None, int | None]:
    """What was played, and the exit code of the signal that came meanwhile."""
    finding = Finding()
    with Signals(patient=False) as signals, suppress(asyncio.CancelledError):  # it came before the first case began
        asyncio.run(stopped_by(signals, play(project, jobs, playing, Money(), finding, progress=False)))
    return finding.evaluation, signals.code


def _gap(agent: str, evaluation: Evaluation, other: Evaluation) -> Gap | None:
    missing = [case for case in evaluation.cases if case.status in UNRECORDED]
    if not missing:
        return None
    beside = {(case.suite, case.id, case.repeat): case for case in other.cases}
    takes = [_takes(case, beside.get((case.suite, case.id, case.repeat))) for case in missing]
    known = sum_of(takes)
    if any(each is None for each in takes):
        known = Reused(known.turns, known.input_tokens, known.output_tokens, None)
    return Gap(agent, len(missing), known)


def _takes(case: CaseResult, beside: CaseResult | None) -> Reused | None:
    """What recording this run takes; None when there is nothing to go by."""
    if case.again is not None and case.again.recorded.turns:
        return case.again.recorded
    seen = None if beside is None else beside.outcome
    return None if seen is None else reused_of(seen.turns, seen.usage, seen.cost_usd)
