"""From `file.py:function` to something that can be called with a tool's input.

A handler file is run once per process, with its own folder importable while it runs, so `from database import connect`
finds the file beside it. What it imported from that folder is then taken out of the module table: two tools documents
may each have a `database.py` of their own.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import os
import sys
import threading
import typing
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Final

from agentctl.agent.events import JsonObject
from agentctl.agent.handler import ToolContext
from agentctl.errors import UsageError

_running: Final = threading.RLock()
"""Held while a file runs: the folders and the table of modules that it changes meanwhile are the whole process's."""


class InvalidInput(ValueError):
    """The input does not fit the handler's pydantic model; the text says where."""


@dataclass(frozen=True, slots=True)
class Handler:
    """A function and how its parameters are filled."""

    function: Callable[..., Any]
    is_async: bool
    context_parameter: str | None
    """The parameter annotated with `ToolContext`, if any."""
    model_parameter: str | None
    """The one parameter annotated with a pydantic model, if any: the whole input goes into it."""
    model: Any = None

    def bind(self, input_: JsonObject, context: ToolContext) -> Callable[[], Any]:
        """The call, ready to be made.

        Raises:
            InvalidInput: the pydantic model refuses the input.
        """
        extra = {self.context_parameter: context} if self.context_parameter else {}
        if self.model_parameter is None:
            return partial(self.function, **input_, **extra)
        return partial(self.function, **{self.model_parameter: _validated(self.model, input_)}, **extra)


def load_handler(spec: str) -> Handler:
    """The handler behind `/absolute/file.py:function`.

    Raises:
        UsageError: the file or the function is missing or no function.
        Exception: whatever running the file raises.
    """
    function = load_function(spec)
    hints = _hints(function)
    context = next((name for name, hint in hints.items() if hint is ToolContext), None)
    models = [(name, hint) for name, hint in hints.items() if _is_model(hint)]
    model_name, model = models[0] if models else (None, None)
    return Handler(function, inspect.iscoroutinefunction(function), context, model_name, model)


def load_function(spec: str) -> Callable[..., Any]:
    """The function behind `/absolute/file.py:function`; errors as for `load_handler`."""
    path, _, name = spec.rpartition(":")
    with _running:
        module = _module(Path(path))
    function = getattr(module, name, None)
    if not callable(function):
        raise UsageError(f"{path} has no function {name!r}", hint="`agentctl validate` names the functions it has")
    return typing.cast("Callable[..., Any]", function)


@cache
def _module(path: Path) -> ModuleType:
    if not path.is_file():
        raise UsageError(f"there is no file {path}", hint="a handler is `file.py:function` beside its YAML document")
    name = f"agentctl_handlers_{hashlib.sha256(os.fsencode(path)).hexdigest()[:12]}"
    loader = importlib.util.spec_from_file_location(name, path)
    if loader is None or loader.loader is None:
        raise UsageError(f"{path} is no Python file", hint="a handler is `file.py:function`")
    module = importlib.util.module_from_spec(loader)
    before = set(sys.modules)
    sys.modules[name] = module  # dataclasses and pydantic look their module up while it runs
    sys.path.insert(0, str(path.parent))
    try:
        loader.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        sys.path.remove(str(path.parent))
        _forget_neighbours(before, path.parent)
    return module


def _forget_neighbours(before: set[str], folder: Path) -> None:
    """Takes what was imported from `folder` out of the module table; the handler keeps its own references."""
    for name in set(sys.modules) - before:
        origin = getattr(sys.modules[name], "__file__", None)
        if origin is not None and folder in Path(origin).parents and not name.startswith("agentctl_handlers_"):
            del sys.modules[name]


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    """The annotations of the parameters, resolved one by one; those that cannot be are left out."""
    hints: dict[str, Any] = {}
    for name, hint in getattr(function, "__annotations__", {}).items():
        one = SimpleNamespace(__annotations__={name: hint}, __globals__=getattr(function, "__globals__", {}))
        with suppress(Exception):  # a name that only a type checker imports, for one
            hints |= typing.get_type_hints(one)
    hints.pop("return", None)
    return hints


def _is_model(hint: Any) -> bool:
    """Whether this is a pydantic model, without importing pydantic for handlers that use none."""
    pydantic = sys.modules.get("pydantic")
    return pydantic is not None and inspect.isclass(hint) and issubclass(hint, pydantic.BaseModel)


def _validated(model: Any, input_: JsonObject) -> Any:
    try:
        return model.model_validate(input_)
    except ValueError as error:
        findings = getattr(error, "errors", None)
        if findings is None:
            raise InvalidInput(str(error)) from None
        places = (f"{'.'.join(map(str, found['loc'])) or 'input'}: {found['msg']}" for found in findings())
        raise InvalidInput(f"the input is not valid: {'; '.join(places)}") from None
