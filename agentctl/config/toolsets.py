"""Tools documents as the core knows them: what the model is told is what is written, key by key.

The definition is taken from the document itself and not from its model, so that a key means to the API what its author
wrote. A handler stays in its document's folder, links followed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentctl.agent.events import JsonObject
from agentctl.agent.spec import ToolSpec
from agentctl.config.check import check
from agentctl.config.document import Document
from agentctl.config.documents import OURS, ToolPart, ToolsDocument
from agentctl.config.texts import shown
from agentctl.config.trees import Tree
from agentctl.config.versions import Source
from agentctl.errors import ConfigError, Problem

REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")


@dataclass(frozen=True, slots=True)
class Toolset:
    """A tools document, loaded."""

    source: Source
    document: Document
    tools: tuple[ToolSpec, ...]
    setup: str | None


def load_toolset(source: Source, tree: Tree) -> Toolset:
    """The tools document at `source`.

    Raises:
        ConfigError: with every problem of it.
    """
    document = tree.load(source.path)
    checked = check(ToolsDocument, document)
    problems = [*_duplicates(document, checked), *_far_references(document)]
    tools = []
    for index, part in enumerate(checked.tools):
        handler = _function(part.handler, ("tools", index, "handler"), source, tree, document, problems)
        lookup = None
        if part.lookup is not None:
            lookup = _function(part.lookup, ("tools", index, "lookup"), source, tree, document, problems)
        tools.append(_spec(part, document.value["tools"][index], handler, lookup))
    setup = None
    if checked.setup is not None:
        setup = _function(checked.setup, ("setup",), source, tree, document, problems)
    if problems:
        raise ConfigError(sorted(problems, key=lambda problem: (problem.line, problem.column)))
    return Toolset(source, document, tuple(tools), setup)


def server_tool(written: JsonObject) -> ToolSpec:
    """A tool that the API runs itself. Toolsets have no name of their own: they go by their server's or their type."""
    name = written.get("name") or written.get("mcp_server_name") or written["type"]
    return ToolSpec(str(name), _without_nulls(written))


def _spec(part: ToolPart, written: JsonObject, handler: str, lookup: str | None) -> ToolSpec:
    return ToolSpec(
        name=part.name,
        definition=_without_nulls({key: value for key, value in written.items() if key not in OURS}),
        handler=handler,
        effect=part.effect,
        approve=part.approve,
        timeout=part.timeout,
        max_result_chars=part.max_result_chars,
        idempotent=part.idempotency == "key",
        lookup=lookup,
        on_interrupt=part.on_interrupt,
    )


def _without_nulls(written: JsonObject) -> JsonObject:
    return {key: value for key, value in written.items() if value is not None}


def _function(
    written: str, path: Sequence[str | int], source: Source, tree: Tree, document: Document, problems: list[Problem]
) -> str:
    """`file.py:function` with the file as the tree names it: absolute on disk."""
    relative, _, name = written.rpartition(":")
    file = tree.python(source.folder, relative)
    if tree.revision is None and not Path(file).is_relative_to(tree.python(source.folder, ".")):
        hint = "the file is in the folder of this document, or in one below it"
        problems.append(document.problem(path, f"{shown(written)} leads out of the document's folder", hint=hint))
    return f"{file}:{name}"


def _duplicates(document: Document, checked: ToolsDocument) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for index, tool in enumerate(checked.tools):
        if tool.name in first:
            line, _ = document.where(("tools", first[tool.name], "name"))
            message = f"there is a tool {tool.name} on line {line} already"
            yield document.problem(("tools", index, "name"), message, hint="give it another name")
        first.setdefault(tool.name, index)


def _far_references(document: Document) -> Iterator[Problem]:
    """References to other files or hosts: a JSON Schema library would go and fetch them."""
    for index, tool in enumerate(document.value["tools"]):
        for path, target in _references(tool["input_schema"], ("tools", index, "input_schema")):
            if not target.startswith("#"):
                message = f"the schema refers to {shown(target)}, outside this tool"
                yield document.problem(path, message, hint="put it under `$defs` and refer to `#/$defs/name`")


def _references(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in REFERENCES and isinstance(inner, str):
                yield (*path, key), inner
            yield from _references(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _references(inner, (*path, index))
