"""`eval --baseline`: gates on what became worse, and leaves alone what failed before.

A build that compares asks one question: did this change break something? So failures that the baseline has too do not
fail it. What fails it: a case that passed all its runs in the baseline and fails its gate now (a flip), a case that the
baseline does not know and that fails, and a verdict of `worse`. `--regress-on worse` lets single flips pass, for suites
whose runs vary from one recording to the next. What was no verdict stays none: errors and stale recordings come first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from agentctl.agent.events import JsonObject
from agentctl.cli import exits
from agentctl.cli.diff.results import flip_lines
from agentctl.cli.diff.verdict_lines import verdict_lines
from agentctl.cli.eval.flags import Against, Gates, RegressOn, Selection
from agentctl.cli.eval.playing import with_faults
from agentctl.cli.sheet import BOLD, GREEN, RED, Sheet
from agentctl.config.project import Project
from agentctl.diffing.results import VERDICTS, CaseKey, ResultsDiff, cases_of
from agentctl.diffing.results import diff as compare
from agentctl.diffing.verdict import Verdict, verdict_of
from agentctl.evals.baseline import Wanted, baseline
from agentctl.evals.plan import Job
from agentctl.evals.result import Evaluation
from agentctl.evals.stats.comparison import WORSE

SHOWN: Final = 12
"""Names of cases that a sentence lists."""


@dataclass(frozen=True, slots=True)
class Regression:
    """An evaluation beside its baseline: what changed, the verdict, and why a build should fail."""

    ref: str
    diff: ResultsDiff
    verdict: Verdict
    reasons: tuple[str, ...]
    """Sentences; none: nothing regressed."""
    code: int
    places: Mapping[CaseKey, str]
    """The recording of each case, as `replay` takes it."""

    def to_json(self) -> JsonObject:
        """As it stands in the document, under `baseline`."""
        found = self.diff.to_json()
        return {
            "ref": self.ref,
            "agents": found["a"]["agents"],
            "regressed": bool(self.reasons),
            "reasons": list(self.reasons),
            "verdict": self.verdict.to_json(),
            **{name: found[name] for name in ("components", "aligned", "flips", "status_changes", "added", "removed")},
        }

    def lines(self, width: int | None, color: bool) -> Iterator[str]:
        """The section of the page, for a screen of that width."""
        sheet = Sheet(width, color)
        agents = ", ".join(self.diff.agents[0]) or "nothing"
        yield from sheet.head(f"against {self.ref}: {agents} · {self.diff.aligned:,} runs in both")
        yield from flip_lines(sheet, self.diff, lambda key: self.places.get(key, ""))
        yield from verdict_lines(sheet, self.verdict)
        if not self.reasons:
            yield from sheet.lines("no regression", GREEN, indent="")
        for reason in self.reasons:
            yield from sheet.lines(f"regression: {reason}", RED if self.code == exits.FAILED else BOLD, indent="")


async def read_baseline(project: Project, against: Against, selection: Selection, jobs: Sequence[Job]) -> JsonObject:
    """The document of the baseline that was asked for. See `evals.baseline.baseline` for what it raises."""
    wanted = Wanted(
        suites=selection.suites or [],
        filters=selection.filter or [],
        tags=selection.tag or [],
        repeat=selection.repeat,
    )
    known = list(dict.fromkeys(job.suite.name for job in jobs))
    return await baseline(project, against.baseline or "", wanted, known, with_faults)


def regression(evaluation: Evaluation, old: JsonObject, against: Against, gates: Gates, code: int) -> Regression:
    """What became of the baseline; `code` is the exit code without one.

    Raises:
        UsageError: the baseline is damaged.
    """
    known = {suite.suite for suite in evaluation.suites}
    before = {**old, "suites": [each for each in _suites(old) if each.get("suite") in known]}
    document = evaluation.to_json(code)
    found, verdict = compare(before, document), verdict_of(before, document)
    cases = cases_of(document)
    reasons = tuple(_reasons(evaluation, cases_of(before), verdict, against))
    if code in {exits.OK, exits.FAILED}:
        own = code if gates.min_pass_rate is not None or gates.min_pass_rate_lower is not None else _lapsed(evaluation)
        code = exits.FAILED if reasons or own else exits.OK
    places = {key: str(case.get("recording") or "") for key, case in cases.items()}
    return Regression(against.baseline or "", found, verdict, reasons, code, places)


def _suites(document: JsonObject) -> list[JsonObject]:
    cases_of(document)  # says what is damaged
    suites: list[JsonObject] = document["suites"]
    return suites


def _reasons(
    evaluation: Evaluation, before: dict[CaseKey, JsonObject], verdict: Verdict, against: Against
) -> Iterator[str]:
    if verdict.word == WORSE:
        yield "the verdict is worse"
    if against.regress_on is RegressOn.WORSE:
        return
    runs: dict[tuple[str, str], list[str]] = {}
    for key, case in before.items():
        if case["status"] in VERDICTS:
            runs.setdefault((key.suite, key.id), []).append(case["status"])
    failing = [
        f"{suite.suite}/{tally.id}"
        for suite in evaluation.suites
        for tally in suite.tallies
        if tally.verdict == "fail" and not tally.shielded(suite.today)
    ]
    broken = [name for name in failing if set(runs.get(_key(name), ())) == {"pass"}]
    if broken:
        yield f"{_listed(broken)} passed in the baseline and {'fail' if len(broken) > 1 else 'fails'} now"
    fresh = [name for name in failing if _key(name) not in runs]
    if fresh:
        yield f"{_listed(fresh)} {'fail' if len(fresh) > 1 else 'fails'}, and the baseline has no verdict on that"


def _key(name: str) -> tuple[str, str]:
    suite, _, case = name.partition("/")
    return suite, case


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _lapsed(evaluation: Evaluation) -> int:
    """What fails a build whatever the baseline says: a quarantine that has ended, a stopped run that does not hold."""
    ended = any(tally.lapsed(suite.today) for suite in evaluation.suites for tally in suite.tallies)
    stopped = any(case.status == "stopped" and not case.holds for case in evaluation.cases)
    return exits.FAILED if ended or stopped else exits.OK
