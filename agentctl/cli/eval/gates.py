"""The exit code of an evaluation: what no verdict could be given on comes before what failed."""

from __future__ import annotations

from agentctl.cli import exits
from agentctl.cli.eval.flags import Gates
from agentctl.evals.result import Evaluation


def exit_code(evaluation: Evaluation, gates: Gates) -> int:
    """What a build must know. It must not take a missing verdict for one.

    Nor must it take a score for one that was made of answers to something else, or of half a run, unless it was told.
    """
    totals = evaluation.totals
    if totals.counts["error"]:
        return exits.ERRORED
    if totals.counts["stale"] or totals.counts["missing"]:
        return exits.MISSING
    if not gates.allow_stale and (totals.counts["stopped"] or totals.stale_matched):
        return exits.MISSING
    if any(case.status == "stopped" and not case.holds for case in evaluation.cases):
        return exits.FAILED
    if gates.min_pass_rate is None:
        return exits.FAILED if totals.counts["fail"] else exits.OK
    return exits.OK if totals.pass_rate is not None and totals.pass_rate >= gates.min_pass_rate else exits.FAILED
