"""What `agentctl eval` leaves: the files that were asked for, the kept result, and the page or the document."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator

from agentctl.cli.console import json_pieces, note, say, wants_color
from agentctl.cli.eval.flags import Writing
from agentctl.cli.eval.screen import Screen
from agentctl.cli.eval.table import lines_of
from agentctl.config.project import Project
from agentctl.errors import StoreError
from agentctl.evals.history import keep
from agentctl.evals.report import check_all, write_report
from agentctl.evals.report.json_ import render as indented
from agentctl.evals.report.told import Told, told_of
from agentctl.evals.result import Evaluation
from agentctl.observe.clean import clean

Lines = Callable[[int | None, bool], Iterator[str]]
"""Lines for a screen of that width, with colours or without."""


def check(writing: Writing) -> None:
    """Whether every report that was asked for can be made, before anything runs.

    Raises:
        UsageError: one cannot.
    """
    check_all(writing.output or [])


def write(
    project: Project, evaluation: Evaluation, code: int, writing: Writing, elapsed: float, more: Lines | None = None
) -> None:
    """Writes every file that was asked for, then the page or the document; a file that failed is told last.

    `more` is what the page says after its last line.

    Raises:
        StoreError: a file that was asked for could not be written.
    """
    unwritten: StoreError | None = None
    for path in writing.output or []:
        try:
            write_report(path, told_of(evaluation, code))
        except StoreError as error:
            unwritten = unwritten or error
    try:
        keep(project, evaluation, code)
    except StoreError as error:  # a checkout that is read only can be evaluated all the same
        note(clean(f"the result is not kept: {error}"))
    runner = os.environ.get("GITHUB_ACTIONS") == "true"
    if runner or writing.pr_comment is not None:
        unwritten = _github(project, told_of(evaluation, code), writing) or unwritten
    if writing.json:
        json_pieces(indented(told_of(evaluation, code)))
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        color = wants_color(sys.stdout)
        page = [*lines_of(evaluation, Screen(width, color), elapsed), *(more(width, color) if more else ())]
        say(_harmless("\n".join(page)) if runner else "\n".join(page))
    if unwritten is not None:
        raise unwritten


def _github(project: Project, told: Told, writing: Writing) -> StoreError | None:
    """The comment that was asked for and, under a runner, annotations and the summary; the error of the first."""
    from agentctl.cli.eval.github import comment, tell_runner  # noqa: PLC0415  most evaluations are read by a person

    tell_runner(project.root, told)
    return comment(writing.pr_comment, told)


def _harmless(page: str) -> str:
    from agentctl.cli.eval.github import harmless  # noqa: PLC0415

    return harmless(page)
