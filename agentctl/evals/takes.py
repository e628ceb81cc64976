"""The repeats of a case, one after the other: each is played until none could change the verdict any more.

Only an adaptive job stops early. Its rule looks at nothing but the verdicts so far, in order, so the same takes always
end at the same place: a recording that was made adaptively has as many takes as its replay needs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from agentctl.cassette.tape import Cassette
from agentctl.evals.plan import Job
from agentctl.evals.result import CaseResult
from agentctl.evals.standing import no_take_reason, record_hint
from agentctl.evals.verdict import failed_run


async def takes(job: Job, recorded: Cassette, play: Callable[[int], Awaitable[CaseResult]]) -> list[CaseResult]:
    """One result for each repeat that is needed; `play` plays the take of that number, from 0, if it was recorded."""
    results: list[CaseResult] = []
    rule = None if recorded.header is None else recorded.header.adaptive
    for number in range(job.repeats):
        held = number < len(recorded.takes)
        if settled(job, results, job.adaptive) or (not held and settled(job, results, rule)):
            break
        results.append(await play(number) if held else no_take(job, number))
    return results


def settled(job: Job, results: Sequence[CaseResult], alpha: float | None) -> bool:
    """Whether the repeats that are left cannot change the verdict on the case, but for an error of `alpha`.

    None as `alpha` is no rule: never. What gave no verdict is left out of the plan, as it is of the verdict.
    """
    if alpha is None or not results:
        return False
    from agentctl.evals.stats.sequential import decided  # noqa: PLC0415  few evaluations are adaptive

    passed = sum(result.status == "pass" for result in results)
    failed = sum(result.status == "fail" for result in results)
    planned = job.repeats - (len(results) - passed - failed)
    if not passed + failed:
        return False
    enough = job.case.terms.enough
    threshold = {"all": 1.0, "any": 1 / planned}[enough] if isinstance(enough, str) else enough
    return decided(passed, failed, planned, threshold, alpha) is not None


def no_take(job: Job, number: int) -> CaseResult:
    """The result of a repeat that was never recorded."""
    return failed_run(job, number + 1, no_take_reason(job, number), hint=record_hint(job), status="missing")
