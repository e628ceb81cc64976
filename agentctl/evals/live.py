"""Plays each job the way it was asked for: recorded anew, replayed with live tools, or replayed.

Imported only when something is to be live. Whether a job is due for recording is decided for all of them before the
first one runs, so a missing key is found before anything was spent.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from agentctl.evals.livetools import replay_with_live_tools
from agentctl.evals.modes import RecordMode
from agentctl.evals.plan import Job
from agentctl.evals.prices import Prices
from agentctl.evals.record import record
from agentctl.evals.replay import replay
from agentctl.evals.result import CaseResult
from agentctl.evals.stage import GoLive, Stage
from agentctl.evals.standing import standing


class LivePlayer(Stage):
    """An `evaluate.Player` on a stage of its own."""

    def __init__(self, due: Sequence[Job], *, completes: bool, live_tools: bool) -> None:
        super().__init__()
        self._due = {job.recording for job in due}
        self._live_tools = live_tools
        self._completes = completes

    async def play(self, job: Job, prices: Prices) -> list[CaseResult]:
        """One result for each repeat."""
        if job.recording in self._due:
            return await record(job, prices, self, completes=self._completes)
        if self._live_tools and not job.case.transcript:
            return await replay_with_live_tools(job, prices, self)
        return await replay(job, prices)


@asynccontextmanager
async def live_player(
    jobs: Sequence[Job], *, mode: RecordMode, live_tools: bool, go_live: GoLive, since: str | None = None
) -> AsyncIterator[LivePlayer]:
    """A player with every wire open that it will need; all is closed on leaving.

    What was recorded `since` (ISO 8601, UTC), by the evaluation that is gone on with, is not recorded again.

    Raises:
        UsageError: something is to be recorded and there is no key to go live with.
    """
    due = [job for job in jobs if is_due(job, mode) and not await _has_enough(job, mode)]
    if since is not None:
        due = [job for job in due if not _made_since(job, since)]
    player = LivePlayer(due, completes=since is not None or mode is not RecordMode.ALL, live_tools=live_tools)
    try:
        for job in due:
            await player.open(job.agent, go_live)
            if job.case.user is not None and job.case.user.persona is not None:
                await player.open(job.case.user.persona.agent, go_live)
        yield player
    finally:
        await player.close()


async def _has_enough(job: Job, mode: RecordMode) -> bool:
    """Whether an adaptive recording has fewer takes than the case has repeats, and yet all that are needed."""
    found = standing(job) if mode is RecordMode.NEW_EPISODES else None
    if found is None or found.cassette is None or found.cassette.header is None:
        return False
    if found.cassette.header.adaptive is None and job.adaptive is None:
        return False
    return all(result.status != "missing" for result in await replay(job, Prices()))


def _made_since(job: Job, since: str) -> bool:
    """Whether the recording fits and was made then: its case was played to the end, and only that was not noted."""
    cassette = standing(job).cassette
    header = None if cassette is None else cassette.header
    if cassette is None or header is None or header.at < since:
        return False
    return header.adaptive is not None or len(cassette.takes) >= job.repeats


def is_due(job: Job, mode: RecordMode) -> bool:
    """Whether this job is to be recorded. A transcript has no agent that could make it again, faults no model."""
    if not job.case.is_recorded:
        return False
    match mode:
        case RecordMode.NONE:
            return False
        case RecordMode.ONCE:
            return not job.recording.exists()
        case RecordMode.NEW_EPISODES:
            found = standing(job)
            if found.cassette is not None:
                return len(found.cassette.takes) < job.repeats
            return found.status != "error"
        case RecordMode.ALL:
            return True
