"""Which commit touched a file last, asked of git once for all files together.

Git is asked about files only, reads nothing of their content, and where it has no answer (there is no git, no
repository, the file is ignored) there is none: nothing here fails.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Final

from agentctl.config.trees import GIT_SETTINGS

SECONDS: Final = 10.0
"""How long git may take; what it has not said by then is not known."""
MARK: Final = "\x01"
"""Begins the line of a commit in git's answer."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit, by its short name and its day."""

    id: str
    day: str


def last_commits(root: Path, files: Collection[Path]) -> dict[Path, Commit | None]:
    """The commit that touched each of these files last, newest first; before them those that are not committed: None.

    Files that git knows nothing of, and those outside `root`, are left out.
    """
    places = {path.relative_to(root).as_posix(): path for path in files if path.is_relative_to(root)}
    if not places:
        return {}
    found: dict[Path, Commit | None] = {}
    for name in _uncommitted(root, places):
        if name in places:
            found[places[name]] = None
    for name, commit in _history(root, {name for name, path in places.items() if path not in found}):
        found[places[name]] = commit
    return found


def _uncommitted(root: Path, places: Collection[str]) -> Iterator[str]:
    """Those of the places that are not as the last commit has them."""
    prefix = _git(root, "rev-parse", "--show-prefix").strip()
    entries = iter(_git(root, "status", "--porcelain", "--untracked-files=all", "-z", "--", *places).split("\0"))
    for entry in entries:
        if entry[:1] in {"R", "C"}:
            next(entries, None)  # where it came from
        yield entry[3:].removeprefix(prefix)


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(_command(root, *arguments), capture_output=True, timeout=SECONDS, env=_environment())  # noqa: S603, PLW1510
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return "" if done.returncode else done.stdout.decode("utf-8", "replace")


def _history(root: Path, wanted: set[str]) -> Iterator[tuple[str, Commit]]:
    """Each wanted file with its last commit, newest first; git is stopped when all are found."""
    if not wanted:
        return
    format_ = f"--format={MARK}%h %cs"
    command = _command(root, "log", format_, "--name-only", "--relative", "--no-renames", "--", *sorted(wanted))
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_environment())  # noqa: S603
    except OSError:
        return
    timer = Timer(SECONDS, process.kill)
    timer.start()
    with process:
        assert process.stdout is not None
        commit = Commit("", "")
        for raw in process.stdout:
            line = raw.decode("utf-8", "replace").rstrip("\n")
            if line.startswith(MARK):
                commit = Commit(*line.removeprefix(MARK).split(" ", 1))
            elif line in wanted:
                wanted = wanted - {line}
                yield line, commit
                if not wanted:
                    break
        process.kill()
        timer.cancel()


def _command(root: Path, *arguments: str) -> list[str]:
    return ["git", "-C", str(root), "-c", "core.quotePath=false", *arguments]


def _environment() -> dict[str, str]:
    return {**os.environ, **GIT_SETTINGS}
