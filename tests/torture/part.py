"""One line of the table: what is tried, how often, and what came of it. A module in `parts/` holds `PARTS`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.torture import parts


@dataclass(frozen=True, slots=True)
class Trial:
    """What a part is asked for: so many rounds, reproducible from the seed, files below `folder` (its own, empty)."""

    rounds: int
    seed: int
    folder: Path
    full: bool
    alone: int | None = None
    """The number of the one round that is played (`--seed 0:NUMBER`); None plays all of them."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether all held, the figures in words, and what failed: a line each, with the seed that plays it alone."""

    passed: bool
    figures: str
    failures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """`faults`: rows of the fault table it stands for (`F29`), none for a figure. `quick` and `full`: its rounds."""

    faults: tuple[str, ...]
    name: str
    quick: int
    full: int
    play: Callable[[Trial], Outcome]


def all_parts() -> list[Part]:
    """Every part of every module in `parts/`: faults in the table's order, then the figures."""
    found: list[Part] = []
    for module in pkgutil.iter_modules(parts.__path__):
        found += importlib.import_module(f"{parts.__name__}.{module.name}").PARTS
    return sorted(found, key=lambda part: (part.faults or ("G",), part.name))
