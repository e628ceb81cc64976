"""A character that a stream cannot encode is never an error: the marks of a page have ASCII in their place."""

from __future__ import annotations

import codecs
from typing import Final

STAND_INS: Final = {"→": "->", "←": "<-", "✗": "x", "·": "|", "…": "...", "≥": ">=", "┆": "|"}
"""What the marks of a page become where the output cannot show them."""

STAND_IN_ERRORS: Final = "agentctl.stand-in"
"""For `errors=`: a mark becomes its stand-in, every other character an escape."""


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    unfit = error.object[error.start : error.end]
    return "".join(STAND_INS.get(each) or _escaped(each) for each in unfit), error.end


def _escaped(character: str) -> str:
    return character.encode("ascii", "backslashreplace").decode("ascii")


codecs.register_error(STAND_IN_ERRORS, _stand_in)
