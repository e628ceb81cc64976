"""What of an earlier evaluation is played: the rest of one that was cut short, its errors, or its failures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from agentctl.agent.events import JsonObject
from agentctl.cli.console import note
from agentctl.cli.eval.flags import Again, Playing, Selection
from agentctl.config.project import Project
from agentctl.errors import NothingSelected, StoreError, UsageError
from agentctl.evals.history import LAST, results_folder
from agentctl.evals.plan import Job
from agentctl.evals.result import CaseResult, read_result
from agentctl.observe.clean import clean
from agentctl.observe.figures import count

LARGE: Final = 2000
"""Runs from which a replay is worth being gone on with."""

NAMED: Final = 5
"""Changed cases that are named."""

Name = tuple[str, str]
"""Suite and case."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a plan while it is played, and where its results go; nothing without a journal."""

    journal: Any = None
    already: dict[int, list[CaseResult]] = field(default_factory=dict)
    since: str | None = None
    """When the evaluation began that is gone on with."""

    def add(self, results: Sequence[CaseResult]) -> None:
        """Takes the results of one job. A journal that cannot be written costs the way back, not the result."""
        if self.journal is None:
            return
        try:
            self.journal.add(results)
        except StoreError as error:
            note(clean(f"what finishes from here on is not kept for --resume: {error}"))
            self.journal.give_up()


UNKEPT: Final = Kept()


@dataclass(frozen=True, slots=True)
class Asked:
    """Everything that decides which cases are played and how; `journal` is the one that is gone on with."""

    selection: Selection
    playing: Playing
    only: frozenset[Name] | None = None
    journal: Any = None

    def narrowed(self, jobs: Sequence[Job]) -> list[Job]:
        """The jobs of the cases that it is about.

        Raises:
            NothingSelected: none is left.
        """
        if self.only is None:
            return list(jobs)
        left = [job for job in jobs if (job.suite.name, job.case.id) in self.only]
        if not left:
            raise NothingSelected("none of the cases to play again is among those that were selected")
        return left

    def to_json(self) -> JsonObject:
        """As a journal's first line says it."""
        from pydantic import TypeAdapter  # noqa: PLC0415  only who writes a journal says it

        return {
            "selection": TypeAdapter(Selection).dump_python(self.selection, mode="json"),
            "playing": TypeAdapter(Playing).dump_python(self.playing, mode="json"),
            "only": None if self.only is None else sorted(self.only),
        }


def asked(project: Project, again: Again, selection: Selection, playing: Playing) -> Asked:
    """What is asked for: by the flags, or on `--resume` by the evaluation that is gone on with.

    Raises:
        UsageError: there is no such evaluation or result, or the flags ask for something else than it did.
        NothingSelected: no case errored or failed in that result.
    """
    if again.resume is None:
        return Asked(selection, playing, _only(project, again))
    from pydantic import TypeAdapter  # noqa: PLC0415

    from agentctl.evals.journal.journal import open_  # noqa: PLC0415

    journal = open_(project, again.resume)
    was = TypeAdapter(Selection).validate_python(journal.asked["selection"])
    played = TypeAdapter(Playing).validate_python(journal.asked["playing"])
    if selection not in (Selection(), was) or playing not in (Playing(), played):
        journal.close()
        hint = f"agentctl eval --resume {journal.id} alone; --output, --json, --max-cost and gates may be added"
        raise UsageError("--resume plays what that evaluation was asked for, and how", hint=hint)
    only = journal.asked["only"]
    return Asked(was, played, None if only is None else frozenset(map(tuple, only)), journal)


@contextmanager
def journaled(project: Project, wanted: Asked, jobs: Sequence[Job]) -> Iterator[Kept]:
    """The plan with a journal, if it is one that is worth it: what is live costs money, what is large costs time."""
    journal = wanted.journal
    if journal is None and wanted.playing.is_replay and sum(job.repeats for job in jobs) < LARGE:
        yield UNKEPT
        return
    resumes = journal is not None
    if journal is None:
        from agentctl.evals.journal.journal import begin  # noqa: PLC0415  most evaluations are small replays

        try:
            journal = begin(project, wanted.to_json())
        except StoreError as error:  # a checkout that is read only can be evaluated all the same
            note(clean(f"finished cases are not kept for --resume: {error}"))
            yield UNKEPT
            return
    try:
        found = journal.plan(jobs)
        if resumes:
            _tell(journal, found.changed, sum(map(len, found.results.values())), jobs)
        yield Kept(journal, found.results, journal.asked["at"] if resumes else None)
    finally:
        journal.close()


def way_on(kept: Kept) -> str:
    """The command that plays the rest of what a signal cut short; empty where nothing is kept."""
    return "" if kept.journal is None else f"go on with it: agentctl eval --resume {kept.journal.id}"


def _tell(journal: Any, changed: Sequence[str], stand: int, jobs: Sequence[Job]) -> None:
    total = sum(job.repeats for job in jobs)
    note(f"resumed {journal.id}: {stand} of {count(total, 'run')} made before")
    if changed:
        shown = ", ".join(changed[:NAMED]) + (", ..." if len(changed) > NAMED else "")
        note(clean(f"changed since, so played again: {count(len(changed), 'case')} ({shown})"))
    if journal.damaged:
        note(f"damaged, so played again: {count(journal.damaged, 'line')} of {journal.id}")


def _only(project: Project, again: Again) -> frozenset[Name] | None:
    """The cases that errored or failed; None without a flag that asks for them."""
    wanted = [(again.retry_errors, "errored", _errored), (again.filter_failing, "failed", _failed)]
    found: set[Name] = set()
    asked_for = [(name, word, fits) for name, word, fits in wanted if name is not None]
    for name, _, fits in asked_for:
        document = read_result(_result(project, name))
        found |= {(suite["suite"], case["id"]) for suite in document["suites"] for case in suite["cases"] if fits(case)}
    if asked_for and not found:
        words = " or ".join(word for _, word, _ in asked_for)
        raise NothingSelected(f"no case {words} in {asked_for[0][0]}")
    return frozenset(found) if asked_for else None


def _errored(case: JsonObject) -> bool:
    return bool(case["status"] == "error")


def _failed(case: JsonObject) -> bool:
    return bool(case["status"] == "fail" or (case["status"] == "stopped" and not case.get("holds")))


def _result(project: Project, name: str) -> Path:
    """A file, or a result that is kept: `last`, or its name."""
    folder = results_folder(project)
    places = [folder / LAST] if name == "last" else [Path(name), folder / name, folder / f"{name}.json"]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise UsageError(f"there is no result {name}", hint="a file that `-o` wrote, or `last` after an evaluation")
    return found
