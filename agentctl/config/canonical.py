"""One value, one text, one digest: JSON with sorted keys and no blanks, whoever wrote the value and however.

What JSON readers do not agree on is refused instead of being written in one of the ways there are.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any, Final

import orjson

OPTIONS: Final = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
PREFIX: Final = "sha256:"


def canonical(value: Any) -> bytes:
    """The canonical JSON of a JSON-like value (tuples count as lists), as UTF-8.

    Raises:
        ValueError: it holds what JSON cannot say: NaN, an infinity, an integer beyond 64 bits, half a surrogate pair,
            a key that is no text, or more than some 250 levels.
    """
    try:
        data = orjson.dumps(value, option=OPTIONS)
    except TypeError as error:
        raise ValueError(f"there is no canonical JSON for this value: {error}") from None
    if b"null" in data and not _finite(value):  # orjson writes NaN and the infinities as null
        raise ValueError("there is no canonical JSON for this value: NaN and infinities are no JSON numbers")
    return data


def digest(value: Any) -> str:
    """`sha256:` and 64 hexadecimal digits over the canonical JSON of `value`; errors as for `canonical`."""
    return PREFIX + hashlib.sha256(canonical(value)).hexdigest()


def _finite(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(map(_finite, value.values()))
    return not isinstance(value, (list, tuple)) or all(map(_finite, value))
