"""A git revision as files of its own, somewhere else: the working tree and its index are not touched.

The files are written by git's plumbing from the commit, into a folder that is given; nothing is fetched and no hook
runs.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

from agentctl.config.project import Project
from agentctl.config.texts import shown
from agentctl.config.trees import GIT_SETTINGS, IN_A_REPOSITORY, PROMPTS
from agentctl.errors import UsageError

SECONDS: Final = 120.0
PARTS: Final = (PROMPTS, "evals", "cassettes", "agentctl.yaml")
"""What an evaluation reads of a project."""


def checked_out(project: Project, revision: str, folder: Path) -> Project:
    """The project as `revision` has it, with its files below `folder`, which is empty.

    Raises:
        UsageError: there is no git, no repository, no such revision, or nothing of a project in it.
    """
    commit = _commit(project.root, revision)
    prefix = _git(project.root, "rev-parse", "--show-prefix").decode().strip()
    index = {"GIT_INDEX_FILE": str(folder / ".index")}
    _git(project.root, "read-tree", commit, settings=index)
    names = _git(project.root, "ls-files", "-z", "--", *PARTS, settings=index)
    if not names:
        raise UsageError(f"git revision {shown(revision)} holds no project: neither {PROMPTS}/ nor evals/")
    place = f"--prefix={folder}/"
    _git(project.root, "checkout-index", "-z", "--stdin", place, settings=index, given=names)
    return Project(folder.resolve() / prefix)


def _commit(root: Path, revision: str) -> str:
    if not revision:
        raise UsageError("git: is no revision", hint="name one: git:origin/main, git:HEAD~1")
    done = _run(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if not done.returncode:
        return done.stdout.decode("ascii").strip()
    if done.stderr:
        raise UsageError(f"git: {_words(done)}", hint=IN_A_REPOSITORY)
    hint = "`git log` and `git branch -a` show what there is"
    if _git(root, "rev-parse", "--is-shallow-repository").strip() == b"true":
        hint = (
            "this clone is shallow: `git fetch --depth 1 origin main:refs/remotes/origin/main` gets a branch's newest"
        )
    raise UsageError(f"there is no git revision {shown(revision)} here", hint=hint)


def _git(root: Path, *arguments: str, settings: dict[str, str] | None = None, given: bytes = b"") -> bytes:
    done = _run(root, *arguments, settings=settings, given=given)
    if done.returncode:
        raise UsageError(f"git: {_words(done)}", hint=IN_A_REPOSITORY)
    return done.stdout


def _words(done: subprocess.CompletedProcess[bytes]) -> str:
    words = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["git failed"]
    return words[0].removeprefix("fatal: ")


def _run(
    root: Path, *arguments: str, settings: dict[str, str] | None = None, given: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    command = ["git", "-C", str(root), *arguments]
    environment = {**os.environ, **GIT_SETTINGS, **(settings or {})}
    try:
        return subprocess.run(  # noqa: S603
            command, input=given, capture_output=True, check=False, timeout=SECONDS, env=environment
        )
    except FileNotFoundError:
        raise UsageError("git is not installed, and a git revision was asked for", hint="install git") from None
    except subprocess.TimeoutExpired:
        raise UsageError(f"git {arguments[0]} did not end within {SECONDS:g} s") from None
