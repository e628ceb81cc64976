"""Regular expressions that people write into documents: compiled in silence, or refused in one printable sentence.

Python warns of what a later version may read otherwise (`[[`), in words meant for the author of a program; and the
message of an error quotes the pattern as it is, control characters included.
"""

from __future__ import annotations

import re
import warnings
from functools import lru_cache

from agentctl.config.texts import shown


class NotAPattern(ValueError):
    """The text is no regular expression; the message says why, `position` where (from 0), as far as that is known."""

    def __init__(self, message: str, position: int | None) -> None:
        super().__init__(message)
        self.position = position


@lru_cache(maxsize=256)  # a suite asks the same of many cases
def compiled(text: str, flags: int = 0) -> re.Pattern[str]:
    """The pattern in Python's syntax.

    Raises:
        NotAPattern: it is none, or nests too deeply to be read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return re.compile(text, flags)
    except (re.error, RecursionError, OverflowError) as error:
        raise NotAPattern(shown(getattr(error, "msg", error)), getattr(error, "pos", None)) from None
