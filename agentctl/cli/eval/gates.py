"""The exit code of an evaluation: what no verdict could be given on comes before what failed.

Each case gates by its repeats: it fails when fewer of them passed than its suite says are enough. A case in quarantine
fails nothing, until that has ended: then it fails whatever the case does.
"""

from __future__ import annotations

from agentctl.cli import exits
from agentctl.cli.eval.flags import Gates
from agentctl.evals.repeats import Tally
from agentctl.evals.result import Evaluation
from agentctl.evals.stats.interval import wilson


def exit_code(evaluation: Evaluation, gates: Gates) -> int:
    """What a build must know. It must not take a missing verdict for one.

    Nor must it take a score for one that was made of answers to something else, or of half a run, unless it was told.
    """
    if evaluation.spending is not None and evaluation.spending.reached:
        return exits.CAPPED
    totals = evaluation.totals
    if totals.counts["error"]:
        return exits.ERRORED
    if totals.counts["stale"] or totals.counts["missing"]:
        return exits.MISSING
    if not gates.allow_stale and (totals.counts["stopped"] or totals.stale_matched):
        return exits.MISSING
    return exits.OK if _passes(evaluation, gates) else exits.FAILED


def _passes(evaluation: Evaluation, gates: Gates) -> bool:
    """Whether every gate is passed, when there is a verdict on all that ran."""
    if any(case.status == "stopped" and not case.holds for case in evaluation.cases):
        return False
    if any(tally.lapsed(suite.today) for suite in evaluation.suites for tally in suite.tallies):
        return False
    counted = gating(evaluation)
    if gates.min_pass_rate is None and gates.min_pass_rate_lower is None:
        return all(tally.verdict != "fail" for tally in counted)
    return _enough(counted, gates)


def gating(evaluation: Evaluation) -> list[Tally]:
    """The cases that gates look at: all that are not in quarantine."""
    return [tally for suite in evaluation.suites for tally in suite.tallies if not tally.shielded(suite.today)]


def _enough(counted: list[Tally], gates: Gates) -> bool:
    """Whether the share of the verdicts that passed is as high as was asked, and its interval too."""
    passed, judged = sum(tally.passed for tally in counted), sum(tally.judged for tally in counted)
    if not judged:
        return False
    if gates.min_pass_rate is not None and passed / judged < gates.min_pass_rate:
        return False
    return gates.min_pass_rate_lower is None or wilson(passed, judged).low >= gates.min_pass_rate_lower
