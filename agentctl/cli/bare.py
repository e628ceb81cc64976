"""Flags that may stand alone: `--resume` is `--resume latest`. What follows such a flag and is no flag is its value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

ALONE: Final = {"--resume": "latest", "--retry-errors": "last", "--filter-failing": "last"}


def completed(arguments: Sequence[str]) -> list[str]:
    """The arguments, each flag that stands alone with the value it then has."""
    if ALONE.keys().isdisjoint(arguments):
        return list(arguments)
    done: list[str] = []
    for argument, following in zip(arguments, [*arguments[1:], "-"], strict=True):
        done.append(argument)
        if argument in ALONE and following.startswith("-"):
            done.append(ALONE[argument])
    return done
