"""What going live would cost, from what was recorded: nothing is sent, no tool runs, and no file is written.

A case costs what it cost when it was recorded, at the prices of the model that would answer now. What was never
recorded, and what has no price, is unknown and said to be; it is never counted as 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from agentctl.agent.events import JsonObject, ModelReplied
from agentctl.agent.run import Usage
from agentctl.cassette.tape import Cassette, Take
from agentctl.evals.again import recorded_replies, taken_by
from agentctl.evals.divergence import as_now, replay_to_divergence
from agentctl.evals.live import is_due
from agentctl.evals.marks import Reused, reused_of, sum_of
from agentctl.evals.modes import Match, OnDivergence, RecordMode
from agentctl.evals.plan import Job
from agentctl.evals.prices import Prices
from agentctl.evals.standing import standing


@dataclass(frozen=True, slots=True)
class Estimate:
    """A case that would go live: what that takes, or why it is not known."""

    job: Job
    takes: Reused | None
    """None when the case was never recorded; its cost is None when there is no price."""
    about: str
    """Where the figures come from, or why there are none."""

    @property
    def cost_usd(self) -> Decimal | None:
        """USD; None when it is not known."""
        return None if self.takes is None else self.takes.cost_usd

    def to_json(self) -> JsonObject:
        """As it stands in the document."""
        takes = self.takes
        return {
            "suite": self.job.suite.name,
            "id": self.job.case.id,
            "line": self.job.case.line,
            "model": self.job.agent.model,
            "runs": self.job.repeats,
            "turns": None if takes is None else takes.turns,
            "input_tokens": None if takes is None else takes.input_tokens,
            "output_tokens": None if takes is None else takes.output_tokens,
            "cost_usd": None if self.cost_usd is None else float(self.cost_usd),
            "about": self.about,
        }


async def estimate(
    jobs: Sequence[Job], prices: Prices, *, mode: RecordMode, on_divergence: OnDivergence, match: Match
) -> list[Estimate]:
    """The cases that would go live, in order."""
    found: list[Estimate] = []
    for job in jobs:
        if is_due(job, mode):
            found.append(_recording(job, prices))
        elif on_divergence is OnDivergence.LIVE and job.case.is_recorded:
            found += await _onward(job, prices, match)
    return found


def known(estimates: Sequence[Estimate]) -> Reused:
    """The sum of what is known."""
    return sum_of(each.takes for each in estimates if each.cost_usd is not None)


def likely(estimates: Sequence[Estimate]) -> Decimal | None:
    """What all of it costs when the unknown cases go as the others of their agent; None when that says nothing."""
    spent: dict[str, Decimal] = {}
    runs: Counter[str] = Counter()
    for each in estimates:
        if each.cost_usd is not None:
            spent[each.job.agent.bundle] = spent.get(each.job.agent.bundle, Decimal(0)) + each.cost_usd
            runs[each.job.agent.bundle] += each.job.repeats
    unknown = [each.job for each in estimates if each.cost_usd is None]
    if any(job.agent.bundle not in spent for job in unknown):
        return None
    more = (spent[job.agent.bundle] / runs[job.agent.bundle] * job.repeats for job in unknown)
    return sum(more, sum(spent.values(), Decimal(0)))


def longest_reply(jobs: Sequence[Job]) -> int:
    """Output tokens of the longest reply in these jobs' recordings; 0 when there is none."""
    replies = (reply for job in jobs for reply in _replies(_cassette(job)))
    return max((Usage.of(reply.usage).output_tokens for reply in replies), default=0)


def _recording(job: Job, prices: Prices) -> Estimate:
    """Every repeat is recorded again; more of them than there were go as those went."""
    cassette = _cassette(job)
    if cassette is None:
        return Estimate(job, None, "never recorded")
    takes = [_taken(job, cassette, take, prices) for take in cassette.takes]
    whole = sum_of(takes[: job.repeats])
    more = job.repeats - len(takes)
    if not whole.turns:
        return Estimate(job, None, "the recording holds no reply")
    if more > 0:
        whole = _scaled(whole, job.repeats, len(takes))
        return _priced(job, whole, f"{len(takes)} of {job.repeats} runs recorded")
    return _priced(job, whole, "as recorded")


async def _onward(job: Job, prices: Prices, match: Match) -> list[Estimate]:
    """What is left of each take from where it leaves its recording."""
    cassette = _cassette(job)
    if cassette is None or standing(job).cassette is not None:
        return []
    results = await replay_to_divergence(job, prices, match, OnDivergence.FAIL)
    parts: list[Reused] = []
    turns: list[int] = []
    for result, take in zip(results, cassette.takes, strict=False):
        if result.parted is not None:
            rest = recorded_replies(cassette, take.interactions)[result.parted.turn - 1 :]
            parts.append(as_now(job, rest, prices))
            turns.append(result.parted.turn)
    if not turns:
        return []
    left = sum_of(parts)
    if not left.turns:
        return [Estimate(job, None, f"goes on after turn {turns[0]}, where its recording ends")]
    return [_priced(job, left, f"as recorded, from turn {turns[0]}")]


def _taken(job: Job, cassette: Cassette, take: Take, prices: Prices) -> Reused:
    """What a take took: the agent's replies, and those of the model that played the user."""
    agent = as_now(job, recorded_replies(cassette, take.interactions), prices)
    persona = None if job.case.user is None else job.case.user.persona
    if persona is None or not take.user:
        return agent
    user = taken_by(recorded_replies(cassette, take.user), persona.model, persona.provider.name, prices)
    cost = None if agent.cost_usd is None or user.cost_usd is None else agent.cost_usd + user.cost_usd
    usage = Usage(agent.input_tokens + user.input_tokens, agent.output_tokens + user.output_tokens)
    return reused_of(agent.turns, usage, cost)


def _priced(job: Job, takes: Reused, about: str) -> Estimate:
    return Estimate(job, takes, about if takes.cost_usd is not None else f"the price of {job.agent.model} is not known")


def _scaled(whole: Reused, runs: int, recorded: int) -> Reused:
    usage = Usage(whole.input_tokens * runs // recorded, whole.output_tokens * runs // recorded)
    cost = None if whole.cost_usd is None else whole.cost_usd * runs / recorded
    return reused_of(whole.turns * runs // recorded, usage, cost)


def _cassette(job: Job) -> Cassette | None:
    found = standing(job)
    return found.cassette or found.unfit


def _replies(cassette: Cassette | None) -> list[ModelReplied]:
    if cassette is None:
        return []
    return recorded_replies(cassette, [index for take in cassette.takes for index in take.interactions])
