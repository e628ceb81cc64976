"""How every recording of a project stands: judged as `eval` judges it, with nothing played, no network, no SDK.

What judges are asked for is in the answers, so the cases that are judged are replayed; no others are.

A recording is one of these: `fresh`; `transcript`, which no definition shaped, so none can make it stale; `stale`, with
the components that changed; `missing`, for a case that has none or too few takes; `damaged`; `orphan`, of a case or a
suite that is no more, or a verdict that no case asks for. A fresh one may hold more takes than the case repeats, which
nothing replays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agentctl.agent.events import JsonObject
from agentctl.agent.values import replace
from agentctl.cassette.file import partial_of, read_header
from agentctl.config.project import Project
from agentctl.config.refs import parse_ref
from agentctl.errors import CassetteError, NothingSelected, UsageError
from agentctl.evals.plan import Job, plan
from agentctl.evals.standing import no_take_reason, standing
from agentctl.evals.suite import suite_paths

LABELS: Final = "@labels"
"""The folder of verdicts on answers that people labelled; used while the file with the labels is there."""

FRESH: Final = "fresh"
STALE: Final = "stale"
MISSING: Final = "missing"
DAMAGED: Final = "damaged"
ORPHAN: Final = "orphan"
TRANSCRIPT: Final = "transcript"
VERDICTS: Final = (FRESH, TRANSCRIPT, STALE, MISSING, DAMAGED, ORPHAN)
OF_STATUS: Final = {"missing": MISSING, "error": DAMAGED}
"""What is told of a recording that `eval` cannot play."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One recording, or the lack of one; `file` is its name in messages."""

    suite: str
    case: str
    agent: str
    file: str
    path: Path
    verdict: str
    components: tuple[str, ...] = ()
    """What changed since it was recorded."""
    reason: str = ""
    takes: int = 0
    wanted: int = 0
    """How often the case is repeated."""
    partial: bool = False
    """Whether an interrupted recording of the case is there too."""
    judge: bool = False
    """Whether it holds a judge's votes on an answer; `agent` is the rubric then, a take is a vote."""

    @property
    def unused_takes(self) -> int:
        """Takes that no repeat replays."""
        return max(self.takes - self.wanted, 0) if self.wanted else 0

    @property
    def left_over(self) -> bool:
        """Whether an interrupted recording stands beside one that is whole and fits: nothing will complete it."""
        return self.partial and self.verdict == FRESH

    @property
    def is_fresh(self) -> bool:
        """Whether there is nothing to do about it."""
        return self.verdict in {FRESH, TRANSCRIPT} and not self.unused_takes

    def to_json(self) -> JsonObject:
        """The row as `cassettes status --json` prints it."""
        return {
            "suite": self.suite,
            "case": self.case,
            "agent": self.agent,
            "file": self.file,
            "verdict": self.verdict,
            "components": list(self.components),
            "reason": self.reason,
            "takes": self.takes,
            "wanted": self.wanted,
            "unused_takes": self.unused_takes,
            "partial": self.partial,
            "kind": "verdict" if self.judge else "recording",
        }


def standings(project: Project, names: Sequence[str] = ()) -> list[Standing]:
    """Every recording of these suites (of all, without names), cases first and orphans after them.

    Raises:
        UsageError: there is no such suite.
        ConfigError: a suite or an agent is wrong.
    """
    paths = suite_paths(project, names)
    jobs = [job for path in paths for job in _jobs(project, path)]
    found = [_of_job(job) for job in jobs]
    if any(job.is_judged for job in jobs):
        found += _verdicts(project, jobs)
    known = {each.path for each in found}
    folders = [project.cassettes / path.stem for path in paths] if names else [project.cassettes]
    return [*found, *_orphans(project, folders, known)]


def _verdicts(project: Project, jobs: Sequence[Job]) -> Iterator[Standing]:
    """What judges said of the answers of these jobs."""
    from agentctl.evals.judge.standings import verdict_rows  # noqa: PLC0415  few suites have judges

    for each in verdict_rows(project, jobs):
        yield Standing(
            each.suite,
            each.case,
            each.rubric,
            project.show(each.path),
            each.path,
            each.state,
            components=each.components,
            reason=each.reason,
            takes=each.votes,
            wanted=each.wanted,
            judge=True,
        )


def counts(rows: Sequence[Standing]) -> dict[str, int]:
    """How many there are of each verdict."""
    tally = Counter(row.verdict for row in rows)
    return {verdict: tally[verdict] for verdict in VERDICTS if tally[verdict]}


def _jobs(project: Project, path: Path) -> Iterator[Job]:
    """The jobs of a suite: for its own agent, and for every other one that has recordings of it."""
    try:
        yield from (job for job in plan(project, [str(path)]) if not job.case.faults)
        for folder in sorted((project.cassettes / path.stem).glob("*@*/")):
            yield from _of_another(project, path, folder)
    except NothingSelected:  # a suite may have no case yet
        return


def _of_another(project: Project, path: Path, folder: Path) -> Iterator[Job]:
    """Jobs for the agent that a folder of recordings is named after; none when there is no such agent any more."""
    try:
        jobs = plan(project, [str(path)], agent=str(parse_ref(folder.name)))
    except UsageError:
        return
    yield from (
        job for job in jobs if not job.case.faults and job.recording.parent == folder and job.recording.exists()
    )


def _of_job(job: Job) -> Standing:
    row = Standing(
        suite=job.suite.name,
        case=job.case.id,
        agent=job.agent.ref,
        file=job.recording_name,
        path=job.recording,
        verdict=MISSING,
        wanted=job.repeats,
        partial=partial_of(job.recording).exists(),
    )
    found = standing(job)
    held = found.cassette or found.unfit
    if held is None or held.header is None:
        reason = found.reason.removeprefix(f"{job.recording}: ") if job.recording.exists() else ""
        return replace(row, verdict=OF_STATUS[found.status], reason=reason)
    takes = len(held.takes)
    row = replace(row, takes=takes)
    if found.stale:
        return replace(row, verdict=STALE, components=found.stale)
    if takes < job.repeats and held.header.adaptive is None:
        return replace(row, reason=no_take_reason(job, takes))
    return replace(row, verdict=TRANSCRIPT if job.case.transcript else FRESH)


def _orphans(project: Project, folders: Sequence[Path], known: set[Path]) -> Iterator[Standing]:
    """Recordings of ours that belong to no case; a foreign one is somebody's, and none of our business."""
    for folder in folders:
        for path in sorted(folder.rglob("*.yaml")):
            if path in known:
                continue
            try:
                header = read_header(path)
            except CassetteError as error:
                yield Standing("", path.stem, "", project.show(path), path, DAMAGED, reason=str(error))
                continue
            if header is not None:
                takes = len(header.takes)
                row = Standing(header.suite, header.case, header.agent, project.show(path), path, ORPHAN, takes=takes)
                known_file = header.verdict and LABELS in path.parts and (project.root / header.suite).exists()
                yield replace(row, judge=header.verdict, verdict=FRESH if known_file else ORPHAN)
