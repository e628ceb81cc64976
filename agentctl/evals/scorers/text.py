"""Checks on the text of the final reply. Each is a way to find something in it; `not-` turns the verdict around."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import orjson

from agentctl.agent.events import Json
from agentctl.config.patterns import NotAPattern, compiled
from agentctl.evals.scorers.outcome import Outcome
from agentctl.evals.scorers.score import (
    PASSED,
    Assertion,
    CannotScore,
    Fields,
    Misfit,
    Score,
    Scorer,
    excerpt,
    failed,
    named,
)

MAX_SEARCHED: Final = 100_000
"""Characters a pattern is tried on. Longer answers are not judged: half an answer would give half a verdict."""

Found: TypeAlias = tuple[int, str]
"""Where in the text it was found, -1 for nowhere; and what else a person should know."""


def text_scorer(find: Callable[[Any, str], Found], says: str, denies: str) -> Callable[[Assertion, Outcome], Score]:
    """Passes when `find` finds or, negated, when it does not. `says` and `denies` read after "the answer"."""

    def score(assertion: Assertion, outcome: Outcome) -> Score:
        at, remark = find(assertion.ready, outcome.text)
        if (at >= 0) is not assertion.negated:
            return PASSED
        wanted, happened = (denies, says) if assertion.negated else (says, denies)
        shown = _shown(assertion.value)
        return failed(
            f"the answer {happened}{shown}{f' ({remark})' if remark else ''}",
            expected=f"{wanted}{shown}",
            got=excerpt(outcome.text, max(at, 0)) or "(no text)",
            places=(outcome.reply,),
        )

    return score


def text_value(fields: Fields) -> str:
    """The value, which must be text.

    Raises:
        Misfit: it is something else, or empty.
    """
    value = fields["value"]
    if isinstance(value, str) and value:
        return value
    if isinstance(value, str):
        raise Misfit("the text to look for is empty: every answer would pass", "value")
    shown = f'"{value}"' if isinstance(value, (int, float)) else '"..."'
    raise Misfit(f"takes text, not {named(value)}", "value", hint=f"write it in quotes: {shown}")


def pattern(fields: Fields) -> re.Pattern[str]:
    """The value as a compiled regular expression.

    Raises:
        Misfit: it is no text or no pattern.
    """
    text = text_value(fields)
    try:
        return compiled(text)
    except NotAPattern as error:
        where = "" if error.position is None else f" at character {error.position + 1} of the pattern"
        raise Misfit(f"not a regular expression: {error}{where}", "value", hint="it is Python's `re` syntax") from None


def find_equal(expected: Json, text: str) -> Found:
    """The whole text, or, when something other than text is expected, the JSON it holds."""
    if isinstance(expected, str):
        if text == expected:
            return 0, ""
        return -1, "but for white space" if text.strip() == expected.strip() else ""
    try:
        return (0 if orjson.loads(text) == expected else -1), ""
    except orjson.JSONDecodeError:
        return -1, "which is no JSON"


def find_text(expected: str, text: str) -> Found:
    """The text as it stands."""
    at = text.find(expected)
    if at < 0 and expected.casefold() in text.casefold():
        return at, "it does in another case: use icontains"
    return at, ""


def find_text_in_any_case(expected: str, text: str) -> Found:
    """The text, upper and lower case being the same."""
    return text.casefold().find(expected), ""


def find_pattern(expected: re.Pattern[str], text: str) -> Found:
    """The first match of the pattern."""
    if len(text) > MAX_SEARCHED:
        raise CannotScore(f"the answer has {len(text):,} characters; patterns are tried on {MAX_SEARCHED:,} at most")
    found = expected.search(text)
    return (found.start(), f"as {excerpt(found[0])!r}") if found else (-1, "")


def _shown(value: Json) -> str:
    return "" if value is None else f" {excerpt(orjson.dumps(value).decode())}"


TEXT: Final = {"type": "string", "minLength": 1}

SCORERS: Final[dict[str, Scorer]] = {
    "equals": Scorer(
        text_scorer(find_equal, "equals", "does not equal"), lambda fields: fields["value"], {}, negatable=True
    ),
    "contains": Scorer(text_scorer(find_text, "contains", "does not contain"), text_value, TEXT, negatable=True),
    "icontains": Scorer(
        text_scorer(find_text_in_any_case, "contains, in any case,", "does not contain, in any case,"),
        lambda fields: text_value(fields).casefold(),
        TEXT,
        negatable=True,
    ),
    "regex": Scorer(text_scorer(find_pattern, "matches", "does not match"), pattern, TEXT, negatable=True),
}
