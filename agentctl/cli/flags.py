"""Flags in groups: a command takes values, and each value is a frozen dataclass whose fields are flags.

A command with thirty flags is then a function with a handful of parameters, and a flag is added where it belongs: as a
field, `Annotated` with a `typer.Option`, of the group that reads it. Help and parsing see one flat command.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from functools import wraps
from typing import Any, TypeVar, get_type_hints

R = TypeVar("R")


def grouped(command: Callable[..., R]) -> Callable[..., R]:
    """The command with every parameter that is a dataclass replaced by its fields, as typer reads them.

    Two groups never share a flag.
    """
    hints = get_type_hints(command, include_extras=True)
    own = inspect.signature(command).parameters
    groups: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}
    alone = [parameter.replace(annotation=hints[name]) for name, parameter in own.items() if name not in groups]
    flags = {name: _flags(group) for name, group in groups.items()}
    together = [*alone, *(flag for group in flags.values() for flag in group)]

    @wraps(command)
    def spread(**given: Any) -> R:
        values = {
            name: group(**{flag.name: given.pop(flag.name) for flag in flags[name]}) for name, group in groups.items()
        }
        whole: Any = command
        result: R = whole(**given, **values)
        return result

    shown: Any = spread
    shown.__signature__ = inspect.Signature(together)
    shown.__annotations__ = {parameter.name: parameter.annotation for parameter in together}
    return spread


def _flags(group: Any) -> list[inspect.Parameter]:
    """A group's fields as parameters that are given by name."""
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            each.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if each.default is MISSING else each.default,
            annotation=hints[each.name],
        )
        for each in fields(group)
    ]
