"""Checks on the final reply's text beyond one thing in it: several things, its two ends, how far it is from a text.

Texts are compared character by character (Unicode code points); `i` before a name is any case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import orjson
from msgspec import Struct

from agentctl.agent.events import Json, JsonObject
from agentctl.evals.scorers.outcome import Outcome
from agentctl.evals.scorers.score import PASSED, Assertion, CannotScore, Fields, Misfit, Score, Scorer, excerpt, failed
from agentctl.evals.scorers.score import named as kind
from agentctl.evals.scorers.text import TEXT, Found, text_scorer, text_value

DISTANCE: Final = 5
"""Edits that are allowed when nothing is said, as in promptfoo."""

MAX_COMPARED: Final = 100_000
"""Characters of an answer that are compared with a text; a longer one gets no verdict."""


class Several(Struct, frozen=True):
    """Texts that are looked for, as they are written and as they are compared."""

    written: tuple[str, ...]
    compared: tuple[str, ...]
    folds: bool
    every: bool
    """Whether all of them must be there, or one."""


@dataclass(frozen=True, slots=True)
class Near:
    """A text, and how many edits an answer may be away from it."""

    text: str
    most: int


def score_several(assertion: Assertion, outcome: Outcome) -> Score:
    """All of the texts are in the answer, or one of them is."""
    wanted: Several = assertion.ready
    searched = outcome.text.casefold() if wanted.folds else outcome.text
    places = [searched.find(each) for each in wanted.compared]
    found = [at >= 0 for at in places]
    if (all(found) if wanted.every else any(found)) is not assertion.negated:
        return PASSED
    missing = [text for text, there in zip(wanted.written, found, strict=True) if not there]
    present = [text for text, there in zip(wanted.written, found, strict=True) if there]
    case = ", in any case" if wanted.folds else ""
    at = min((at for at in places if at >= 0), default=0)
    listed = _listed(wanted.written)
    says = f"contains {_listed(present)}" if assertion.negated else f"does not contain {_listed(missing)}"
    word = ("all" if wanted.every else "any") if len(wanted.written) > 1 else ""
    expected = f"{'not ' if assertion.negated else ''}{word} of {listed}{case}" if word else listed
    return failed(
        f"the answer {says}{case}",
        expected=expected.strip(),
        got=excerpt(outcome.text, at if assertion.negated else 0) or "(no text)",
        places=(outcome.reply,),
    )


def several(fields: Fields, *, folds: bool, every: bool) -> Several:
    """A list of texts.

    Raises:
        Misfit: it is none, or one of them is no text or empty.
    """
    value = fields["value"]
    if not isinstance(value, list) or not value:
        raise Misfit(f"takes a list of texts, not {_what(value)}", "value", hint="[shipped, UPS]")
    for index, each in enumerate(value):
        if not isinstance(each, str) or not each:
            shown = f'"{each}"' if isinstance(each, (int, float)) and not isinstance(each, bool) else '"..."'
            what = "an empty text" if each == "" else kind(each)
            raise Misfit(f"takes texts, not {what}", "value", index, hint=f"write it in quotes: {shown}")
    return Several(tuple(value), tuple(each.casefold() if folds else each for each in value), folds, every)


def find_start(expected: str, text: str) -> Found:
    """Whether the text begins with it."""
    if text.startswith(expected):
        return 0, ""
    return -1, "but for white space" if text.lstrip().startswith(expected) else _other_case(expected, text)


def find_end(expected: str, text: str) -> Found:
    """Whether the text ends with it."""
    if text.endswith(expected):
        return len(text) - len(expected), ""
    return -1, "but for white space" if text.rstrip().endswith(expected) else ""


def _other_case(expected: str, text: str) -> str:
    return "it does in another case" if text.casefold().startswith(expected.casefold()) else ""


def score_near(assertion: Assertion, outcome: Outcome) -> Score:
    """The answer is at most so many edits away from the text."""
    wanted: Near = assertion.ready
    if len(outcome.text) > MAX_COMPARED:
        raise CannotScore(f"the answer has {len(outcome.text):,} characters; {MAX_COMPARED:,} at most are compared")
    far = distance(outcome.text, wanted.text, wanted.most)
    if (far is not None) is not assertion.negated:
        return PASSED
    edits = f"{wanted.most} {'edit' if wanted.most == 1 else 'edits'}"
    if far is not None:
        reason, expected = f"{far} edits away", f"more than {edits} away from {_dumped(wanted.text)}"
    else:
        reason, expected = f"more than {edits} away", f"at most {edits} away from {_dumped(wanted.text)}"
    return failed(
        f"the answer is {reason}",
        expected=expected,
        got=excerpt(outcome.text) or "(no text)",
        places=(outcome.reply,),
    )


def distance(one: str, other: str, most: int) -> int | None:
    """Levenshtein's distance: the fewest insertions, deletions and replacements that make one text of the other.

    None when it is more than `most`: only a band of that width around the diagonal is computed (Ukkonen, 1985).
    """
    if len(one) < len(other):
        one, other = other, one
    if len(one) - len(other) > most:
        return None
    far = most + 1
    before = [min(column, far) for column in range(len(other) + 1)]
    for row, character in enumerate(one, 1):
        low, high = max(1, row - most), min(len(other), row + most)
        now = [far] * (len(other) + 1)
        now[low - 1] = min(row, far) if low == 1 else far
        for column in range(low, high + 1):
            same = before[column - 1] + (character != other[column - 1])
            now[column] = min(same, before[column] + 1, now[column - 1] + 1, far)
        if min(now[low - 1 : high + 1]) > most:
            return None
        before = now
    return before[-1] if before[-1] <= most else None


def near(fields: Fields) -> Near:
    """A text, and `threshold` beside it.

    Raises:
        Misfit: one of them is something else.
    """
    most = fields.get("threshold", DISTANCE)
    if not isinstance(most, int) or isinstance(most, bool) or most < 0:
        shown = most if isinstance(most, float) else kind(most)
        raise Misfit(f"threshold is a whole number of edits from 0, not {shown}", "threshold")
    value = fields["value"]
    return Near("" if value == "" else text_value(fields), most)


def _what(value: Json) -> str:
    return "an empty list" if value == [] else kind(value)


def _listed(texts: Any) -> str:
    return excerpt(", ".join(_dumped(each) for each in texts))


def _dumped(text: str) -> str:
    return orjson.dumps(text).decode()


TEXTS: Final[JsonObject] = {"type": "array", "items": TEXT, "minItems": 1}


def _scorer(*, folds: bool, every: bool) -> Scorer:
    return Scorer(score_several, lambda fields: several(fields, folds=folds, every=every), TEXTS, negatable=True)


SCORERS: Final[dict[str, Scorer]] = {
    "contains-all": _scorer(folds=False, every=True),
    "contains-any": _scorer(folds=False, every=False),
    "icontains-all": _scorer(folds=True, every=True),
    "icontains-any": _scorer(folds=True, every=False),
    "starts-with": Scorer(
        text_scorer(find_start, "starts with", "does not start with"), text_value, TEXT, negatable=True
    ),
    "ends-with": Scorer(text_scorer(find_end, "ends with", "does not end with"), text_value, TEXT, negatable=True),
    "levenshtein": Scorer(
        score_near,
        near,
        {"type": "string"},
        fields={"threshold": {"type": "integer", "minimum": 0, "description": "Edits that are allowed; 5"}},
        negatable=True,
    ),
}
