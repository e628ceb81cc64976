"""`agentctl cassettes prune`: removes recordings and takes that nothing replays, and nothing else.

What is stale, missing or damaged stays: somebody may still want to look at it, and recording again replaces it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agentctl.agent.values import replace
from agentctl.cassette.file import partial_of, read, write
from agentctl.cassette.hold import hold
from agentctl.cassette.tape import Cassette, Take
from agentctl.cli import exits
from agentctl.cli.console import json_document, say
from agentctl.config.project import Project
from agentctl.errors import UsageError
from agentctl.evals.standings import ORPHAN, Standing, standings
from agentctl.observe.clean import clean


def prune(
    suites: Annotated[
        list[str] | None, typer.Argument(metavar="SUITE", help="Names in evals/; without one, all.", show_default=False)
    ] = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this it is only said.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what --yes would remove: the default.")] = False,
    json: Annotated[bool, typer.Option("--json", help="As one JSON document.")] = False,
) -> int:
    """Remove recordings of cases that are no more, and takes beyond what their cases repeat.

    Nothing is removed without --yes. Version control has what was removed.
    """
    if yes and dry_run:
        raise UsageError("--yes removes and --dry-run does not", hint="leave one of them out")
    rows = [
        row
        for row in standings(Project.find(Path.cwd()), suites or [])
        if row.verdict == ORPHAN or row.unused_takes or row.left_over
    ]
    if yes:
        for row in rows:
            _prune(row)
    if json:
        json_document({"pruned" if yes else "would_prune": [row.to_json() for row in rows]})
        return exits.OK
    for row in rows:
        say(clean(f"{'removed' if yes else 'would remove'} {_what(row)}"))
    if not rows:
        say("there is nothing to remove")
    elif not yes:
        say("--yes removes this")
    return exits.OK


def _what(row: Standing) -> str:
    if row.verdict == ORPHAN and row.judge:
        return f"{row.file}: no case asks {row.agent} for this verdict"
    if row.verdict == ORPHAN:
        return f"{row.file}: there is no case {row.suite}/{row.case}"
    first, last = row.wanted + 1, row.takes
    what = "vote" if row.judge else "take"
    takes = f"{what}{'s' * (last > first)} {first}{f' to {last}' if last > first else ''} of {row.file}"
    begun = f"{row.file}.partial: the recording beside it is whole"
    return " and ".join([takes] * bool(row.unused_takes) + [begun] * row.left_over)


def _prune(row: Standing) -> None:
    with hold(row.path):
        if row.left_over:
            partial_of(row.path).unlink(missing_ok=True)
        if row.verdict == ORPHAN:
            row.path.unlink(missing_ok=True)
        elif row.unused_takes:
            write(row.path, first_takes(read(row.path), row.wanted))


def first_takes(cassette: Cassette, count: int) -> Cassette:
    """The recording with its first `count` takes, and of its interactions those that they need."""
    assert cassette.header is not None
    kept = cassette.header.takes[:count]
    needed = sorted({index for take in kept for index in (*take.interactions, *take.user)})
    moved = {old: new for new, old in enumerate(needed)}
    takes = tuple(_renumbered(take, moved) for take in kept)
    interactions = tuple(cassette.interactions[index] for index in needed)
    return replace(cassette, interactions=interactions, header=replace(cassette.header, takes=takes))


def _renumbered(take: Take, moved: dict[int, int]) -> Take:
    breaks = tuple(replace(each, interaction=moved[each.interaction]) for each in take.breaks)
    mine, user = (tuple(moved[index] for index in indexes) for indexes in (take.interactions, take.user))
    return replace(take, interactions=mine, user=user, breaks=breaks)
