"""`agentctl cassettes status`: how every recording stands, and since when it does not stand well.

Digests are compared and nothing is replayed; git is asked only about documents that made something stale.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from agentctl.cli import exits
from agentctl.cli.console import json_document, say, wants_color
from agentctl.cli.sheet import DIM, GREEN, RED, YELLOW, Sheet
from agentctl.config.load import load_agent
from agentctl.config.project import Project
from agentctl.errors import AgentctlError
from agentctl.evals.standings import FRESH, MISSING, STALE, Standing, counts, standings
from agentctl.evals.suite import suite_paths

STYLES: Final = {FRESH: GREEN, STALE: YELLOW, MISSING: YELLOW}
CASE_INPUT: Final = "case input"


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
    project = Project.find(Path.cwd())
    rows = standings(project, suites or [])
    since = _since(project, rows)
    if json:
        recordings = [{**row.to_json(), "since": since.get(row.file)} for row in rows]
        json_document({"recordings": recordings, "counts": counts(rows), "fresh": all(row.is_fresh for row in rows)})
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        say("\n".join(_lines(Sheet(width, wants_color(sys.stdout)), rows, since)))
    return exits.OK if all(row.is_fresh for row in rows) else exits.MISSING


def _lines(sheet: Sheet, rows: Sequence[Standing], since: dict[str, str]) -> Iterator[str]:
    for row in rows:
        if not row.is_fresh:
            yield from _row(sheet, row, since.get(row.file, ""))
    known = counts(rows)
    total = ", ".join(f"{number} {verdict}" for verdict, number in known.items())
    yield from sheet.lines(f"{len(rows)} recordings: {total}" if rows else "there are no recordings", indent="")
    begun = sum(row.partial for row in rows)
    if begun:
        yield from sheet.lines(f"{begun} interrupted: --record-mode new-episodes completes them", DIM, indent="")


def _row(sheet: Sheet, row: Standing, since: str) -> Iterator[str]:
    told = [", ".join(row.components) + (f", {since}" if since else "")] if row.components else []
    told += [row.reason] if row.reason else []
    if row.unused_takes:
        told.append(f"{row.takes} takes and {row.wanted} wanted: `agentctl cassettes prune` removes the others")
    elif row.verdict == FRESH:
        told.append(f"{row.takes} takes of {row.wanted}: record it again")
    line = "  ".join((f"{row.verdict:<8}", row.file, "; ".join(told)))
    yield from sheet.lines(line.rstrip(), STYLES.get(row.verdict, RED), indent="")


def _since(project: Project, rows: Sequence[Standing]) -> dict[str, str]:
    """Since when each stale recording is stale, by its file: the last commit that touched what changed."""
    known: dict[Path, str] = {}
    found: dict[str, str] = {}
    for row in rows:
        if row.verdict != STALE:
            continue
        documents = list(_documents(project, row))
        for path in documents:
            if path not in known:
                known[path] = _last_change(project, path)
        told = dict.fromkeys(known[path] for path in documents if known[path])
        if told:
            found[row.file] = "; ".join(told)
    return found


def _documents(project: Project, row: Standing) -> Iterator[Path]:
    """The documents that say what changed: the suite for the case's input, the agent's and its tools' for the rest."""
    if CASE_INPUT in row.components:
        yield from (path for path in suite_paths(project) if path.stem == row.suite)
    if set(row.components) - {CASE_INPUT}:
        try:
            agent = load_agent(row.agent, project)
        except AgentctlError:
            return
        by_tools = {name for name in row.components if name.startswith("tool ")}
        if agent.source is not None and set(row.components) - by_tools - {CASE_INPUT}:
            yield agent.source
        if by_tools and agent.workspace_name:
            yield project.prompts / agent.workspace_name


def _last_change(project: Project, path: Path) -> str:
    """`since 1a2b3c4 of 2026-11-23`, or that it is not committed yet; empty where git does not know."""
    place = str(path.relative_to(project.root))
    if _git(project, "status", "--porcelain", "--", place):
        return f"{place} is not committed"
    told = _git(project, "log", "-1", "--format=%h of %cs", "--", place)
    return f"{place} since {told}" if told else ""


def _git(project: Project, *arguments: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603  with paths of the project
            ["git", "-C", str(project.root), *arguments],  # noqa: S607  the user's own
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
