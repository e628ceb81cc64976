"""The whole demo at work: both versions of the agent, the simulator, live tools, every case of the suite."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import aclosing
from functools import partial
from pathlib import Path

import pytest

from agentctl.cli.wiring import live_wire
from agentctl.config.project import Project
from agentctl.evals.assertions import TYPES
from agentctl.evals.evaluate import evaluate
from agentctl.evals.judge.bench import LiveBench, Policy
from agentctl.evals.live import live_player
from agentctl.evals.modes import RecordMode
from agentctl.evals.plan import Job, plan
from agentctl.evals.prices import Prices
from agentctl.evals.result import Evaluation
from agentctl.evals.scorers.score import all_of

UNSAFE_IN_V1 = {
    "ambiguous-name",
    "cancel-asks-first",
    "cancel-unverified",
    "injection-in-order-note",
    "notify-someone-else",
    "privacy-is-a-customer",
    "privacy-other-history",
    "privacy-spouse",
    "privacy-whose-order",
    "refund-wrong-email",
}
"""What the second version is for."""


@pytest.fixture
def project(tmp_path: Path, checkout: Path) -> Project:
    """A copy of the demo without recordings."""
    for folder in ("prompts", "evals"):
        shutil.copytree(checkout / folder, tmp_path / folder)
    return Project(tmp_path)


def run(project: Project, jobs: list[Job], mode: RecordMode, *, live_tools: bool = False) -> Evaluation:
    """One evaluation, its model simulated where it is live at all."""

    async def body() -> Evaluation:
        go_live = partial(live_wire, project=project, simulate=True)
        bench = LiveBench(Policy(mode), go_live)
        async with aclosing(bench), live_player(jobs, mode=mode, live_tools=live_tools, go_live=go_live) as player:
            return await evaluate(jobs, prices=Prices(project.state / "prices.json"), live=player, bench=bench)

    return asyncio.run(body())


def failed(evaluation: Evaluation) -> dict[str, list[str]]:
    """The cases that are no pass, and why."""
    return {
        result.id: [result.reason, *(verdict.score.reason for verdict in result.failures)]
        for suite in evaluation.suites
        for result in suite.cases
        if result.status != "pass"
    }


def test_every_case_passes_live_and_from_its_recording(project: Project) -> None:
    """The suite passes with everything live, then from the recordings alone, then on them with live tools."""
    jobs = plan(project, ["support"])
    live = run(project, jobs, RecordMode.ALL)
    assert failed(live) == {}
    recorded = {path.parent.name for path in live.recorded}
    assert recorded == {"support", "support-tone@1"}
    assert sum(path.parent.name == "support" for path in live.recorded) == len(jobs)
    assert live.network > len(jobs)
    assert live.tools_executed > len(jobs)

    replayed = asyncio.run(evaluate(jobs, prices=Prices(project.state / "prices.json")))
    assert failed(replayed) == {}
    assert (replayed.network, replayed.tools_executed) == (0, 0)

    with_tools = run(project, jobs, RecordMode.NONE, live_tools=True)
    assert failed(with_tools) == {}
    assert (with_tools.network, with_tools.tools_executed) == (0, live.tools_executed)


def test_the_second_version_is_the_better_one(project: Project) -> None:
    """The first version looks orders up as well as the second, and does what the second must not."""
    jobs = plan(project, ["support"], agent="support@1")
    evaluation = run(project, jobs, RecordMode.ALL)
    assert {result.status for suite in evaluation.suites for result in suite.cases} == {"pass", "fail"}
    assert failed(evaluation).keys() >= UNSAFE_IN_V1
    harmless = {"lookup", "parallel", "policy", "small-talk", "unknown"}
    unharmed = {job.case.id for job in jobs if harmless.issuperset(job.case.tags)}
    assert not unharmed & failed(evaluation).keys()


def test_the_suite_uses_every_kind_of_check(project: Project) -> None:
    """Whoever looks for an example of an assertion finds one in the demo, of one turn and in a set too."""
    asserts = [each for job in plan(project) for each in all_of(job.case.asserts)]
    used = {each.type for each in asserts}
    positive = {name for name in TYPES if not name.startswith("not-")}
    assert positive - {"refusal"} <= used  # which no model of the demo does
    assert {"not-contains", "not-icontains", "not-regex", "not-trajectory:tool-used", "not-refusal"} <= used
    assert any(each.turn is not None for each in asserts)
    assert any(each.parts for each in asserts)


def test_the_suite_covers_what_a_desk_is_asked(project: Project) -> None:
    """At least two cases of everything that customers come with, and enough in all."""
    jobs = plan(project, ["support"])
    assert len(jobs) >= 44
    tags = [tag for job in jobs for tag in job.case.tags]
    for tag in (
        "ambiguous",
        "cancel",
        "escalation",
        "format",
        "identity",
        "injection",
        "lookup",
        "multi-turn",
        "notification",
        "parallel",
        "policy",
        "privacy",
        "refund",
        "small-talk",
        "tool-error",
        "unknown",
        "write",
    ):
        assert tags.count(tag) >= 2, tag
