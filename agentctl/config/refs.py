"""References to documents: `name`, `name@2`, `name@git:REV`; nothing that could be read as a path, a flag or a format.

A name is the name of a folder in `prompts/`, so everything a file system could take for more than one name is refused
here, once, before any path is built.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from agentctl.config.texts import shown
from agentctl.errors import UsageError

NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}\Z")
VERSION: Final = re.compile(r"(?:0|[1-9][0-9]{0,9})(?:\.(?:0|[1-9][0-9]{0,9})){0,3}\Z")
GIT: Final = "git:"
FORMS: Final = "a reference is name, name@2 or name@git:REV; names are lower-case letters, digits, `.`, `_` and `-`"


@dataclass(frozen=True, slots=True)
class Ref:
    """A document by name: one version of it, or the highest one; as it is on disk, or in a git revision."""

    name: str
    version: str | None = None
    """`2` or `1.2`; None is the highest version."""
    revision: str | None = None
    """A git revision (`main`, `HEAD~1`, a hash); None is the working tree."""

    def __str__(self) -> str:
        if self.revision is not None:
            return f"{self.name}@{GIT}{self.revision}"
        return self.name if self.version is None else f"{self.name}@{self.version}"


def parse_ref(text: str) -> Ref:
    """The reference that `text` spells.

    Raises:
        UsageError: it is none.
    """
    name, separator, rest = text.partition("@")
    if not is_name(name):
        raise UsageError(f"{shown(text) or 'an empty text'} is no reference: {_why(name)}", hint=FORMS)
    if not separator:
        return Ref(name)
    if rest.startswith(GIT):
        return Ref(name, revision=_revision(text, rest.removeprefix(GIT)))
    if VERSION.match(rest):
        return Ref(name, rest)
    hint = f"write {name}@{rest[1:]}" if VERSION.match(rest[1:]) and rest[0] == "v" else FORMS
    raise UsageError(f"{shown(text)} is no reference: {shown(rest) or 'nothing'} is no version", hint=hint)


def parse_revision(text: str) -> str:
    """The revision in `git:REV`.

    Raises:
        UsageError: it is no such thing.
    """
    if not text.startswith(GIT):
        raise UsageError(f"{shown(text) or 'an empty text'} is no git revision", hint=f"write git:{text or 'main'}")
    return _revision(text, text.removeprefix(GIT))


def is_name(text: str) -> bool:
    """Whether `text` can name a document, a suite or a case: no separator, no `..`, nothing a shell or disk minds."""
    return NAME.match(text) is not None and ".." not in text


def version_key(version: str) -> tuple[int, ...]:
    """What versions are ordered by: 2 before 10, 1.2 before 1.10."""
    return tuple(int(part) for part in version.split("."))


def _revision(text: str, revision: str) -> str:
    if not revision or revision.startswith("-") or not revision.isprintable():
        why = "it names no revision" if not revision else "that is no git revision"
        raise UsageError(f"{shown(text)} is no reference: {why}", hint=FORMS)
    return revision


def _why(name: str) -> str:
    if not name:
        return "it has no name"
    if "/" in name or "\\" in name or ".." in name:
        return "it is a path, not a name"
    return f"{shown(name)} is no name"
