"""`agentctl runs`: the stored runs of a project, as a list, as they looked, and as files."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from agentctl.agent.events import JsonObject
from agentctl.cli.console import json_document, note, say
from agentctl.cli.outcome import Price
from agentctl.cli.runs.transcript import entry_json, write_transcript
from agentctl.cli.screen import readers_may_leave, screen
from agentctl.cli.session import open_runs
from agentctl.cli.wiring import open_project
from agentctl.model.pricing import price
from agentctl.observe.clean import clean
from agentctl.observe.preview import one_line
from agentctl.observe.trace import Trace
from agentctl.store.runs import StoredRun

OPEN: Final = "open"
LEAST: Final = 12
Id = Annotated[
    str, typer.Argument(metavar="RUN", help="An id, the start or end of one, or `last`.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]

runs = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="List, show and export stored runs, or make cases of them.",
)


@runs.command("list")
def list_runs(
    *,
    agent: Annotated[str | None, typer.Option(help="Only runs of this agent: name or name@2.")] = None,
    limit: Annotated[int | None, typer.Option("-n", "--limit", min=1, help="Only the newest ones.")] = None,
    json: AsJson = False,
) -> None:
    """The stored runs, the newest first."""
    with open_runs(open_project()) as store:
        stored = store.list(agent, limit)
    if json:
        json_document([_summary(run) for run in stored])
        return
    if not stored:
        note("no run is stored yet: `agentctl chat` and `agentctl run` store theirs")
    with readers_may_leave():
        _print(stored)


def _print(stored: Sequence[StoredRun]) -> None:
    agents = max((len(run.agent) for run in stored), default=0)
    ends = max((len(run.ended or OPEN) for run in stored), default=0)
    width = shutil.get_terminal_size().columns
    for run in stored:
        end = f"{run.ended or OPEN:<{ends}}  "
        head = clean(f"{run.id}  {run.agent:<{agents}}  {end}")
        if width - len(head) < LEAST:  # a narrow window gets two lines for each
            say(clean(f"{run.id}  {run.agent}"))
            head = clean(f"  {end}")
        say((head + one_line(run.said, max(width - len(head), LEAST))).rstrip())


@runs.command("show")
def show(
    run: Id,
    *,
    json: AsJson = False,
    thinking: Annotated[bool, typer.Option("--thinking/--no-thinking", help="Show the model's thinking.")] = True,
) -> None:
    """A stored run as chat would have shown it; with --json its entries."""
    with open_runs(open_project()) as store:
        run_id = store.resolve(run)
        entries = store.entries(run_id)
    if json:
        json_document([entry_json(entry) for entry in entries])
        return
    prices: Price = price
    trace = Trace(screen(sys.stdout), price=prices, show_thinking=thinking)
    with readers_may_leave():
        for entry in entries:
            trace(entry)
        trace.close()


@runs.command("export")
def export(
    run: Id,
    *,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="FILE.json, .jsonl or .md")],
) -> None:
    """Write a stored run to a file, in the format of its extension."""
    with open_runs(open_project()) as store:
        run_id = store.resolve(run)
        write_transcript(output, store.entries(run_id), replace=True)
    note(f"wrote run {run_id} to {output}")


@runs.command("to-case")
def to_case(
    run: Id,
    *,
    suite: Annotated[str, typer.Option("-s", "--suite", metavar="SUITE", help="The suite; made when it is not there.")],
    id: Annotated[str | None, typer.Option("--id", metavar="ID", help="The case's id; without it, the run's.")] = None,
    agent: Annotated[
        str | None, typer.Option("--agent", metavar="REF", help="Another agent than the suite's: name@2, name@git:REV.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Make a stored run a case of a suite, with its recording: it is replayed and scored without a network.

    Refused, with nothing written, when the agent's definition is not the one the run was made with, or when a replay
    would not do the same again.
    """
    from agentctl.cli.cases.to_case import to_case as make  # noqa: PLC0415  to list runs needs no evaluation

    make(run, suite, id, agent, json=json)


def _summary(run: StoredRun) -> JsonObject:
    return {
        "run": run.id,
        "agent": run.agent,
        "bundle": run.bundle,
        "started_at": datetime.fromtimestamp(run.started_at, UTC).isoformat(timespec="milliseconds"),
        "ended": run.ended,
        "entries": run.entries,
        "said": run.said,
        "parent": run.parent,
        **({"meta": dict(run.meta)} if run.meta else {}),
    }
