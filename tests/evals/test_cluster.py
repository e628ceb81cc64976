"""Chunks on other workers: the very results of this process, and a refusal where a worker sees something else."""

from __future__ import annotations

import asyncio
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agentctl.agent.values import replace
from agentctl.config.project import Project
from agentctl.errors import RunError, UsageError
from agentctl.evals.cluster import Ask, ClusterPlayer, play_chunk
from agentctl.evals.evaluate import evaluate, recorded_at
from agentctl.evals.journal.identity import identity
from agentctl.evals.plan import Job, plan
from agentctl.evals.prices import Prices
from agentctl.evals.result import Evaluation
from support.till import edit, lay_down, record, replay

CASES = 60
CASE = '  - {{id: tea-{0:02}, input: What is tea?, assert: [{{contains: "{1}"}}]}}\n'


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three chunks of cases, recorded; one in three fails."""
    cases = "".join(CASE.format(number, 4 if number % 3 == 0 else 3) for number in range(CASES))
    root = tmp_path_factory.mktemp("till")
    record(lay_down(root, "schema: 1\nkind: suite\nagent: till\ncases:\n" + cases))
    return root


@pytest.fixture
def project(recorded: Path, tmp_path: Path) -> Project:
    """A copy of its own."""
    shutil.copytree(recorded, tmp_path / "own")
    return Project(tmp_path / "own")


def ask_of(project: Project, token: str) -> Ask:
    """What a worker is told."""
    return Ask(str(project.root), str(project.root), token)


def on_workers(ask: Ask, jobs: list[Job]) -> Evaluation:
    """The evaluation of these jobs by an executor of the standard library."""

    async def body(executor: ThreadPoolExecutor) -> Evaluation:
        player = ClusterPlayer(executor, ask, jobs, 2)
        try:
            found = await evaluate(jobs, prices=Prices(), live=player)
            return replace(found, at=recorded_at(found))
        finally:
            await player.close()

    with ThreadPoolExecutor(2) as executor:
        return asyncio.run(body(executor))


def test_the_result_is_the_one_of_this_process(project: Project) -> None:
    """Every key of the document, cases in order."""
    assert on_workers(ask_of(project, "same"), plan(project)).to_json(1) == replay(project).to_json(1)


def test_another_version_is_refused(project: Project) -> None:
    """It is named, both of them are."""
    with pytest.raises(UsageError, match=r"cannot play: it has agentctl .*, not 0\.0\.0"):
        on_workers(replace(ask_of(project, "version"), version="0.0.0"), plan(project))


def test_a_project_that_is_not_there_is_refused(project: Project, tmp_path: Path) -> None:
    """A worker that does not share the files says where it looked."""
    elsewhere = Ask(str(tmp_path / "nowhere"), str(tmp_path / "nowhere"), "nowhere")
    with pytest.raises(UsageError, match=r"does not see the project at .*nowhere"):
        on_workers(elsewhere, plan(project))


def test_another_case_is_refused(project: Project) -> None:
    """A worker whose files differ plays nothing: what it found would not be an answer to what was planned."""
    jobs = plan(project)
    edit(
        project.evals / "till.yaml",
        '{id: tea-59, input: What is tea?, assert: [{contains: "3"}]}',
        "{id: tea-59, input: Tea?}",
    )
    with pytest.raises(UsageError, match="sees another till/tea-59"):
        on_workers(ask_of(project, "other"), jobs)


def test_what_breaks_a_worker_is_told(project: Project) -> None:
    """An executor that has gone is an error with a hint."""
    jobs = plan(project)
    executor = ThreadPoolExecutor(1)
    executor.shutdown()

    async def body() -> None:
        await ClusterPlayer(executor, ask_of(project, "gone"), jobs, 1).play(jobs[0], Prices())

    with pytest.raises(RunError, match="could not play a chunk: RuntimeError"):
        asyncio.run(body())


def test_a_chunk_counts_what_happened(project: Project) -> None:
    """A replay on a worker sends nothing and runs no tool, and says so."""
    job = plan(project)[0]
    chunk = play_chunk(ask_of(project, "count"), [(job.suite.name, job.case.id, identity(job))])
    assert (len(chunk.records), chunk.network, chunk.executed, chunk.refused) == (1, 0, 0, "")
