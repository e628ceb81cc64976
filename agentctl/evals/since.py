"""Since when a recording is stale: the files that a component is made of, and the commit that touched them last.

A component is traced to its own files, not to the documents around it: the code behind a tool to its handler's file and
what that imports, an inherited prompt to the version that says it, what the user says to the suite. Git is asked once,
for all files of all components together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agentctl.agent.events import JsonObject
from agentctl.cassette.staleness import API
from agentctl.config.code import files as files_of_code
from agentctl.config.commits import Commit, last_commits
from agentctl.config.digest import HANDLER, SETUP
from agentctl.config.document import Place
from agentctl.config.load import Loaded, load_from
from agentctl.config.project import Project
from agentctl.config.refs import parse_ref
from agentctl.config.trees import PROMPTS
from agentctl.config.versions import locate
from agentctl.errors import AgentctlError
from agentctl.evals.plan import CASE_INPUT
from agentctl.evals.standing import APPROVAL, REDACTION, STATE_QUERY
from agentctl.evals.standings import STALE, Standing
from agentctl.evals.suite import suite_paths
from agentctl.evals.user.spec import GOAL, PERSONA

RUBRIC: Final = "rubric "
"""How the component begins that is what a judge goes by."""
OF_SUITE: Final = frozenset({CASE_INPUT, STATE_QUERY, APPROVAL, REDACTION, GOAL})
SAID_AT: Final[Mapping[str, tuple[str, ...]]] = {
    "system prompt": ("system", "vars"),
    "model": ("model",),
    "params": ("params", "cache"),
    "betas": ("betas",),
}
"""The keys of an agent's document that a component is made of."""


@dataclass(frozen=True, slots=True)
class Change:
    """What may have changed a component: files below the project's root; `commit` None: they are not committed."""

    component: str
    files: tuple[str, ...]
    commit: Commit | None

    def __str__(self) -> str:
        files = ", ".join(self.files)
        if self.commit is None:
            return f"{files} {'are' if len(self.files) > 1 else 'is'} not committed"
        return f"{files} since {self.commit.id} of {self.commit.day}"

    def to_json(self) -> JsonObject:
        """As `cassettes status --json` prints it."""
        commit = None if self.commit is None else self.commit.id
        day = None if self.commit is None else self.commit.day
        return {"component": self.component, "files": list(self.files), "commit": commit, "date": day}


def changes(project: Project, rows: Sequence[Standing]) -> dict[str, tuple[Change, ...]]:
    """For each stale recording, by its file: the last changes of its components, as far as git knows them."""
    stale = [row for row in rows if row.verdict == STALE]
    suites = {path.stem: path for path in suite_paths(project)} if stale else {}
    agents = {ref: _Sources(project, ref) for ref in dict.fromkeys(row.agent for row in stale)}
    keys = {(row.agent, row.suite, component) for row in stale for component in row.components}
    sources = {key: _files(suites, agents[key[0]], key[1], key[2]) for key in keys}
    commits = last_commits(project.root, {path for paths in sources.values() for path in paths})
    order = {path: number for number, path in enumerate(commits)}
    known = {key: _change(project, key[2], sorted(order.keys() & paths, key=order.__getitem__), commits)
             for key, paths in sources.items()}  # fmt: skip
    found: dict[str, tuple[Change, ...]] = {}
    for row in stale:
        told = [known[row.agent, row.suite, component] for component in row.components]
        found[row.file] = tuple(each for each in told if each is not None)
    return found


def _change(
    project: Project, component: str, paths: Sequence[Path], commits: Mapping[Path, Commit | None]
) -> Change | None:
    """The newest change of these files, which are in the order of their commits."""
    if not paths:
        return None
    newest = commits[paths[0]]
    files = tuple(path.relative_to(project.root).as_posix() for path in paths if commits[path] == newest)
    return Change(component, files, newest)


def _files(suites: Mapping[str, Path], agent: _Sources, suite: str, component: str) -> set[Path]:
    if component == PERSONA:  # which one it was, a recording does not say
        return set()
    if component not in OF_SUITE:
        return set(agent.of(component))
    return {suites[suite]} if suite in suites else set()


class _Sources:
    """The files behind the components of one agent; none, when it cannot be loaded or is of a git revision."""

    def __init__(self, project: Project, ref: str) -> None:
        self._root, self._ref = project.root, ref
        self._loaded: Loaded | None = None
        try:
            parsed = parse_ref(ref)
            if parsed.revision is None:
                tree = project.tree()
                self._loaded = load_from(locate(parsed, tree), tree)
        except AgentctlError:
            return

    def of(self, component: str) -> Iterator[Path]:
        """The files that say this component."""
        loaded = self._loaded
        if component.startswith(RUBRIC):
            name, _, version = self._ref.partition("@")
            yield self._root / PROMPTS / name / f"v{version}.yaml"
            return
        if loaded is None or component == API:
            return
        if component == SETUP or component.startswith(HANDLER):
            yield from self._code(loaded, component)
        elif component in SAID_AT:
            yield from _said(loaded.document.place, SAID_AT[component])
        else:
            yield from self._tools(loaded, component.removeprefix("tool "))

    def _code(self, loaded: Loaded, component: str) -> Iterator[Path]:
        """The Python of the component; without any, the documents that do not name it any more."""
        tool = loaded.agent.tool(component.removeprefix(HANDLER))
        spec = loaded.agent.setup if component == SETUP else None if tool is None else tool.handler
        if spec is None:
            yield from self._tools(loaded, "")
        else:
            yield from files_of_code(spec)

    def _tools(self, loaded: Loaded, name: str) -> Iterator[Path]:
        """The document of the tool `name`; of one that is not there, and of their order, every document with tools."""
        owners = [each for each in loaded.toolsets if any(tool.name == name for tool in each.tools)]
        if not owners:
            yield from _said(loaded.document.place, ("tools",))
        yield from (self._root / each.source.path for each in owners or loaded.toolsets)


def _said(place: Place, keys: Sequence[str]) -> Iterator[Path]:
    """The files in which a document says these keys; where it says none of them, all that it is made of."""
    children = place.children or {}
    for key in [key for key in keys if key in children] or list(children):
        yield from (Path.cwd() / file for file in _files_in(children[key]))


def _files_in(place: Place) -> set[str]:
    parts = list(place.children.values() if isinstance(place.children, dict) else place.children or ())
    return {place.file} if not parts else set().union(*map(_files_in, parts))
