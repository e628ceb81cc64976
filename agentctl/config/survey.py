"""Every document of a project looked at as a whole: all that is wrong at once, and what is there for nothing.

A problem keeps something from running. A warning does not: tools that no agent uses, variables that no prompt has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from agentctl.config.check import check
from agentctl.config.document import Document
from agentctl.config.documents import AnyDocument
from agentctl.config.fit import fit_problems
from agentctl.config.load import Loaded, load_from
from agentctl.config.personas import persona_from
from agentctl.config.refs import is_name, version_key
from agentctl.config.render import names_in
from agentctl.config.rubrics import rubric_from
from agentctl.config.toolsets import load_toolset
from agentctl.config.trees import PROMPTS, WorkingTree
from agentctl.config.versions import Source, sources, version_of
from agentctl.errors import ConfigError, Problem

ALMOST: Final = re.compile(r"[vV]?\.?[0-9][^/]*\.ya?ml\Z")
"""File names that were meant for a version."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A document that was looked at."""

    file: str
    kind: str
    """`agent`, `tools`, `rubric`, `persona`, or empty when it does not say."""
    ref: str
    bundle: str = ""
    """An agent's or a rubric's digest; empty when it could not be loaded."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What was looked at and what was found, in the order of the documents."""

    documents: tuple[Seen, ...]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def survey(tree: WorkingTree, wanted: Callable[[str], bool] = lambda _path: True) -> Survey:
    """Looks at every document whose path from the project's root is `wanted`."""
    documents: list[Seen] = []
    problems: list[Problem] = list(_misnamed(tree, wanted))
    warnings: list[Problem] = []
    agents: list[Loaded] = []
    known = sources(tree)
    for source in known:
        if not wanted(source.path):
            continue
        try:
            seen, loaded, found = _look(source, tree)
        except ConfigError as error:
            problems += error.problems
            seen, loaded, found = Seen(_file(source, tree), "", source.ref), None, []
        documents.append(seen)
        problems += found
        if loaded is not None:
            agents.append(loaded)
            warnings += _unused_variables(loaded)
    if not problems and len(documents) == len(known):
        warnings += _unused_tools(documents, agents)
    return Survey(tuple(documents), tuple(dict.fromkeys(problems)), tuple(warnings))


def _look(source: Source, tree: WorkingTree) -> tuple[Seen, Loaded | None, list[Problem]]:
    document = tree.load(source.path)
    kind = _kind(document)
    seen = Seen(document.file, kind, source.ref)
    try:
        if kind == "tools":
            return seen, None, fit_problems(load_toolset(source, tree))
        if kind == "agent":
            loaded = load_from(source, tree)
            return Seen(document.file, kind, source.ref, loaded.agent.bundle), loaded, []
        if kind == "persona":
            return Seen(document.file, kind, source.ref, persona_from(source, tree).bundle), None, []
        if kind == "rubric":
            return Seen(document.file, kind, source.ref, rubric_from(source, tree).bundle), None, []
    except ConfigError as error:
        return seen, None, error.problems
    return seen, None, []


def _kind(document: Document) -> str:
    """The kind a document says it is; what extends an agent is one, even if it leaves that to the other.

    Raises:
        ConfigError: it does not say, or is no mapping.
    """
    if isinstance(document.value, dict) and "extends" in document.value and "kind" not in document.value:
        return "agent"
    return check(AnyDocument, document).kind


def _misnamed(tree: WorkingTree, wanted: Callable[[str], bool]) -> Iterator[Problem]:
    """Files that look like versions and are not read as such."""
    for folder, files in tree.files().items():
        for name in files:
            path = f"{PROMPTS}/{folder}/{name}"
            if not wanted(path):
                continue
            if version_of(name) is None and ALMOST.match(name):
                hint = "the file of a version is v<number>.yaml, as in v2.yaml or v1.2.yaml, without leading zeros"
                yield Problem(tree.show(tree.root / path), 0, 0, "is not read: it looks like a version", hint)
            elif version_of(name) is not None and not is_name(folder):
                hint = "a name is lower-case letters, digits, `.`, `_` and `-`"
                yield Problem(tree.show(tree.root / path), 0, 0, f"is not read: {folder} cannot be a name", hint)


def _file(source: Source, tree: WorkingTree) -> str:
    return tree.show(tree.root / source.path)


def _unused_variables(loaded: Loaded) -> Iterator[Problem]:
    """Variables the prompt does not ask for, where they are written (an inherited one is not this document's)."""
    for name in sorted(set(loaded.checked.vars) - names_in(loaded.checked.system)):
        problem = loaded.document.problem(("vars", name), f"the system prompt does not use `{name}`", on_key=True)
        if problem.file == loaded.document.file:
            yield problem


def _unused_tools(documents: Iterable[Seen], agents: Iterable[Loaded]) -> Iterator[Problem]:
    """Tools documents in no agent. A version older than one in use has had its time, and is kept for the record."""
    used: dict[str, str] = {}
    for toolset in (toolset for loaded in agents for toolset in loaded.toolsets):
        name, version = toolset.source.name, toolset.source.version
        used[name] = max(version, used.get(name, version), key=version_key)
    for seen in documents:
        name, _, version = seen.ref.partition("@")
        if seen.kind == "tools" and (name not in used or version_key(version) > version_key(used[name])):
            yield Problem(seen.file, 0, 0, f"{seen.ref} is in no agent", f"add it with `tools: {seen.ref}`")
