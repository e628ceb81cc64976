"""What `agentctl score` does: what already happened is judged by a suite or by what is said of it; no model is asked.

No agent is run, no tool executed, nothing sent. What cannot be scored is named, and then the exit code is not 0.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final

from agentctl.agent.values import replace
from agentctl.cassette.imports.talk import Left
from agentctl.cli.console import note, silence_stdout
from agentctl.cli.eval.flags import Gates, Writing
from agentctl.cli.eval.gates import exit_code
from agentctl.cli.eval.writing import check, write
from agentctl.cli.score.flags import Asked
from agentctl.cli.score.sources import traces_of
from agentctl.config.project import Project
from agentctl.errors import NothingSelected, UsageError
from agentctl.evals.prices import Prices
from agentctl.evals.result import Evaluation
from agentctl.evals.suite import suite_paths
from agentctl.evals.traces.basis import Basis, check_case, label_of, loaded
from agentctl.evals.traces.score import Tally, evaluation_of
from agentctl.evals.traces.score import score as judge
from agentctl.evals.traces.trace import Trace
from agentctl.evals.witness import Witness
from agentctl.observe.clean import clean
from agentctl.observe.figures import count, dollars

MOST_TOLD: Final = 10
"""Things that were left out, named one by one; the JSON document names them all."""


def scored(asked: Asked, gates: Gates, writing: Writing) -> int:
    """Scores the traces, tells and keeps what came of it; the exit code.

    Raises:
        NothingSelected: there is no trace.
        AgentctlError: what to score or to score by is wrong, or a report that was asked for could not be made.
    """
    began = time.perf_counter()
    check(writing)
    project = Project.find(Path.cwd())
    basis = _basis(asked, project)
    prices = Prices(project.state / "prices.json")
    with Witness() as witness:
        tally = judge(_traces(asked, basis, project), basis, prices)
    prices.save()
    if not tally.scored:
        for each in tally.left[:MOST_TOLD]:
            note(clean(f"left out: {each.place}: {each.reason}"))
        raise NothingSelected("there is no trace in what was given")
    evaluation = replace(
        evaluation_of(tally, basis, merged=asked.merge),
        network=witness.connections,
        tools_executed=witness.executed,
    )
    code = exit_code(evaluation, gates)
    _tell(tally, evaluation, basis)
    try:
        write(project, evaluation, code, writing, time.perf_counter() - began)
    except BrokenPipeError:  # who has read enough of the page has not changed the verdict
        silence_stdout()
    return code


def _basis(asked: Asked, project: Project) -> Basis:
    """What to score by, as the flags say it.

    Raises:
        UsageError: there is no such suite or case, or a label is no label.
        ConfigError: the suite is wrong.
    """
    labels = tuple(label_of(each) for each in asked.label or ())
    if asked.suite is None:
        if asked.case is not None:
            raise UsageError("--case names a case of a suite", hint="add --suite SUITE")
        return Basis(labels=labels)
    suite = loaded(suite_paths(project, [asked.suite])[0], project)
    if asked.case is not None:
        check_case(asked.case, suite)
    if not (suite.cases or suite.asserts or labels):
        raise UsageError(f"suite {suite.name} asks nothing", hint="give it an `assert`, or cases")
    return Basis({suite.name: suite}, suite.name, labels, asked.case or "")


def _traces(asked: Asked, basis: Basis, project: Project) -> Iterator[Trace | Left]:
    """The traces; a suite that one of them names is loaded when none was asked for."""
    known = {path.stem: path for path in suite_paths(project)} if asked.suite is None else {}
    for trace in traces_of(asked.traces, project, cost_key=asked.cost or ""):
        if isinstance(trace, Trace) and trace.suite in known and trace.suite not in basis.suites:
            basis.suites[trace.suite] = loaded(known[trace.suite], project)
        yield replace(trace, keeps=True) if asked.with_runs and isinstance(trace, Trace) else trace


def _tell(tally: Tally, evaluation: Evaluation, basis: Basis) -> None:
    """What was not scored, and who told the costs, on standard error."""
    for each in tally.left[:MOST_TOLD]:
        note(clean(f"left out: {each.place}: {each.reason}"))
    if len(tally.left) > MOST_TOLD:
        note(f"left out: {len(tally.left) - MOST_TOLD} more; --json names them all")
    if tally.parts:
        note(f"{count(tally.parts, 'part')} of messages could not be carried; what was said of the traces was")
    about = evaluation.traces or {}
    without = about["without_trace"]
    if without and not basis.case:
        more = f" and {len(without) - MOST_TOLD} more" if len(without) > MOST_TOLD else ""
        note(clean(f"no trace of: {', '.join(without[:MOST_TOLD])}{more}"))
    told = [key for key in tally.costs if key]
    if told:
        number = sum(len(tally.costs[key]) for key in told)
        total, mean = (dollars(Decimal(str(about["cost"][key]))) for key in ("total_usd", "mean_usd"))
        who = f"{count(number, 'trace')} of {len(tally.scored)} tell it ({', '.join(told)})"
        note(clean(f"cost as {who}: {total} in all, {mean} a trace"))
    if about["same_trial"]:
        again = count(about["same_trial"], "trace")
        note(f"{again} with a trial that another of the same case has: all are counted, as repeats of their own")
