"""What the commands of `agentctl report` print and write."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from agentctl.cli.console import json_document
from agentctl.errors import StoreError
from agentctl.evals.report import write_report
from agentctl.evals.report.told import Told

ROOM: Final = 200_000
"""Bytes of the page: what did not pass, as far as it fits; a file has all of it."""

Files = Annotated[
    list[Path] | None,
    typer.Option("-o", "--output", metavar="FILE", help="Write a report, its format by its ending; repeatable."),
]


def tell(told: Told, files: Sequence[Path], *, as_json: bool, quiet: bool = False) -> None:
    """Writes the files, then prints the document, or the page unless it is to be quiet.

    Raises:
        StoreError: a file could not be written; the others were.
    """
    from agentctl.evals.report import markdown  # noqa: PLC0415  not for JSON

    unwritten: StoreError | None = None
    for path in files:
        try:
            write_report(path, told)
        except StoreError as error:
            unwritten = unwritten or error
    if as_json:
        json_document(told.document)
    elif not quiet:
        sys.stdout.flush()
        sys.stdout.buffer.write(markdown.within(told, ROOM))
    if unwritten is not None:
        raise unwritten
