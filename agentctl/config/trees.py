"""Where documents are read from: the working tree, or a git revision of it. Both answer the same two questions.

Paths are relative to the project's root, with `/`. A revision is read with git's plumbing, by commit id, without a
shell and without touching the working tree; the Python behind tools is not there and so can not be run.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Protocol

from agentctl.config.document import Document
from agentctl.config.texts import shown
from agentctl.config.yamls import MAX_BYTES, load_yaml, read_yaml
from agentctl.errors import ConfigError, Problem, UsageError

PROMPTS: Final = "prompts"
GIT_SECONDS: Final = 60.0
GIT_SETTINGS: Final = {"GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
"""Reading a revision asks nobody and fetches nothing."""

IN_A_REPOSITORY: Final = "git revisions can be read only inside the project's git repository"


class Tree(Protocol):
    """A place that holds documents."""

    @property
    def revision(self) -> str | None:
        """The git revision; None for the working tree."""
        ...

    def files(self) -> dict[str, tuple[str, ...]]:
        """The names of the files right inside each folder of `prompts/`, both sorted."""
        ...

    def load(self, path: str) -> Document:
        """The document at `path`.

        Raises:
            ConfigError: it cannot be read, or is no YAML we take.
        """
        ...

    def python(self, folder: str, path: str) -> str:
        """The name of the Python file at `path` below `folder`: absolute in the working tree."""
        ...


@dataclass(frozen=True, slots=True)
class WorkingTree:
    """The files as they are now."""

    root: Path
    revision: None = None

    def files(self) -> dict[str, tuple[str, ...]]:
        """See `Tree.files`."""
        folders = sorted(entry for entry in _entries(self.root / PROMPTS) if entry.is_dir())
        return {
            folder.name: tuple(sorted(entry.name for entry in _entries(folder) if entry.is_file()))
            for folder in folders
        }

    def load(self, path: str) -> Document:
        """See `Tree.load`."""
        absolute = self.root / path
        return read_yaml(absolute, self.show(absolute))

    def python(self, folder: str, path: str) -> str:
        """See `Tree.python`."""
        return str((self.root / folder / path).resolve())

    def show(self, path: Path) -> str:
        """The name of a file in messages: as seen from the current directory where it is below it."""
        here = Path.cwd()
        return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


@dataclass(frozen=True)
class GitTree:
    """The files as a revision of the repository around `root` has them.

    Raises (on first use):
        UsageError: there is no git, no repository, or no such revision.
    """

    root: Path
    revision: str

    def files(self) -> dict[str, tuple[str, ...]]:
        """See `Tree.files`."""
        folders: dict[str, list[str]] = {}
        for path in sorted(self._sizes):
            _, _, inside = path.partition("/")
            folder, _, name = inside.partition("/")
            if name and "/" not in name:
                folders.setdefault(folder, []).append(name)
        return {folder: tuple(names) for folder, names in folders.items()}

    def load(self, path: str) -> Document:
        """See `Tree.load`."""
        file = f"{self.revision}:{path}"
        size = self._sizes.get(path)
        if size is None or size > MAX_BYTES:
            message = "there is no such file" if size is None else f"is larger than {MAX_BYTES:,} bytes"
            raise ConfigError([Problem(file, 0, 0, message)])
        return load_yaml(self._git("cat-file", "blob", f"{self._commit}:./{path}"), file)

    def python(self, folder: str, path: str) -> str:
        """See `Tree.python`."""
        return f"git:{self.revision}:{folder}/{path}"

    @cached_property
    def _commit(self) -> str:
        done = self._run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{self.revision}^{{commit}}")
        if done.returncode and not done.stderr:
            message = f"there is no git revision {shown(self.revision)} here"
            raise UsageError(message, hint="`git log` and `git branch -a` show what there is")
        return self._output(done).decode("ascii").strip()

    @cached_property
    def _sizes(self) -> dict[str, int]:
        """Every regular file below `prompts/`, by path, and its size in bytes."""
        listing = self._git("ls-tree", "-r", "-l", "-z", self._commit, "--", f"{PROMPTS}/").decode("utf-8", "replace")
        sizes = {}
        for line in filter(None, listing.split("\0")):
            about, _, path = line.partition("\t")
            mode, _, _, size = about.split()
            if mode.startswith("100"):  # neither a link nor a submodule
                sizes[path] = int(size)
        return sizes

    def _git(self, *arguments: str) -> bytes:
        return self._output(self._run(*arguments))

    def _output(self, done: subprocess.CompletedProcess[bytes]) -> bytes:
        if done.returncode:
            words = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["git failed"]
            raise UsageError(f"git: {words[0].removeprefix('fatal: ')}", hint=IN_A_REPOSITORY)
        return done.stdout

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = ["git", "-C", str(self.root), *arguments]
        environment = {**os.environ, **GIT_SETTINGS}
        try:
            return subprocess.run(command, capture_output=True, check=False, timeout=GIT_SECONDS, env=environment)  # noqa: S603
        except FileNotFoundError:
            raise UsageError("git is not installed, and a git revision was asked for", hint="install git") from None
        except subprocess.TimeoutExpired:
            raise UsageError(f"git {arguments[0]} did not end within {GIT_SECONDS:g} s") from None


def _entries(folder: Path) -> list[Path]:
    """What is in a folder and not hidden; nothing, when there is no such folder."""
    try:
        return [entry for entry in folder.iterdir() if not entry.name.startswith((".", "__"))]
    except (FileNotFoundError, NotADirectoryError):
        return []
