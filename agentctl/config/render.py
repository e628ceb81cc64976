"""Prompt variables: `{{ name }}` becomes the value of that name, and nothing else happens.

There are no statements, filters, attributes or calls, and a value is put in as it is and never read again: data is
never a template, and with no expressions there is nothing to break out of. What looks like an expression is an error,
so that nobody sends a template to the model by mistake. `{{ "{{" }}` writes two braces.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from agentctl.config.nearest import nearest
from agentctl.config.texts import shown

SLOT: Final = re.compile(r"\{\{(.*?)\}\}|(\{\{|\{%|\{#)", re.DOTALL)
VARIABLE: Final = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*\Z")
BRACES: Final = {
    f"{quote}{braces}{quote}": braces for quote in "\"'" for braces in ("{{", "}}", "{%", "%}", "{#", "#}")
}
LITERALLY: Final = 'write {{ "{{" }} for two braces that are meant as they are'


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong in a template, on which of its lines, from 0."""

    line: int
    message: str
    hint: str = ""


class TemplateError(ValueError):
    """A text cannot be rendered; `flaws` holds every finding."""

    def __init__(self, flaws: list[Flaw]) -> None:
        super().__init__("; ".join(flaw.message for flaw in flaws))
        self.flaws = flaws


def render(text: str, variables: Mapping[str, str | int]) -> str:
    """The text with its variables filled in.

    Raises:
        TemplateError: a variable has no value, or there is more than a name between the braces.
    """
    flaws: list[Flaw] = []

    def fill(match: re.Match[str]) -> str:
        inner = match[1]
        name = variable_in(match)
        if name is not None and name in variables:
            return str(variables[name])
        if inner is not None and inner.strip() in BRACES:
            return BRACES[inner.strip()]
        flaws.append(_flaw(text, match, name, variables))
        return ""

    result = SLOT.sub(fill, text)
    if flaws:
        raise TemplateError(flaws)
    return result


def names_in(text: str) -> frozenset[str]:
    """The variables that a text asks for."""
    return frozenset(name for match in SLOT.finditer(text) if (name := variable_in(match)) is not None)


def variable_in(match: re.Match[str]) -> str | None:
    """The name between the braces that `SLOT` found; None when it is none."""
    found = VARIABLE.match(match[1]) if match[1] is not None else None
    return found[1] if found is not None else None


def _flaw(text: str, match: re.Match[str], name: str | None, variables: Mapping[str, str | int]) -> Flaw:
    line = text.count("\n", 0, match.start())
    if name is not None:
        hint = nearest(name, list(variables), kind="variables") or "give it a value in `vars`"
        return Flaw(line, f"the variable `{name}` has no value", hint)
    if match[2] in {"{%", "{#"}:
        return Flaw(line, f"only variables can be filled in, and {match[2]} begins a statement or a comment", LITERALLY)
    if match[2] == "{{":
        return Flaw(line, "{{ is never closed", LITERALLY)
    return Flaw(line, f"only a variable's name may stand between the braces, not {shown(match[0])}", LITERALLY)
