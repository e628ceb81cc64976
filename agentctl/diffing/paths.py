"""Where in a JSON value something is: `input.items[2].name`, a path a person can follow and a test can compare."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import orjson

from agentctl.agent.events import Json

PLAIN: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*\Z")


class Absent:
    """The one value that says: nothing is there. `null` is something."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()


def step(path: str, key: str | int) -> str:
    """`path` one level deeper."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    if PLAIN.match(key):
        return f"{path}.{key}" if path else key
    return f"{path}[{orjson.dumps(key, default=str).decode() if key.isprintable() else ascii(key)}]"


def same(old: Any, new: Any) -> bool:
    """Whether two JSON values are equal as JSON: `true` is not 1, the order of keys says nothing."""
    if isinstance(old, bool) or isinstance(new, bool):
        return old is new
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(same(value, new[key]) for key, value in old.items())
    if isinstance(old, (list, tuple)) and isinstance(new, (list, tuple)):
        return len(old) == len(new) and all(map(same, old, new))
    return bool(old == new)


def differences(old: Json, new: Json, path: str = "") -> Iterator[tuple[str, Json, Json]]:
    """(path, old, new) of every innermost difference, in the order of the old value; a side may be `ABSENT`."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            yield from differences(old.get(key, ABSENT), new.get(key, ABSENT), step(path, str(key)))
    elif isinstance(old, (list, tuple)) and isinstance(new, (list, tuple)):
        for index in range(max(len(old), len(new))):
            one = old[index] if index < len(old) else ABSENT
            other = new[index] if index < len(new) else ABSENT
            yield from differences(one, other, step(path, index))
    elif not same(old, new):
        yield path, old, new
