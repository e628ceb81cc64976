"""`agentctl eval`: scores suites on their recordings, and records what it is asked to.

Without `--record-mode` and `--tools live` nothing here can reach a network or run a tool; what could is imported only
then. Standard output holds the page or the JSON document, everything else goes to standard error, and the exit code
says what a build must know: see `agentctl.cli.exits`.
"""

from __future__ import annotations

import asyncio
import gc
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from agentctl.agent.spec import Agent
from agentctl.cli import exits
from agentctl.cli.console import json_document, note, say, silence_stdout, wants_color
from agentctl.cli.eval.screen import Screen
from agentctl.cli.eval.table import lines_of
from agentctl.cli.progress import Bar
from agentctl.config.project import Project
from agentctl.errors import StoreError, UsageError
from agentctl.evals.evaluate import Player
from agentctl.evals.evaluate import evaluate as play_all
from agentctl.evals.history import keep
from agentctl.evals.plan import Job, Match, OnDivergence, RecordMode, plan
from agentctl.evals.prices import Prices
from agentctl.evals.report import format_of, write_report
from agentctl.evals.result import CaseResult, Evaluation
from agentctl.observe.clean import clean

KEEPS_ALL: Final = 100_000
"""Allocations between two garbage collections: results are kept to the end, so there is little to collect."""

STOPPED_BY: Final = {signal.SIGINT: exits.INTERRUPTED, signal.SIGTERM: exits.TERMINATED}


class ToolsFrom(StrEnum):
    """Where the results of tools come from in a replay."""

    RECORDED = "recorded"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Options:
    """What the flags ask for, beside the cases."""

    mode: RecordMode
    tools: ToolsFrom
    simulate: bool
    concurrency: int
    progress: bool
    on_divergence: OnDivergence
    match: Match

    @property
    def goes_beyond(self) -> bool:
        """Whether a recording is played that does not hold all that is asked."""
        return self.on_divergence is not OnDivergence.FAIL or self.match is not Match.STRICT


@dataclass(slots=True)
class Finding:
    """What came of the evaluation. It leaves the event loop in here: asyncio writes down what a main task returns."""

    evaluation: Evaluation | None = None
    stopped_by: int | None = None
    """The exit code of the signal that interrupted it."""


GoLive = Callable[[Agent], AbstractAsyncContextManager[Any]]

Suites = Annotated[
    list[str] | None,
    typer.Argument(metavar="SUITE", help="Names in evals/, or files; without one, all.", show_default=False),
]
Filters = Annotated[
    list[str] | None,
    typer.Option("-k", "--filter", metavar="TEXT", help="Only cases whose id holds TEXT or fits it (*, ?)."),
]
Diverging = Annotated[
    OnDivergence,
    typer.Option(help="Where a recording no longer fits: no verdict; stop there and score; or go on live."),
]
Matching = Annotated[Match, typer.Option(help="lenient: old answers to the same messages count, and are marked.")]
Allowing = Annotated[bool, typer.Option("--allow-stale", help="Let scores of stopped runs and old answers count.")]
Rate = Annotated[
    float | None,
    typer.Option(min=0.0, max=1.0, metavar="RATE", help="Pass when this share of the verdicts does: 0.95."),
]
Reports = Annotated[
    list[Path] | None,
    typer.Option("-o", "--output", metavar="FILE", help="Write a report, its format by its ending: .json."),
]


def evaluate(
    suites: Suites = None,
    *,
    filter: Filters = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="Only cases with this tag.")] = None,
    agent: Annotated[
        str | None, typer.Option("--agent", metavar="REF", help="Another agent than the suite's: name or name@2.")
    ] = None,
    repeat: Annotated[
        int | None, typer.Option("--repeat", min=1, max=1000, metavar="N", help="Run every case N times.")
    ] = None,
    record_mode: Annotated[
        RecordMode,
        typer.Option(help="Record: once, where nothing is recorded; new-episodes, what is missing or stale; or all."),
    ] = RecordMode.NONE,
    tools: Annotated[
        ToolsFrom, typer.Option(help="live: really run the tools, each case in a workspace of its own.")
    ] = ToolsFrom.RECORDED,
    on_divergence: Diverging = OnDivergence.FAIL,
    match: Matching = Match.STRICT,
    allow_stale: Allowing = False,
    simulate: Annotated[bool, typer.Option("--simulate", help="The built-in simulator is the model: no key.")] = False,
    min_pass_rate: Rate = None,
    max_concurrency: Annotated[
        int, typer.Option("-j", "--max-concurrency", min=1, metavar="N", help="Cases at the same time.")
    ] = 16,
    output: Reports = None,
    json: Annotated[bool, typer.Option("--json", help="The whole result as one JSON document.")] = False,
    no_progress_bar: Annotated[bool, typer.Option("--no-progress-bar", help="Draw no bar while cases run.")] = False,
) -> int:
    """Score suites on recordings: no network, no tool executed.

    A case whose recording is missing or no longer fits is named, with what changed, and never played unless
    --on-divergence or --match ask for it. --record-mode records it again, from the model or from the simulator.

    Exit codes: 0 all passed, 1 a case failed, 2 usage or configuration, 3 a case errored, 4 recordings missing or
    stale, 5 nothing selected, 130 and 143 interrupted.
    """
    began = time.perf_counter()
    shows = not (no_progress_bar or json)
    options = Options(record_mode, tools, simulate, max_concurrency, shows, on_divergence, match)
    _check(options)
    for path in output or []:
        format_of(path)
    project = Project.find(Path.cwd())
    jobs = plan(project, suites or [], agent=agent, filters=filter or [], tags=tag or [], repeat=repeat)
    finding = Finding()
    gc.set_threshold(KEEPS_ALL)
    with suppress(asyncio.CancelledError):  # a signal came before the first case began
        asyncio.run(_evaluate(project, jobs, options, finding))
    if finding.evaluation is None:
        return finding.stopped_by or exits.INTERRUPTED
    code = finding.stopped_by or exit_code(finding.evaluation, min_pass_rate, allow_stale=allow_stale)
    try:
        _report(project, finding.evaluation, code, output or [], time.perf_counter() - began, as_json=json)
    except BrokenPipeError:  # who has read enough of the page has not changed the verdict
        silence_stdout()
    return code


def _check(options: Options) -> None:
    """Refuses flags that contradict each other.

    Raises:
        UsageError: they do.
    """
    records = options.mode is not RecordMode.NONE
    if options.simulate and not records and options.on_divergence is not OnDivergence.LIVE:
        hint = "add --record-mode new-episodes, or --on-divergence live"
        raise UsageError("--simulate answers while something is recorded or goes on live", hint=hint)
    if records and options.goes_beyond:
        hint = "leave out --record-mode, or --on-divergence and --match"
        raise UsageError("what no longer fits is either recorded again or played as far as it fits", hint=hint)


async def _evaluate(project: Project, jobs: Sequence[Job], options: Options, finding: Finding) -> None:
    """Plays the jobs until they are done or a signal comes; a second signal does what signals do."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None

    def stop(code: int) -> None:
        finding.stopped_by = code
        for each in STOPPED_BY:
            loop.remove_signal_handler(each)
        task.cancel()

    for each, code in STOPPED_BY.items():
        loop.add_signal_handler(each, stop, code)
    with Bar(sum(job.repeats for job in jobs), wanted=options.progress) as bar:

        def done(results: list[CaseResult]) -> None:
            bar.advance(len(results), f"{results[0].suite}/{results[0].id}")

        async with _player(project, jobs, options) as player:
            finding.evaluation = await play_all(
                jobs,
                prices=Prices(project.state / "prices.json"),
                live=player,
                concurrency=options.concurrency,
                on_job=done,
            )


@asynccontextmanager
async def _player(project: Project, jobs: Sequence[Job], options: Options) -> AsyncIterator[Player | None]:
    """What is more than a replay in this evaluation; None when nothing is."""
    if options.mode is RecordMode.NONE and options.tools is ToolsFrom.RECORDED and not options.goes_beyond:
        yield None
        return
    from agentctl.cli.wiring import live_wire  # noqa: PLC0415  what can go live is not even loaded for a replay

    def go_live(agent: Agent) -> AbstractAsyncContextManager[Any]:
        return live_wire(agent, project, simulate=options.simulate)

    if options.goes_beyond:
        async with _onward(jobs, options, go_live) as onward:
            yield onward
        return
    from agentctl.evals.live import live_player  # noqa: PLC0415

    live_tools = options.tools is ToolsFrom.LIVE
    if options.simulate:
        note("simulated model: recordings will hold scripted answers")
    async with live_player(jobs, mode=options.mode, live_tools=live_tools, go_live=go_live) as player:
        yield player


@asynccontextmanager
async def _onward(jobs: Sequence[Job], options: Options, go_live: GoLive) -> AsyncIterator[Player]:
    """Plays recordings beyond what they hold. Whether there is a key is known before the first case runs."""
    from agentctl.cli.wiring import require_key  # noqa: PLC0415
    from agentctl.evals.onward import OnwardPlayer, Policy  # noqa: PLC0415

    if options.on_divergence is OnDivergence.LIVE and not options.simulate:
        for job in jobs:
            if not job.case.transcript:
                require_key(job.agent.provider)
    player = OnwardPlayer(
        Policy(options.on_divergence, options.match, live_tools=options.tools is ToolsFrom.LIVE), go_live
    )
    if options.simulate:
        note("simulated model: what is not recorded has scripted answers")
    try:
        yield player
    finally:
        await player.close()


def exit_code(evaluation: Evaluation, min_pass_rate: float | None = None, *, allow_stale: bool = False) -> int:
    """What no verdict could be given on comes before what failed: a build must not take it for a verdict.

    Nor must it take a score for one that was made of answers to something else, or of half a run, unless it was told.
    """
    totals = evaluation.totals
    if totals.counts["error"]:
        return exits.ERRORED
    if totals.counts["stale"] or totals.counts["missing"]:
        return exits.MISSING
    if not allow_stale and (totals.counts["stopped"] or totals.stale_matched):
        return exits.MISSING
    if any(case.status == "stopped" and not case.holds for case in evaluation.cases):
        return exits.FAILED
    if min_pass_rate is None:
        return exits.FAILED if totals.counts["fail"] else exits.OK
    return exits.OK if totals.pass_rate is not None and totals.pass_rate >= min_pass_rate else exits.FAILED


def _report(
    project: Project, evaluation: Evaluation, code: int, files: Sequence[Path], elapsed: float, *, as_json: bool
) -> None:
    """Writes every file that was asked for, then the page or the document; a file that failed is told last.

    Raises:
        StoreError: a file that was asked for could not be written.
    """
    unwritten: StoreError | None = None
    for path in files:
        try:
            write_report(path, evaluation, code)
        except StoreError as error:
            unwritten = unwritten or error
    try:
        keep(project, evaluation, code)
    except StoreError as error:  # a checkout that is read only can be evaluated all the same
        note(clean(f"the result is not kept: {error}"))
    if as_json:
        json_document(evaluation.to_json(code))
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        say("\n".join(lines_of(evaluation, Screen(width, wants_color(sys.stdout)), elapsed)))
    if unwritten is not None:
        raise unwritten
