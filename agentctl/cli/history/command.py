"""`agentctl history`: how suites went over time, from the results that every evaluation leaves."""

from __future__ import annotations

import re
import shutil
import sys
import time
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from agentctl.agent.events import JsonObject
from agentctl.cli.console import json_document, note, say, wants_color
from agentctl.cli.history.chart import marks_for
from agentctl.cli.history.page import page
from agentctl.cli.screen import readers_may_leave
from agentctl.cli.sheet import Sheet
from agentctl.cli.wiring import open_project
from agentctl.config.nearest import nearest
from agentctl.config.project import Project
from agentctl.errors import UsageError
from agentctl.evals.suite import suite_paths
from agentctl.evals.trend import Flip, Point, Trend, open_results, trend
from agentctl.store.results import Results

AGO: Final = re.compile(r"(\d{1,6})([mhdw])\Z")
SECONDS: Final = {"m": 60, "h": 3600, "d": 86400, "w": 604800}


def history(
    suite: Annotated[
        str | None, typer.Argument(metavar="SUITE", help="A suite; without one, all.", show_default=False)
    ] = None,
    *,
    case: Annotated[str | None, typer.Option("--case", metavar="ID", help="Only this case of it.")] = None,
    limit: Annotated[int | None, typer.Option("-n", "--limit", min=1, help="Only the newest results.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help="Only results since then: 2026-12-31, or 12h, 7d, 4w ago.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Show how suites went over time: pass rate with its interval, cost and time, for each version of the agent.

    Every evaluation leaves its figures in the project. What changed from one to the next (agent, definition, model,
    commit) is marked, and cases that passed the last time and fail now are named.
    """
    project = open_project()
    start = 0.0 if since is None else _moment(since)
    with open_results(project) as results:
        names = _suites(project, results, suite)
        found = [trend(results, name, case=case, since=start, limit=limit) for name in names]
    found = [each for each in found if each.points]
    if case is not None and not found:
        when = "" if since is None else f" since {since}"
        raise UsageError(
            f"no result{when} holds a case {case}", hint="`agentctl eval` stores what it finds of each case"
        )
    if json:
        json_document({"suites": [_document(each) for each in found]})
        return
    if not found:
        note("no result is stored yet: `agentctl eval` stores its own")
    _print(found)


def _print(found: list[Trend]) -> None:
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    sheet, marks = Sheet(width, wants_color(sys.stdout)), marks_for(sys.stdout)
    with readers_may_leave():
        for number, each in enumerate(found):
            if number:
                say()
            for line in page(each, sheet, marks):
                say(line)


def _suites(project: Project, results: Results, wanted: str | None) -> list[str]:
    """The suites to tell of: those with results, and a wanted one that has none yet.

    Raises:
        UsageError: there is none of that name.
    """
    stored = list(results.suites())
    if wanted is None:
        return stored
    known = [path.stem for path in suite_paths(project)]
    if wanted not in stored and wanted not in known:
        hint = nearest(wanted, [*stored, *known], kind="suites")
        raise UsageError(f"there is no suite {wanted}, and no result of one", hint=hint)
    return [wanted]


def _moment(text: str) -> float:
    """Seconds since the epoch of a date, a time, or so long ago.

    Raises:
        UsageError: it is none of these.
    """
    ago = AGO.match(text)
    if ago is not None:
        return time.time() - int(ago[1]) * SECONDS[ago[2]]
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--since {text} is no time", hint="2026-12-31, 2026-12-31T18:00, or 12h, 7d, 4w") from None
    return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()


def _document(found: Trend) -> JsonObject:
    return {
        "suite": found.suite,
        **({} if found.case is None else {"case": found.case}),
        "results": [_point(point) for point in found.points],
        "partial": found.partial,
        "regressions": [_flip(flip) for flip in found.lost],
        "improvements": [_flip(flip) for flip in found.won],
        "p_value": found.p_value,
        "worse": found.is_worse,
    }


def _point(point: Point) -> JsonObject:
    result, interval = point.result, point.interval
    return {
        "at": _iso(result.first_at),
        "last_at": _iso(result.last_at),
        "times": result.times,
        "agent": result.agent,
        "bundle": result.bundle,
        "model": result.model,
        "commit": result.revision or None,
        "changed": ["commit" if name == "revision" else name for name in point.changed],
        "complete": result.complete,
        "cases": result.cases,
        "passes": result.passed,
        "of": result.judged,
        "pass_rate": point.pass_rate,
        "interval": None if interval is None else [interval.low, interval.high],
        "cost_usd": result.cost_usd,
        "cost_usd_per_run": point.cost_usd,
        "seconds_per_run": point.seconds,
        "tokens": result.tokens,
        "exit": result.exit_code,
        "file": result.file or None,
    }


def _flip(flip: Flip) -> dict[str, Any]:
    return {
        "id": flip.now.id,
        "passes": flip.now.passed,
        "of": flip.now.judged,
        "before": {"at": _iso(flip.when.last_at), "agent": flip.when.agent, "passes": flip.was.passed}
        | {"of": flip.was.judged},
    }


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
