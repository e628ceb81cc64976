"""The text of a fault as documents hold it: checked when it is read, so that a wrong one is named where it stands."""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeAlias

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from agentctl.config.faults import Unknown, fault_of
from agentctl.config.findings import Invalid


def _fault(text: str) -> str:
    try:
        fault_of(text)
    except Unknown as unknown:
        raise Invalid(str(unknown), hint=unknown.hint) from None
    return text


def _text(value: Any) -> Any:
    """A status may be written as the number it is."""
    return str(value) if type(value) is int else value


WRITTEN: Final = {"anyOf": [{"type": "string", "minLength": 1}, {"type": "integer", "minimum": 400, "maximum": 599}]}

FaultText: TypeAlias = Annotated[str, BeforeValidator(_text), AfterValidator(_fault), WithJsonSchema(WRITTEN)]
