"""From a finished run to the status of its case: pass and fail are about the agent, error is about everything else.

A run that did not complete has not passed, whatever its assertions say: `not-contains` holds of an answer that was
never given. So an end other than `completed` fails the case unless the case itself asserts such an end; and an end
that the agent is not to blame for (the API failed) is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agentctl.agent.values import replace
from agentctl.errors import AgentctlError, RecordingMiss
from agentctl.evals import scorers
from agentctl.evals.case import Case
from agentctl.evals.marks import Reused
from agentctl.evals.plan import Job
from agentctl.evals.result import CaseResult, Verdict
from agentctl.evals.scorers.ends import excuses
from agentctl.evals.scorers.outcome import Outcome
from agentctl.evals.scorers.score import Assertion, CannotScore

BLAMELESS: Final = frozenset({"model_error", "deadline", "error"})
"""Ends of a run that say nothing about the agent."""

ENDED: Final = "ended"
COMPLETED: Final = "completed"
INTERRUPTED: Final = "interrupted"
ROUNDING: Final = 1e-9


def judged(job: Job, repeat: int, outcome: Outcome, reused: Reused | None = None) -> CaseResult:
    """The verdict on one finished run, of which so much was recorded."""
    case = job.case
    asserts = case.asserts
    if not says_something(job, outcome):
        end = outcome.run.ended
        message, hint = (end.message, end.hint) if end is not None else ("", "")
        return failed_run(job, repeat, message or outcome.ended, hint=hint, outcome=outcome, reused=reused)
    if not _may_end(case, outcome.ended):
        asserts = (*asserts, Assertion(ENDED, COMPLETED, COMPLETED, line=case.line))
    try:
        verdicts = tuple([Verdict(each, scorers.score(each, outcome)) for each in asserts])
    except CannotScore as error:
        hint, status = error.hint, error.status
        found = failed_run(job, repeat, str(error), hint=hint, status=status, stale=error.stale, outcome=outcome)
        return replace(found, unjudged=status != "error", reused=reused)
    passed, score = passes(case, verdicts)
    reason = "" if passed else _reason([each for each in verdicts if not each.score.passed], score, case.threshold)
    return CaseResult(
        suite=job.suite.name,
        id=case.id,
        repeat=repeat,
        status="pass" if passed else "fail",
        line=case.line,
        recording=job.recording_name,
        reason=reason,
        verdicts=verdicts,
        score=score,
        outcome=outcome,
        reused=reused,
        transcript=case.transcript,
        metadata=case.metadata,
        tags=case.tags,
    )


def passes(case: Case, verdicts: Sequence[Verdict]) -> tuple[bool, float]:
    """Whether these are enough for the case, and their weighted mean."""
    weight, gained, every = 0.0, 0.0, True
    for verdict in verdicts:
        weight += verdict.assertion.weight
        gained += verdict.assertion.weight * verdict.score.score
        every = every and verdict.score.passed
    score = gained / weight if weight else 1.0
    if case.threshold is None:
        return every, score
    return score >= case.threshold - ROUNDING, score


def says_something(job: Job, outcome: Outcome) -> bool:
    """Whether the way the run ended is the agent's doing, or is what the case is about."""
    return outcome.ended not in BLAMELESS or _is_about(job.case, outcome.ended)


def _may_end(case: Case, ended: str) -> bool:
    """Whether a run may end like this without failing its case. A log stops where somebody stopped writing it."""
    return ended == COMPLETED or (case.transcript and ended == INTERRUPTED) or _is_about(case, ended)


def _is_about(case: Case, ended: str) -> bool:
    return any(ended in excuses(each) for each in case.checks)


def failed_run(
    job: Job,
    repeat: int,
    reason: str,
    *,
    hint: str = "",
    status: str = "error",
    stale: tuple[str, ...] = (),
    outcome: Outcome | None = None,
    reused: Reused | None = None,
) -> CaseResult:
    """A case without a verdict."""
    return CaseResult(
        suite=job.suite.name,
        id=job.case.id,
        repeat=repeat,
        status=status,
        line=job.case.line,
        recording=job.recording_name,
        reason=reason,
        hint=hint,
        stale=stale,
        outcome=outcome,
        reused=reused,
        transcript=job.case.transcript,
        metadata=job.case.metadata,
        tags=job.case.tags,
    )


def errored(job: Job, repeat: int, error: Exception, outcome: Outcome | None = None) -> CaseResult:
    """A case whose run an error ended; a recording that cannot answer is missing or stale, not an error."""
    reason, hint = _explained(error)
    if not isinstance(error, RecordingMiss):
        return failed_run(job, repeat, reason, hint=hint, outcome=outcome)
    status = "stale" if error.components else "missing"
    return failed_run(job, repeat, reason, hint=hint, status=status, stale=error.components, outcome=outcome)


def _explained(error: Exception) -> tuple[str, str]:
    """(reason, hint) of an error: ours speak for themselves, others say where they were raised."""
    if isinstance(error, AgentctlError):
        return str(error), error.hint
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = "" if frame is None else f" ({frame.tb_frame.f_code.co_filename}:{frame.tb_lineno})"
    return f"{type(error).__name__}: {error}{place}", "AGENTCTL_DEBUG=1 shows the traceback"


def _reason(failures: list[Verdict], score: float, threshold: float | None) -> str:
    first = f"{failures[0].assertion.shown}: {failures[0].score.reason}" if failures else ""
    if threshold is None:
        return first if len(failures) == 1 else f"{first} (and {len(failures) - 1} more)"
    return f"score {score:.2f} is below the threshold {threshold:g}" + (f"; {first}" if first else "")
