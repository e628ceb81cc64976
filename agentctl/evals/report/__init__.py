"""Reports: one function per format from an evaluation to bytes, chosen by a file's extension."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

import orjson

from agentctl.errors import UsageError
from agentctl.evals.files import write_whole
from agentctl.evals.result import Evaluation

Render: TypeAlias = Callable[[Evaluation, int], bytes]
"""The bytes of a report on an evaluation that exits with this code."""


def to_json(evaluation: Evaluation, exit_code: int) -> bytes:
    """The whole result as one indented JSON document."""
    return orjson.dumps(evaluation.to_json(exit_code), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


FORMATS: Final[dict[str, Render]] = {".json": to_json}
"""What a file name can end with."""


def format_of(path: Path) -> Render:
    """The format that `path` asks for by its name.

    Raises:
        UsageError: no format ends like that.
    """
    name = path.name.lower()
    for extension, render in sorted(FORMATS.items(), key=lambda item: -len(item[0])):
        if name.endswith(extension):
            return render
    raise UsageError(f"{path}: no report is written in this format", hint=f"end the name with {', '.join(FORMATS)}")


def write_report(path: Path, evaluation: Evaluation, exit_code: int) -> None:
    """Writes the report that `path` asks for by its name.

    Raises:
        UsageError: no format ends like that.
        StoreError: it cannot be written.
    """
    write_whole(path, format_of(path)(evaluation, exit_code))
