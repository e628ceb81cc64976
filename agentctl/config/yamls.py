"""YAML in, JSON-like values with a line and a column for each of them out; anything else is a named problem.

What leaves this module is text, numbers that fit in 64 bits, booleans, null, lists, and mappings with text keys: what
was read can be hashed, sent and compared. Nothing in it can run code, grow (no anchors, no aliases, no merge keys),
nest deeper than `MAX_DEPTH` or be said twice (no duplicate keys). Scalars are read as YAML 1.2 reads them: `no`, `on`
and `12:30:00` are text. Values are built from the parser's events in one loop, since PyYAML's composer recurses in C
and a file of brackets takes the process down with it.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any, Final

import yaml

from agentctl.config.document import Document, Place, problem_at
from agentctl.config.scalars import InvalidScalar, explicit, plain
from agentctl.config.texts import SURROGATES, decoded, shown
from agentctl.errors import ConfigError, Problem

MAX_BYTES: Final = 1_000_000
MAX_DEPTH: Final = 50
MAX_VALUES: Final = 100_000
MAX_PROBLEMS: Final = 50
"""After this many findings the rest of a file is not read."""

LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Only its parser is used, never its constructor. The one in C is there in every wheel and ten times as fast."""

CORE: Final = "tag:yaml.org,2002:"
HINTS: Final = {
    "mapping values are not allowed in this context": "put text that holds `: ` in quotes, and check the indentation",
    "found character that cannot start any token": "indent with spaces; put text that starts with @, ` or % in quotes",
    "did not find expected key": "check the indentation of this line, and the quotes of the one before",
    "could not find expected ':'": "a key is followed by a colon and a space",
}
NO_ANCHORS: Final = "write the value out; versions of an agent share what is common with `extends`"


def load_yaml(text: bytes | str, file: str) -> Document:
    """The one YAML document in `text`; an empty one has the value None. `file` is the name that problems carry.

    Raises:
        ConfigError: with every problem found, each with its line and column.
    """
    if len(text) > MAX_BYTES:
        raise ConfigError(
            [Problem(file, 0, 0, f"is larger than {MAX_BYTES:,} bytes", "split it into several documents")]
        )
    builder = _Builder(file)
    try:
        builder.read(LOADER(decoded(text, file)))
    except yaml.MarkedYAMLError as error:
        builder.problems.append(_syntax_problem(error, file))
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # the pure-Python parser's `chr` of a bad escape
        builder.problems.append(Problem(file, 1, 1, f"not valid YAML: {error}"))
    if builder.problems:
        raise ConfigError(sorted(builder.problems, key=lambda problem: (problem.line, problem.column)))
    return Document(file, builder.value, builder.place)


def read_yaml(path: Path, file: str) -> Document:
    """The YAML document in the regular file `path`; see `load_yaml`.

    Raises:
        ConfigError: it cannot be read, or is wrong.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe or a device would never end
            raise ConfigError([Problem(file, 0, 0, "is no regular file")])
        with path.open("rb") as stream:
            text = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError([Problem(file, 0, 0, "there is no such file")]) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError([Problem(file, 0, 0, f"cannot be read: {reason}")]) from None
    return load_yaml(text, file)


class _Stop(Exception):  # never leaves this module
    """Reading on would only repeat, or cost, what the problems found so far say."""


class _Open:
    """A mapping or list whose end has not come yet, and its places; `key` is a mapping's key that awaits its value."""

    __slots__ = ("key", "key_mark", "place", "value")

    def __init__(self, value: Any, place: Place, key_mark: Any) -> None:
        self.value = value
        self.place = place
        self.key: str | None = None
        self.key_mark = key_mark


class _Builder:
    """Builds the value from events. Problems that leave the structure whole are collected and reading goes on."""

    def __init__(self, file: str) -> None:
        self.problems: list[Problem] = []
        self.value: Any = None
        self.place = Place(file, 1, 1, 1, 1, None, literal=False)
        self._file = file
        self._open: list[_Open] = []
        self._values = 0
        self._documents = 0

    def read(self, parser: Any) -> None:
        take = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._begin,
            yaml.SequenceStartEvent: self._begin,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._document,
        }
        try:
            while (event := parser.get_event()) is not None:
                handle = take.get(type(event))
                if handle is not None:
                    handle(event)
        except _Stop:
            pass
        finally:
            parser.dispose()

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            self._refuse(event.start_mark, "a second document begins here", "one file holds one document", stop=True)

    def _scalar(self, event: Any) -> None:
        tag, text, mark = event.tag, event.value, event.start_mark
        value: Any = text
        try:
            if tag is not None:
                value = explicit(tag, text)
            elif not event.style:
                value = plain(text)
        except InvalidScalar as error:
            self._refuse(mark, str(error), error.hint)
        if event.anchor is not None:
            self._refuse(mark, f"anchors are not supported (&{shown(event.anchor)})", NO_ANCHORS)
        if not text.isascii() and SURROGATES.search(text):  # only the pure-Python parser lets them through
            self._refuse(mark, "half a surrogate pair is no text", "write the character itself")
        stack = self._open
        if stack and stack[-1].key is None and type(stack[-1].value) is dict:
            self._take_key(stack[-1], event, value)
        else:
            self._attach(value, mark, None, literal=event.style == "|")

    def _take_key(self, parent: _Open, event: Any, value: Any) -> None:
        mark, text = event.start_mark, event.value
        if type(value) is not str:
            self._refuse(mark, f"a key must be text, and {shown(text) or 'nothing'} is not", "put the key in quotes")
        elif text == "<<" and not event.style:
            self._refuse(mark, "merge keys are not supported (<<)", NO_ANCHORS)
        if text in parent.value:
            first = parent.place.children[text].key_line
            self._refuse(mark, f"duplicate key `{shown(text)}`; it is on line {first} already", "keep one of the two")
        parent.key = text
        parent.key_mark = mark

    def _begin(self, event: Any) -> None:
        mark = event.start_mark
        mapping = type(event) is yaml.MappingStartEvent
        if event.tag not in (None, "!", CORE + ("map" if mapping else "seq")):
            self._refuse(mark, f"the tag {shown(event.tag.replace(CORE, '!!'))} is not allowed", "write plain values")
        if event.anchor is not None:
            self._refuse(mark, f"anchors are not supported (&{shown(event.anchor)})", NO_ANCHORS)
        if len(self._open) >= MAX_DEPTH:
            self._refuse(mark, f"nested deeper than {MAX_DEPTH} levels", stop=True)
        parent = self._open[-1] if self._open else None
        if parent is not None and parent.key is None and type(parent.value) is dict:
            hint = "put text that starts with { or [ in quotes"
            self._refuse(mark, "a key must be text, not a mapping or a list", hint, stop=True)
        value: Any = {} if mapping else []
        children: Any = {} if mapping else []
        key_mark = parent.key_mark if parent is not None else mark
        place = self._attach(value, mark, children, literal=False)
        self._open.append(_Open(value, place, key_mark))

    def _end(self, _event: Any) -> None:
        self._open.pop()

    def _alias(self, event: Any) -> None:
        self._refuse(event.start_mark, f"aliases are not supported (*{shown(event.anchor)})", NO_ANCHORS, stop=True)

    def _attach(self, value: Any, mark: Any, children: Any, *, literal: bool) -> Place:
        """Puts a value where it belongs: it is known before its contents, which arrive in the same object."""
        self._values += 1
        if self._values > MAX_VALUES:
            self._refuse(mark, f"holds more than {MAX_VALUES:,} values", "split it into several documents", stop=True)
        line, column = mark.line + 1, mark.column + 1
        if not self._open:
            self.value = value
            self.place = place = Place(self._file, line, column, line, column, children, literal)
            return place
        parent = self._open[-1]
        if parent.key is None:
            place = Place(self._file, line, column, line, column, children, literal)
            parent.value.append(value)
            parent.place.children.append(place)
        else:
            key_mark = parent.key_mark
            place = Place(self._file, line, column, key_mark.line + 1, key_mark.column + 1, children, literal)
            parent.value[parent.key] = value
            parent.place.children[parent.key] = place
            parent.key = None
        return place

    def _refuse(self, mark: Any, message: str, hint: str = "", *, stop: bool = False) -> None:
        self.problems.append(problem_at(self._file, mark, message, hint))
        if stop or len(self.problems) >= MAX_PROBLEMS:
            raise _Stop


def _syntax_problem(error: yaml.MarkedYAMLError, file: str) -> Problem:
    """The parser's complaint in one line, with where the thing began that it could not finish."""
    problem = error.problem or str(error.context or "cannot be read")
    began = error.context_mark
    context = f" ({error.context} that begins on line {began.line + 1})" if error.context and began is not None else ""
    hint = HINTS.get(problem, "")
    return problem_at(file, error.problem_mark or began, f"not valid YAML: {problem}{context}", hint)
