"""A finished case as JSON that gives back the very result: every field in full precision, the run event by event.

A field that is added to `CaseResult` is carried by its type alone. Assertions are not carried: the plan has them, and
a verdict says which one it is on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import orjson
from msgspec import NODEFAULT, ValidationError, convert, to_builtins
from msgspec.structs import FieldInfo, fields

from agentctl.agent.events import JsonObject, from_json
from agentctl.agent.run import Run
from agentctl.cassette.nearest import ABSENT, Absent, Difference
from agentctl.evals.marks import Parted
from agentctl.evals.plan import Job
from agentctl.evals.result import CaseResult, Verdict
from agentctl.evals.scorers.outcome import Outcome, outcome_of
from agentctl.evals.scorers.score import Assertion, Score

APART: Final = frozenset({"outcome", "verdicts", "parted"})
SIDES: Final = ("recorded", "asked")

CARRIED: Final[dict[str, FieldInfo]] = {each.name: each for each in fields(CaseResult) if each.name not in APART}
DEFAULTS: Final = {
    name: each.default if each.default_factory is NODEFAULT else each.default_factory()
    for name, each in CARRIED.items()
}


class Unreadable(ValueError):
    """A record is not one that this version wrote for this job."""


def record_of(job: Job, results: Sequence[CaseResult]) -> list[JsonObject]:
    """The results of a job, for `orjson.dumps`.

    Raises:
        TypeError: strict JSON cannot say one of them.
    """
    return [_record(job, result) for result in results]


def results_of(job: Job, records: Sequence[JsonObject]) -> list[CaseResult]:
    """What `record_of` made a record of; places in files are as the job has them now.

    Raises:
        Unreadable: it is no record of this job.
    """
    try:
        return [_result(job, record) for record in records]
    except (ValidationError, KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise Unreadable(str(error)) from error


def _record(job: Job, result: CaseResult) -> JsonObject:
    places = {id(each): place for place, each in enumerate(job.case.asserts)}
    outcome = result.outcome
    return {
        "fields": _dumped(result),
        "verdicts": [[_assertion(each.assertion, places), to_builtins(each.score)] for each in result.verdicts],
        "parted": None if result.parted is None else _parted_json(result.parted),
        "run": None if outcome is None else orjson.Fragment(outcome.to_bytes()),
        "seconds": None if outcome is None else outcome.seconds,
        "cost_usd": None if outcome is None or outcome.cost_usd is None else str(outcome.cost_usd),
    }


def _result(job: Job, record: JsonObject) -> CaseResult:
    given = {name: convert(value, CARRIED[name].type) for name, value in record["fields"].items()}
    verdicts = [Verdict(_restored(job, assertion), convert(score, Score)) for assertion, score in record["verdicts"]]
    now = {"line": job.case.line, "recording": job.recording_name}
    return CaseResult(
        **{**given, **now}, verdicts=tuple(verdicts), outcome=_outcome(job, record), parted=_parted(record["parted"])
    )


def _outcome(job: Job, record: JsonObject) -> Outcome | None:
    if record["run"] is None:
        return None
    run = Run()
    for entry in record["run"]["entries"]:
        run.append(from_json(entry["event"]), entry["at"])
    cost = record["cost_usd"]
    return outcome_of(
        run,
        cost_usd=None if cost is None else Decimal(cost),
        seconds=record["seconds"],
        case=job.case.id,
        said=tuple(record["run"]["input"]),
        variables=job.case.vars,
        folder=job.suite.folder,
        metadata=job.case.metadata,
    )


def _parted_json(parted: Parted) -> JsonObject:
    """A side of a difference on which there is nothing is an empty list, a value is alone in one."""
    differences = []
    for each in parted.differences:
        sides = {side: [] if isinstance(getattr(each, side), Absent) else [getattr(each, side)] for side in SIDES}
        rest = {own.name: getattr(each, own.name) for own in dataclasses.fields(Difference) if own.name not in SIDES}
        differences.append({**rest, **sides})
    return {**{own.name: getattr(parted, own.name) for own in fields(Parted)}, "differences": differences}


def _parted(carried: JsonObject | None) -> Parted | None:
    if carried is None:
        return None
    differences = [
        Difference(**{**each, **{side: each[side][0] if each[side] else ABSENT for side in SIDES}})
        for each in carried["differences"]
    ]
    return Parted(**{**carried, "differences": tuple(differences)})


def _assertion(assertion: Assertion, places: dict[int, int]) -> int | JsonObject:
    """Which of the case's it is; one that the evaluation added is said in full."""
    place = places.get(id(assertion))
    if place is not None:
        return place
    return {"type": assertion.type, "value": assertion.value, "weight": assertion.weight, "turn": assertion.turn}


def _restored(job: Job, carried: int | JsonObject) -> Assertion:
    if isinstance(carried, int):
        return job.case.asserts[carried]
    return Assertion(ready=carried["value"], line=job.case.line, **carried)


def _dumped(result: CaseResult) -> JsonObject:
    """The fields that say something."""
    values = {name: getattr(result, name) for name in CARRIED}
    return {name: to_builtins(value) for name, value in values.items() if value != DEFAULTS[name]}
