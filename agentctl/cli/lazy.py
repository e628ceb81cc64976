"""Groups that import a command's module only when that command runs; help lists the commands without one of them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command

from agentctl.cli import signals

PLAIN: Final[dict[str, Any]] = {"add_completion": False, "rich_markup_mode": None, "pretty_exceptions_enable": False}

Table = Mapping[str, tuple[str, str]]
"""Name -> (module:name, one line of help). A function becomes a command, a Typer app a group."""


def group_of(table: Table, unnamed: str = "") -> type[TyperGroup]:
    """A group whose commands are looked up in the table and imported on first use.

    `unnamed` is the command that is meant where the first argument names none: `report FILE` is `report write FILE`.
    """

    class LazyGroup(TyperGroup):
        """The commands of the table, in its order."""

        def list_commands(self, ctx: Any) -> list[str]:
            """Every name."""
            return list(table)

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            """The command of that name, imported now; None when there is none."""
            return load(cmd_name, table[cmd_name][0]) if cmd_name in table else None

        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            """Puts the unnamed command in where none is named."""
            named = not unnamed or not args or args[0] in {*table, *ctx.help_option_names}
            rest: list[str] = super().parse_args(ctx, args if named else [unnamed, *args])
            return rest

        def format_commands(self, ctx: Any, formatter: Any) -> None:
            """The list in `--help`, from the table alone."""
            with formatter.section("Commands"):
                formatter.write_dl([(name, summary) for name, (_, summary) in table.items()])

    return LazyGroup


def load(name: str, place: str) -> Any:
    """Imports `module:name` and hands back what typer runs."""
    module, _, attribute = place.partition(":")
    target = getattr(importlib.import_module(module), attribute)
    signals.unwinding()  # from here on there may be something to close
    if isinstance(target, typer.Typer):
        return get_command(target)
    app = typer.Typer(**PLAIN)
    app.command(name)(target)
    return get_command(app)
