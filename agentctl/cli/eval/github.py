"""What GitHub shows of an evaluation: annotations at the cases, a summary of the step, a comment on a pull request.

Annotations are workflow commands on standard error, which a runner reads like standard output. What a model says can
hold such commands too, so under a runner no line of the page begins like one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from agentctl.agent.events import JsonObject
from agentctl.cli.console import note
from agentctl.config.unwritten import unwritten
from agentctl.errors import StoreError
from agentctl.evals.files import write_whole
from agentctl.evals.report import markdown, rows
from agentctl.evals.report.told import Told
from agentctl.observe.clean import clean

MOST: Final = 50
"""Annotations of one run that GitHub keeps."""
SUMMARY: Final = 1 << 20
"""Bytes of one step's summary."""
COMMENT: Final = 65_536
"""Characters of a comment; counted here as bytes, which are never fewer."""
MESSAGE: Final = 1_000
"""Characters of one annotation: GitHub shows the first lines."""
LEVELS: Final = {"fail": "error", "error": "error"}
"""Others are warnings: no verdict on the agent."""

COMMAND: Final = re.compile(r"^(\s*)::|##\[", re.MULTILINE)


def in_actions() -> bool:
    """Whether a GitHub runner reads the output."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def harmless(text: str) -> str:
    """`text` without anything that a runner would take for a command."""
    return COMMAND.sub(lambda found: f"{found[1] or ''}{found[0].strip()[0]}\u200b{found[0].strip()[1:]}", text)


def tell_runner(root: Path, told: Told) -> None:
    """Where a runner reads: annotations on standard error, and the step's summary. A failure to write it is said."""
    if not in_actions():
        return
    for line in commands(root, told):
        note(line)
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    try:
        with Path(path).open("ab") as file:
            room = SUMMARY - file.tell() - 1
            if room > 0:
                file.write(markdown.within(told, room) + b"\n")
    except OSError as error:
        note(clean(f"the step has no summary: {unwritten(Path(path), error)}"))


def commands(root: Path, told: Told) -> Iterator[str]:
    """A workflow command for each case that did not pass, at its line in the suite; the first `MOST`."""
    unsound = ((suite, case) for suite, case in told.cases() if not rows.is_sound(case))
    for number, (suite, case) in enumerate(unsound, start=1):
        if number > MOST:
            return
        shielded = case["id"] in (suite.get("statistics") or {}).get("quarantined", [])
        level = "warning" if shielded else LEVELS.get(case["status"], "warning")
        place = f"file={_property(_in_repository(root, suite['file']))}"
        place += f",line={case['line']}" if case.get("line") else ""
        title = f"{case['status']}: {suite['suite']}/{rows.name_of(case)}"
        message = clean("\n".join(rows.why(case)))[:MESSAGE] or case["status"]
        yield f"::{level} {place},title={_property(title)}::{_data(message)}"


def write_comment(path: Path, told: Told) -> None:
    """A comment with a mark by which the next run finds it again and replaces it.

    Raises:
        StoreError: it cannot be written.
    """
    mark = f"{mark_of(told.head)}\n".encode()
    write_whole(path, mark + markdown.within(told, COMMENT - len(mark)))


def mark_of(head: JsonObject) -> str:
    """A comment of HTML that readers do not see: the same for the same suites, whatever came of them."""
    names = "+".join(dict.fromkeys(re.sub(r"[^\w.-]", "_", suite["suite"]) for suite in head["suites"]))
    return f"<!-- agentctl-eval {names[:200]} -->"


def comment(path: Path | None, told: Told) -> StoreError | None:
    """Writes the comment that was asked for; the error, when that cannot be."""
    if path is None:
        return None
    try:
        write_comment(path, told)
    except StoreError as error:
        return error
    return None


def _in_repository(project: Path, file: str) -> str:
    """The path of a suite from the root of the checkout, which annotations want."""
    whole, root = (project / file).resolve(), os.environ.get("GITHUB_WORKSPACE")
    if root and whole.is_relative_to(Path(root).resolve()):
        return whole.relative_to(Path(root).resolve()).as_posix()
    return file


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(clean(text)).replace(":", "%3A").replace(",", "%2C")
