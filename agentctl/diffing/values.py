"""Two JSON values are equal or they differ at a path; equality is JSON's: 1 is 1.0, and true is not 1.

Nothing here knows what a value means. Nothing recurses either, so a value from a hostile recording may be as deep as a
parser let it be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from agentctl.agent.events import Json, JsonObject

PLAIN: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*\Z")
NUMBERS: Final = (int, float)


class Absent:
    """What stands on one side only."""

    def __repr__(self) -> str:
        return "(nothing)"


ABSENT: Final = Absent()
MaybeJson: TypeAlias = "Json | Absent"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """The value at `path` was `old` and is `new`; ABSENT where there was or is none."""

    path: str
    old: MaybeJson
    new: MaybeJson

    def to_json(self) -> JsonObject:
        """`{"path", "change": "added|removed|changed", "old", "new"}`; the side that has nothing is left out."""
        return {"path": self.path, **sides(self.old, self.new)}


def sides(old: MaybeJson, new: MaybeJson) -> JsonObject:
    """Both values as JSON reports them, and whether something was added, removed or changed."""
    kind = "added" if isinstance(old, Absent) else "removed" if isinstance(new, Absent) else "changed"
    found: JsonObject = {"change": kind}
    if not isinstance(old, Absent):
        found["old"] = old
    if not isinstance(new, Absent):
        found["new"] = new
    return found


def at(path: str, step: str | int) -> str:
    """`path` one step further: `a.b`, `a[0]`, `a["not a name"]`."""
    if isinstance(step, int):
        return f"{path}[{step}]"
    if PLAIN.match(step):
        return f"{path}.{step}" if path else step
    quoted = step.replace("\\", "\\\\").replace('"', '\\"')
    return f'{path}["{quoted}"]'


def differences(old: MaybeJson, new: MaybeJson, path: str = "") -> Iterator[FieldChange]:
    """Every place in which two values differ, as deep as both have the same shape, in reading order."""
    waiting: list[tuple[str, Any, Any]] = [(path, old, new)]
    while waiting:
        where, one, other = waiting.pop()
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            names = [*one, *(name for name in other if name not in one)]
            steps = [(at(where, name), one.get(name, ABSENT), other.get(name, ABSENT)) for name in names]
            waiting += reversed(steps)
        elif isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
            longest = range(max(len(one), len(other)))
            pairs = [(at(where, i), _item(one, i), _item(other, i)) for i in longest]
            waiting += reversed(pairs)
        elif not _same_leaf(one, other):
            yield FieldChange(where, one, other)


def same(one: MaybeJson, other: MaybeJson) -> bool:
    """Whether two values are equal as JSON."""
    return next(differences(one, other), None) is None


def _item(values: list[Any] | tuple[Any, ...], index: int) -> Any:
    return values[index] if index < len(values) else ABSENT


def _same_leaf(one: Any, other: Any) -> bool:
    if type(one) is type(other):
        return bool(one == other)
    return type(one) in NUMBERS and type(other) in NUMBERS and bool(one == other)
