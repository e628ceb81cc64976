"""A released version never changes: what a git revision holds must say the same here, key by key.

Content is compared, not text: comments, layout and the order of keys may change. A version that could not be read in
the revision was never usable and is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agentctl.config.canonical import canonical
from agentctl.config.document import Document
from agentctl.config.load import load_from
from agentctl.config.project import Project
from agentctl.config.trees import Tree
from agentctl.config.versions import Source, sources
from agentctl.errors import ConfigError, Problem

Path = tuple[str | int, ...]
NEXT = "write the change as the next version, and restore this one"


def released_problems(project: Project, revision: str) -> list[Problem]:
    """What differs from a version that is in the revision.

    Raises:
        UsageError: there is no such revision, or no git repository.
    """
    then, now = project.tree(revision), project.tree()
    here = set(sources(now))
    problems: list[Problem] = []
    same: list[tuple[Source, Document]] = []
    for source in sources(then):
        try:
            old = then.load(source.path)
        except ConfigError:
            continue
        if source not in here:
            file = project.show(project.root / source.path)
            message = f"{source.ref} was released in git:{revision} and is gone"
            problems.append(Problem(file, 0, 0, message, f"restore it: git checkout {revision} -- {source.path}"))
            continue
        try:
            new = now.load(source.path)
        except ConfigError as error:
            problems += error.problems
            continue
        changed = list(_differences(old.value, new.value))
        problems += [_problem(new, path, source, revision, _name(path, new.value)) for path in changed]
        if not changed:
            same.append((source, new))
    if problems:  # what refers to a changed document has changed with it, and is no finding of its own
        return problems
    return [problem for source, new in same for problem in _resolved(source, new, then, now, revision)]


def _problem(document: Document, path: Path, source: Source, revision: str, what: str, hint: str = NEXT) -> Problem:
    return document.problem(path, f"{source.ref} was released in git:{revision} with another {what}", hint=hint)


def _resolved(source: Source, new: Document, then: Tree, now: Tree, revision: str) -> Iterator[Problem]:
    """What differs although the documents are the same: what is referred to without a version."""
    try:
        old_parts, parts = (load_from(source, tree).agent.components for tree in (then, now))
    except ConfigError:  # tools refer to nothing; an agent that is wrong is a finding elsewhere
        return
    hint = "refer to tools and agents by version (name@1) where a version is to stay as it is"
    for name in sorted({*old_parts, *parts}):
        if old_parts.get(name) != parts.get(name):
            yield _problem(new, (), source, revision, name, hint)


def _differences(old: Any, new: Any) -> Iterator[Path]:
    """Paths of what is not the same: keys of the document, and single tools in a list of them."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        if canonical(old) != canonical(new):
            yield ()
        return
    for key in dict.fromkeys((*new, *old)):
        if key in old and key in new and canonical(old[key]) == canonical(new[key]):
            continue
        places = list(_tools(old.get(key), new.get(key))) if key == "tools" else []
        yield from places or [(key,)]


def _tools(old: Any, new: Any) -> Iterator[Path]:
    """The tools that are another or new here; nothing, when it is their order that changed, or one is gone."""
    before = {tool.get("name"): tool for tool in old or () if isinstance(tool, dict)} if isinstance(old, list) else {}
    for index, tool in enumerate(new if isinstance(new, list) else ()):
        if isinstance(tool, dict) and canonical(before.get(tool.get("name"))) != canonical(tool):
            yield ("tools", index)


def _name(path: Path, value: Any) -> str:
    if len(path) > 1:
        return f"tool {value['tools'][path[1]].get('name')}"
    return f"`{path[0]}`" if path else "content"
