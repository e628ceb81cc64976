"""The check that is other people's code: `file.py:function`, called with the answer and the whole outcome.

Its verdict is its return value: true or false, a number, or `{pass, score, reason, evidence}`. When it raises, or
returns something else, the check was not made: that is an error of the suite, never a fail of the agent.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

import orjson

from agentctl.agent.events import JsonObject
from agentctl.agent.handlers import load_function
from agentctl.errors import AgentctlError
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
    named,
)

RESULT_KEYS: Final = frozenset({"pass", "score", "reason", "evidence"})


@dataclass(frozen=True, slots=True)
class Check:
    """Where the function is, relative to the suite's folder, and the number from which its score passes."""

    file: str
    function: str
    threshold: float | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.function}"


def score_python(assertion: Assertion, outcome: Outcome) -> Score:
    """What the function says of `(outcome.text, outcome)`."""
    check: Check = assertion.ready
    try:
        function = load_function(f"{(outcome.folder / check.file).resolve()}:{check.function}")
        result = function(outcome.text, outcome)
    except AgentctlError as error:
        raise CannotScore(f"{check}: {error}") from error
    except Exception as error:
        raise CannotScore(f"{check} raised {type(error).__name__}: {error}") from error
    return _score(check, result, outcome)


def _score(check: Check, result: Any, outcome: Outcome) -> Score:
    if inspect.iscoroutine(result):
        result.close()
        raise CannotScore(f"{check} is async; a check is a plain function")
    passed, number, reason = _read(check, result)
    evidence = _evidence(check, result)
    if passed is None:
        passed = number > 0 if check.threshold is None else number >= check.threshold
    if passed:
        plain = number == 1.0 and not reason and evidence is None
        return PASSED if plain else Score(passed=True, score=number, reason=reason, details=evidence)
    return Score(
        passed=False,
        score=number,
        reason=reason or f"{check} said no",
        expected=f"{check} to agree" if check.threshold is None else f"a score of at least {check.threshold:g}",
        got=excerpt(outcome.text) or "(no text)",
        places=(outcome.reply,),
        details=evidence,
    )


def _evidence(check: Check, result: Any) -> Any:
    """What the function shows for its verdict, which must be JSON; None when it shows nothing."""
    evidence = result.get("evidence") if isinstance(result, dict) else None
    try:
        return orjson.loads(orjson.dumps(evidence))  # a copy: what it returned is still its own
    except TypeError as error:
        raise CannotScore(f"{check} returned evidence that is no JSON: {error}") from None


def _read(check: Check, result: Any) -> tuple[bool | None, float, str]:
    """(verdict, score, reason) of a return value; the verdict is None where the score decides."""
    if isinstance(result, bool):
        return result, float(result), ""
    if isinstance(result, (int, float)):
        return None, _number(check, result), ""
    if isinstance(result, dict) and result.keys() <= RESULT_KEYS and result:
        verdict, reason = result.get("pass"), str(result.get("reason") or "")
        if verdict is not None and not isinstance(verdict, bool):
            raise CannotScore(f"{check} returned pass={verdict!r}, which is neither true nor false")
        if "score" not in result and verdict is None:
            raise CannotScore(f"{check} returned neither pass nor score")
        number = _number(check, result["score"]) if "score" in result else float(bool(verdict))
        return verdict, number, reason
    shown = excerpt(repr(result))
    raise CannotScore(
        f"{check} returned {shown}; it returns true or false, a number, or {{pass, score, reason, evidence}}"
    )


def _number(check: Check, value: Any) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    raise CannotScore(f"{check} returned the score {value!r}; a score is a number from 0 to 1")


def check_of(fields: Fields) -> Check:
    """`file.py:function`, and `threshold` beside it.

    Raises:
        Misfit: the reference has another form or leaves the suite's folder.
    """
    value, threshold = fields["value"], fields.get("threshold")
    if not isinstance(value, str):
        raise Misfit(f"takes file.py:function, not {named(value)}", "value", hint="python: checks.py:polite")
    file, colon, function = value.rpartition(":")
    if not (colon and file.endswith(".py") and function.isidentifier()):
        raise Misfit(f"takes file.py:function, not {value!r}", "value", hint="python: checks.py:polite")
    path = PurePosixPath(file)
    if path.is_absolute() or ".." in path.parts:
        raise Misfit(f"{file} is outside the suite's folder", "value")
    if threshold is not None and (isinstance(threshold, bool) or not isinstance(threshold, (int, float))):
        raise Misfit(f"threshold is a number from 0 to 1, not {named(threshold)}", "threshold")
    return Check(file, function, threshold)


REFERENCE: Final[JsonObject] = {"type": "string", "pattern": r"^[^:]+\.py:[A-Za-z_]\w*$"}

SCORERS: Final[dict[str, Scorer]] = {
    "python": Scorer(score_python, check_of, REFERENCE, fields={"threshold": {"type": "number"}})
}
