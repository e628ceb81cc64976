"""What several votes come to: their mean, how far they are apart, and whether they agree on which side of the line.

Votes on both sides of the threshold are a verdict that another vote could turn; it is given all the same, and marked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from agentctl.agent.events import JsonObject
from agentctl.evals.judge.brief import Brief
from agentctl.evals.judge.form import Finding, Vote

ROUNDING: Final = 1e-9
HALF: Final = 0.5
QUOTES: Final = "\"'\u201c\u201d\u2018\u2019\u2026 "
STRADDLES: Final = "straddles the threshold"


@dataclass(frozen=True, slots=True)
class Ruling:
    """The votes on one brief. Without a threshold most votes decide, and a tie does not pass."""

    brief: Brief
    votes: tuple[Vote, ...]
    threshold: float | None

    @property
    def mean(self) -> float:
        """Of the votes' scores, 0 to 1."""
        return sum(vote.score for vote in self.votes) / len(self.votes)

    @property
    def spread(self) -> float:
        """From the lowest score to the highest."""
        scores = [vote.score for vote in self.votes]
        return max(scores) - min(scores)

    @property
    def sides(self) -> tuple[bool, ...]:
        """Which votes, taken alone, would pass."""
        if self.threshold is None:
            return tuple(vote.passed for vote in self.votes)
        return tuple(vote.score >= self.threshold - ROUNDING for vote in self.votes)

    @property
    def passed(self) -> bool:
        """The verdict."""
        if self.threshold is None:
            return sum(self.sides) > len(self.votes) * HALF
        return self.mean >= self.threshold - ROUNDING

    @property
    def straddles(self) -> bool:
        """Whether the votes do not agree on the verdict."""
        return len(set(self.sides)) > 1

    @property
    def line(self) -> str:
        """The verdict in a few words."""
        many = len(self.votes)
        agreed = f"{sum(self.sides)} of {many} votes pass" if many > 1 else "passes" if self.passed else "does not pass"
        mean = f"mean {self.mean:.2f}" if many > 1 else f"score {self.mean:.2f}"
        spread = f", spread {self.spread:.2f}" if self.spread else ""
        limit = "" if self.threshold is None else f", threshold {self.threshold:g}"
        return f"{agreed} ({mean}{spread}{limit}){f'; {STRADDLES}' if self.straddles else ''}"

    @property
    def reason(self) -> str:
        """What a vote says that is on the side of the verdict; the first one."""
        return next((vote.reason for vote, side in zip(self.votes, self.sides, strict=True) if side is self.passed), "")

    def to_json(self) -> JsonObject:
        """The ruling as it stands in the evidence of an assertion."""
        return {
            "rubric": self.brief.rubric.ref,
            "mean": round(self.mean, 6),
            "spread": round(self.spread, 6),
            "threshold": self.threshold,
            "straddles": self.straddles,
            "votes": [_vote_json(vote, self.brief) for vote in self.votes],
        }


def _vote_json(vote: Vote, brief: Brief) -> JsonObject:
    texts = [_plain([text]) for _, text in brief.parts]
    return {
        "pass": vote.passed,
        "score": round(vote.score, 6),
        "reason": vote.reason,
        "criteria": [
            {"criterion": each.criterion, "met": each.met, "evidence": each.evidence, "found": _is_there(each, texts)}
            for each in vote.findings
        ],
    }


def _is_there(finding: Finding, texts: Sequence[str]) -> bool | None:
    """Whether the quoted words stand in the work; None when nothing is quoted. White space and case do not count."""
    quote = _plain([finding.evidence]).strip(QUOTES)
    return any(quote in text for text in texts) if quote else None


def _plain(texts: Iterable[str]) -> str:
    return " ".join(" ".join(texts).split()).casefold()
