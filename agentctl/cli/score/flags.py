"""The flags of `agentctl score` that `agentctl eval` has not: what is scored, and by what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer


@dataclass(frozen=True, slots=True)
class Asked:
    """Traces, and what they are scored by."""

    traces: Annotated[
        list[str],
        typer.Argument(
            metavar="TRACE", help="Transcripts, recordings, results, folders of them, or ids of stored runs."
        ),
    ]
    suite: Annotated[
        str | None,
        typer.Option("-s", "--suite", metavar="SUITE", help="Score by its assertions, matching traces to its cases."),
    ] = None
    label: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="KEY=VALUE", help="What a trace must say of itself: reward=1, turns<=20."),
    ] = None
    case: Annotated[
        str | None, typer.Option("--case", metavar="ID", help="All of them are runs of this case of the suite.")
    ] = None
    cost: Annotated[
        str | None,
        typer.Option("--cost", metavar="KEY", help="Where traces tell what they cost in USD: info.agent_cost."),
    ] = None
    merge: Annotated[
        bool, typer.Option("--merge", help="Several files are one result, not one for each file and model.")
    ] = False
    with_runs: Annotated[
        bool, typer.Option("--with-runs", help="Results hold the runs of transcripts too, for pages and comparisons.")
    ] = False
