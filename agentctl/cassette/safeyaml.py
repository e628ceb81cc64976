"""YAML of strangers read as data and nothing else: there is no constructor here that a tag could reach.

Values are built from the parser's events in one loop, so neither depth nor aliases cost more than they show: PyYAML's
own composer recurses in C and takes the process down at some ten thousand brackets. `!!binary` is the one tag that
means anything; every other one is refused by name and line.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, Final

import yaml

from agentctl.errors import CassetteError

MAX_DEPTH: Final = 200
MAX_VALUES: Final = 5_000_000
"""Values a file may stand for once every alias is followed; each 64 characters of a long text count as one more."""

LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
CORE: Final = "tag:yaml.org,2002:"
BINARY: Final = frozenset({CORE + "binary", "!binary", CORE + "python/bytes"})
TEXT: Final = frozenset({CORE + "str", CORE + "timestamp", "!", CORE + "python/str", CORE + "python/unicode"})
"""Python 2 wrote its two kinds of text with a tag each; that is text, and nothing to construct."""
PLAIN: Final = frozenset({CORE + name for name in ("null", "bool", "int", "float", "python/int", "python/long")})
CONTAINERS: Final = frozenset({CORE + "map", CORE + "seq", "!"})

NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
BOOLS: Final = {
    word: value
    for value, words in ((True, "true yes on"), (False, "false no off"))
    for base in words.split()
    for word in (base, base.capitalize(), base.upper())
}
INT: Final = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)\Z")
FLOAT: Final = re.compile(r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?)\Z")
MAX_DIGITS: Final = 400


def load(text: str | bytes) -> Any:
    """The one document in `text`, as plain values; what a dumper would have quoted is read as it would read it.

    Raises:
        CassetteError: not YAML, more than one document, a tag that is not data, too deep, or an alias bomb.
    """
    try:
        return _Builder().build(yaml.parse(text, Loader=LOADER))
    except yaml.YAMLError as error:
        raise CassetteError(f"not valid YAML: {_one_line(error)}") from None
    except UnicodeDecodeError as error:
        raise CassetteError(f"not UTF-8 text ({error})") from None


class _Builder:
    """Containers that are open, innermost last, and what each anchor stands for."""

    def __init__(self) -> None:
        self._open: list[Any] = []
        self._keys: list[Any] = []
        self._names: list[str | None] = []
        self._starts: list[int] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._values = 0
        self._documents: list[Any] = []

    def build(self, events: Any) -> Any:
        for event in events:
            kind = type(event).__name__
            if kind == "ScalarEvent":
                self._put(event, scalar(event), 1 + (len(event.value) >> 6))
            elif kind in {"MappingStartEvent", "SequenceStartEvent"}:
                self._begin(event, {} if kind == "MappingStartEvent" else [])
            elif kind in {"MappingEndEvent", "SequenceEndEvent"}:
                self._end(event)
            elif kind == "AliasEvent":
                self._alias(event)
        if len(self._documents) != 1:
            raise CassetteError("holds no document" if not self._documents else "holds more than one YAML document")
        return self._documents[0]

    def _begin(self, event: Any, container: Any) -> None:
        if event.tag is not None and event.tag not in CONTAINERS:
            raise refused(event)
        if len(self._open) >= MAX_DEPTH:
            raise CassetteError(f"nested deeper than {MAX_DEPTH} levels at line {event.start_mark.line + 1}")
        self._open.append(container)
        self._keys.append(_NO_KEY)
        self._names.append(event.anchor)
        self._starts.append(self._values)

    def _end(self, event: Any) -> None:
        container = self._open.pop()
        self._keys.pop()
        size = self._values - self._starts.pop() + 1
        name = self._names.pop()
        if name is not None:
            self._anchors[name] = (container, size)
        self._attach(event, container, 1)

    def _put(self, event: Any, value: Any, size: int) -> None:
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, size)
        self._attach(event, value, size)

    def _alias(self, event: Any) -> None:
        known = self._anchors.get(event.anchor)
        if known is None:  # also an alias inside its own anchor, which would never end
            raise CassetteError(f"alias *{event.anchor} without its anchor at line {event.start_mark.line + 1}")
        self._attach(event, *known)

    def _attach(self, event: Any, value: Any, size: int) -> None:
        self._values += size
        if self._values > MAX_VALUES:
            raise CassetteError(f"its aliases stand for more than {MAX_VALUES:,} values: refused as an alias bomb")
        if not self._open:
            self._documents.append(value)
            return
        parent = self._open[-1]
        if isinstance(parent, list):
            parent.append(value)
        elif self._keys[-1] is _NO_KEY:
            if isinstance(value, (dict, list)):
                raise CassetteError(f"a key that is no scalar at line {event.start_mark.line + 1}")
            self._keys[-1] = value
        else:
            parent[self._keys[-1]] = value
            self._keys[-1] = _NO_KEY


_NO_KEY: Final = object()


def scalar(event: Any) -> Any:
    """One scalar: plain ones resolved as YAML 1.1 writers expect, but for dates, which stay text."""
    tag, text = event.tag, event.value
    if tag is None or tag == "!":
        return text if event.style else plain(text)
    if tag in BINARY:
        try:
            return base64.b64decode(text)
        except (binascii.Error, ValueError):
            raise CassetteError(f"!!binary that is no base64 at line {event.start_mark.line + 1}") from None
    if tag in TEXT:
        return text
    if tag in PLAIN:
        return plain(text)
    raise refused(event)


def plain(text: str) -> Any:
    """The value of an unquoted scalar."""
    if text in NULLS:
        return None
    if text in BOOLS:
        return BOOLS[text]
    if text[0] in "+-.0123456789" and len(text) <= MAX_DIGITS:
        if INT.match(text):
            return int(text.replace("_", ""))
        if FLOAT.match(text):
            return float(text.replace("_", ""))
    return text


def refused(event: Any) -> CassetteError:
    """The error for a tag that is not data."""
    tag = str(event.tag)
    shown = "!!" + tag.removeprefix(CORE) if tag.startswith(CORE) else tag
    return CassetteError(
        f"the tag {shown} at line {event.start_mark.line + 1} is not plain data; it was not executed",
        hint="record it again without Python or Ruby objects in requests and replies",
    )


def _one_line(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return f"{problem} (line {mark.line + 1})" if mark is not None else str(problem)
