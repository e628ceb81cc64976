"""Plays the jobs of `agentctl eval` under the signals of a process; what could go live is imported only when it may."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from agentctl.agent.spec import Agent
from agentctl.agent.values import replace
from agentctl.cli.console import note
from agentctl.cli.eval.again import UNKEPT, Kept
from agentctl.cli.eval.flags import Money, Playing, ToolsFrom
from agentctl.cli.eval.money import GoLive, payment
from agentctl.cli.progress import Bar
from agentctl.config.project import Project
from agentctl.evals.evaluate import Faulty, Player, recorded_at
from agentctl.evals.evaluate import evaluate as play_all
from agentctl.evals.judge.port import Bench
from agentctl.evals.modes import OnDivergence
from agentctl.evals.plan import Job
from agentctl.evals.prices import Prices
from agentctl.evals.result import CaseResult, Evaluation

OnCluster = Callable[[Sequence[Job]], AbstractAsyncContextManager[Player]]
"""A player for these jobs that has other processes play them."""


@dataclass(slots=True)
class Finding:
    """What came of the evaluation. It leaves the event loop in here: asyncio writes down what a main task returns."""

    evaluation: Evaluation | None = None


async def play(
    project: Project,
    jobs: Sequence[Job],
    playing: Playing,
    money: Money,
    finding: Finding,
    kept: Kept = UNKEPT,
    *,
    progress: bool,
    cluster: OnCluster | None = None,
) -> None:
    """Plays the jobs until they are done, or until this task is cancelled: then what there is by then is found."""
    rest = [job for place, job in enumerate(jobs) if place not in kept.already]
    with Bar(sum(job.repeats for job in rest), wanted=progress) as bar:

        def done(results: list[CaseResult]) -> None:
            kept.add(results)
            bar.advance(len(results), f"{results[0].suite}/{results[0].id}")

        go_live = _go_live(project, playing)
        paid = payment(rest, playing, money, go_live)
        opens = go_live if paid is None else paid.go_live
        plain = [job for job in rest if not job.case.faults]
        spread = _player(rest, playing, opens, kept.since) if cluster is None else cluster(plain)
        async with spread as player, _bench(rest, playing, opens) as bench, with_faults(project, rest) as faulty:
            evaluation = await play_all(
                jobs,
                prices=Prices(project.state / "prices.json"),
                live=player if paid is None or player is None else paid.player(player),
                bench=bench,
                faulty=faulty,
                concurrency=playing.max_concurrency,
                on_job=done,
                already=kept.already,
            )
            finding.evaluation = evaluation if cluster is None else _as_here(evaluation, player)
        if paid is not None and finding.evaluation is not None:
            finding.evaluation = replace(finding.evaluation, spending=paid.purse.spending)


def _as_here(evaluation: Evaluation, player: Any) -> Evaluation:
    """What a cluster replayed, told as this process would: of the workers' counts, and of when it was recorded."""
    return replace(
        evaluation,
        at=recorded_at(evaluation),
        network=player.sent,
        tools_executed=player.executed + evaluation.tools_executed,
    )


def _go_live(project: Project, playing: Playing) -> GoLive:
    """Opens a live wire for an agent; what can go live is not even loaded for a replay."""

    def go_live(agent: Agent) -> AbstractAsyncContextManager[Any]:
        from agentctl.cli.wiring import live_wire  # noqa: PLC0415

        return live_wire(agent, project, simulate=playing.simulate)

    return go_live


def with_faults(project: Project, jobs: Sequence[Job]) -> AbstractAsyncContextManager[Faulty | None]:
    """What plays the cases with faults; None when there are none."""
    faulty = [job for job in jobs if job.case.faults]
    if not faulty:
        return nullcontext()
    from agentctl.cli.eval.faulty import fault_player  # noqa: PLC0415  the simulator is loaded for those alone

    return fault_player(project, faulty)


@asynccontextmanager
async def _player(
    jobs: Sequence[Job], playing: Playing, go_live: GoLive, since: str | None
) -> AsyncIterator[Player | None]:
    """What is more than a replay in this evaluation; None when nothing is."""
    if playing.is_replay:
        yield None
        return
    if playing.goes_beyond:
        async with _onward(jobs, playing, go_live) as onward:
            yield onward
        return
    from agentctl.evals.live import live_player  # noqa: PLC0415

    live_tools = playing.tools is ToolsFrom.LIVE
    if playing.simulate:
        note("simulated model: recordings will hold scripted answers")
    mode = playing.record_mode
    async with live_player(jobs, mode=mode, live_tools=live_tools, go_live=go_live, since=since) as player:
        yield player


@asynccontextmanager
async def _bench(jobs: Sequence[Job], playing: Playing, go_live: GoLive) -> AsyncIterator[Bench | None]:
    """Judges that answer now; None when no case has one, or when all they say is recorded."""
    if not playing.judges_live or not any(job.is_judged for job in jobs):
        yield None
        return
    from agentctl.cli.eval.judging import live_bench  # noqa: PLC0415  few evaluations ask a judge

    async with live_bench(jobs, playing, go_live) as bench:
        yield bench


@asynccontextmanager
async def _onward(jobs: Sequence[Job], playing: Playing, go_live: GoLive) -> AsyncIterator[Player]:
    """Plays recordings beyond what they hold. Whether there is a key is known before the first case runs."""
    from agentctl.cli.wiring import require_key  # noqa: PLC0415
    from agentctl.evals.onward import OnwardPlayer, Policy  # noqa: PLC0415

    if playing.on_divergence is OnDivergence.LIVE and not playing.simulate:
        for job in jobs:
            if job.case.is_recorded:
                require_key(job.agent.provider)
    player = OnwardPlayer(
        Policy(playing.on_divergence, playing.match, live_tools=playing.tools is ToolsFrom.LIVE), go_live
    )
    if playing.simulate:
        note("simulated model: what is not recorded has scripted answers")
    try:
        yield player
    finally:
        await player.close()
