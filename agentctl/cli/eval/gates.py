"""The exit code of an evaluation: what no verdict could be given on comes before what failed.

Each case gates by its repeats: it fails when fewer of them passed than its suite says are enough. A case in quarantine
fails nothing, until that has ended: then it fails whatever the case does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from agentctl.cli import exits
from agentctl.cli.eval.flags import Gates
from agentctl.evals.repeats import Tally
from agentctl.evals.result import Evaluation
from agentctl.evals.stats.interval import wilson
from agentctl.evals.terms import today


def exit_code(evaluation: Evaluation, gates: Gates) -> int:
    """What a build must know. It must not take a missing verdict for one.

    Nor must it take a score for one that was made of answers to something else, or of half a run, unless it was told.
    """
    if not evaluation.planned:
        return exits.NOTHING
    totals = evaluation.totals
    tallies = [tally for suite in evaluation.suites for tally in suite.tallies]
    facts = Facts(
        counts=totals.counts,
        stale_matched=totals.stale_matched,
        capped=evaluation.spending is not None and evaluation.spending.reached,
        broken=any(case.status == "stopped" and not case.holds for case in evaluation.cases),
        tallies=tallies,
        today=evaluation.suites[0].today if evaluation.suites else today(),
    )
    return code_of(facts, gates)


@dataclass(frozen=True, slots=True)
class Facts:
    """What gates look at."""

    counts: Mapping[str, int]
    """Runs by status."""
    stale_matched: int
    capped: bool
    """Whether the money allowed did not last."""
    broken: bool
    """Whether a run that was stopped would not pass by what could be scored of it."""
    tallies: Sequence[Tally]
    today: date


def code_of(facts: Facts, gates: Gates) -> int:
    """The exit code for these facts."""
    if facts.capped:
        return exits.CAPPED
    if facts.counts["error"]:
        return exits.ERRORED
    if facts.counts["stale"] or facts.counts["missing"]:
        return exits.MISSING
    if not gates.allow_stale and (facts.counts["stopped"] or facts.stale_matched):
        return exits.MISSING
    return exits.OK if _passes(facts, gates) else exits.FAILED


def _passes(facts: Facts, gates: Gates) -> bool:
    """Whether every gate is passed, when there is a verdict on all that ran."""
    if facts.broken or any(tally.lapsed(facts.today) for tally in facts.tallies):
        return False
    counted = [tally for tally in facts.tallies if not tally.shielded(facts.today)]
    if gates.min_pass_rate is None and gates.min_pass_rate_lower is None:
        return all(tally.verdict != "fail" for tally in counted)
    return _enough(counted, gates)


def _enough(counted: list[Tally], gates: Gates) -> bool:
    """Whether the share of the verdicts that passed is as high as was asked, and its interval too."""
    passed, judged = sum(tally.passed for tally in counted), sum(tally.judged for tally in counted)
    if not judged:
        return False
    if gates.min_pass_rate is not None and passed / judged < gates.min_pass_rate:
        return False
    return gates.min_pass_rate_lower is None or wilson(passed, judged).low >= gates.min_pass_rate_lower
