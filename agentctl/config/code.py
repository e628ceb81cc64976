"""The code behind tools, as digests: what a recorded tool result depends on beside the call.

A handler is its file without the other handlers in it, and every file beside it that it imports, directly or not: a
change in a helper that two tools share is a change of both, a change in one tool is nobody else's. Lines of comment,
blank lines and space at the ends of lines do not count. Nothing is imported or run; other packages are not looked into.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from agentctl.agent.spec import Agent

PREFIX = "handler "


def handlers(agent: Agent) -> dict[str, str]:
    """The digest of each tool's code by `handler NAME`; a handler that cannot be read has none."""
    places = {tool.name: tool.handler.rpartition(":") for tool in agent.tools if tool.handler is not None}
    named: dict[str, set[str]] = {}
    for file, _, function in places.values():
        named.setdefault(file, set()).add(function)
    found: dict[str, str] = {}
    for name, (file, _, function) in places.items():
        text = _code(Path(file), frozenset(named[file] - {function}))
        if text is not None:
            found[PREFIX + name] = f"sha256:{sha256(text.encode()).hexdigest()}"
    return found


@cache
def _code(path: Path, without: frozenset[str]) -> str | None:
    """The file's code without these functions, and that of the files beside it that it needs, each once."""
    files: dict[Path, _File] = {}
    waiting = [path]
    while waiting:
        place = waiting.pop()
        if place in files:
            continue
        file = _read(place)
        if file is None:
            return None
        files[place] = file
        waiting += file.beside
    own = files.pop(path)
    gone = {number for name in without for number in own.functions.get(name, ())}
    texts = [f"{place.name}\n{_joined(file.lines)}" for place, file in sorted(files.items())]
    return "\0".join([_joined({number: line for number, line in own.lines.items() if number not in gone}), *texts])


@dataclass(frozen=True, slots=True)
class _File:
    """What counts of a file: lines by number, the numbers of each function's lines, and the files that it imports."""

    lines: dict[int, str]
    functions: dict[str, range]
    beside: tuple[Path, ...]


@cache
def _read(path: Path) -> _File | None:
    try:
        source = path.read_text(encoding="utf-8")
        tree = ast.parse(source)
    except (OSError, ValueError, SyntaxError, RecursionError):
        return None
    inside: set[int] = set()
    beside: list[Path] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.end_lineno != node.lineno:
            inside.update(range(node.lineno + 1, (node.end_lineno or node.lineno) + 1))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            beside += _beside(path, node)
    lines = {
        number: line.rstrip()
        for number, line in enumerate(source.split("\n"), 1)
        if number in inside or (line.strip() and not line.lstrip().startswith("#"))
    }
    return _File(lines, _functions(tree), tuple(beside))


def _joined(lines: dict[int, str]) -> str:
    return "\n".join(lines.values())


def _functions(tree: ast.Module) -> dict[str, range]:
    """The lines of every function of the file, decorators included."""
    found: dict[str, range] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            found[node.name] = range(first, (node.end_lineno or node.lineno) + 1)
    return found


def _beside(path: Path, node: ast.Import | ast.ImportFrom) -> Iterator[Path]:
    """The files in the same folder that this imports."""
    by_name = isinstance(node, ast.Import) or not node.module
    names = [alias.name for alias in node.names] if by_name else [str(getattr(node, "module", ""))]
    for name in names:
        file = path.parent / f"{name.partition('.')[0]}.py"
        if file.is_file():
            yield file
