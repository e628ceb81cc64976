"""After a job was played: its judges rule, from their recordings or live, and what they took is written beside it.

The run is finished by then and nothing about it changes: only the verdict does, and only where a judge had none.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from agentctl.agent.events import ModelReplied
from agentctl.agent.run import Usage
from agentctl.agent.values import replace
from agentctl.errors import AgentctlError
from agentctl.evals.judge.bind import Judge, judged_in
from agentctl.evals.judge.port import Bench
from agentctl.evals.marks import Judging, judging_of
from agentctl.evals.plan import Job
from agentctl.evals.prices import Prices
from agentctl.evals.result import CaseResult
from agentctl.evals.scorers.outcome import Outcome
from agentctl.evals.scorers.score import CannotScore
from agentctl.evals.verdict import errored, failed_run, judged

RUBRIC = "rubric "


async def ruled(job: Job, results: list[CaseResult], prices: Prices, bench: Bench | None) -> list[CaseResult]:
    """The results, each with its judges' verdict where there is a run to judge."""
    return [await _ruled(job, result, prices, bench) for result in results]


async def _ruled(job: Job, result: CaseResult, prices: Prices, bench: Bench | None) -> CaseResult:
    outcome = result.outcome
    if outcome is None or not (result.unjudged or result.status in {"pass", "fail"}):
        return result
    if bench is not None:
        try:
            await bench.complete(job, outcome)
        except CannotScore as error:
            return _with_verdict(result, failed_run(job, result.repeat, str(error), hint=error.hint))
        except AgentctlError as error:
            return _with_verdict(result, errored(job, result.repeat, error))
        result = _with_verdict(result, judged(job, result.repeat, outcome))
    if result.unjudged:
        command = f"agentctl eval {job.suite.name} --filter {job.case.id} --record-mode new-episodes"
        return replace(result, hint=f"have it judged: {command}")
    ruling = judged_in(job.case.asserts, outcome)
    return replace(result, judging=judging_of(_judging(judge, seen, prices) for judge, seen in ruling))


def _with_verdict(result: CaseResult, scored: CaseResult) -> CaseResult:
    """The result with another verdict; what is known of the run beside it stays."""
    stale = (*(name for name in result.stale if not name.startswith(RUBRIC)), *scored.stale)
    return replace(
        result,
        status=scored.status,
        reason=scored.reason,
        hint=scored.hint,
        stale=stale,
        verdicts=scored.verdicts,
        score=scored.score,
        unjudged=scored.unjudged,
    )


def _judging(judge: Judge, outcome: Outcome, prices: Prices) -> Judging | None:
    """What the votes of one judge took; None when they cannot be read, which the verdict says already."""
    try:
        replies = judge.verdicts.replies(judge.brief(outcome), judge.asks.votes)
        straddles = judge(outcome).straddles
    except CannotScore:
        return None
    return took(replies, prices.of(replies, judge.rubric.provider.name), straddling=straddles)


def took(replies: Sequence[ModelReplied], usd: Decimal | None, *, straddling: bool) -> Judging:
    """What these votes took."""
    used = [Usage.of(reply.usage) for reply in replies]
    inputs, outputs = sum(each.all_input for each in used), sum(each.output_tokens for each in used)
    return Judging(len(replies), inputs, outputs, usd, int(straddling))
