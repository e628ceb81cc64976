"""A suite document with every case written out: what its files hold, and each combination that it asks for.

It happens before anything is checked, and every value keeps its place, so a mistake in row 40 of a file is told as row
40 of that file. An expanded case is like any other: it has an id that names its recording, and so on. Ids are made of
the values that tell the cases apart where these can be in a name, else they are numbered.
"""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from typing import Any, Final

from agentctl.config.document import Document
from agentctl.config.nearest import nearest
from agentctl.config.project import Project
from agentctl.config.refs import is_name
from agentctl.evals.cases.files import cases_in
from agentctl.evals.cases.node import Node, all_in, as_document, listed, mapped

MOST: Final = 10_000
"""Cases that one suite may come to."""
LONGEST: Final = 40
"""Characters of a value in an id."""
NOT_IN_NAMES: Final = re.compile(r"[^a-z0-9._-]+|\.\.+")
SCENARIO: Final = ("description", "config", "tests")


def _is_short_case(case: Any) -> bool:
    return isinstance(case, dict) and ("file" in case or "matrix" in case)


def expanded(document: Document, folder: Path, project: Project) -> Document:
    """The document with its cases written out, and without what they were made from.

    Raises:
        ConfigError: a file is not there or wrong, or a matrix or a scenario is; with file, line and column.
    """
    whole = Node.of(document)
    cases: list[Node] = []
    if "cases" in whole.value:
        named = whole["cases"]
        each = [named] if isinstance(named.value, str) else named.items if isinstance(named.value, list) else None
        if each is None:
            return document
        cases = all_in([_cases(one, folder, project) for one in each])
    if "scenarios" in whole.value:
        cases += all_in([_scenario(one) for one in _list(whole["scenarios"], "scenarios is a list of scenarios")])
    if len(cases) > MOST:
        raise whole.wrong(f"the suite comes to {len(cases):,} cases; {MOST:,} is the most")
    place = whole["cases"].place if "cases" in whole.value else whole["scenarios"].place
    kept = whole.without("cases", "scenarios")
    every = {**{key: kept[key] for key in kept.value}, "cases": listed(cases, place)}
    return as_document(mapped(every, whole.place), document)


def _cases(case: Node, folder: Path, project: Project) -> list[Node]:
    """What one entry of `cases` stands for."""
    if isinstance(case.value, str):
        return all_in([_matrix(each) for each in cases_in(case, folder, project)])
    if not _is_short_case(case.value):
        return [case]
    if "file" not in case.value:
        return _matrix(case)
    common = case.without("file", "id")
    prefix = case.value.get("id")
    found = cases_in(case["file"], folder, project)
    for each in found:
        if not isinstance(each.value, dict):
            raise each.wrong("a case is a mapping")
    if prefix is not None:
        found = [_renamed(each, f"{prefix}-{each.value['id']}") for each in found]
    return all_in([_matrix(each.over(common)) for each in found])


def _matrix(case: Node) -> list[Node]:
    """A case for every combination of the values in its `matrix`; the case itself without one."""
    if not isinstance(case.value, dict) or "matrix" not in case.value:
        return [case]
    matrix = case["matrix"]
    if not isinstance(matrix.value, dict) or not matrix.value:
        raise matrix.wrong("matrix names variables, each with a list of values", "matrix: {city: [Oslo, Rome]}")
    axes = {name: _list(matrix[name], f"matrix.{name} is a list of values") for name in matrix.value}
    size = 1
    for values in axes.values():
        size *= len(values)
    if size > MOST:
        raise matrix.wrong(f"the matrix has {size:,} combinations; {MOST:,} is the most")
    bare = case.without("matrix")
    combinations = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
    names = _names([[each.value for each in one.values()] for one in combinations])
    made: list[Node] = []
    for one, name in zip(combinations, names, strict=True):
        variables = mapped({"vars": mapped(one, matrix.place)}, case.place)
        made.append(_renamed(variables.over(bare), f"{case.value.get('id', 'case')}-{name}"))
    return made


def _scenario(scenario: Node) -> list[Node]:
    """Every test of a scenario with every set of variables: promptfoo's `config` and `tests`."""
    if not isinstance(scenario.value, dict):
        raise scenario.wrong("a scenario has `config` and `tests`")
    for key in scenario.value:
        if key not in SCENARIO:
            raise scenario[key].wrong(
                f"unknown key `{key}` in a scenario", nearest(str(key), SCENARIO, kind="keys"), on_key=True
            )
    parts: list[list[Node]] = []
    for key, hint in (("config", "- vars: {city: Oslo}"), ("tests", "- {id: hello, input: Hello}")):
        if key not in scenario.value:
            raise scenario.wrong(f"`{key}` is missing in the scenario", hint)
        parts.append(_list(scenario[key], f"{key} is a list of mappings"))
        for each in parts[-1]:
            if not isinstance(each.value, dict):
                raise each.wrong(f"{key} is a list of mappings", hint)
    config, tests = parts
    names = _names([_told(each.value) for each in config])
    made: list[Node] = []
    for test in tests:
        for data, name in zip(config, names, strict=True):
            whole = test.over(data.without("id"))
            made.append(_renamed(whole, f"{test.value.get('id', 'scenario')}-{name}"))
    return all_in([_matrix(each) for each in made])


def _told(config: dict[str, Any]) -> list[Any]:
    """What tells a set of variables from the others: its id, else its values."""
    if "id" in config:
        return [config["id"]]
    variables = config.get("vars")
    return list(variables.values()) if isinstance(variables, dict) else []


def _names(rows: list[list[Any]]) -> list[str]:
    """A name for each combination, unlike all others: of its values, or of its number where these will not do."""
    names = ["-".join(_slug(value) for value in row) for row in rows]
    sound = all(row and all(_slug(value) for value in row) for row in rows)
    if sound and len(set(names)) == len(names):
        return names
    return [str(number) for number in range(1, len(rows) + 1)]


def _slug(value: Any) -> str:
    """A value as a part of an id; empty when nothing of it can be in one, or too much of it is."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return ""
    name = NOT_IN_NAMES.sub("-", str(value).lower()).strip("-._")
    return name if is_name(name) and len(name) <= LONGEST else ""


def _renamed(case: Node, name: str) -> Node:
    children = case.place.children
    at = children.get("id", case.place) if isinstance(children, dict) else case.place
    return mapped({"id": Node(name, at), **{key: case[key] for key in case.value if key != "id"}}, case.place)


def _list(node: Node, message: str) -> list[Node]:
    if not isinstance(node.value, list) or not node.value:
        raise node.wrong(message)
    return node.items
