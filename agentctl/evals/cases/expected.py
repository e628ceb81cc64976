"""promptfoo's short way to write an assertion in a cell: `contains: Paris`, `levenshtein(3): abc`, or a text to equal.

A cell is text, so what a type takes as a number, a list or a mapping is read as JSON; a list of texts may be written
with commas. A word that is nearly a type is taken for one, so that it is refused with what was probably meant.
"""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

from agentctl.agent.events import JsonObject
from agentctl.evals.scorers import TYPES

SHORT: Final = re.compile(r"(?P<type>[a-z][a-z:-]*?)(?:\((?P<threshold>[\d.]+)\))?\s*(?::\s*(?P<value>.*))?", re.DOTALL)
LISTS: Final = ("contains-all", "contains-any", "icontains-all", "icontains-any")
ALIKE: Final = 0.8
"""How alike a word and a type are that were meant to be the same; a slip of two letters in eight is 0.875."""
TEXTS: Final = frozenset(
    {"equals", "contains", "icontains", "regex", "starts-with", "ends-with", "levenshtein", "python", "judge"}
)


def expected(cell: str) -> JsonObject | str:
    """The assertion that a cell stands for, as a suite would have it; what is no type is a text to equal."""
    found = SHORT.fullmatch(cell.strip())
    if found is None or not (found["type"] in TYPES or _is_nearly_one(found)):
        return {"equals": cell}
    type_, value = found["type"], found["value"]
    made: JsonObject = {"type": type_}
    if value is not None:
        made["value"] = _value(type_.removeprefix("not-"), value.strip())
    if found["threshold"] is not None:
        number = float(found["threshold"])
        made["threshold"] = int(number) if number.is_integer() else number
    return made if len(made) > 1 else type_


def _is_nearly_one(found: re.Match[str]) -> bool:
    import difflib  # noqa: PLC0415  only for cells that are no assertion as they stand

    return found["value"] is not None and bool(difflib.get_close_matches(found["type"], TYPES, n=1, cutoff=ALIKE))


def _value(type_: str, text: str) -> Any:
    if type_ in LISTS and not text.startswith("["):
        return [part.strip() for part in text.split(",")]
    if type_ in TEXTS:
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
