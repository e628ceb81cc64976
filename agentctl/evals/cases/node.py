"""A value and where it was written, kept together: whatever is made of several files still names the line at fault."""

from __future__ import annotations

from itertools import chain
from typing import Any, Final

from msgspec import Struct

from agentctl.agent.events import JsonObject
from agentctl.agent.values import replace
from agentctl.config.document import Document, Place
from agentctl.errors import ConfigError, Problem

JOINED: Final = ("assert", "tags")
"""Lists that add up where one mapping is laid over another."""
MERGED: Final = ("vars", "metadata")


class Node(Struct, frozen=True):
    """A JSON-like value and the places of it and what is in it."""

    value: Any
    place: Place

    @classmethod
    def of(cls, document: Document) -> Node:
        """The whole of a document."""
        return cls(document.value, document.place)

    def __getitem__(self, key: str | int) -> Node:
        """What stands at a key; placed where this is, when it was not written down itself."""
        children = self.place.children
        known = key in children if isinstance(children, dict) else isinstance(children, list)
        return Node(self.value[key], children[key] if known else self.place)

    @property
    def items(self) -> list[Node]:
        """What a list holds."""
        return [self[index] for index in range(len(self.value))]

    def wrong(self, message: str, hint: str = "", *, on_key: bool = False) -> ConfigError:
        """The error that this is wrong, at its value or at its key."""
        place = self.place
        line, column = (place.key_line, place.key_column) if on_key else (place.line, place.column)
        return ConfigError([Problem(place.file, line, column, message, hint)])

    def without(self, *keys: str) -> Node:
        """The mapping without some keys."""
        children = self.place.children
        kept = {key: each for key, each in children.items() if key not in keys} if isinstance(children, dict) else None
        value = {key: each for key, each in self.value.items() if key not in keys}
        return Node(value, self.place._replace(children=kept))

    def over(self, base: Node) -> Node:
        """This case on top of another: variables and metadata merge, assertions and tags add up, the rest replaces."""
        value: JsonObject = dict(base.value)
        children: dict[str, Place] = {key: base[key].place for key in base.value}
        for key in self.value:
            mine, theirs = self[key], base[key] if key in base.value else None
            both = theirs is not None and type(mine.value) is type(theirs.value)
            if theirs is not None and both and key in JOINED and isinstance(mine.value, list):
                mine = listed([*theirs.items, *mine.items], mine.place)
            elif theirs is not None and both and key in MERGED and isinstance(mine.value, dict):
                mine = mine.over(theirs)
            value[key], children[key] = mine.value, mine.place
        return Node(value, self.place._replace(children=children))


def listed(nodes: list[Node], place: Place) -> Node:
    """A list of these."""
    return Node([each.value for each in nodes], place._replace(children=[each.place for each in nodes]))


def mapped(nodes: dict[str, Node], place: Place) -> Node:
    """A mapping of these."""
    children = {key: each.place for key, each in nodes.items()}
    return Node({key: each.value for key, each in nodes.items()}, place._replace(children=children))


def flat(value: Any, file: str, line: int) -> Node:
    """A value that was read as a whole: everything in it stands on that line."""
    return Node(value, Place(file, line, 1, line, 1, None, literal=False))


def as_document(node: Node, document: Document) -> Document:
    """The document with this in it."""
    return replace(document, value=node.value, place=node.place)


def all_in(lists: list[list[Node]]) -> list[Node]:
    """The nodes of all lists, in order."""
    return list(chain.from_iterable(lists))
