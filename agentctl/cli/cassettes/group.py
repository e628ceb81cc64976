"""`agentctl cassettes`: what is done with recordings as files. Each command has a module of its own."""

from __future__ import annotations

from typing import Final

import typer

from agentctl.cli.lazy import PLAIN, group_of

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "status": ("agentctl.cli.cassettes.status:status", "Say which are fresh, stale (by what), missing or orphans."),
    "show": ("agentctl.cli.cassettes.show:show", "Show what a recording was made of, and what it holds."),
    "scan": ("agentctl.cli.cassettes.scan:scan", "Find keys, tokens and passwords in recordings."),
    "prune": ("agentctl.cli.cassettes.prune:prune", "Remove recordings and takes that nothing replays."),
    "migrate": ("agentctl.cli.cassettes.migrate:migrate", "Rewrite recordings of older versions in today's form."),
}
"""See `lazy.Table`."""

cassettes = typer.Typer(cls=group_of(COMMANDS), no_args_is_help=True, help="Look after recordings.", **PLAIN)


@cassettes.callback()
def group() -> None:
    """Look after recordings: ours, and anyone's."""
