"""The code behind tools, as digests: what a recorded tool result depends on beside the call.

A tool's code is the file of its handler without the other handlers in it that it does not use, and every file below its
folder that it imports, directly or not: a change in a helper that two tools share is a change of both, a change in one
tool is nobody else's. The same holds for the `setup` that fills the workspace. What counts of a file is its syntax tree
without documentation: comments, layout, quotes and docstrings change nothing. Nothing is imported or run; installed
packages, and data that the code reads, are not looked into.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from agentctl.agent.spec import Agent
from agentctl.config.digest import HANDLER, SETUP

SILENT: Final = frozenset({"ctx", "kind", "type_comment", "type_ignores"})
"""Fields of the syntax tree that say nothing of what the code does. Empty ones do not count either, so that a version
of Python that has more of them finds the same digest."""

IMPORTS: Final = (ast.Import, ast.ImportFrom)


def code(agent: Agent) -> dict[str, str]:
    """The digest of each tool's code by `handler NAME`, and of the workspace's by `setup`.

    An agent of a git revision has none: its Python is not there. Code that cannot be read or parsed has one of its own.
    """
    wanted = {HANDLER + tool.name: tool.handler for tool in agent.tools if tool.handler is not None}
    wanted |= {SETUP: agent.setup} if agent.setup is not None else {}
    places = {name: _place(spec) for name, spec in wanted.items()}
    named: dict[Path, set[str]] = {}
    for file, function in places.values():
        named.setdefault(file, set()).add(function)
    folders = {file: _reached(file) for file in named if file.is_absolute()}
    found = {
        name: _digest(folders[file], file, function, named[file])
        for name, (file, function) in places.items()
        if file in folders
    }
    if agent.setup is None and agent.source is not None:
        found[SETUP] = _hash("")
    return found


def files(spec: str) -> tuple[Path, ...]:
    """The file of `/absolute/file.py:function`, and those below its folder that it imports."""
    file, _ = _place(spec)
    return tuple(_reached(file))


def _place(spec: str) -> tuple[Path, str]:
    file, _, function = spec.rpartition(":")
    return Path(file), function


@dataclass(frozen=True, slots=True)
class _Part:
    """One statement at the top of a file."""

    defines: str
    """The function that it defines, if it does."""
    form: str
    uses: frozenset[str]
    """Every name in it."""


@dataclass(frozen=True, slots=True)
class _File:
    """What counts of a file, and what it imports: how many dots, and the dotted name."""

    parts: tuple[_Part, ...]
    imports: tuple[tuple[int, str], ...] = ()


def _reached(file: Path) -> dict[Path, _File]:
    """The file and those below its folder that it imports, by path; each is read once."""
    found: dict[Path, _File] = {}
    waiting = [file]
    while waiting:
        place = waiting.pop()
        if place not in found:
            try:
                found[place] = _parsed(place.read_bytes())
            except OSError:
                found[place] = _File((_Part("", "missing", frozenset()),))
            waiting += _imported(file.parent, place, found[place])
    return found


def _digest(reached: dict[Path, _File], file: Path, function: str, handlers: set[str]) -> str:
    own = "\n".join(part.form for part in _own(reached[file].parts, handlers - {function}))
    others = sorted(
        (place.relative_to(file.parent).as_posix(), each) for place, each in reached.items() if place != file
    )
    texts = [f"{name}\n" + "\n".join(part.form for part in each.parts) for name, each in others]
    return _hash("\0".join([own, *texts]))


def _own(parts: tuple[_Part, ...], others: set[str]) -> Iterable[_Part]:
    """The parts of the file without the functions `others`, but for those that what is left uses."""
    left = others
    while True:
        used = {name for part in parts if part.defines not in left for name in part.uses}
        if left.isdisjoint(used):
            return (part for part in parts if part.defines not in left)
        left = left - used


def _hash(text: str) -> str:
    return f"sha256:{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


@lru_cache(maxsize=256)
def _parsed(source: bytes) -> _File:
    """What counts of a file of that content; of one that is no Python, all of it."""
    try:
        tree = ast.parse(source)
        reader = _Reader()
        return _File(tuple([reader.part(node) for node in tree.body if not _is_text(node)]), tuple(reader.imports))
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return _File((_Part("", f"sha256:{sha256(source).hexdigest()}", frozenset()),))


class _Reader:
    """Puts syntax trees into one form, and notes the names that they use and what they import."""

    def __init__(self) -> None:
        self.imports: dict[tuple[int, str], None] = {}
        self._uses: set[str] = set()

    def part(self, node: ast.stmt) -> _Part:
        """One statement at the top of a file."""
        self._uses = set()
        defines = node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else ""
        return _Part(defines, _hash(repr(self._form(node))), frozenset(self._uses))

    def _form(self, node: Any) -> Any:
        """The node as nested lists and values, of which `repr` makes one text."""
        kind: Any = type(node)
        if kind is ast.Constant:
            return (node.value,)
        if kind is ast.Name:
            self._uses.add(node.id)
            return node.id
        if kind in IMPORTS:
            self.imports.update(dict.fromkeys(_names(node)))
        form: list[Any] = [kind.__name__]
        for field in _fields(kind):
            value = getattr(node, field, None)
            if isinstance(value, ast.AST):
                form += (field, self._form(value))
            elif value.__class__ is list:
                form += (field, self._forms(value)) if value else ()
            elif value is not None:
                form += (field, value)
        return form

    def _forms(self, values: list[Any]) -> list[Any]:
        return [self._form(each) if isinstance(each, ast.AST) else [each] for each in values if not _is_text(each)]


@cache
def _fields(kind: type[ast.AST]) -> tuple[str, ...]:
    """The fields of a kind of node that say what the code does."""
    return tuple(name for name in kind._fields if name not in SILENT)


def _is_text(node: object) -> bool:
    """Whether this is a statement that is nothing but a text: documentation."""
    return type(node) is ast.Expr and type(node.value) is ast.Constant and type(node.value.value) is str


def _names(node: ast.AST) -> Iterator[tuple[int, str]]:
    """What an import may be of, submodules included."""
    if isinstance(node, ast.Import):
        yield from ((0, alias.name) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        module = node.module or ""
        yield node.level, module
        yield from ((node.level, f"{module}.{alias.name}".removeprefix(".")) for alias in node.names)


def _imported(root: Path, place: Path, file: _File) -> Iterator[Path]:
    """The files that the file at `place` imports, packages on the way too; absolute imports begin at `root`."""
    known = _entries(root)
    for level, name in file.imports:
        first = name.partition(".")[0]
        if not level and first not in known and f"{first}.py" not in known:
            continue
        folder = place.parents[level - 1] if 0 < level <= len(place.parents) else root
        if folder.is_relative_to(root):
            yield from _modules(folder, name)


def _entries(folder: Path) -> frozenset[str]:
    try:
        return frozenset(entry.name for entry in folder.iterdir())
    except OSError:
        return frozenset()


def _modules(folder: Path, name: str) -> Iterator[Path]:
    """The files of a dotted name that are there, each step of it."""
    for step in filter(None, name.split(".")):
        folder /= step
        yield from (path for path in (folder.with_name(f"{step}.py"), folder / "__init__.py") if path.is_file())
        if not folder.is_dir():
            return
