"""`agentctl cassettes status`: how every recording stands, and since when it does not stand well.

Digests are compared and nothing is replayed; git is asked once, and only about files that made something stale.
"""

from __future__ import annotations

import gc
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from agentctl.agent.events import JsonObject
from agentctl.cli import exits
from agentctl.cli.console import json_document, say, wants_color
from agentctl.cli.sheet import DIM, GREEN, RED, YELLOW, Sheet
from agentctl.config.project import Project
from agentctl.evals.since import Change, changes
from agentctl.evals.standings import FRESH, MISSING, STALE, Standing, counts, standings

KEEPS_ALL: Final = 1_000_000
"""New objects between two looks for garbage: what is read here is kept until the end, so looking finds none."""

STYLES: Final = {FRESH: GREEN, STALE: YELLOW, MISSING: YELLOW}


def status(
    suites: Annotated[
        list[str] | None, typer.Argument(metavar="SUITE", help="Names in evals/; without one, all.", show_default=False)
    ] = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="Every recording as one JSON document.")] = False,
) -> int:
    """Say which recordings are fresh, stale (and by what), missing, damaged or orphans. Nothing is replayed or sent.

    Exit codes: 0 all fresh, 2 usage or configuration, 4 there is something to do.
    """
    gc.set_threshold(KEEPS_ALL)
    project = Project.find(Path.cwd())
    rows = standings(project, suites or [])
    since = changes(project, rows)
    if json:
        recordings = [{**row.to_json(), **_told(since.get(row.file, ()))} for row in rows]
        json_document({"recordings": recordings, "counts": counts(rows), "fresh": all(row.is_fresh for row in rows)})
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        say("\n".join(_lines(Sheet(width, wants_color(sys.stdout)), rows, since)))
    return exits.OK if all(row.is_fresh for row in rows) else exits.MISSING


def _told(since: Sequence[Change]) -> JsonObject:
    """Since when, in words and as data."""
    return {"since": _words(since) or None, "changes": [change.to_json() for change in since]}


def _words(since: Sequence[Change]) -> str:
    return "; ".join(dict.fromkeys(map(str, since)))


def _lines(sheet: Sheet, rows: Sequence[Standing], since: dict[str, tuple[Change, ...]]) -> Iterator[str]:
    for row in rows:
        if not row.is_fresh:
            yield from _row(sheet, row, _words(since.get(row.file, ())))
    known = counts(rows)
    total = ", ".join(f"{number} {verdict}" for verdict, number in known.items())
    yield from sheet.lines(f"{len(rows)} recordings: {total}" if rows else "there are no recordings", indent="")
    left = sum(row.left_over for row in rows)
    begun = sum(row.partial for row in rows) - left
    if begun:
        yield from sheet.lines(f"{begun} interrupted: --record-mode new-episodes completes them", DIM, indent="")
    if left:
        text = f"{left} interrupted beside a whole recording: `agentctl cassettes prune` removes them"
        yield from sheet.lines(text, DIM, indent="")


def _row(sheet: Sheet, row: Standing, since: str) -> Iterator[str]:
    told = [", ".join(row.components) + (f", {since}" if since else "")] if row.components else []
    told += [row.reason] if row.reason else []
    if row.unused_takes:
        told.append(f"{row.takes} takes and {row.wanted} wanted: `agentctl cassettes prune` removes the others")
    line = "  ".join((f"{row.verdict:<8}", row.file, "; ".join(told)))
    yield from sheet.lines(line.rstrip(), STYLES.get(row.verdict, RED), indent="")
