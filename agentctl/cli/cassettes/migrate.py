"""`agentctl cassettes migrate`: writes our recordings as this version would, whatever version wrote them.

Older headers are understood wherever recordings are read, so nothing depends on this; it spares later readers the
upgrade, and makes the next recording's difference in version control one of content and not of layout.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agentctl.cassette.file import read, serialise, write
from agentctl.cassette.hold import hold
from agentctl.cli import exits
from agentctl.cli.console import complain, json_document, say
from agentctl.config.project import Project
from agentctl.errors import CassetteError, NothingSelected, UsageError
from agentctl.observe.clean import clean


def migrate(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH", help="Files, folders; without one, the project's cassettes/.", show_default=False
        ),
    ] = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this it is only said.")] = False,
    json: Annotated[bool, typer.Option("--json", help="As one JSON document.")] = False,
) -> int:
    """Rewrite recordings of ours in today's form. Foreign ones are left alone.

    Exit codes: 0 done, 2 a recording cannot be read (it is left as it is), 5 no file.
    """
    files = _files(paths or [Project.find(Path.cwd()).cassettes])
    moved: list[Path] = []
    refused: list[CassetteError] = []
    for path in files:
        try:
            if _migrate(path, yes=yes):
                moved.append(path)
        except CassetteError as error:
            refused.append(error)
    if json:
        key = "migrated" if yes else "would_migrate"
        json_document(
            {"files": len(files), key: [str(path) for path in moved], "refused": [str(each) for each in refused]}
        )
    else:
        for path in moved:
            say(clean(f"{'migrated' if yes else 'would migrate'} {path}"))
        say(f"{len(files)} files, {len(moved)} {'migrated' if yes else 'to migrate'}")
    for each in refused:
        complain(str(each), hint=each.hint)
    return exits.USAGE if refused else exits.OK


def _files(paths: list[Path]) -> list[Path]:
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path}: there is no such file", hint="name recordings, or folders of them")
    files = [file for path in paths for file in (sorted(path.rglob("*.yaml")) if path.is_dir() else [path])]
    if not files:
        raise NothingSelected("there is no recording to migrate", hint="name files or folders")
    return files


def _migrate(path: Path, *, yes: bool) -> bool:
    """Whether the file is ours and not as this version writes it; with `yes` it is then."""
    cassette = read(path)
    if cassette.header is None or serialise(cassette) == path.read_bytes():
        return False
    if yes:
        with hold(path):
            write(path, cassette)
    return True
