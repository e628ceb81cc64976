"""Flags in groups: typer sees one flat command, the command gets whole values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from agentctl.cli.flags import grouped
from support.desk import agentctl


@dataclass(frozen=True)
class Colour:
    """A group."""

    red: Annotated[int, typer.Option("-r", "--red", min=0)]
    names: Annotated[list[str] | None, typer.Option("--name")] = None


@dataclass(frozen=True)
class Size:
    """Another group."""

    where: Annotated[list[str] | None, typer.Argument()] = None
    wide: Annotated[bool, typer.Option("--wide")] = False


def test_a_command_gets_its_groups_whole() -> None:
    """Options, repeated options, arguments and flags arrive in the group that declares them."""
    seen: list[object] = []

    @grouped
    def paint(colour: Colour, size: Size, *, loud: Annotated[bool, typer.Option("--loud")] = False) -> None:
        seen.append((colour, size, loud))

    app = typer.Typer(add_completion=False)
    app.command()(paint)
    app(["here", "there", "-r", "3", "--name", "a", "--name", "b", "--wide"], standalone_mode=False)
    assert seen == [(Colour(3, ["a", "b"]), Size(["here", "there"], wide=True), False)]
    app(["-r", "0", "--loud"], standalone_mode=False)
    assert seen[1] == (Colour(0, None), Size(None, wide=False), True)


def test_init_says_a_folder_of_control_characters_in_pictures(tmp_path: Path) -> None:
    """What it prints is to be looked at and pasted; a name with a space in it is quoted."""
    done = agentctl(tmp_path, "init", "a \x1b[2Jb")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "cd 'a ␛[2Jb'" in done.stderr
