"""`agentctl eval`: scores suites on their recordings, and records what it is asked to.

Without `--record-mode` and `--tools live` nothing here can reach a network or run a tool; what could is imported only
then. Standard output holds the page or the JSON document, everything else goes to standard error, and the exit code
says what a build must know: see `agentctl.cli.exits`. The flags stand in `agentctl.cli.eval.flags`.
"""

from __future__ import annotations

import asyncio
import gc
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from agentctl.cli import exits
from agentctl.cli.console import silence_stdout
from agentctl.cli.eval.again import Again, asked, journaled, tell_how_to_go_on
from agentctl.cli.eval.flags import Gates, Money, Playing, Selection, Writing
from agentctl.cli.eval.gates import exit_code
from agentctl.cli.eval.money import tell_estimate
from agentctl.cli.eval.playing import Finding, play
from agentctl.cli.eval.writing import check, write
from agentctl.cli.flags import grouped
from agentctl.config.project import Project
from agentctl.evals.plan import Job, plan

KEEPS_ALL: Final = 100_000
"""Allocations between two garbage collections: results are kept to the end, so there is little to collect."""


@grouped
def evaluate(selection: Selection, playing: Playing, again: Again, money: Money, gates: Gates, writing: Writing) -> int:
    """Score suites on recordings: no network, no tool executed.

    A case whose recording is missing or no longer fits is named, with what changed, and never played unless
    --on-divergence or --match ask for it. --record-mode records it again, from the model or from the simulator.

    Exit codes: 0 all passed, 1 a case failed, 2 usage or configuration, 3 a case errored, 4 recordings missing or
    stale, 5 nothing selected, 6 the cap on cost reached, 130 and 143 interrupted.
    """
    began = time.perf_counter()
    playing.check()
    again.check()
    money.check()
    check(writing)
    project = Project.find(Path.cwd())
    wanted = asked(project, again, selection, playing)
    jobs = wanted.narrowed(selected(project, wanted.selection))
    if money.estimate:
        asyncio.run(tell_estimate(project, jobs, wanted.playing, as_json=writing.json))
        return exits.OK
    finding = Finding()
    gc.set_threshold(KEEPS_ALL)
    with journaled(project, wanted, jobs) as kept, suppress(asyncio.CancelledError):  # a signal came before any case
        asyncio.run(play(project, jobs, wanted.playing, money, finding, kept, progress=writing.progress))
    tell_how_to_go_on(finding.stopped_by, kept)
    if finding.evaluation is None:
        return finding.stopped_by or exits.INTERRUPTED
    code = finding.stopped_by or exit_code(finding.evaluation, gates)
    try:
        write(project, finding.evaluation, code, writing, time.perf_counter() - began)
    except BrokenPipeError:  # who has read enough of the page has not changed the verdict
        silence_stdout()
    return code


def selected(project: Project, selection: Selection) -> list[Job]:
    """The jobs of the cases that were asked for. See `plan` for what it raises."""
    jobs = plan(
        project,
        selection.suites or [],
        agent=selection.agent,
        filters=selection.filter or [],
        tags=selection.tag or [],
        repeat=selection.repeat,
    )
    return [replace(job, adaptive=selection.alpha) for job in jobs] if selection.adaptive else jobs
