"""Cases with faults and the rest of an evaluation: journals, pages, reports, variants, and what they do not cost."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from agentctl.agent.values import replace
from agentctl.cli.eval.faulty import fault_player
from agentctl.cli.eval.screen import Screen
from agentctl.cli.eval.table import lines_of
from agentctl.config.project import Project
from agentctl.evals.evaluate import evaluate
from agentctl.evals.journal.identity import identity
from agentctl.evals.journal.record import record_of, results_of
from agentctl.evals.plan import Job, plan
from agentctl.evals.prices import Prices
from agentctl.evals.report import rows
from agentctl.evals.result import Evaluation
from support import desk

CASE: dict[str, Any] = {"id": "c", "input": "Where is ORD-7?", "faults": [{"turn": 2, "api": 529}]}


def lay_down(root: Path, *cases: dict[str, Any], **more: Any) -> Project:
    """A desk with a suite of these cases."""
    desk.lay_down(root)
    (root / "evals").mkdir(exist_ok=True)
    suite = {"schema": 1, "kind": "suite", "agent": "desk@1", "cases": list(cases), **more}
    (root / "evals/desk.yaml").write_bytes(orjson.dumps(suite))
    return Project(root)


def play(project: Project, jobs: list[Job]) -> Evaluation:
    """The evaluation of these jobs."""

    async def run() -> Evaluation:
        async with fault_player(project, jobs) as faulty:
            return await evaluate(jobs, prices=Prices(), faulty=faulty)

    return asyncio.run(run())


def test_a_result_comes_back_from_a_journal_as_it_was(tmp_path: Path) -> None:
    """A run that was cut short is gone on with, faults and all; another fault is another case."""
    project = lay_down(tmp_path, CASE)
    (job,) = plan(project)
    results = list(play(project, [job]).cases)
    back = results_of(job, orjson.loads(orjson.dumps(record_of(job, results))))
    assert [each.to_json() for each in back] == [each.to_json() for each in results]
    assert back[0].faults == (("turn 2: 529", 1),)
    (other,) = plan(lay_down(tmp_path, {**CASE, "faults": [{"turn": 1, "api": 529}]}))
    assert identity(other) != identity(job)


@pytest.mark.parametrize(("turn", "told"), [(2, "turn 2: 529 (happened once)"), (3, "turn 3: 529 (never happened)")])
def test_why_it_failed_begins_with_what_went_wrong(tmp_path: Path, turn: int, told: str) -> None:
    """On the page and in reports: a fault that never happened explains much."""
    project = lay_down(tmp_path, {**CASE, "faults": [{"turn": turn, "api": 529}], "assert": [{"contains": "nothing"}]})
    evaluation = play(project, plan(project))
    page = "\n".join(lines_of(evaluation, Screen(), 0.0))
    assert f"  fault: {told}\n" in page
    assert "1 case played with faults" in page
    assert "agentctl replay" not in page
    assert next(rows.why(evaluation.cases[0].to_json())) == f"fault: {told}"


def test_what_was_played_is_marked_among_what_was_replayed(tmp_path: Path) -> None:
    """In a suite of both, the page tells which is which; in a suite of faults alone there is nothing to tell."""
    for cases, marked in (([CASE, {"id": "plain", "input": "Hello"}], 1), ([CASE], 0)):
        project = lay_down(tmp_path, *cases)
        assert "\n".join(lines_of(play(project, plan(project)), Screen(), 0.0)).count("with faults\n") == marked


def test_an_adaptive_evaluation_stops_when_it_knows(tmp_path: Path) -> None:
    """Repeats that cannot change the verdict are not played."""
    project = lay_down(tmp_path, {**CASE, "repeat": 50, "pass": "any"})
    jobs = [replace(job, adaptive=0.05) for job in plan(project)]
    assert len(play(project, jobs).cases) == 1


def test_faults_of_variants_and_scenarios(tmp_path: Path) -> None:
    """A case that stands for several has its faults in each."""
    matrix = {**CASE, "input": "Where is {{ order }}?", "matrix": {"order": ["ORD-7", "ORD-8"]}}
    scenario = {"config": [{"vars": {"order": "ORD-9"}}], "tests": [{**CASE, "id": "s", "input": "And {{ order }}?"}]}
    project = lay_down(tmp_path, matrix, scenarios=[scenario])
    found = play(project, plan(project)).cases
    assert [case.faults for case in found] == [(("turn 2: 529", 1),)] * 3
    assert {case.status for case in found} == {"pass"}


def test_who_has_no_faults_does_not_load_them(tmp_path: Path) -> None:
    """A suite without faults imports neither the simulator nor what plays faults."""
    lay_down(tmp_path, {"id": "plain", "input": "Hello"})
    code = (
        "import sys; from agentctl.cli.main import main\n"
        "sys.argv = ['agentctl', 'eval']\n"
        "try:\n    main()\n"
        "except SystemExit:\n    pass\n"
        "names = [each for each in sys.modules if 'evals.faults' in each or 'agentctl.simulator' in each]\n"
        "print(names, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=desk.environment(), capture_output=True, text=True, check=False
    )
    assert done.stderr.splitlines()[-1] == "[]"
