"""What going live would cost: the figures of recordings, and a word for what is not known."""

from __future__ import annotations

import asyncio
import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from agentctl.config.project import Project
from agentctl.evals.estimate import Estimate, estimate, known, likely, longest_reply
from agentctl.evals.judge.bind import judges_of
from agentctl.evals.judge.estimate import judging
from agentctl.evals.modes import Match, OnDivergence, RecordMode
from agentctl.evals.plan import Job, plan
from agentctl.evals.prices import Prices
from agentctl.evals.replay import replay as replay_job
from agentctl.evals.result import CaseResult
from support.till import edit, lay_down, record, replay


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Three recorded cases."""
    project = lay_down(tmp_path)
    record(project)
    return project


def estimated(
    project: Project, mode: RecordMode = RecordMode.ALL, on: OnDivergence = OnDivergence.FAIL, repeat: int | None = None
) -> list[Estimate]:
    """The estimate for every case."""
    jobs = plan(project, repeat=repeat)
    return asyncio.run(estimate(jobs, Prices(), mode=mode, on_divergence=on, match=Match.STRICT))


def test_recording_again_costs_what_it_cost(project: Project) -> None:
    """To the last digit, for each case and in all."""
    found = estimated(project)
    costs = {case.id: case.outcome.cost_usd for case in replay(project).cases if case.outcome is not None}
    assert {each.job.case.id: each.cost_usd for each in found} == costs
    assert known(found).cost_usd == likely(found) == sum(filter(None, costs.values()))


def test_only_what_would_go_live_counts(project: Project) -> None:
    """Nothing of a fresh suite; with one case edited, that one, from where it leaves its recording."""
    assert estimated(project, RecordMode.NEW_EPISODES) == []
    assert estimated(project, RecordMode.NONE, OnDivergence.LIVE) == []
    edit(project.evals / "till.yaml", "[Hello, Bye]", "[Hello, Farewell]")
    (again,) = estimated(project, RecordMode.NEW_EPISODES)
    (rest,) = estimated(project, RecordMode.NONE, OnDivergence.LIVE)
    assert again.takes is not None
    assert rest.takes is not None
    assert (again.job.case.id, again.takes.turns) == ("two-turns", 2)
    assert (rest.about, rest.takes.turns) == ("as recorded, from turn 2", 1)
    assert again.cost_usd == 2 * (rest.cost_usd or 0)


def test_more_repeats_than_recorded_go_as_those(project: Project) -> None:
    """Five runs cost five times what one cost, and the estimate says how many it knows."""
    once, five = estimated(project)[0], estimated(project, repeat=5)[0]
    assert five.cost_usd == 5 * (once.cost_usd or 0)
    assert five.about == "1 of 5 runs recorded"


def test_what_was_never_recorded_is_unknown(project: Project) -> None:
    """It is not counted as 0; if it goes as the others, the sum says so beside."""
    (project.cassettes / "till" / "sell-cake.yaml").unlink()
    found = estimated(project)
    by_id = {each.job.case.id: each for each in found}
    assert (by_id["sell-cake"].cost_usd, by_id["sell-cake"].about) == (None, "never recorded")
    others = known(found).cost_usd
    assert others is not None
    assert likely(found) == others * 3 / 2
    assert by_id["sell-cake"].to_json()["cost_usd"] is None


def test_a_model_without_a_price_is_unknown(project: Project) -> None:
    """The tokens are told, the cost is not, and nothing is guessed from it."""
    edit(project.prompts / "till" / "v1.yaml", "claude-sonnet-5-5", "house-model-1")
    found = estimated(project)
    assert [each.cost_usd for each in found] == [None] * 3
    assert found[0].takes is not None
    assert found[0].takes.tokens == 220
    assert found[0].about == "the price of house-model-1 is not known"
    assert (likely(found), known(found).turns) == (None, 0)


def test_the_longest_reply_is_known_from_recordings(project: Project) -> None:
    """What a cap expects of a call's output."""
    assert longest_reply(plan(project)) == 10
    assert longest_reply([]) == 0
    assert known([]).cost_usd == Decimal(0)


def test_judges_and_users_are_priced_too(checkout: Path) -> None:
    """A rubric's votes cost what recorded ones cost on average; a simulated user what it cost when recorded."""
    project = Project(checkout)
    jobs = plan(project, ["support"], filters=["refund-too-late", "cancel-in-short-words"])
    found = {each.job.case.id: each for each in estimated_of(jobs)}
    agent = {case.id: case.outcome.cost_usd for case in asyncio.run(played(jobs)) if case.outcome is not None}
    assert found["refund-too-late"].cost_usd == agent["refund-too-late"]
    assert (found["cancel-in-short-words"].cost_usd or 0) > (agent["cancel-in-short-words"] or 0)
    (judge,) = judging(jobs, Prices())
    assert (judge.rubric, judge.votes) == ("support-tone@1", sum(each.asks.votes for each in judges_of(jobs[0].case)))
    assert judge.recorded >= judge.votes
    assert 0 < (judge.cost_usd or 0) < 1
    assert judge.to_json()["cost_usd"] == float(judge.cost_usd or 0)


def test_a_rubric_without_a_recorded_vote_is_unknown(checkout: Path, tmp_path: Path) -> None:
    """It is not counted as 0."""
    for name in ("evals", "prompts"):
        shutil.copytree(checkout / name, tmp_path / name)
    (judge,) = judging(plan(Project(tmp_path), ["support"], filters=["refund-too-late"]), Prices())
    assert (judge.recorded, judge.cost_usd, judge.to_json()["cost_usd"]) == (0, None, None)


def estimated_of(jobs: list[Job]) -> list[Estimate]:
    """What recording these anew would cost."""
    return asyncio.run(
        estimate(jobs, Prices(), mode=RecordMode.ALL, on_divergence=OnDivergence.FAIL, match=Match.STRICT)
    )


async def played(jobs: list[Job]) -> list[CaseResult]:
    """The cases as they are recorded."""
    return [case for job in jobs for case in await replay_job(job, Prices())]
