"""Adaptive repeats end when the verdict stands, at the same take however they are played, and nothing is missing."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentctl.agent.values import replace
from agentctl.cli.eval.flags import Gates
from agentctl.cli.eval.gates import exit_code
from agentctl.cli.eval.screen import Screen
from agentctl.cli.eval.table import lines_of
from agentctl.config.project import Project
from agentctl.evals.divergence import replay_to_divergence
from agentctl.evals.evaluate import evaluate
from agentctl.evals.modes import Match, OnDivergence, RecordMode
from agentctl.evals.plan import Job, plan
from agentctl.evals.prices import Prices
from agentctl.evals.result import CaseResult, Evaluation
from agentctl.evals.standings import standings
from agentctl.evals.takes import settled
from support import repeated, till
from support.desk import agentctl


def jobs(project: Project, alpha: float | None = 0.05, **options: Any) -> list[Job]:
    """The jobs of the flaky case, adaptive at this error."""
    return [replace(job, adaptive=alpha) for job in plan(project, filters=[repeated.CASE], **options)]


def record(root: Path, moods: str, *keys: str, alpha: float = 0.05) -> Project:
    """The flaky case, recorded adaptively."""
    project = repeated.lay_down(root, moods, *keys)
    till.play(jobs(project, alpha), repeated.Moody(moods), RecordMode.ALL)
    return project


def replay(project: Project, alpha: float | None) -> Evaluation:
    """A replay of the flaky case."""
    return asyncio.run(evaluate(jobs(project, alpha), prices=Prices()))


@pytest.mark.parametrize(
    ("moods", "keys", "expected"),
    [
        ("pfpppp", (), "pf"),
        ("pppppp", (), "pppppp"),
        ("ffpfff", ("pass: any",), "ffp"),
        ("pffppp", ("pass: 0.5",), "pffpp"),
        ("ffffpp", ("pass: 0.5",), "ffff"),
    ],
)
def test_repeats_end_when_the_verdict_stands(tmp_path: Path, moods: str, keys: tuple[str, ...], expected: str) -> None:
    """A recording stops there, and every replay of it too: with the flag, without it, and along the other ways."""
    project = record(tmp_path, moods, *keys, alpha=0.0)
    for found in (replay(project, 0.0), replay(project, None), till.play(jobs(project, None), live_tools=True)):
        assert repeated.signs(found) == expected
        assert exit_code(found, Gates()) == (0 if found.suites[0].tallies[0].verdict == "pass" else 1)
    beyond = asyncio.run(replay_to_divergence(jobs(project, None)[0], Prices(), Match.STRICT, OnDivergence.STOP))
    assert "".join(case.status[0] for case in beyond) == expected


def test_a_whole_recording_is_played_as_far_as_needed(tmp_path: Path) -> None:
    """Takes that could not change the verdict are not played, and the document says how many were spared."""
    found = replay(repeated.record(tmp_path, "fppp"), 0.05)
    assert repeated.signs(found) == "f"
    statistics: Any = found.suites[0].to_json()["statistics"]
    assert (statistics["spared"], statistics["tries"], statistics["cases"][0]["planned"]) == (3, [], 4)
    assert "till: 3 repeats of 4 spared, the verdict stood without them" in lines_of(found, Screen(), 0.0)


def test_what_the_rule_did_not_spare_is_missing(tmp_path: Path) -> None:
    """Another check, by which the verdict does not stand after the recorded takes: the next ones are missing."""
    project = record(tmp_path, "pfpp")
    till.edit(project.evals / "till.yaml", "equals: Good bye.", "contains: Go")
    assert repeated.signs(replay(project, None)) == "ppmm"
    assert exit_code(replay(project, None), Gates()) == 4


def test_an_adaptive_recording_is_not_recorded_again(tmp_path: Path) -> None:
    """New episodes find nothing to do, and the status of the recording is fresh; more repeats do not change that."""
    project = record(tmp_path, "pfpp")
    again = till.play(jobs(project, None), repeated.Moody("p"), RecordMode.NEW_EPISODES)
    assert (again.recorded, repeated.signs(again)) == ((), "pf")
    assert [row.is_fresh for row in standings(project) if row.case == repeated.CASE] == [True]
    more = till.play(jobs(project, None, repeat=9), repeated.Moody("p"), RecordMode.NEW_EPISODES)
    assert (more.recorded, repeated.signs(more)) == ((), "pf")


def test_a_damaged_rule_is_an_error(tmp_path: Path) -> None:
    """What stands for `adaptive` in a header is an error below 1, or the recording is damaged."""
    project = record(tmp_path, "pf")
    (path,) = project.cassettes.rglob("two-turns.yaml")
    document = json.loads(path.read_text())
    assert document["agentctl"]["adaptive"] == 0.05
    document["agentctl"]["adaptive"] = "often"
    path.write_text(json.dumps(document))
    assert (
        "header is damaged (Expected `float | null`, got `str` - at `$.adaptive`)"
        in replay(project, None).cases[0].reason
    )


@settings(deadline=None)
@given(st.text("pfe", min_size=1, max_size=12), st.sampled_from([0.0, 0.05, 0.3]))
def test_with_certainty_the_verdict_is_that_of_all_repeats(moods: str, alpha: float) -> None:
    """Once settled without error, no continuation changes the verdict; runs without one never settle anything."""
    job = JOBS["job"]
    job = replace(job, repeats=len(moods))
    words = {"p": "pass", "f": "fail", "e": "error"}
    runs = [CaseResult("till", job.case.id, n + 1, words[sign]) for n, sign in enumerate(moods)]
    for number in range(len(runs)):
        if settled(job, runs[:number], 0.0):
            failed = any(run.status == "fail" for run in runs[:number])
            assert failed == any(run.status == "fail" for run in runs)
        if set(moods[:number]) <= {"e"}:
            assert not settled(job, runs[:number], alpha)


JOBS: dict[str, Job] = {}


@pytest.fixture(autouse=True, scope="module")
def _job(tmp_path_factory: pytest.TempPathFactory) -> None:
    JOBS["job"] = plan(repeated.lay_down(tmp_path_factory.mktemp("job"), "p"), filters=[repeated.CASE])[0]


def test_the_flags(tmp_path: Path) -> None:
    """`--adaptive` with its error at the command line; more cases at once change nothing."""
    repeated.record(tmp_path, "pfpppp")
    plain = agentctl(tmp_path, "eval", "--json", "-j", "16")
    found = agentctl(tmp_path, "eval", "--adaptive", "--alpha", "0", "--json", "-j", "16")
    assert (plain.returncode, found.returncode) == (1, 1)
    assert len(json.loads(plain.stdout)["suites"][0]["cases"]) == 8
    assert len(json.loads(found.stdout)["suites"][0]["cases"]) == 4
