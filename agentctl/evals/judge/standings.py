"""How the recorded verdicts of a suite stand: which are asked for, by which rubric, and which nobody asks for any more.

What is asked for is found by replaying the cases that are judged, since an answer names its verdict. Where one of them
cannot be replayed its answer is not known, so nothing that its rubrics said is called unused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agentctl.agent.values import replace
from agentctl.cassette.file import read_header
from agentctl.cassette.tape import Header
from agentctl.config.project import Project
from agentctl.errors import CassetteError
from agentctl.evals.judge.bind import Judge, judged_in, judges_of
from agentctl.evals.judge.brief import rubric_digest
from agentctl.evals.judge.verdicts import FOLDER, SUFFIX
from agentctl.evals.plan import Job
from agentctl.evals.prices import Prices
from agentctl.evals.replay import replay
from agentctl.evals.transcripts import retell


@dataclass(frozen=True, slots=True)
class Found:
    """The verdicts in one file, or the lack of it; `state` is a word of `standings.VERDICTS`."""

    suite: str
    case: str
    rubric: str
    path: Path
    state: str
    components: tuple[str, ...] = ()
    reason: str = ""
    votes: int = 0
    wanted: int = 0


@dataclass(slots=True)
class Wanted:
    """What the cases of a suite ask of judges."""

    votes: dict[Path, tuple[int, Found]] = field(default_factory=dict)
    """By the file: how many votes, and the row it is where they are not recorded."""
    rubrics: dict[str, str] = field(default_factory=dict)
    """The digest of every rubric that is asked, by its reference."""
    unknown: set[str] = field(default_factory=set)
    """Rubrics that judge a case whose answer is not known."""


def verdict_rows(project: Project, jobs: Sequence[Job]) -> list[Found]:
    """Every recorded verdict of the suites of these jobs, and those that are missing."""
    wanted = asyncio.run(_wanted([job for job in jobs if job.is_judged], project))
    suites = dict.fromkeys(job.suite.name for job in jobs)
    paths = [path for suite in suites for path in sorted((project.cassettes / suite / FOLDER).rglob(f"*{SUFFIX}"))]
    missing = [row for path, (_, row) in wanted.votes.items() if path not in paths]
    return [*missing, *_rows(paths, wanted)]


def _rows(paths: Iterable[Path], wanted: Wanted) -> Iterator[Found]:
    for path in paths:
        try:
            header = read_header(path)
        except CassetteError as error:
            yield Found("", path.stem, "", path, "damaged", reason=str(error))
            continue
        if header is not None:
            yield _row(path, header, wanted)


def _row(path: Path, header: Header, wanted: Wanted) -> Found:
    takes = len(header.takes)
    row = Found(header.suite, header.case, header.agent, path, "fresh", votes=takes)
    asked = wanted.votes.get(path)
    known = wanted.rubrics.get(header.agent)
    if asked is None and header.agent not in wanted.unknown:
        return replace(row, state="orphan")
    name = f"rubric {header.agent.partition('@')[0]}"
    if known is not None and header.components.get(name) != known:
        return replace(row, state="stale", components=(name,), wanted=asked[0] if asked else 0)
    return row if asked is None else replace(row, wanted=asked[0])


async def _wanted(jobs: Sequence[Job], project: Project) -> Wanted:
    wanted = Wanted()
    prices = Prices(project.state / "prices.json")
    for job in jobs:
        judges = judges_of(job.case)
        wanted.rubrics |= {judge.rubric.ref: rubric_digest(judge.rubric) for judge in judges}
        results = retell(job, prices) if job.case.transcript else await replay(job, prices)
        for result in results:
            played = result.outcome is not None and (result.unjudged or result.status in {"pass", "fail"})
            if result.outcome is None or not played:
                wanted.unknown |= {judge.rubric.ref for judge in judges}
                continue
            for judge, seen in judged_in(job.case.asserts, result.outcome):
                brief = judge.brief(seen)
                _ask(wanted, job, judge, judge.verdicts.path(brief))
    return wanted


def _ask(wanted: Wanted, job: Job, judge: Judge, path: Path) -> None:
    votes = judge.asks.votes
    row = Found(job.suite.name, job.case.id, judge.rubric.ref, path, "missing", wanted=votes)
    before = wanted.votes.get(path)
    if before is None or before[0] < votes:
        wanted.votes[path] = (votes, row)
