"""Patterns, templates and expressions of a script, compiled once each. Data fills a template and is never one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from jinja2 import ChainableUndefined, StrictUndefined, TemplateError, TemplateSyntaxError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from agentctl.config.findings import Invalid
from agentctl.config.patterns import NotAPattern, compiled
from agentctl.config.texts import shown

SINGLE = re.compile(r"\{\{(?P<expression>(?:(?!\}\}|\{\{).)*)\}\}", re.DOTALL)
FLAGS = re.IGNORECASE | re.DOTALL


def _money(cents: int) -> str:
    """Cents as `84.90 USD`."""
    return f"{cents // 100}.{cents % 100:02d} USD"


ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=False, autoescape=False)
ENVIRONMENT.filters["money"] = _money
CONDITIONS = ENVIRONMENT.overlay(undefined=ChainableUndefined)
"""For `where`: what is not there is null, so that a rule can ask whether it is."""

UNFIT: Final = (TemplateSyntaxError, SyntaxError, RecursionError, MemoryError)
"""Raised for a source: Jinja makes Python of it, whose compiler takes only so many brackets inside each other."""

NAME = re.compile(r"<(?P<name>[a-z_]+)>")


def _reason(error: Exception) -> str:
    if isinstance(error, TemplateSyntaxError):
        return shown(error.message or "")
    return shown(error.msg) if isinstance(error, SyntaxError) else "it nests too deeply"


class ScriptFault(Exception):  # told to the client as an api_error
    """A template or an expression failed on this conversation; the text names it."""


class Pattern:
    """A case-insensitive regular expression whose `.` spans lines."""

    @staticmethod
    @cache
    def compiled(text: str) -> re.Pattern[str]:
        """The compiled pattern."""
        return compiled(text, FLAGS)

    @staticmethod
    def expanded(text: str, named: Mapping[str, str]) -> str:
        """`text` with every `<name>` that is in `named` written out; any other, such as a group's, stays."""
        return NAME.sub(lambda found: named.get(found["name"], found.group()), text) if named else text

    @classmethod
    def check(cls, text: str) -> None:
        """Raises Invalid when it is none."""
        try:
            cls.compiled(text)
        except NotAPattern as error:
            raise Invalid(f"not a regular expression: {error}") from None


class Template:
    """Text with `{{ }}` and `{% %}`."""

    @staticmethod
    @cache
    def compiled(text: str) -> Any:
        """The compiled template."""
        return ENVIRONMENT.from_string(text)

    @classmethod
    def check(cls, text: str) -> None:
        """Raises Invalid when it is none."""
        try:
            cls.compiled(text)
        except UNFIT as error:
            raise Invalid(f"not a template: {_reason(error)}") from None

    @classmethod
    def text(cls, text: str, variables: Mapping[str, Any], macros: str = "") -> str:
        """The filled template; `macros` is Jinja source whose macros it may use.

        Raises:
            ScriptFault: a variable is missing or an expression fails.
        """
        try:
            filled: str = cls.compiled(macros + text).render(variables)
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise ScriptFault(f"the script's template {text!r} failed: {error}") from None
        return filled

    @classmethod
    def value(cls, value: Any, variables: Mapping[str, Any], macros: str = "") -> Any:
        """`value` with all its strings filled; one that is a single expression becomes what the expression is."""
        if isinstance(value, dict):
            return {key: cls.value(item, variables, macros) for key, item in value.items()}
        if isinstance(value, list):
            return [cls.value(item, variables, macros) for item in value]
        if not isinstance(value, str):
            return value
        single = SINGLE.fullmatch(value.strip())
        return Expression.value(single["expression"], variables) if single else cls.text(value, variables, macros)


class Expression:
    """A Jinja expression."""

    @staticmethod
    @cache
    def compiled(text: str) -> Any:
        """The compiled expression."""
        return ENVIRONMENT.compile_expression(text.strip())

    @classmethod
    def check(cls, text: str) -> None:
        """Raises Invalid when it is none."""
        try:
            cls.compiled(text)
        except UNFIT as error:
            raise Invalid(f"not an expression: {_reason(error)}") from None

    @classmethod
    def value(cls, text: str, variables: Mapping[str, Any]) -> Any:
        """What it comes to.

        Raises:
            ScriptFault: it fails.
        """
        try:
            return cls.compiled(text)(**variables)
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise ScriptFault(f"the script's expression {text!r} failed: {error}") from None

    @staticmethod
    @cache
    def _condition(text: str) -> Any:
        return CONDITIONS.compile_expression(text.strip())

    @classmethod
    def holds(cls, text: str, variables: Mapping[str, Any]) -> bool:
        """Whether it is true; what is not defined in it is null, and nothing can be compared with that.

        Raises:
            ScriptFault: it fails for another reason.
        """
        try:
            return bool(cls._condition(text)(**variables))
        except UndefinedError:
            return False
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise ScriptFault(f"the script's condition {text!r} failed: {error}") from None
