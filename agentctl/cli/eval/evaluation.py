"""What `agentctl eval` does: scores suites on their recordings, and records what it is asked to.

Without `--record-mode` and `--tools live` nothing here can reach a network or run a tool; what could is imported only
then. Standard output holds the page or the JSON document, everything else goes to standard error, and the exit code
says what a build must know: see `agentctl.cli.exits`.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from agentctl.agent.events import JsonObject
from agentctl.agent.values import replace
from agentctl.cli import exits
from agentctl.cli.console import note, silence_stdout
from agentctl.cli.eval.again import Asked, asked, journaled, way_on
from agentctl.cli.eval.flags import Again, Against, Gates, Money, Playing, Selection, Writing
from agentctl.cli.eval.gates import exit_code
from agentctl.cli.eval.money import tell_estimate
from agentctl.cli.eval.playing import Finding, OnCluster, play
from agentctl.cli.eval.selecting import apportioned, selected
from agentctl.cli.eval.writing import check, write
from agentctl.cli.signals import Signals, stopped_by
from agentctl.config.project import Project
from agentctl.evals.plan import Job

KEEPS_MOST: Final = 1_000_000
"""New objects between two looks for garbage: a case leaves one of two hundred, and all the others are results."""


def evaluated(
    selection: Selection,
    playing: Playing,
    again: Again,
    money: Money,
    gates: Gates,
    against: Against,
    writing: Writing,
) -> int:
    """Plays and scores the cases, tells and keeps what came of it; the exit code.

    Raises:
        AgentctlError: flags contradict each other, or the project, its suites or a report that was asked for are wrong.
    """
    began = time.perf_counter()
    gc.set_threshold(KEEPS_MOST)
    playing.check()
    again.check()
    money.check()
    check(writing)
    project = Project.find(Path.cwd())
    if writing.watch:
        from agentctl.cli.eval.watch import watch  # noqa: PLC0415  an evaluation is each its own process

        return watch(project, sys.argv[1:])
    wanted = asked(project, again, selection, playing)
    jobs, part = apportioned(wanted.selection, wanted.narrowed(selected(project, wanted.selection)))
    if money.estimate:
        asyncio.run(tell_estimate(project, jobs, wanted.playing, as_json=writing.json))
        return exits.OK
    finding = Finding()
    old = _baseline(project, against, wanted.selection, jobs)
    with journaled(project, wanted, jobs) as kept, Signals(partial(way_on, kept), patient=False) as signals:
        spread = _spread(project, wanted)
        body = play(project, jobs, wanted.playing, money, finding, kept, progress=writing.progress, cluster=spread)
        with suppress(asyncio.CancelledError):  # a signal came before any case
            asyncio.run(stopped_by(signals, body))
    if signals.code is not None and way_on(kept):
        note(way_on(kept))
    if finding.evaluation is None:
        return signals.code or exits.INTERRUPTED
    evaluation, more = replace(finding.evaluation, shard=part), None
    code = signals.code or exit_code(evaluation, gates)
    if old is not None:
        from agentctl.cli.eval.baseline import regression  # noqa: PLC0415  only who compares pays for comparing

        found = regression(evaluation, old, against, gates, code)
        evaluation, code, more = replace(evaluation, against=found.to_json()), found.code, found.lines
    try:
        write(project, evaluation, code, writing, time.perf_counter() - began, more)
    except BrokenPipeError:  # who has read enough of the page has not changed the verdict
        silence_stdout()
    return code


def _spread(project: Project, wanted: Asked) -> OnCluster | None:
    """What has a cluster play the cases; None without one."""
    address = wanted.playing.cluster
    if address is None:
        return None
    from agentctl.cli.eval.cluster import cluster_player  # noqa: PLC0415  few evaluations have one

    return partial(cluster_player, address, project, wanted.selection)


def _baseline(project: Project, against: Against, selection: Selection, jobs: Sequence[Job]) -> JsonObject | None:
    """What is compared with, read before this evaluation takes the place of the latest; None without one."""
    if against.baseline is None:
        return None
    from agentctl.cli.eval.baseline import read_baseline  # noqa: PLC0415

    return asyncio.run(read_baseline(project, against, selection, jobs))
