"""A judge against people: where both said the same, how much of that is more than chance, and where they did not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from agentctl.agent.events import JsonObject
from agentctl.evals.judge.labels import Label, Labelled
from agentctl.evals.judge.ruling import Ruling
from agentctl.evals.stats.agreement import Agreement, kappa


@dataclass(frozen=True, slots=True)
class Compared:
    """One labelled answer and what the judge said of it."""

    item: Labelled
    ruling: Ruling

    @property
    def said(self) -> Label:
        """The judge's rating in the label's kind: its verdict, or its mean score as the nearest step of the scale."""
        scale = self.ruling.brief.rubric.scale
        if isinstance(self.item.label, bool) or scale is None:
            return self.ruling.passed
        low, high = scale
        return round(low + self.ruling.mean * (high - low))

    @property
    def agrees(self) -> bool:
        """Whether both said the same."""
        return self.said == self.item.label


@dataclass(frozen=True, slots=True)
class Measured:
    """A judge measured. `weighted` counts near scores as agreement in part; None of pass and fail."""

    compared: tuple[Compared, ...]
    ratings: tuple[Label, ...]
    plain: Agreement
    weighted: Agreement | None

    @property
    def disagreements(self) -> list[Compared]:
        """Where judge and person differ, in the order of the file."""
        return [each for each in self.compared if not each.agrees]

    @property
    def table(self) -> list[list[int]]:
        """How often a person's rating (row) met a judge's (column), both in the order of `ratings`."""
        counts = Counter((each.item.label, each.said) for each in self.compared)
        return [[counts[row, column] for column in self.ratings] for row in self.ratings]

    def to_json(self) -> JsonObject:
        """As `judge check --json` prints it."""
        return {
            "n": self.plain.n,
            "agreement": self.plain.observed,
            "kappa": _agreement_json(self.plain),
            "weighted_kappa": None if self.weighted is None else _agreement_json(self.weighted),
            "ratings": [word(rating) for rating in self.ratings],
            "confusion": self.table,
            "straddling": sum(each.ruling.straddles for each in self.compared),
            "disagreements": [
                {
                    "line": each.item.line,
                    "label": word(each.item.label),
                    "judge": word(each.said),
                    "reason": each.ruling.reason,
                    "output": each.item.output,
                }
                for each in self.disagreements
            ],
        }


def measured(compared: Sequence[Compared]) -> Measured:
    """The measure of these, at least one."""
    scale = compared[0].ruling.brief.rubric.scale
    scored = not isinstance(compared[0].item.label, bool) and scale is not None
    ratings: tuple[Label, ...] = tuple(range(scale[0], scale[1] + 1)) if scored and scale else (True, False)
    pairs = [(each.item.label, each.said) for each in compared]
    return Measured(
        tuple(compared), ratings, kappa(pairs, ratings), kappa(pairs, ratings, weighted=True) if scored else None
    )


def word(rating: Label) -> str | int:
    """A rating as people write it."""
    return rating if type(rating) is int else "pass" if rating else "fail"


def _agreement_json(found: Agreement) -> JsonObject:
    return {
        "value": found.kappa,
        "interval": None if found.interval is None else [found.interval.low, found.interval.high],
        "expected_by_chance": found.expected,
    }
