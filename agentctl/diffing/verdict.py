"""The verdict between two versions: one word, and the figures that it stands on.

The word is about passing, since that is what the suite was written to ask: better, worse or cannot tell. What a version
costs beside it (score, turns, tokens, money, seconds) has words of its own, held together so that all of them raise a
false alarm as rarely as one. Runs are paired by suite, case and repeat; a pair counts when both runs have a verdict,
and what was scored on answers to something else has none. The statistics are those of `evals.stats.comparison`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final, NamedTuple

from agentctl.agent.events import JsonObject
from agentctl.diffing.results import VERDICTS, CaseKey, cases_of
from agentctl.errors import UsageError
from agentctl.evals.stats.comparison import (
    CANNOT_TELL,
    Comparison,
    Runs,
    Word,
    compare_measure,
    compare_passes,
    together,
)
from agentctl.evals.stats.power import ALPHA, POWER

INPUT: Final = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
FEW: Final = 1e-4
"""Below this a p-value is only said to be below it."""


class CaseName(NamedTuple):
    """A case, whatever its repeats."""

    suite: str
    id: str

    def __str__(self) -> str:
        return f"{self.suite}/{self.id}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What two results say of two versions. `passes` is None when no run has a verdict in both.

    Make one from two documents of `agentctl eval -o FILE.json` (or `Evaluation.to_json`) with `verdict_of(old, new)`;
    print it with `to_json`, or in words with `word`, `passes`, `measures` and `sentences`.
    """

    passes: Comparison | None
    measures: tuple[Comparison, ...]
    """Score, turns, tokens, cost_usd and seconds: means over cases. Cost is left out where it is not known."""
    alpha: float
    """How rarely the word may be a false alarm; the measures all together as rarely again."""
    runs: int
    """Pairs of runs that count."""
    left_out: int
    """Pairs of runs of which one has no verdict."""
    broken: tuple[CaseName, ...]
    """Cases that passed in every run of the old result, and fail in every one of the new."""
    mended: tuple[CaseName, ...]
    """The other way round."""

    @property
    def word(self) -> Word:
        """better, worse, or cannot tell."""
        return CANNOT_TELL if self.passes is None else self.passes.word

    @property
    def sentences(self) -> list[str]:
        """What the word stands on, in plain text, one sentence each."""
        return list(_sentences(self))

    def to_json(self) -> JsonObject:
        """The verdict as `--json` prints it; every comparison is `Comparison.to_json`."""
        return {
            "word": self.word,
            "alpha": self.alpha,
            "power": POWER,
            "runs": self.runs,
            "left_out": self.left_out,
            "pass_rate": None if self.passes is None else self.passes.to_json(),
            "measures": {each.measure: each.to_json() for each in self.measures},
            "broken": [str(name) for name in self.broken],
            "mended": [str(name) for name in self.mended],
            "sentences": self.sentences,
        }


def verdict_of(old: JsonObject, new: JsonObject, suite: str | None = None, alpha: float = ALPHA) -> Verdict:
    """The verdict on `new` against `old`, two documents of `evals.result`, in one suite or in all.

    Raises:
        UsageError: a document is damaged.
    """
    before, after = cases_of(old, suite), cases_of(new, suite)
    pairs = [key for key in before if key in after]
    counted = [key for key in pairs if _counts(before[key]) and _counts(after[key])]
    cases: dict[CaseName, list[CaseKey]] = {}
    for key in counted:
        cases.setdefault(CaseName(key.suite, key.id), []).append(key)
    runs = {
        name: Runs(len(keys), *(sum(side[key]["status"] == "pass" for key in keys) for side in (before, after)))
        for name, keys in cases.items()
    }
    try:
        measures = _measures(before, after, list(cases.values()), alpha)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UsageError(f"a result is damaged ({type(error).__name__}: {error})") from None
    return Verdict(
        passes=compare_passes(list(runs.values()), alpha) if runs else None,
        measures=measures,
        alpha=alpha,
        runs=len(counted),
        left_out=len(pairs) - len(counted),
        broken=tuple(name for name, each in runs.items() if each.old == each.pairs and not each.new),
        mended=tuple(name for name, each in runs.items() if each.new == each.pairs and not each.old),
    )


def _counts(case: JsonObject) -> bool:
    return case["status"] in VERDICTS and not case.get("stale_matched")


def _tokens(case: JsonObject) -> float:
    return float(sum(case["usage"].get(name, 0) for name in (*INPUT, "output_tokens")))


MEASURES: Final[Mapping[str, Callable[[JsonObject], float | None]]] = {
    "score": lambda case: case.get("score"),
    "turns": lambda case: case["turns"],
    "tokens": _tokens,
    "cost_usd": lambda case: case["cost_usd"],
    "seconds": lambda case: case["seconds"],
}


def _measures(
    before: Mapping[CaseKey, JsonObject],
    after: Mapping[CaseKey, JsonObject],
    cases: Sequence[Sequence[CaseKey]],
    alpha: float,
) -> tuple[Comparison, ...]:
    """Every measure that is known of a case in both; a case's value is the mean over its runs."""
    found = []
    for name, value in MEASURES.items():
        sides: tuple[list[float], list[float]] = [], []
        for keys in cases:
            values = [[value(side[key]) for key in keys] for side in (before, after)]
            known = [[float(each) for each in side if each is not None] for side in values]
            if all(len(side) == len(keys) for side in known):
                for means, side in zip(sides, known, strict=True):
                    means.append(fmean(side))
        if sides[0]:
            found.append(compare_measure(name, *sides, alpha))
    return tuple(together(found, alpha))


def _sentences(verdict: Verdict) -> list[str]:
    passes = verdict.passes
    if passes is None:
        return ["No case has a verdict in both: there is nothing to compare."]
    found = [f"{passes.test} over {passes.cases} case{'s' if passes.cases > 1 else ''}: {_p(passes.p)}."]
    if passes.smallest is None:
        found.append("A suite this small could not have shown any difference of pass rates.")
    else:
        found.append(
            f"The smallest difference of pass rates this suite could have shown ({POWER:.0%} power, "
            f"alpha {verdict.alpha:g}) is {100 * passes.smallest:.1f} points."
        )
    return found + _enough(verdict, passes)


def _enough(verdict: Verdict, passes: Comparison) -> list[str]:
    """What would be enough to tell, where it cannot be told."""
    enough = passes.enough
    if enough is None:
        same = verdict.word == CANNOT_TELL and not passes.difference
        return ["No difference was seen, so no number of repeats can be named that would show one."] if same else []
    cases = "" if enough.cases is None else f"{enough.cases:,} cases"
    seen = f"a difference of {100 * abs(passes.difference):.1f} points"
    if enough.repeats is None:
        more = f"; {cases} would" if cases else ""
        return [f"Repeats alone would not be enough to show {seen}{more}."]
    chance = " if the flips are chance" if verdict.runs == passes.cases else ""
    more = f", or {cases}" if cases else ""
    return [f"To show {seen}, {enough.repeats} repeats of each case would be enough{chance}{more}."]


def _p(p: float) -> str:
    return f"p < {FEW:g}" if p < FEW else f"p = {p:.2g}"
