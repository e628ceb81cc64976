"""A clause is one promise, its place in the list, and how it is seen to hold: a coroutine that asserts it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from support import contract

Play = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Clause:
    """One row's promise: `play` raises AssertionError where it is broken."""

    area: str
    name: str
    play: Play


CLAUSES: list[Clause] = []


def clause(area: str) -> Callable[[Play], Play]:
    """Puts a coroutine into the list under its own name."""

    def told(play: Play) -> Play:
        name = getattr(play, "__name__", "").replace("_", " ")
        CLAUSES.append(Clause(area, name, play))
        return play

    return told


def all_clauses() -> list[Clause]:
    """Every clause of every module beside this one."""
    if not CLAUSES:
        for module in pkgutil.iter_modules(contract.__path__):
            importlib.import_module(f"{contract.__name__}.{module.name}")
    return list(CLAUSES)
