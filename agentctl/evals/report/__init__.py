"""Reports: one module per format, chosen by how a file's name ends, made from the result's document and nothing else.

A report made from a result that was read back is therefore the one that its evaluation would have written. Cases are
told one at a time, so that a format that writes them one at a time never holds them all. A format's module is loaded
when a file asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Final, TypeAlias

from agentctl.errors import UsageError
from agentctl.evals.files import write_pieces
from agentctl.evals.report.told import Told

Render: TypeAlias = Callable[[Told], Iterable[bytes]]
"""The bytes of a report, in pieces."""

FORMATS: Final = {
    ".json": "agentctl.evals.report.json_",
    ".jsonl": "agentctl.evals.report.jsonl",
    ".csv": "agentctl.evals.report.csv_",
    ".md": "agentctl.evals.report.markdown",
    ".junit.xml": "agentctl.evals.report.junit",
    ".html": "agentctl.evals.report.html",
}
"""What a file name can end with, and the module whose `render` (a `Render`) writes such files."""


def format_of(path: Path) -> str:
    """The module of the format that `path` asks for by its name.

    Raises:
        UsageError: no format ends like that.
    """
    name = path.name.lower()
    for extension, module in sorted(FORMATS.items(), key=lambda item: -len(item[0])):
        if name.endswith(extension):
            return module
    raise UsageError(f"{path}: no report is written in this format", hint=f"end the name with {', '.join(FORMATS)}")


def check_all(paths: Iterable[Path]) -> None:
    """Whether each of these reports can be made, before anything runs.

    Raises:
        UsageError: one has an ending that no format has, or is asked for twice.
    """
    seen: set[Path] = set()
    for path in paths:
        format_of(path)
        if path.absolute() in seen:
            raise UsageError(f"{path} is asked for twice", hint="each -o takes a file of its own")
        seen.add(path.absolute())


def render_of(path: Path) -> Render:
    """What writes the format that `path` asks for by its name.

    Raises:
        UsageError: no format ends like that.
    """
    render: Render = import_module(format_of(path)).render
    return render


def write_report(path: Path, told: Told) -> None:
    """Writes the report that `path` asks for by its name.

    Raises:
        UsageError: no format ends like that.
        StoreError: it cannot be written.
    """
    write_pieces(path, render_of(path)(told))
