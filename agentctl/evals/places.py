"""Where the history of results lies in a project: in the database, and before that in files that wait for it."""

from __future__ import annotations

from pathlib import Path

from agentctl.config.project import Project


def database(project: Project) -> Path:
    """The file that also holds the runs."""
    return project.state / "agentctl.db"


def waiting(project: Project) -> Path:
    """The folder of figures that the database has not taken in; see `evals.remember`."""
    return project.state / "history"
