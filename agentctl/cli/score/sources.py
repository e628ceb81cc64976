"""What `score` can be given, and how each becomes traces: stored runs, results, recordings, transcripts, folders.

What a file is, is told by its content. Nothing is driven, served or executed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Final

from agentctl.agent.events import Entry, JsonObject, RunStarted, UserSaid, from_json
from agentctl.agent.run import Run
from agentctl.cassette.encoding import GZIP
from agentctl.cassette.file import read
from agentctl.cassette.imports import files
from agentctl.cassette.imports.talk import Left
from agentctl.cli.files import is_file
from agentctl.cli.replay.sources import LATEST, no_file, shown_runs
from agentctl.cli.session import open_runs
from agentctl.config.project import Project
from agentctl.errors import CassetteError, NothingSelected
from agentctl.evals.result import read_result
from agentctl.evals.traces.read import traces_in
from agentctl.evals.traces.trace import Trace, case_in

RESULT: Final = re.compile(rb'\s*\{\s*"schema":\s*\d+,\s*"kind":\s*"eval"')
RECORDS: Final = re.compile(rb'"(interactions|http_interactions)"\s*:')
SUFFIXES: Final = (".json", ".jsonl", ".yaml", ".yml")
HEAD: Final = 65536
SMALL: Final = 16_000_000
"""Bytes of a file that is read whole to see what it is."""


def traces_of(names: Sequence[str], project: Project, *, cost_key: str = "") -> Iterator[Trace | Left]:
    """Every trace that these names stand for: files, folders of files, ids of stored runs.

    Raises:
        UsageError: there is no such file or run.
        CassetteError: a file cannot be read, or is none of these.
        StoreError: the store cannot be read.
    """
    for name in names:
        path = Path(name)
        if is_file(path):
            yield from _file(path, cost_key)
        elif name and path.is_dir():
            yield from _folder(path, cost_key)
        elif path.suffix in SUFFIXES or "/" in name or not name:
            raise no_file(name)
        else:
            yield _stored(name, project)


def _folder(path: Path, cost_key: str) -> Iterator[Trace | Left]:
    found = sorted(each for each in path.rglob("*") if each.suffix in SUFFIXES and each.is_file())
    if not found:
        raise NothingSelected(
            f"{path}: holds no file that could be scored", hint=f"those end with {', '.join(SUFFIXES)}"
        )
    for each in found:
        try:
            yield from _file(each, cost_key)
        except CassetteError as error:
            yield Left(str(each), str(error).removeprefix(f"{each}: "))


def _file(path: Path, cost_key: str) -> Iterator[Trace | Left]:
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD)
        size = path.stat().st_size
    except OSError as error:
        raise CassetteError(f"{path}: cannot be read ({error.strerror or error})") from None
    if RESULT.match(head):
        yield from _result(path)
    elif _is_recording(path, head, size):
        yield from _recording(path)
    else:
        yield from traces_in(path, cost_key=cost_key)


def _is_recording(path: Path, head: bytes, size: int) -> bool:
    """Whether it records HTTP. A large file is judged by its beginning: to know it all is to read it twice."""
    if head.startswith(GZIP) or path.suffix in {".yaml", ".yml"}:
        return True
    if path.suffix == ".jsonl":
        return False
    if size > SMALL:
        return RECORDS.search(head) is not None
    return RECORDS.search(head) is not None and files.format_of(path.read_bytes()) == files.VCR


def _recording(path: Path) -> Iterator[Trace]:
    """Each take of a recording of ours; of anyone else's, each conversation."""
    header = read(path).header
    if header is not None and header.verdict:  # what a judge said is no run of an agent
        return
    takes = range(1, len(header.takes) + 1) if header is not None else (None,)
    for take in takes:
        shown = shown_runs(path, take)
        for number, each in enumerate(shown, 1):
            place = f"take {take}" if take is not None else f"conversation {number}" if len(shown) > 1 else ""
            yield Trace(
                file=str(path),
                place=place,
                line=1,
                run=_run(each.entries),
                metadata={},
                case=header.case if header is not None else path.stem,
                suite=header.suite if header is not None else "",
                trial=take,
                agent=header.agent if header is not None else "",
                model=_model(each.entries),
                seconds=_seconds(each.entries),
                source=str(path),
                transcript=header is None or header.transcript,
                group=str(path.parent) if header is not None else str(path),
            )


def _result(path: Path) -> Iterator[Trace | Left]:
    """Each case of an earlier result that holds its run."""
    for suite in read_result(path).get("suites") or ():
        for case in suite["cases"]:
            place = f"{suite['suite']}/{case['id']}"
            if case.get("repeat", 1) > 1:
                place += f" #{case['repeat']}"
            try:
                entries = [Entry(each["seq"], each["at"], from_json(each["event"])) for each in case["entries"]]
            except (KeyError, TypeError, ValueError) as error:
                raise CassetteError(f"{path}: the run of {place} is damaged ({error})") from None
            if entries:
                yield _case(path, suite, case, place, entries)
            else:
                yield Left(f"{path}, {place}", f"holds no run ({case.get('status')})")


def _case(path: Path, suite: JsonObject, case: JsonObject, place: str, entries: Sequence[Entry]) -> Trace:
    cost = case.get("cost_usd")
    return Trace(
        file=str(path),
        place=place,
        line=int(case.get("line") or 1),
        run=_run(entries),
        metadata=case.get("metadata") or {},
        case=str(case["id"]),
        suite=str(suite["suite"]),
        trial=case.get("repeat"),
        agent=str(suite.get("agent") or ""),
        model=str(suite.get("model") or ""),
        cost=Decimal(str(cost)) if isinstance(cost, (int, float)) else None,
        cost_key="cost_usd" if cost is not None else "",
        seconds=float(case.get("seconds") or 0.0),
        source=f"{path}#{suite['suite']}/{case['id']}",
        transcript=bool(case.get("transcript")),
        group=str(path),
    )


def _stored(name: str, project: Project) -> Trace:
    with open_runs(project) as store:
        run_id = store.resolve("latest" if name in LATEST else name)
        entries, stored = store.entries(run_id), store.get(run_id)
    meta = dict(stored.meta or {})
    return Trace(
        file=run_id,
        place="",
        line=1,
        run=_run(entries),
        metadata=meta,
        case=case_in(meta),
        agent=stored.agent,
        model=_model(entries),
        seconds=_seconds(entries),
        source=run_id,
    )


def _run(entries: Sequence[Entry]) -> Run:
    run = Run()
    for each in entries:
        run.append(each.event, each.at)
    return run


def _model(entries: Sequence[Entry]) -> str:
    return next((each.event.model for each in entries if isinstance(each.event, RunStarted)), "")


def _seconds(entries: Sequence[Entry]) -> float:
    """What the run took, without the time in which the user was waited for."""
    steps = pairwise(entries)
    return sum(max(after.at - before.at, 0.0) for before, after in steps if not isinstance(after.event, UserSaid))
