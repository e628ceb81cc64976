"""`agentctl report`: what is done with results as files. Whoever names no command wants one written."""

from __future__ import annotations

from typing import Final

import typer

from agentctl.cli.lazy import PLAIN, group_of

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "merge": ("agentctl.cli.report.merge:merge", "Put the results of all shards together, and judge the whole."),
    "write": ("agentctl.cli.report.write:write", "Write a report of one result, or a page that compares several."),
}
"""See `lazy.Table`."""
HELP: Final = "Make reports of results: `agentctl report RESULT.json... -o report.html` writes one."

report = typer.Typer(cls=group_of(COMMANDS, unnamed="write"), no_args_is_help=True, help=HELP, **PLAIN)


@report.callback()
def group() -> None:
    """Make reports of results."""
