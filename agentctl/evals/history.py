"""Results that are kept: every evaluation leaves one in the project, and `last.json` is the newest.

Only the newest `KEPT` stay. They are for looking back at what just happened; what must last is written with `-o`. Their
figures stay: see `evals.remember`.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from agentctl.config.project import Project
from agentctl.config.unwritten import unwritten
from agentctl.evals.document import document
from agentctl.evals.files import write_pieces
from agentctl.evals.remember import remember
from agentctl.evals.result import Evaluation

KEPT: Final = 50
LAST: Final = "last.json"


def keep(project: Project, evaluation: Evaluation, exit_code: int) -> Path:
    """Puts the result with the others, and its figures into the history; returns its path.

    Raises:
        StoreError: it cannot be written.
    """
    folder = results_folder(project)
    names = "+".join(suite.suite for suite in evaluation.suites[:3]) or "none"
    path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{names}.json"
    write_pieces(path, document(evaluation, exit_code))
    try:
        _point(folder / LAST, path.name)
        for old in sorted(folder.glob("2*.json"))[:-KEPT]:
            old.unlink(missing_ok=True)
    except OSError as error:
        raise unwritten(folder, error) from None
    remember(project, evaluation, exit_code, path)
    return path


def results_folder(project: Project) -> Path:
    """Where they are kept."""
    return project.state / "results"


def _point(link: Path, name: str) -> None:
    scratch = link.with_name(f".{link.name}.{os.getpid()}.tmp")
    scratch.unlink(missing_ok=True)
    scratch.symlink_to(name)
    scratch.replace(link)
