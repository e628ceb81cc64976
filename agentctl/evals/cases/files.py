"""Cases that stand in a file of their own: rows of CSV, lines of JSON, a list in YAML, or what a Python function makes.

A file stands beside the suite. Each case keeps the line it came from; one without an id is named after the file and its
number, so that its recording finds it again.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import Any, Final

import orjson

from agentctl.agent.events import JsonObject
from agentctl.agent.handlers import load_function
from agentctl.config.nearest import nearest
from agentctl.config.project import Project
from agentctl.config.texts import shown
from agentctl.config.yamls import read_yaml
from agentctl.errors import ConfigError, Problem
from agentctl.evals.cases.expected import expected
from agentctl.evals.cases.node import Node, flat

FUNCTION: Final = re.compile(r"(.+\.py):([A-Za-z_]\w*)")
NUMBERED: Final = re.compile(r"__expected(\d*)")
METADATA: Final = "__metadata:"
FIELDS: Final = ("id", "input", "description", "group")
"""Columns that are keys of a case; what is none of them, and is not told apart by `__`, is a variable."""


def cases_in(name: Node, folder: Path, project: Project) -> list[Node]:
    """The cases of the file that is named there.

    Raises:
        ConfigError: there is no such file, it cannot be read, or holds no cases; with file and line.
    """
    if not isinstance(name.value, str) or not name.value:
        raise name.wrong("a file of cases is named by its path", "cases.csv, cases.jsonl, cases.yaml or cases.py:make")
    function = FUNCTION.fullmatch(name.value)
    path = _path(function[1] if function is not None else name.value, name, folder)
    if function is not None:
        return _made(path, function[2], name, project)
    read = READERS.get(path.suffix.lower())
    if read is None:
        hint = f"it ends with one of {', '.join(READERS)}, or is file.py:function"
        raise name.wrong(f"{shown(name.value)}: cases are not read from such a file", hint)
    return _named(read(path, project.show(path)), path.stem)


def _path(text: str, name: Node, folder: Path) -> Path:
    pure = PurePosixPath(text)
    if pure.is_absolute() or ".." in pure.parts:
        raise name.wrong(f"{shown(text)} is outside the suite's folder")
    path = folder / text
    if not _is_file(path):
        known = [each.name for each in folder.iterdir() if each.suffix.lower() in {*READERS, ".py"}]
        raise name.wrong(f"there is no file {shown(text)} beside the suite", nearest(text, known, kind="files"))
    return path


def _is_file(path: Path) -> bool:
    """Whether there is such a file; names that no file can have name none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _named(cases: list[Node], stem: str) -> list[Node]:
    """The cases, each with an id."""
    prefix = re.sub(r"[^a-z0-9._-]+", "-", stem.lower()).strip("-._") or "case"
    return [
        each if not isinstance(each.value, dict) or "id" in each.value else _with_id(each, f"{prefix}-{number}")
        for number, each in enumerate(cases, 1)
    ]


def _with_id(case: Node, name: str) -> Node:
    return Node({"id": name, **case.value}, case.place)


def _text(path: Path, file: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8"
        raise ConfigError([Problem(file, 0, 0, f"cannot be read: {reason}")]) from None


def _csv(path: Path, file: str) -> list[Node]:
    reader = csv.reader(io.StringIO(_text(path, file), newline=""), strict=True)
    try:
        head = [name.strip() for name in next(reader, [])]
        again = {name for name in head if head.count(name) > 1}
        if again or not all(head):
            what = f"has the column {min(again)} twice" if again else "has a column without a name"
            raise ConfigError([Problem(file, 1, 1, what)])
        cases: list[Node] = []
        begins = reader.line_num + 1
        for row in reader:
            if any(cell.strip() for cell in row):
                cases.append(_row(head, row, file, begins))
            begins = reader.line_num + 1
    except csv.Error as error:
        raise ConfigError([Problem(file, reader.line_num, 1, f"is no CSV: {error}")]) from None
    return cases


def _row(head: list[str], row: list[str], file: str, line: int) -> Node:
    if len(row) > len(head):
        hint = 'a cell with a comma in it stands in quotes: "a, b"'
        raise ConfigError([Problem(file, line, 1, f"has {len(row)} cells for {len(head)} columns", hint)])
    case: JsonObject = {"vars": {}, "assert": [], "metadata": {}}
    for name, cell in zip(head, row, strict=False):
        _cell(case, name, cell, file, line)
    return flat({key: value for key, value in case.items() if value not in ({}, [])}, file, line)


def _cell(case: JsonObject, name: str, cell: str, file: str, line: int) -> None:
    """Puts a cell where its column says; an empty one says nothing, but a variable may be empty."""
    key = name.removeprefix("__")
    if NUMBERED.fullmatch(name):
        case["assert"] += [expected(cell)] if cell.strip() else []
    elif name.startswith(METADATA):
        case["metadata"] |= {name.removeprefix(METADATA): cell} if cell else {}
    elif key in {"repeat", "threshold", "approve"}:
        case |= {key: _json(cell, name, file, line)} if cell.strip() else {}
    elif key == "tags":
        case["tags"] = [tag.strip() for tag in cell.split(",") if tag.strip()]
    elif key in FIELDS:
        case |= {key: cell} if cell else {}
    elif name.startswith("__"):
        hint = "__expected, __description, __threshold, __metadata:KEY"
        raise ConfigError([Problem(file, 1, 1, f"the column {shown(name)} is not known here", hint)])
    else:
        case["vars"][name] = cell


def _json(cell: str, name: str, file: str, line: int) -> Any:
    try:
        return orjson.loads(cell.strip().lower())
    except orjson.JSONDecodeError:
        raise ConfigError([Problem(file, line, 1, f"{name} cannot be {shown(cell)}")]) from None


def _jsonl(path: Path, file: str) -> list[Node]:
    cases: list[Node] = []
    for number, line in enumerate(_text(path, file).split("\n"), 1):
        if line.strip():
            try:
                cases.append(flat(orjson.loads(line), file, number))
            except orjson.JSONDecodeError as error:
                raise ConfigError([Problem(file, number, error.colno, f"is no JSON: {error.msg}")]) from None
    return cases


def _yaml(path: Path, file: str) -> list[Node]:
    """A list of cases; JSON is YAML, so a list in JSON is read here too."""
    document = Node.of(read_yaml(path, file))
    if not isinstance(document.value, list):
        raise document.wrong("a file of cases is a list of cases")
    return document.items


def _made(path: Path, function: str, name: Node, project: Project) -> list[Node]:
    """The cases that a function of the project's own gives; it is trusted as its checks are."""
    file = f"{project.show(path)}:{function}"
    try:
        made: Iterable[Any] = load_function(f"{path.resolve()}:{function}")()
        cases = [orjson.loads(orjson.dumps(each)) for each in made]
    except Exception as error:
        raise name.wrong(f"{shown(name.value)}: {type(error).__name__}: {error}") from error
    numbered = [Node(each, flat(each, f"{file}, case {n}", 0).place) for n, each in enumerate(cases, 1)]
    return _named(numbered, function)


READERS: Final[dict[str, Callable[[Path, str], list[Node]]]] = {
    ".csv": _csv,
    ".jsonl": _jsonl,
    ".json": _yaml,
    ".yaml": _yaml,
    ".yml": _yaml,
}
