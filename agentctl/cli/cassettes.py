"""`agentctl cassettes`: what is done with recordings as files. Each command has a module of its own."""

from __future__ import annotations

import typer

from agentctl.cli.cassettes_scan import scan

cassettes = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Look after recordings.",
)


@cassettes.callback()
def group() -> None:
    """Look after recordings: ours, and anyone's."""


cassettes.command("scan")(scan)
