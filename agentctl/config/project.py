"""A project is a directory that holds `prompts/` or `evals/`; every path below it is named here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agentctl.config.trees import PROMPTS, GitTree, Tree, WorkingTree
from agentctl.errors import UsageError


@dataclass(frozen=True, slots=True)
class Project:
    """The project at `root`, an absolute path."""

    root: Path

    @classmethod
    def find(cls, start: Path) -> Project:
        """The project that `start` is in: the nearest directory, from there up, that looks like one.

        Raises:
            UsageError: there is none.
        """
        absolute = start.resolve()
        for folder in (absolute, *absolute.parents):
            if (folder / PROMPTS).is_dir() or _holds_suites(folder / "evals"):
                return cls(folder)
        raise UsageError(
            f"there is no project here: neither {absolute} nor a directory above it has {PROMPTS}/ or evals/",
            hint="`agentctl init DIR` lays down a small one; -C DIR starts in another directory",
        )

    @property
    def prompts(self) -> Path:
        """Agents and tools."""
        return self.root / PROMPTS

    @property
    def evals(self) -> Path:
        """Suites."""
        return self.root / "evals"

    @property
    def cassettes(self) -> Path:
        """Recordings, a folder for each suite."""
        return self.root / "cassettes"

    @property
    def state(self) -> Path:
        """What agentctl keeps: runs, results, workspaces. Not for version control."""
        return self.root / ".agentctl"

    def tree(self, revision: str | None = None) -> Tree:
        """Where documents are read from: the files as they are, or as a git revision has them."""
        return WorkingTree(self.root) if revision is None else GitTree(self.root, revision)

    def show(self, path: Path) -> str:
        """The name of a file in messages: as seen from the current directory where it is below it."""
        return WorkingTree(self.root).show(path)


def _holds_suites(folder: Path) -> bool:
    """Whether this is an `evals/` with suites in it, and not a Python package that happens to have the name."""
    return folder.is_dir() and (any(folder.glob("*.yaml")) or not any(folder.glob("*.py")))
