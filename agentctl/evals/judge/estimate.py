"""What asking judges would cost: a vote costs what votes by the same rubric cost on average when they were recorded.

What will be judged is not known before it was said, so single votes cannot be priced, only a rubric's. One that has no
recorded vote, or whose model has no price, is unknown and never counted as 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from agentctl.agent.events import JsonObject, ModelReplied
from agentctl.cassette.file import read
from agentctl.config.rubrics import Rubric
from agentctl.errors import CassetteError
from agentctl.evals.again import recorded_replies, taken_by
from agentctl.evals.judge.bind import judges_of
from agentctl.evals.judge.verdicts import SUFFIX
from agentctl.evals.plan import Job
from agentctl.evals.prices import Prices


@dataclass(frozen=True, slots=True)
class JudgeEstimate:
    """The votes that one rubric would be asked for, and what they would cost."""

    rubric: str
    votes: int
    recorded: int
    """Votes that say what one costs."""
    cost_usd: Decimal | None
    """USD for all; None when it is not known."""

    def to_json(self) -> JsonObject:
        """As it stands in the document."""
        cost = None if self.cost_usd is None else float(self.cost_usd)
        return {"rubric": self.rubric, "votes": self.votes, "recorded_votes": self.recorded, "cost_usd": cost}


def judging(jobs: Sequence[Job], prices: Prices) -> list[JudgeEstimate]:
    """What the judges of these jobs would cost at most, rubric by rubric: votes that are recorded already count too."""
    votes: Counter[str] = Counter()
    found: dict[str, tuple[Rubric, set[Path]]] = {}
    for job in jobs:
        for judge in judges_of(job.case):
            ref = judge.rubric.ref
            votes[ref] += job.repeats * judge.asks.votes
            found.setdefault(ref, (judge.rubric, set()))[1].add(judge.verdicts.folder / ref)
    return [_of(rubric, votes[ref], sorted(folders), prices) for ref, (rubric, folders) in found.items()]


def _of(rubric: Rubric, votes: int, folders: Sequence[Path], prices: Prices) -> JudgeEstimate:
    replies = [reply for folder in folders for path in sorted(folder.glob(f"*{SUFFIX}")) for reply in _replies(path)]
    took = taken_by(replies, rubric.model, rubric.provider.name, prices)
    cost = None if took.cost_usd is None else took.cost_usd * votes / len(replies)
    return JudgeEstimate(rubric.ref, votes, len(replies), cost)


def _replies(path: Path) -> list[ModelReplied]:
    """The votes of a file; none of one that cannot be read, which is told where it is played."""
    try:
        cassette = read(path)
    except CassetteError:
        return []
    return recorded_replies(cassette, range(len(cassette.interactions)))
