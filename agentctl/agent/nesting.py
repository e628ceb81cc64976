"""How deep a value from outside may be nested: as deep as all who write or walk it go, and deeper than anyone means.

A model that loops can open hundreds of brackets and close them again. Python gives up on those at a depth that depends
on who was called by whom; so what comes in is held to one depth that is safe wherever it goes.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

MAX_NESTING: Final = 254
"""Lists and objects within one another; orjson writes as many."""


def nested_too_deep(value: Any) -> bool:
    """Whether a value, as JSON is read, has more than `MAX_NESTING` lists and objects within one another."""
    try:
        orjson.dumps(value)
    except TypeError:  # too deep; or half an emoji or a number beyond 64 bits, which are as deep as anything
        return _levels(value) > MAX_NESTING
    return False


def _levels(value: Any) -> int:
    """How many lists and objects stand within one another; one more than `MAX_NESTING` if more do."""
    level, count = [value], 0
    while count <= MAX_NESTING:
        level = [each for each in level if isinstance(each, dict | list)]
        if not level:
            break
        level = [child for each in level for child in (each.values() if isinstance(each, dict) else each)]
        count += 1
    return count
