"""What an unquoted scalar means: the core schema of YAML 1.2, narrowed to what JSON can say.

`no`, `off`, `12:30:00`, `2026-11-23` and `1_000` are text; `010` is ten; `0o10` is eight. Numbers that JSON readers do
not agree on (beyond 64 bits, infinite, not a number) are refused, so that a digest means the same everywhere.
"""

from __future__ import annotations

import math
import re
from typing import Any, Final

from agentctl.config.texts import shown

WORDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
INT: Final = re.compile(r"[-+]?[0-9]+\Z|0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
NOT_FINITE: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z")
NUMBER_STARTS: Final = frozenset("+-.0123456789")
BASES: Final = {"0o": 8, "0x": 16}
MAX_DIGITS: Final = 400
"""Longer numbers are not converted at all: Python's own limit raises, and its work grows with the square."""

SMALLEST: Final = -(2**63)
LARGEST: Final = 2**64 - 1
CORE: Final = "tag:yaml.org,2002:"
TYPES: Final[dict[str, tuple[type, ...]]] = {
    "null": (type(None),),
    "bool": (bool,),
    "int": (int,),
    "float": (float, int),
}


class InvalidScalar(ValueError):
    """The scalar has no value here; `hint` says what to write instead."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def plain(text: str) -> Any:
    """The value of an unquoted scalar.

    Raises:
        InvalidScalar: a number that JSON cannot hold.
    """
    if text in WORDS:
        return WORDS[text]
    if text[0] not in NUMBER_STARTS:
        return text
    if INT.match(text):
        return _integer(text)
    if FLOAT.match(text):
        value = float(text) if len(text) <= MAX_DIGITS else math.inf
        if math.isfinite(value):
            return value
        raise _too_large(text)
    if NOT_FINITE.match(text):
        raise InvalidScalar(f"{text} is no number JSON can hold", "leave the key out, or put the text in quotes")
    return text


def explicit(tag: str, text: str) -> Any:
    """The value of a scalar with a tag: one of the core schema (`!!str`), or `!` for text.

    Raises:
        InvalidScalar: the tag is another one, or does not fit the text.
    """
    if tag in {"!", CORE + "str"}:
        return text
    types = TYPES.get(tag.removeprefix(CORE)) if tag.startswith(CORE) else None
    name = shown(tag.replace(CORE, "!!"))
    if types is None:
        raise InvalidScalar(f"the tag {name} is not allowed", "write plain values: documents are data, never code")
    value = plain(text)
    if type(value) not in types:
        raise InvalidScalar(f"{shown(text)} is no {name}", "leave the tag out")
    return value


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise _too_large(text)
    base = BASES.get(text[:2], 10)
    value = int(text, base) if base == 10 else int(text[2:], base)  # noqa: PLR2004  ten
    if not SMALLEST <= value <= LARGEST:
        raise _too_large(text)
    return value


def _too_large(text: str) -> InvalidScalar:
    return InvalidScalar(f"the number {shown(text)} does not fit in 64 bits", "put it in quotes if it is text")
