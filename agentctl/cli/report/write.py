"""`agentctl report RESULT.json... -o FILE`: the report that the evaluation would have written, or several on one page.

Nothing is run and nothing is asked: everything a report says stands in the result.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from agentctl.cli import exits
from agentctl.cli.console import note
from agentctl.config.project import Project
from agentctl.errors import UsageError
from agentctl.evals.files import write_whole
from agentctl.evals.history import LAST
from agentctl.evals.report import format_of, write_report
from agentctl.evals.report.told import told
from agentctl.evals.result import read_result
from agentctl.observe.clean import clean

PAGE: Final = ".html"

Results = Annotated[
    list[Path] | None,
    typer.Argument(metavar="RESULT", help="Files of `agentctl eval -o FILE.json`; without one, the last evaluation."),
]
Reports = Annotated[
    list[Path],
    typer.Option("-o", "--output", metavar="FILE", help="What to write: .html compares; others take one result."),
]


def write(results: Results = None, *, output: Reports) -> int:
    """Write reports of a result, their formats by their endings; of several results, one page that compares them.

    The first result is what the others are compared with.

    Exit codes: 0 written, 2 a result cannot be read, or a format cannot hold several.
    """
    files = results or [_last()]
    for path in output:
        format_of(path)
        if len(files) > 1 and not path.name.lower().endswith(PAGE):
            raise UsageError(f"{path}: this format holds one result", hint="several are compared in a file.html")
    documents = [read_result(path) for path in files]
    for path in output:
        if len(documents) == 1:
            write_report(path, told(documents[0]))
        else:
            from agentctl.diffing.page import compared_page  # noqa: PLC0415  one result compares nothing
            from agentctl.evals.report.html.data import Side  # noqa: PLC0415

            sides = [Side(document, str(file)) for document, file in zip(documents, files, strict=True)]
            write_whole(path, compared_page(sides))
        note(clean(f"{path} written"))
    return exits.OK


def _last() -> Path:
    """The result that the last evaluation here left behind.

    Raises:
        UsageError: there is none.
    """
    project = Project.find(Path.cwd())
    path = project.state / "results" / LAST
    if not path.exists():
        raise UsageError("nothing has been evaluated here yet", hint="run `agentctl eval`, or name a result")
    return path
