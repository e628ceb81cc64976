"""One run of one case: the user says what the suite says, and the run is driven like any other.

Whatever goes wrong is part of the answer, not an exception: a case that cannot be run must not keep the others from it.
Only an interruption goes through.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from agentctl.agent.drive import Observe, as_told, drive
from agentctl.agent.events import ModelReplied
from agentctl.agent.ports import Hear, Model, Tools, When
from agentctl.agent.run import Run
from agentctl.agent.spec import Agent
from agentctl.errors import AgentctlError, UsageError
from agentctl.evals.approvals import deciding
from agentctl.evals.plan import Job
from agentctl.evals.prices import Prices
from agentctl.evals.scorers.outcome import Outcome, outcome_of
from agentctl.evals.user.spec import UserPart


class Played(Struct, frozen=True):
    """A run to its end, how long it took, and the error that ended it, if one did."""

    run: Run
    seconds: float
    error: Exception | None = None
    voice: Speaker | None = None
    """Who spoke, where it was a simulated user."""

    @property
    def replies(self) -> Sequence[ModelReplied]:
        """What the model said."""
        return self.run.replies


class Speaker(Protocol):
    """A simulated user; see `evals.user.voice`."""

    def over(self, run: Run) -> Hear:
        """What they say in this run."""
        ...

    def part(self, *, failed: bool) -> UserPart:
        """Their part in it, once it is over."""
        ...


async def play(
    job: Job,
    *,
    agent: Agent,
    model: Model,
    tools: Tools,
    observe: Observe,
    user: Speaker | None = None,
    when: When = as_told,
) -> Played:
    """Drives a new run of `agent` through the case, to its end; `user` speaks where the case has a simulated one.

    `when` says when each thing happened.

    Raises:
        asyncio.CancelledError: it was interrupted.
    """
    run, started = Run(), time.perf_counter()
    error: Exception | None = None
    try:
        await drive(
            agent,
            run,
            model=model,
            tools=tools,
            hear=_hear(job, run, user),
            approve=deciding(approve=job.case.approve, deny=job.case.deny),
            observe=observe,
            when=when,
        )
    except Exception as raised:
        if os.environ.get("AGENTCTL_DEBUG") and not isinstance(raised, AgentctlError):
            raise
        error = raised
    return Played(run, time.perf_counter() - started, error)


def outcome(job: Job, played: Played, prices: Prices, seconds: float) -> Outcome:
    """What scorers see of it; `seconds` is what it took when it ran for real."""
    return outcome_of(
        played.run,
        cost_usd=prices.of(played.replies, job.agent.provider.name),
        seconds=seconds,
        case=job.case.id,
        said=job.case.input,
        variables=job.case.vars,
        folder=job.suite.folder,
        metadata=job.case.metadata,
    )


def _hear(job: Job, run: Run, user: Speaker | None) -> Hear:
    if user is not None:
        return user.over(run)
    if job.case.user is not None:
        hint = "leave out --on-divergence and --match, or leave the case out"
        raise UsageError("a simulated user says what is recorded, or is recorded, and goes nowhere else", hint=hint)
    return says(job.case.input)


def says(turns: tuple[str, ...]) -> Hear:
    """A user who says these things and then nothing."""
    waiting = iter(turns)

    async def hear() -> str | None:
        return next(waiting, None)

    return hear
