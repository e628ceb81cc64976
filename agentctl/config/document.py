"""A value read from YAML that still knows where each of its parts stands, through merges too.

`Document.value` is what was written; beside it stands a tree of the same shape that holds places. So whatever is wrong
with a value can be reported at its own file, line and column, however far from the file it is found out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from agentctl.errors import Problem


class Place(NamedTuple):
    """Where a value stands, and where its key does (the same, when it has none); lines and columns count from 1."""

    file: str
    line: int
    column: int
    key_line: int
    key_column: int
    children: Any
    """Places of what it holds, by key or index; None for a scalar."""
    literal: bool
    """Whether this is a `|` block, whose text begins on the line below and keeps its line breaks."""


@dataclass(frozen=True, slots=True)
class Document:
    """What a YAML file says; `file` is the name its problems carry."""

    file: str
    value: Any
    place: Place

    def where(self, path: Sequence[str | int] = ()) -> tuple[int, int]:
        """Line and column of the value at `path`, or of the nearest thing around it that exists."""
        place = self.find(path)
        return place.line, place.column

    def find(self, path: Sequence[str | int] = ()) -> Place:
        """The place of the value at `path`, or of the nearest thing around it that exists."""
        place = self.place
        for step in path:
            if place.children is None:
                break
            try:
                place = place.children[step]
            except (LookupError, TypeError):  # there is no such thing in it
                break
        return place

    def problem(
        self, path: Sequence[str | int], message: str, *, hint: str = "", on_key: bool = False, text_line: int = 0
    ) -> Problem:
        """A finding about the value at `path`, or about its key; `text_line` counts lines inside its text, from 0."""
        place = self.find(path)
        if on_key:
            return Problem(place.file, place.key_line, place.key_column, message, hint)
        if place.literal:
            return Problem(place.file, place.line + 1 + text_line, 1, message, hint)
        return Problem(place.file, place.line, place.column, message, hint)

    def over(self, base: Document) -> Document:
        """This document on top of `base`: mappings are merged deeply, everything else replaces what was there."""
        value, place = _merged((base.value, base.place), (self.value, self.place))
        return Document(self.file, value, place)


def problem_at(file: str, mark: Any, message: str, hint: str = "") -> Problem:
    """A finding at a mark of the YAML parser, which counts from 0."""
    return Problem(file, mark.line + 1, mark.column + 1, message, hint)


def _merged(base: tuple[Any, Place], top: tuple[Any, Place]) -> tuple[Any, Place]:
    if not (isinstance(base[0], dict) and isinstance(top[0], dict)):
        return top
    values, places = dict(base[0]), dict(base[1].children)
    for key, value in top[0].items():
        place = top[1].children[key]
        if key in values:
            values[key], places[key] = _merged((values[key], places[key]), (value, place))
        else:
            values[key], places[key] = value, place
    return values, top[1]._replace(children=places)
