"""Which recorded cases a new definition makes stale: those that fit the old one and do not fit the new one.

A recording that did not fit the old definition either is nobody's news. Only what belongs to a definition is compared:
what a recording knows beyond it (the case's input) is the same on both sides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agentctl.agent.events import ModelReplied
from agentctl.agent.spec import Agent
from agentctl.cassette.file import read
from agentctl.cassette.staleness import changed
from agentctl.cassette.tape import Header
from agentctl.config.project import Project
from agentctl.config.refs import is_name
from agentctl.config.texts import shown
from agentctl.diffing.definitions import StaleCase, Staleness
from agentctl.diffing.prefix import Recorded, recorded_of
from agentctl.errors import CassetteError, UsageError
from agentctl.evals.again import recorded_replies, taken_by
from agentctl.evals.prices import Prices
from agentctl.evals.suite import SUFFIX


@dataclass(frozen=True, slots=True)
class Seen:
    """The project's recordings, seen from a new definition; and the replies in those of each, run by run."""

    staleness: Staleness
    runs: tuple[list[list[ModelReplied]], list[list[ModelReplied]]]

    @property
    def recorded(self) -> tuple[Recorded | None, Recorded | None]:
        """What they say of each definition's prefix in the prompt cache."""
        return recorded_of(self.runs[0]), recorded_of(self.runs[1])


def seen_from(project: Project, old: Agent, new: Agent, suite: str | None = None, prices: Prices | None = None) -> Seen:
    """The project's recordings, seen from `new`; with `prices`, what recording the stale ones again costs.

    Raises:
        UsageError: there are no recordings of that suite.
    """
    if suite is not None and not (is_name(suite) and _is_known(project, suite)):
        hint = f"they are in {project.show(project.cassettes)}/"
        raise UsageError(f"there are no recordings of a suite {shown(suite)}", hint=hint)
    recordings, fresh, cases, unreadable = 0, 0, list[StaleCase](), list[str]()
    stale, runs = list[ModelReplied](), (list[list[ModelReplied]](), list[list[ModelReplied]]())
    for path in sorted(_files(project, suite)):
        try:
            cassette = read(path)
        except CassetteError as error:
            unreadable.append(f"{project.show(path)}: {str(error).removeprefix(f'{path}: ')}")
            continue
        header = cassette.header
        if header is None:
            continue
        components, fits = _changed(header, old, new), _fits(header, old, new)
        fresh += not components and not fits
        recordings += fits
        takes = cassette.takes if fits or not components else ()
        made = [recorded_replies(cassette, take.interactions) for take in takes]
        runs[0].extend(made if fits else ())
        runs[1].extend(() if components else made)
        if components and fits:
            cases.append(StaleCase(header.suite, header.case, components))
            stale += [reply for take in made for reply in take]
    again = taken_by(stale, new.model, new.provider.name, prices) if stale else None
    return Seen(Staleness(recordings, fresh, tuple(cases), tuple(unreadable), again), runs)


def _is_known(project: Project, suite: str) -> bool:
    return (project.cassettes / suite).is_dir() or (project.evals / f"{suite}{SUFFIX}").is_file()


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
