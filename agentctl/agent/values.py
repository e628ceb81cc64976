"""The same value with something changed, whichever of the two kinds of values it is: see `agent.events`.

What `copy.replace` is from Python 3.13 on.
"""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

from msgspec import Struct, structs

T = TypeVar("T")


def replace(value: T, /, **changes: Any) -> T:
    """A new value with these fields changed.

    Raises:
        TypeError: it has no such field, or is no struct or dataclass.
    """
    if isinstance(value, Struct):
        return structs.replace(value, **changes)
    return dataclasses.replace(value, **changes)  # type: ignore[type-var]
