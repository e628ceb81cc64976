"""Which recorded cases a new definition makes stale: those that fit the old one and do not fit the new one.

A recording that did not fit the old definition either is nobody's news. Only what belongs to a definition is compared:
what a recording knows beyond it (the case's input) is the same on both sides.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from agentctl.agent.spec import Agent
from agentctl.cassette.file import read
from agentctl.cassette.staleness import changed
from agentctl.cassette.tape import Header
from agentctl.config.project import Project
from agentctl.config.refs import is_name
from agentctl.config.texts import shown
from agentctl.diffing.definitions import StaleCase, Staleness
from agentctl.errors import CassetteError, UsageError


def staleness(project: Project, old: Agent, new: Agent, suite: str | None = None) -> Staleness:
    """The project's recordings, seen from `new`.

    Raises:
        UsageError: there are no recordings of that suite.
    """
    if suite is not None and not (is_name(suite) and (project.cassettes / suite).is_dir()):
        hint = f"they are in {project.show(project.cassettes)}/"
        raise UsageError(f"there are no recordings of a suite {shown(suite)}", hint=hint)
    recordings, fresh, cases, unreadable = 0, 0, list[StaleCase](), list[str]()
    for path in sorted(_files(project, suite)):
        try:
            header = read(path).header
        except CassetteError as error:
            unreadable.append(f"{project.show(path)}: {str(error).removeprefix(f'{path}: ')}")
            continue
        if header is None:
            continue
        components = _changed(header, old, new)
        if not _fits(header, old, new):
            fresh += not components
            continue
        recordings += 1
        if components:
            cases.append(StaleCase(header.suite, header.case, components))
    return Staleness(recordings, fresh, tuple(cases), tuple(unreadable))


def _files(project: Project, suite: str | None) -> Iterator[Path]:
    folder = project.cassettes if suite is None else project.cassettes / suite
    return folder.rglob("*.yaml")


def _fits(header: Header, old: Agent, new: Agent) -> bool:
    """Whether it was recorded with the old definition, whatever that was called then."""
    return all(header.components.get(name) == old.components.get(name) for name in {*old.components, *new.components})


def _changed(header: Header, old: Agent, new: Agent) -> tuple[str, ...]:
    """The components by which the recording is stale for `new`, in the order in which changes are named."""
    beyond = {
        name: value
        for name, value in header.components.items()
        if name not in old.components and name not in new.components
    }
    return changed(header, {**beyond, **new.components})
