"""Text as documents may hold it: UTF-8, printable, one encoding for everybody; and how it is shown in a message."""

from __future__ import annotations

import codecs
import re
from typing import Final

from agentctl.errors import ConfigError, Problem

WIDE_MARKS: Final = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
PRINTABLE: Final = r"\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff"
UNPRINTABLE: Final = re.compile(f"[^{PRINTABLE}]")
"""What may not stand in a file as itself: what YAML forbids, a byte order mark but at the start, and U+0085, U+2028 and
U+2029, which end a line for some readers and not for others."""

SURROGATES: Final = re.compile("[\ud800-\udfff]")

MAX_SHOWN: Final = 60


def decoded(text: bytes | str, file: str) -> str:
    """The text of a file, without its byte order mark.

    Raises:
        ConfigError: it is not UTF-8, or holds a character that YAML does not allow.
    """
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    if data.startswith(WIDE_MARKS) or data[:4:2] == b"\0\0" or data[1:4:2] == b"\0\0":
        raise ConfigError([Problem(file, 1, 1, "is UTF-16 or UTF-32, not UTF-8", "save the file as UTF-8")])
    try:
        result = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line, column = _place(data[: error.start].decode("utf-8"))
        message = f"the byte 0x{data[error.start]:02x} is not UTF-8"
        raise ConfigError([Problem(file, line, column, message, "save the file as UTF-8")]) from None
    found = UNPRINTABLE.search(result)
    if found is not None:
        line, column = _place(result[: found.start()])
        message = f"the character U+{ord(found[0]):04X} is not allowed in YAML"
        hint = "delete it, or write it as an escape in double quotes"
        raise ConfigError([Problem(file, line, column, message, hint)])
    return result


def shown(value: object, most: int = MAX_SHOWN) -> str:
    """`value` as a message may hold it: one line, cut after `most` characters."""
    text = str(value)
    cut = text if len(text) <= most else f"{text[:most]}..."
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in cut)


def _place(before: str) -> tuple[int, int]:
    """Line and column, from 1, of what follows this text."""
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
