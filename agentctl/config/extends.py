"""`extends`: a version states what it changes, and is read as if it stated everything.

The merge keeps for every value the file and line it was written in, so an inherited mistake is reported where it
stands, not where it is inherited.
"""

from __future__ import annotations

from typing import Final

from agentctl.config.document import Document
from agentctl.config.refs import parse_ref
from agentctl.config.trees import Tree
from agentctl.config.versions import Source, locate
from agentctl.errors import ConfigError, UsageError

MAX_DEPTH: Final = 10


def load_whole(source: Source, tree: Tree) -> Document:
    """The agent document at `source` on top of all it extends.

    Raises:
        ConfigError: one of them cannot be read, is missing, is no agent, or extends itself.
    """
    return _whole(source, tree, (source.ref,))


def _whole(source: Source, tree: Tree, line: tuple[str, ...]) -> Document:
    document = tree.load(source.path)
    name = document.value.get("extends") if isinstance(document.value, dict) else None
    if not isinstance(name, str):  # not there, or of a kind that the model will complain about
        return document
    base = _base(document, name, tree, line)
    whole = _whole(base, tree, (*line, base.ref))
    kind = whole.value.get("kind") if isinstance(whole.value, dict) else None
    if kind != "agent":
        hint = "an agent extends another version of an agent"
        raise ConfigError([document.problem(("extends",), f"{base.ref} is no agent", hint=hint)])
    return document.over(whole)


def _base(document: Document, name: str, tree: Tree, line: tuple[str, ...]) -> Source:
    """The version that `name` means to a document; `line` is what led here, the outermost first."""
    try:
        ref = parse_ref(name)
        base = locate(ref, tree)
    except UsageError as error:
        raise ConfigError([document.problem(("extends",), str(error), hint=error.hint)]) from None
    if ref.revision is not None:
        message = "a document cannot extend a git revision"
        raise ConfigError([document.problem(("extends",), message, hint="name a version: name@2")])
    if base.ref in line:
        message = f"extends itself: {' -> '.join((*line, base.ref))}"
        raise ConfigError([document.problem(("extends",), message, hint="extend an older version")])
    if len(line) >= MAX_DEPTH:
        message = f"extends through more than {MAX_DEPTH} documents"
        raise ConfigError([document.problem(("extends",), message, hint="write a whole document now and then")])
    return base
