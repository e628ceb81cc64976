"""Judges that answer now. A verdict is asked for once, recorded at once, and never asked for again.

Imported only when something is to be live. Two cases with the same answer wait for one verdict; votes that were given
before something failed, or before Ctrl-C, are kept. A reply that is no verdict is not recorded.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from agentctl import __version__
from agentctl.agent.events import ModelFailed
from agentctl.agent.spec import Agent
from agentctl.cassette.hold import hold
from agentctl.cassette.record import RecordingWire, Tape
from agentctl.cassette.tape import API_BASE, Header
from agentctl.evals.judge.bind import Judge, judged_in, judges_of
from agentctl.evals.judge.brief import Brief
from agentctl.evals.judge.form import vote_of
from agentctl.evals.judge.verdicts import Unjudged, Verdicts
from agentctl.evals.modes import RecordMode
from agentctl.evals.plan import Job
from agentctl.evals.scorers.outcome import Outcome
from agentctl.evals.scorers.score import CannotScore
from agentctl.evals.stage import GoLive, Live
from agentctl.model.client import WireModel


@dataclass(frozen=True, slots=True)
class Policy:
    """Which verdicts are asked for: those that `mode` records, or all; and whether they are written down."""

    mode: RecordMode = RecordMode.NEW_EPISODES
    anew: bool = False
    saves: bool = True

    def wants(self, unjudged: Unjudged) -> bool:
        """Whether this verdict is to be asked for."""
        match self.mode:
            case RecordMode.NONE:
                return False
            case RecordMode.ONCE:
                return unjudged.status == "missing"
            case _:
                return True


@dataclass(frozen=True, slots=True)
class For:
    """What a verdict is recorded for, as its header says: the suite and the case."""

    suite: str
    case: str


class LiveBench:
    """An `port.Bench` that opens a judge's wire when the first verdict is asked of it. `close` gives it back."""

    def __init__(self, policy: Policy, go_live: GoLive) -> None:
        self.recorded: list[Path] = []
        self._policy = policy
        self._go_live = go_live
        self._lives: dict[str, Live] = {}
        self._opened = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._asking: defaultdict[Path, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._renewed: dict[Path, int] = {}
        """How many votes were given anew."""

    @property
    def sent(self) -> int:
        """Requests sent to judges."""
        return sum(live.wire.sent for live in self._lives.values())

    async def open(self, agents: Sequence[Agent]) -> None:
        """Opens the wires of these judges now.

        Raises:
            UsageError: there is no key to go live with.
        """
        for agent in agents:
            await self._live(agent)

    async def aclose(self) -> None:
        """Closes every wire."""
        await self._opened.aclose()

    async def complete(self, job: Job, outcome: Outcome) -> None:
        """See `port.Bench.complete`."""
        for judge, seen in judged_in(job.case.asserts, outcome):
            brief = judge.brief(seen)
            await self.judge(judge.verdicts, brief, judge.asks.votes, For(job.suite.name, job.case.id))

    async def judge(self, verdicts: Verdicts, brief: Brief, votes: int, about: For) -> None:
        """Has the votes on this given that are to be given now; errors as for `port.Bench.complete`."""
        path = verdicts.path(brief)
        async with self._asking[path]:
            there = self._there(verdicts, brief, votes, path)
            if there is None or there >= votes:
                return
            with ExitStack() as held:
                if self._policy.saves:
                    held.enter_context(hold(path))
                await self._ask(verdicts, brief, votes - there, about, anew=there == 0)

    def _there(self, verdicts: Verdicts, brief: Brief, votes: int, path: Path) -> int | None:
        """Votes that are there already and count; None when nothing is to be asked for."""
        if self._policy.anew:
            return self._renewed.get(path, 0)
        try:
            verdicts.replies(brief, votes)
        except Unjudged as unjudged:
            if not self._policy.wants(unjudged):
                return None
            return 0 if unjudged.status == "stale" else _votes_on(verdicts, brief)
        except CannotScore:  # what is damaged is told where it is scored
            return None
        return votes

    async def _ask(self, verdicts: Verdicts, brief: Brief, votes: int, about: For, *, anew: bool) -> None:
        rubric = brief.rubric
        live = await self._live(rubric.agent)
        tapes: list[Tape] = []
        try:
            for _ in range(votes):
                tape = Tape()
                wire = RecordingWire(live.wire, tape, base_url=rubric.provider.base_url or API_BASE)
                reply = await WireModel(wire, rubric.retry).ask(brief.request, on_failure=_passed_over)
                vote_of(rubric, reply)
                tapes.append(tape)
        finally:
            if tapes:
                path = verdicts.keep(brief, _header(brief, about, live), tapes, anew=anew, saves=self._policy.saves)
                self._renewed[path] = (0 if anew else self._renewed.get(path, 0)) + len(tapes)
                if self._policy.saves:
                    self.recorded.append(path)

    async def _live(self, agent: Agent) -> Live:
        async with self._opening:
            if agent.ref not in self._lives:
                self._lives[agent.ref] = await self._opened.enter_async_context(self._go_live(agent))
        return self._lives[agent.ref]


def rubrics_of(jobs: Sequence[Job]) -> list[Judge]:
    """The judges of these jobs, each rubric once."""
    return list({judge.rubric.ref: judge for job in jobs for judge in judges_of(job.case)}.values())


def _votes_on(verdicts: Verdicts, brief: Brief) -> int:
    """How many votes are recorded; fewer than are wanted, perhaps none."""
    try:
        return len(verdicts.recorded(brief).takes)
    except CannotScore:
        return 0


def _header(brief: Brief, about: For, live: Live) -> Header:
    rubric = brief.rubric
    return Header(
        suite=about.suite,
        case=about.case,
        agent=rubric.ref,
        bundle=rubric.bundle,
        components=brief.components,
        at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        by=f"agentctl {__version__}",
        source=live.source,
        verdict=True,
    )


def _passed_over(_failure: ModelFailed) -> None:
    """A failed attempt that is tried again is no part of a verdict."""
