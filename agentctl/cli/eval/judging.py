"""Judges of `agentctl eval` that answer now. Imported only when one may be asked."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from agentctl.cli.console import note
from agentctl.cli.eval.flags import Playing
from agentctl.cli.eval.money import GoLive
from agentctl.evals.judge.bench import LiveBench, Policy
from agentctl.evals.judge.bind import judges_of
from agentctl.evals.live import is_due
from agentctl.evals.modes import OnDivergence, RecordMode
from agentctl.evals.plan import Job


@asynccontextmanager
async def live_bench(jobs: Sequence[Job], playing: Playing, go_live: GoLive) -> AsyncIterator[LiveBench]:
    """A bench for these jobs. Whether there is a key for what is sure to be asked is known before anything is spent.

    What goes on live beyond a recording is judged, and that verdict is not written down either.

    Raises:
        UsageError: there is no key for a judge.
    """
    onward = playing.on_divergence is OnDivergence.LIVE
    mode = RecordMode.NEW_EPISODES if onward else playing.record_mode
    bench = LiveBench(Policy(mode, anew=playing.rejudge, saves=not onward), go_live)
    sure = [job for job in jobs if playing.rejudge or is_due(job, playing.record_mode)]
    asked = [judge for job in sure for judge in judges_of(job.case)]
    for job in jobs:
        for judge in judges_of(job.case):
            judge.verdicts.redactor = job.suite.rules.for_recording(os.environ)
    if playing.simulate and playing.rejudge:
        note("simulated judge: recordings will hold scripted verdicts")
    try:
        await bench.open(list({judge.rubric.ref: judge.rubric.agent for judge in asked}.values()))
        yield bench
    finally:
        await bench.aclose()
