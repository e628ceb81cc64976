"""Whether the Python behind a tools document fits what the document says: the files run, the functions take the input.

This is the one part of the room that imports handlers, and only `agentctl validate` asks it to. Their prints go to
stderr, since stdout is for results.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from agentctl.agent.events import JsonObject
from agentctl.agent.handlers import Handler, load_function, load_handler
from agentctl.config.nearest import nearest
from agentctl.config.texts import shown
from agentctl.config.toolsets import Toolset
from agentctl.errors import Problem, UsageError

T = TypeVar("T")

MAX_MESSAGE = 200


def fit_problems(toolset: Toolset) -> list[Problem]:
    """Everything that would keep a tool of this set from working: schema, file, function, parameters."""
    problems: list[Problem] = []
    broken: set[str] = set()  # files that have been reported: one defect, one finding
    document = toolset.document
    for index, tool in enumerate(toolset.tools):
        path = ("tools", index)
        problems += [
            document.problem((*path, "input_schema", *place), message)
            for place, message in _schema_flaws(tool.input_schema)
        ]
        try:
            handler = _imported(load_handler, tool.handler or "", broken)
        except UsageError as error:
            problems.append(document.problem((*path, "handler"), str(error), hint=error.hint))
            continue
        if handler is not None:
            flaws = parameter_flaws(handler, tool.input_schema)
            problems += [document.problem((*path, "handler"), flaw) for flaw in flaws]
    return problems + _setup_problems(toolset, broken)


def _setup_problems(toolset: Toolset, broken: set[str]) -> list[Problem]:
    if toolset.setup is None:
        return []
    try:
        function = _imported(load_function, toolset.setup, broken)
    except UsageError as error:
        return [toolset.document.problem(("setup",), str(error), hint=error.hint)]
    if function is not None and not _takes_one(function):
        message = f"{function.__name__} must take one argument, the workspace's path"
        return [toolset.document.problem(("setup",), message)]
    return []


def _imported(load: Callable[[str], T], spec: str, broken: set[str]) -> T | None:
    """What `load` makes of `file.py:function`; None when the file has been reported as broken already.

    Raises:
        UsageError: the file cannot be imported, or has no such function.
    """
    file, _, name = spec.rpartition(":")
    if file in broken:
        return None
    try:
        with contextlib.redirect_stdout(sys.stderr):
            return load(spec)
    except UsageError as error:
        functions = _functions(Path(file))
        if functions is None:
            broken.add(file)
            raise
        hint = nearest(name, functions, kind="functions") or f"write `def {name}(...)` in {Path(file).name}"
        raise UsageError(str(error), hint=hint) from None
    except (Exception, SystemExit) as error:  # noqa: BLE001  other people's code
        broken.add(file)
        place = _line_of(error, file)
        cause = shown(f"{type(error).__name__}: {error}".splitlines()[0], MAX_MESSAGE)
        hint = "run the file with `python` to see the whole traceback"
        raise UsageError(f"{file}{place} cannot be imported: {cause}", hint=hint) from None


def _line_of(error: BaseException, file: str) -> str:
    """`:12`, where the innermost frame in that file is; empty when none is."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return f":{error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f":{lines[-1]}" if lines else ""


def _functions(file: Path) -> list[str] | None:
    """The public functions a file defines; None when it cannot be read."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None
    defined = [node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    return [name for name in defined if not name.startswith("_")]


def _schema_flaws(schema: JsonObject) -> Iterator[tuple[list[str | int], str]]:
    """Why this is no JSON Schema, and where in it."""
    import jsonschema_rs  # noqa: PLC0415  25 ms that nothing else in this room needs

    try:
        jsonschema_rs.validator_for(schema)
    except jsonschema_rs.ValidationError as error:
        yield list(error.instance_path), f"no valid JSON Schema: {shown(error.message, MAX_MESSAGE)}"
    except (jsonschema_rs.ReferencingError, ValueError) as error:
        yield [], f"no valid JSON Schema: {shown(error, MAX_MESSAGE)}"


def parameter_flaws(handler: Handler, schema: JsonObject) -> list[str]:
    """Why inputs that fit the schema would not fit the function."""
    properties = schema.get("properties")
    allowed = set(properties) if isinstance(properties, dict) else set()
    listed = schema.get("required")
    given = {name for name in listed if isinstance(name, str)} if isinstance(listed, list) else set()
    name = getattr(handler.function, "__name__", "the handler")
    takes, needs = _model_fields(handler) if handler.model_parameter else _parameters(handler)
    extra = allowed - takes if takes is not None else set()
    return [
        *(f"{name} has no parameter `{each}`, which the schema allows" for each in sorted(extra)),
        *(f"{name} needs `{each}`, which the schema does not have" for each in sorted(needs - allowed)),
        *(f"{name} needs `{each}`, which the schema does not require" for each in sorted((needs & allowed) - given)),
    ]


def _parameters(handler: Handler) -> tuple[set[str] | None, set[str]]:
    """What the function takes by name (None: anything), and what it cannot do without."""
    try:
        signature = inspect.signature(handler.function)
    except (TypeError, ValueError):  # written in C
        return None, set()
    parameters = [each for name, each in signature.parameters.items() if name != handler.context_parameter]
    named = [each for each in parameters if each.kind in {each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY}]
    needs = {each.name for each in named if each.default is each.empty}
    if any(each.kind is each.VAR_KEYWORD for each in parameters):
        return None, needs
    return {each.name for each in named}, needs


def _model_fields(handler: Handler) -> tuple[set[str] | None, set[str]]:
    """The same of the pydantic model that the input is read into."""
    fields: dict[str, Any] = handler.model.model_fields
    aliases = {name: field.validation_alias or field.alias for name, field in fields.items()}
    names = {name: alias if isinstance(alias, str) else name for name, alias in aliases.items()}
    needs = {names[name] for name, field in fields.items() if field.is_required()}
    return (None if handler.model.model_config.get("extra") == "allow" else set(names.values())), needs


def _takes_one(function: Callable[..., Any]) -> bool:
    try:
        inspect.signature(function).bind(Path())
    except (TypeError, ValueError):
        return False
    return True
