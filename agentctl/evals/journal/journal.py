"""`Journal`: an evaluation's finished cases on disk, and on `--resume` those of them that need not be played again.

A case stands when nothing that shapes it has changed and its recording is the one that it left; every other is played.
So what was finished before a `kill -9` is neither lost nor run twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from agentctl import __version__
from agentctl.agent.events import JsonObject
from agentctl.config.project import Project
from agentctl.errors import UsageError
from agentctl.evals.journal.identity import identity, recording_digest
from agentctl.evals.journal.lines import Lines
from agentctl.evals.journal.record import Unreadable, record_of, results_of
from agentctl.evals.kept import Shelf, kept
from agentctl.evals.plan import Job
from agentctl.evals.result import CaseResult

KIND: Final = "eval-journal"
SCHEMA: Final = 1
KEPT: Final = 5
LATEST: Final = "latest"
SUFFIX: Final = ".jsonl"


@dataclass(frozen=True, slots=True)
class Resumed:
    """What of a plan was played before: results by the job's place in it, and the cases that changed since."""

    results: dict[int, list[CaseResult]] = field(default_factory=dict)
    changed: tuple[str, ...] = ()


class Journal:
    """One evaluation's. Make it with `begin` or `open_`, and close it."""

    def __init__(self, lines: Lines, asked: JsonObject, records: dict[tuple[str, str], slice]) -> None:
        self.asked = asked
        """What the evaluation was asked for, as its first line says."""
        self._lines = lines
        self._records = records
        self._jobs: dict[tuple[str, str], Job] = {}
        self._given_up = False

    @property
    def id(self) -> str:
        """What `--resume` takes."""
        return self._lines.path.stem

    @property
    def damaged(self) -> int:
        """Lines that cannot be read."""
        return self._lines.damaged

    def plan(self, jobs: Sequence[Job]) -> Resumed:
        """Takes the plan whose results will be added, and says which of them are there."""
        self._jobs = {_key(job): job for job in jobs}
        results: dict[int, list[CaseResult]] = {}
        changed: list[str] = []
        shelf = Shelf()
        for place, job in enumerate(jobs):
            record = self._records.pop(_key(job), None)
            if record is None:
                continue
            stands = _standing(job, self._lines.at(record))
            if stands is None:
                changed.append("/".join(_key(job)))
            else:
                results[place] = [kept(result, shelf) for result in stands]
        self._records = {}
        return Resumed(results, tuple(changed))

    def add(self, results: Sequence[CaseResult]) -> None:
        """Takes the results of one job of the plan; what strict JSON cannot say is played again on `--resume`.

        Raises:
            StoreError: it cannot be written.
        """
        if self._given_up:
            return
        key = results[0].suite, results[0].id
        job = self._jobs[key]
        try:
            record = record_of(job, results)
            where = {"suite": key[0], "case": key[1], "recording": recording_digest(job)}
            self._lines.add({**where, "job": identity(job), "results": record})
        except TypeError:
            return

    def give_up(self) -> None:
        """Takes nothing more: what cannot be written now will not be written in a second either."""
        self._given_up = True

    def close(self) -> None:
        """Nothing more is added."""
        self._lines.close()


def begin(project: Project, asked: JsonObject) -> Journal:
    """A new journal; the oldest ones go.

    Raises:
        StoreError: it cannot be written.
    """
    folder = _folder(project)
    now = datetime.now(UTC)
    lines = Lines(folder / f"{now:%Y%m%dT%H%M%S.%fZ}{SUFFIX}")
    head = {
        "kind": KIND,
        "schema": SCHEMA,
        "by": f"agentctl {__version__}",
        "at": f"{now:%Y-%m-%dT%H:%M:%SZ}",
    }
    lines.add({**head, **asked})
    for old in _all(folder)[:-KEPT]:
        old.unlink(missing_ok=True)
    return Journal(lines, head, {})


def open_(project: Project, name: str) -> Journal:
    """The journal of that id, or the latest.

    Raises:
        UsageError: there is none, or it is no journal that this version reads.
        StoreError: it cannot be opened.
    """
    folder = _folder(project)
    known = _all(folder)
    path = folder / f"{name}{SUFFIX}" if name != LATEST else (known[-1] if known else folder / LATEST)
    if path not in known:
        names = ", ".join(each.stem for each in reversed(known))
        hint = f"there are {names}" if names else "an evaluation leaves one when it records, runs tools or is large"
        raise UsageError("there is no evaluation to resume" if name == LATEST else f"there is no {name}", hint=hint)
    lines = Lines(path)
    read = lines.read()
    _, head = next(read, (None, {}))
    if head.get("kind") != KIND or head.get("schema") != SCHEMA:
        lines.close()
        raise UsageError(f"{project.show(path)}: is no journal that agentctl {__version__} reads")
    return Journal(lines, head, _last_of_each(read))


def _last_of_each(lines: Iterator[tuple[slice, JsonObject]]) -> dict[tuple[str, str], slice]:
    """Where the last record of each case stands: ten thousand of them would not fit."""
    return {(line["suite"], line["case"]): place for place, line in lines if "results" in line}


def _standing(job: Job, record: JsonObject) -> list[CaseResult] | None:
    """The results on record, if they are what the job would come to; None when something has changed."""
    if record["job"] != identity(job) or record["recording"] != recording_digest(job):
        return None
    try:
        results = results_of(job, record["results"])
    except Unreadable:
        return None
    return None if any(result.unjudged for result in results) else results  # a judge may have ruled meanwhile


def _key(job: Job) -> tuple[str, str]:
    return job.suite.name, job.case.id


def _folder(project: Project) -> Path:
    return project.state / "journals"


def _all(folder: Path) -> list[Path]:
    """Oldest first."""
    return sorted(folder.glob(f"2*{SUFFIX}"))
