"""From what a document says to a frozen model of it, or to problems that a person can act on.

A model never changes what was written: text is not turned into numbers, unknown keys are errors. Every room that reads
YAML describes its documents with `Part` and reads them through `check`, so that all of them complain in the same way.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, TypeAlias, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agentctl.config.document import Document
from agentctl.config.findings import findings
from agentctl.errors import ConfigError

T = TypeVar("T")
P = TypeVar("P", bound="Part")

KINDS: Final = ("agent", "tools", "rubric", "persona", "suite")
"""What a document can be."""

Many: TypeAlias = Annotated[tuple[T, ...], Field(strict=False)]
"""A list in YAML, a tuple here. (Strict models take no list for a tuple; what is in it stays strict.)"""


class Part(BaseModel):
    """A mapping in a document: its fields are all the keys it may have."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, strict=True)


def check(model: type[P], document: Document) -> P:
    """The document as a `model`.

    Raises:
        ConfigError: with every problem, in the order of the file.
    """
    if document.value is None:
        raise ConfigError([document.problem((), "the document is empty")])
    kind = _other_kind(model, document)
    if kind:
        raise ConfigError([document.problem(("kind",), kind)])
    try:
        return model.model_validate(document.value)
    except ValidationError as error:
        found = findings(model, document.value, error)
    problems = [
        document.problem(finding.path, finding.message, hint=finding.hint, on_key=finding.on_key) for finding in found
    ]
    raise ConfigError(sorted(problems, key=lambda problem: (problem.file, problem.line, problem.column)))


def _other_kind(model: type[Part], document: Document) -> str:
    """What to say of a document that is whole but of another kind: everything in it would be a finding."""
    field = model.model_fields.get("kind")
    wanted = get_args(field.annotation) if field is not None else ()
    kind = document.value.get("kind") if isinstance(document.value, dict) else None
    if not wanted or kind in wanted or kind not in KINDS or len(wanted) > 1:
        return ""
    return f"this is a document of kind {kind}, not {wanted[0]}"
