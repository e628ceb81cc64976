"""From traces to an evaluation: each is judged as it comes, and what is kept of it is small.

Trials of one task are repeats of one case, so that whatever is counted over repeats is counted over trials. What a
trace's keeper says it cost goes before what its tokens would cost at list prices.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

import orjson

from agentctl.agent.events import Json, JsonObject, ModelReplied, Recalled
from agentctl.agent.run import Run
from agentctl.agent.values import replace
from agentctl.cassette.imports.talk import Left
from agentctl.evals.case import Case, Suite
from agentctl.evals.plan import IMPORTED, Job
from agentctl.evals.prices import Prices
from agentctl.evals.result import CaseResult, Evaluation, SuiteResult
from agentctl.evals.scorers.outcome import Call, Outcome, Seen, outcome_of
from agentctl.evals.terms import DEFAULT
from agentctl.evals.traces.basis import Basis, case_name
from agentctl.evals.traces.trace import Trace, cost_in
from agentctl.evals.transcripts import trial_of
from agentctl.evals.verdict import failed_run, judged

LARGEST: Final = 500
"""Bytes of JSON that a label may have in a result."""
MOST_REPEATS: Final = 1000
"""Trials that are numbered higher are counted instead."""
DIGITS: Final = re.compile(r"(\d+)")

Group = tuple[str, str, str, str]
"""Suite, file or folder, agent or model, domain: what is counted together, as far as these differ."""


@dataclass(frozen=True, slots=True)
class Scored:
    """One trace with its verdict."""

    group: Group
    trial: int | None
    result: CaseResult
    suite: Suite
    model: str
    at: float


@dataclass(slots=True)
class Tally:
    """What is known of all traces together."""

    scored: list[Scored] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    """What is in the files and no trace."""
    unmatched: list[str] = field(default_factory=list)
    parts: int = 0
    """Parts of traces that could not be carried."""
    costs: dict[str, list[Decimal]] = field(default_factory=lambda: defaultdict(list))
    """USD by the label that told it; by the empty one, where tokens had to be priced."""
    seen: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """The cases of each suite that had a trace."""

    def about(self, suites: Sequence[Suite]) -> JsonObject:
        """What the document says of it."""
        known = [usd for each in self.costs.values() for usd in each]
        total = sum(known, Decimal(0))
        missing = [f"{suite.name}/{case.id}" for suite in suites for case in suite.cases if not self._saw(suite, case)]
        return {
            "read": len(self.scored),
            "unmatched": self.unmatched,
            "without_trace": missing,
            "left_out": [{"place": each.place, "reason": each.reason} for each in self.left],
            "parts_left_out": self.parts,
            "same_trial": self._same_trial(),
            "cost": {
                "from": {key or "list prices": len(each) for key, each in self.costs.items()},
                "known": len(known),
                "total_usd": float(total) if known else None,
                "mean_usd": float(total / len(known)) if known else None,
            },
        }

    def _same_trial(self) -> int:
        """Traces that tell the trial of another one of their case."""
        told = Counter((each.group, each.result.id, each.trial) for each in self.scored if each.trial is not None)
        return sum(number - 1 for number in told.values())

    def _saw(self, suite: Suite, case: Case) -> bool:
        return case.id in self.seen[suite.name]


def score(traces: Iterable[Trace | Left], basis: Basis, prices: Prices) -> Tally:
    """Judges every trace.

    Raises:
        UsageError: nothing says what to score one by.
    """
    tally = Tally()
    for trace in traces:
        if isinstance(trace, Left):
            tally.left.append(trace)
        else:
            tally.scored.append(_scored(trace, basis, prices, tally))
    return tally


def evaluation_of(tally: Tally, basis: Basis, *, merged: bool = False) -> Evaluation:
    """The verdicts by suite, or by file and model where there are several; trials as repeats."""
    names = _names({each.group for each in tally.scored}, merged=merged)
    groups: dict[str, list[Scored]] = defaultdict(list)
    for each in tally.scored:
        groups[names[each.group]].append(each)
    suites = tuple(_suite(name, members) for name, members in groups.items())
    about = tally.about(list(basis.suites.values()))
    about["cost"]["by_suite"] = {suite.suite: _cost(suite) for suite in suites}
    newest = max((each.at for each in tally.scored), default=0.0)
    return Evaluation(
        suites=suites,
        at=datetime.fromtimestamp(newest, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if newest else None,
        planned=len(tally.scored),
        traces=about,
    )


def _cost(suite: SuiteResult) -> JsonObject:
    """What the traces of one suite cost in all and each, over those whose cost is known."""
    costs = [case.outcome.cost_usd for case in suite.cases if case.outcome is not None]
    known = [cost for cost in costs if cost is not None]
    total = sum(known, Decimal(0))
    return {
        "known": len(known),
        "of": len(costs),
        "total_usd": float(total) if known else None,
        "mean_usd": float(total / len(known)) if known else None,
    }


def _scored(trace: Trace, basis: Basis, prices: Prices, tally: Tally) -> Scored:
    suite = basis.suite_of(trace)
    case, why = basis.case_of(trace, suite)
    if suite is not None:
        tally.seen[suite.name].add(case.id)
    of = suite or Suite(case_name(Path(trace.file).stem) or "traces", Path(trace.file), trace.file, "", ())
    case = replace(
        case,
        asserts=case.asserts + basis.labels,
        metadata={**case.metadata, **trace.metadata},
        transcript=trace.transcript,
        line=case.line or trace.line,
    )
    job = Job(of, case, IMPORTED, 1, Path(trace.source or trace.file), trace.source, IMPORTED)
    tally.parts += trace.left
    outcome, key = _outcome(trace, job, prices, tally)
    if why:
        tally.unmatched.append(trace.shown)
        hint = "--case ID says which case the traces are of; an `assert` of the suite itself is asked of all"
        result = failed_run(job, 1, why, hint=hint, outcome=outcome)
    else:
        result = judged(job, 1, outcome)
    kept = _small({"trace": trace.shown, **case.metadata})
    began = trace.run.entries[0].at if trace.run.entries else 0.0
    result = replace(
        result,
        metadata=kept,
        cost_from=key,
        trial_of="" if basis.case or case_name(trial_of(case)) == case.id else trial_of(case),
        outcome=outcome if trace.keeps else _lean(outcome),
    )
    group = (suite.name if suite else "", trace.group, trace.agent or trace.model, trace.domain)
    return Scored(group, trace.trial, result, of, trace.model, began)


def _outcome(trace: Trace, job: Job, prices: Prices, tally: Tally) -> tuple[Outcome, str]:
    """The outcome, and the label that told its cost."""
    cost, key = trace.cost, trace.cost_key
    if cost is None and trace.transcript:
        cost, key = cost_in(job.case.metadata)
    if cost is None:
        replies = [each.event for each in trace.run.entries if isinstance(each.event, ModelReplied)]
        asked_nobody = not replies and any(isinstance(each.event, Recalled) for each in trace.run.entries)
        known = asked_nobody or (bool(replies) and all(reply.usage for reply in replies))
        cost, key = prices.of(replies, IMPORTED.provider.name) if known else None, ""
    if cost is not None:
        tally.costs[key].append(cost)
    seen = outcome_of(
        trace.run,
        cost_usd=cost,
        seconds=trace.seconds,
        case=job.case.id,
        said=trace.said,
        variables=job.case.vars,
        folder=job.suite.folder,
        metadata=job.case.metadata,
    )
    return seen, key


def _lean(outcome: Outcome) -> Outcome:
    """The outcome without what its own file holds: the entries, and what was called with what."""
    run = Run()
    run.turns, run.usage, run.ended = outcome.run.turns, outcome.run.usage, outcome.run.ended
    calls = tuple(Call(call.name, {}, call.place) for call in outcome.calls)
    seen = Seen(run, outcome.text, outcome.reply, calls, {})
    return replace(outcome, seen=seen, input=outcome.input[:1], metadata={}, vars={})


def _small(metadata: JsonObject) -> JsonObject:
    """What of it is small enough for a result; of a mapping that is not, its small parts."""
    kept: JsonObject = {}
    for key, value in metadata.items():
        if _fits(value):
            kept[key] = value
        elif isinstance(value, dict):
            scalars = {name: each for name, each in value.items() if not isinstance(each, (dict, list))}
            kept[key] = {name: each for name, each in scalars.items() if _fits(each)}
    return kept


def _fits(value: Json) -> bool:
    try:
        return len(orjson.dumps(value)) <= LARGEST
    except TypeError:  # a number over 64 bits
        return False


def _names(groups: Iterable[Group], *, merged: bool) -> dict[Group, str]:
    """What each group is called: by its suite, and by what tells it from the others."""
    known = sorted(groups)
    if merged and known:
        return dict.fromkeys(known, known[0][0] or case_name(Path(known[0][1]).stem) or "traces")
    names: dict[Group, str] = {}
    for group in known:
        suite, file, model, domain = group
        peers = [each for each in known if each[0] == suite]
        same_file = [each for each in peers if each[1] == file]
        parts = [suite] if suite else []
        if not suite or len({each[1] for each in peers}) > 1:
            parts.append(_file_name(file, peers))
        parts += [model] if len({each[2] for each in same_file}) > 1 else []
        parts += [domain] if len({each[3] for each in same_file}) > 1 else []
        names[group] = case_name("-".join(dict.fromkeys(filter(None, parts)))) or "traces"
    return names


def _file_name(file: str, peers: Sequence[Group]) -> str:
    """The file's name, with its folder where another one has the same."""
    path = Path(file)
    same = {each[1] for each in peers if Path(each[1]).stem == path.stem}
    return path.stem if len(same) == 1 else f"{path.parent.name}-{path.stem}"


def _suite(name: str, members: Sequence[Scored]) -> SuiteResult:
    agents = {each.group[2] for each in members}
    models = {each.model for each in members}
    first = members[0].suite
    return SuiteResult(
        suite=name,
        file=first.file,
        agent=(agents.pop() if len(agents) == 1 else "") or IMPORTED.name,
        bundle="",
        model=models.pop() if len(models) == 1 else "",
        cases=tuple(replace(each, suite=name) for each in _numbered(members)),
        terms={case.id: case.terms for case in first.cases if case.terms is not DEFAULT},
        planned=Counter(each.result.id for each in members),
    )


def _numbered(members: Sequence[Scored]) -> list[CaseResult]:
    """The results by case, and within a case by trial; a repeat is its trial, counted from 1 as all repeats are."""
    cases: dict[str, list[Scored]] = defaultdict(list)
    for each in members:
        cases[each.result.id].append(each)
    trials = [each.trial for each in members if each.trial is not None]
    offset = 1 - min(trials, default=1)
    told = all(_are_told(each) for each in cases.values()) and max(trials, default=0) + offset <= MOST_REPEATS
    results: list[CaseResult] = []
    for case in sorted(cases, key=_by_number):
        of_case = cases[case]
        if told:
            of_case = sorted(of_case, key=lambda each: each.trial or 0)
        for number, each in enumerate(of_case, 1):
            repeat = each.trial + offset if told and each.trial is not None else number
            results.append(replace(each.result, repeat=repeat))
    return results


def _are_told(trials: Sequence[Scored]) -> bool:
    numbers = [each.trial for each in trials]
    return None not in numbers and len(set(numbers)) == len(numbers)


def _by_number(name: str) -> list[tuple[int, int, str]]:
    """So that case 10 comes after case 9."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in DIGITS.split(name)]
