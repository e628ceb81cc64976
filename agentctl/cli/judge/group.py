"""`agentctl judge`: what is done with judges themselves. Each command has a module of its own."""

from __future__ import annotations

from typing import Final

import typer

from agentctl.cli.lazy import PLAIN, group_of

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "check": ("agentctl.cli.judge.check:check", "Measure a judge against people: agreement, kappa, confusions."),
}
"""See `lazy.Table`."""

judge = typer.Typer(cls=group_of(COMMANDS), no_args_is_help=True, help="Look after judges.", **PLAIN)


@judge.callback()
def group() -> None:
    """Look after judges: how far they agree with people."""
