"""A file of transcripts, item by item: ten thousand of them are read without holding more than one.

Lines are read as they come. A list, and a document that holds one (tau2-bench's `simulations`), is held as text and
taken apart value by value, since its parsed form takes many times the room.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final, TypeAlias

import orjson

from agentctl.agent.events import JsonObject
from agentctl.cassette.imports.conversations import LISTS, about, listed, messages_of, within
from agentctl.cassette.imports.talk import Left
from agentctl.errors import CassetteError

HOLDS: Final = re.compile(rf'"({"|".join(LISTS)})"\s*:\s*\[')
SPACE: Final = re.compile(r"\s*")
BOM: Final = b"\xef\xbb\xbf"
Record: TypeAlias = tuple[str, int, Any]
"""Where it stands, in words; its line; and the JSON value, or a Left where there is none."""


def walk(path: Path) -> Iterator[Record]:
    """Every value in the file: one for each line, one for each item of a list, or the one document.

    Raises:
        CassetteError: it cannot be read, is empty, or is no JSON.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(len(BOM))
            if head != BOM:
                stream.seek(0)
            number, first = _first_line(stream)
            if _has_lines(path, first):
                yield from _by_line(number, first, stream)
                return
        data = path.read_bytes().removeprefix(BOM)
    except OSError as error:
        raise CassetteError(f"{path}: cannot be read ({error.strerror or error})") from None
    if not data.strip():
        raise CassetteError(f"{path}: the file is empty")
    try:
        yield from _by_item(data)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        why = f"{error.msg}, line {error.lineno}" if isinstance(error, json.JSONDecodeError) else str(error)
        raise CassetteError(f"{path}: is no JSON ({why})", hint="is it whole?") from None


def _first_line(stream: Any) -> tuple[int, bytes]:
    """The first line that is not blank, stripped, and its number."""
    for number, line in enumerate(stream, 1):
        if line.strip():
            return number, line.strip()
    return 1, b""


def _has_lines(path: Path, first: bytes) -> bool:
    """Whether each line is a value: by the file's name, or by its first line. A list on one line is a list."""
    if path.suffix == ".jsonl":
        return not first.startswith(b"[") or _is_json(first)
    return not first.startswith(b"[") and _is_json(first)


def _is_json(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _by_line(start: int, first: bytes, rest: Any) -> Iterator[Record]:
    for number, raw in enumerate(chain([first], rest), start):
        line = raw.strip()
        if not line:
            continue
        place = f"line {number}"
        try:
            value = _loaded(line)
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
            yield place, number, Left(place, f"is no JSON ({error})")
            continue
        inside = listed(value)
        if inside is None:
            yield place, number, value
        else:
            yield from ((f"{place}, {where}", number, item) for where, item in inside)


def _by_item(data: bytes) -> Iterator[Record]:
    text = data.decode("latin-1")  # a character for a byte: what is found in it is where it is in the data
    start = _after_space(text, 0)
    if text[start] == "[":
        for number, (line, item) in enumerate(_items(data, text, start + 1), 1):
            yield f"item {number}", line, item
        return
    found = HOLDS.search(text)
    head = _head(data, found.end()) if found is not None else None
    if found is None or head is None or messages_of(head) is not None:
        value = _loaded(data)
        inside = listed(value)
        yield from ((where, 1, item) for where, item in inside or [("line 1", value)])
        return
    for number, (line, item) in enumerate(_items(data, text, found.end())):
        yield f"{found[1]}[{number}]", line, within(about(head), item)


def _head(data: bytes, end: int) -> JsonObject | None:
    """What a document says before its list; None when that list is not the document's own."""
    try:
        head = orjson.loads(data[:end] + b"]}")
    except orjson.JSONDecodeError:
        return None
    return head if isinstance(head, dict) else None


def _items(data: bytes, text: str, at: int) -> Iterator[tuple[int, Any]]:
    """The values of a list whose bracket is open, one after the other, each with the line on which it begins."""
    decoder = json.JSONDecoder()
    line, counted = 1, 0
    at = _after_space(text, at)
    while text[at : at + 1] != "]":
        begin = at
        _, at = decoder.raw_decode(text, begin)
        line, counted = line + data.count(b"\n", counted, begin), begin
        yield line, _loaded(data[begin:at])
        at = _after_space(text, at)
        if text[at : at + 1] == ",":
            at = _after_space(text, at + 1)
        elif text[at : at + 1] != "]":
            raise json.JSONDecodeError("the list is not closed", text, at)


def _loaded(data: bytes) -> Any:
    """The value. Python's writers write NaN and halves of characters, which the fast reader does not take."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        value = json.loads(data, parse_constant=lambda _: None)
        return orjson.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def _after_space(text: str, at: int) -> int:
    found = SPACE.match(text, at)
    return at if found is None else found.end()
