"""Checks on what the agent's policy made of failures: retries, fallbacks, a breaker, kind words when nobody answered.

All of it is read from the events, so a live run, a replay and a case with faults are judged alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, TypeVar

from agentctl.agent.events import FellBack, JsonObject, ModelAsked, ModelFailed, ModelReplied, Observed, RunEnded
from agentctl.evals.scorers.ends import nothing
from agentctl.evals.scorers.outcome import Outcome, Place
from agentctl.evals.scorers.score import PASSED, Assertion, Fields, Misfit, Score, Scorer, excerpt, failed, named
from agentctl.evals.scorers.steps import Bounds, within

E = TypeVar("E", FellBack, ModelFailed)

BREAKER_OPEN: Final = "breaker_open"
"""The failure of a request that was never sent, because the breaker of its model was open."""

BREAKERS: Final = ("open", "closed")

ADMISSIONS: Final = (
    r"sorry|apolog\w+|unfortunately|unable|not able|cannot|can(?:\s+not|['\u2019]t)|could(?:\s+not|n['\u2019]t)"
    r"|fail(?:s|ed|ure)?|went wrong|problems?|trouble|unavailable|try (?:it )?again"
)
ADMITS: Final = rf"(?i)\b(?:{ADMISSIONS})\b"
"""Words with which an English sentence says that something did not go as it should have."""


def score_retries(assertion: Assertion, outcome: Outcome) -> Score:
    """The number of requests that repeated one that had failed lies within bounds."""
    bounds: Bounds = assertion.ready
    repeated = list(_retries(outcome))
    if bounds.hold(len(repeated)):
        return PASSED
    failures = [f"{event.status or ''} {event.error_type}".strip() for _, event in _events(outcome, ModelFailed)]
    got = f"{len(repeated)} {'retry' if len(repeated) == 1 else 'retries'}"
    return failed(
        got,
        expected=f"{bounds} {'retry' if bounds.low == bounds.high == 1 else 'retries'}",
        got=f"{got}; failed: {excerpt(', '.join(failures)) or 'nothing'}",
        places=tuple(repeated[:1]) or (outcome.reply,),
    )


def score_fallback(assertion: Assertion, outcome: Outcome) -> Score:
    """Another model stood in: this one, or any."""
    wanted: str | None = assertion.ready
    used = [(place, event.model) for place, event in _events(outcome, FellBack)]
    found = [place for place, model in used if wanted in {None, model}]
    if bool(found) is not assertion.negated:
        return PASSED
    got = ", ".join(model for _, model in used) or "no other model"
    if found:
        return failed(f"{got} stood in", expected=f"{wanted or 'no other model'} not to", got=got, places=(found[0],))
    return failed(f"{got} stood in", expected=wanted or "another model", got=got, places=(outcome.reply,))


def score_breaker(assertion: Assertion, outcome: Outcome) -> Score:
    """A request was held back by an open breaker; or with `closed`, none was."""
    held = [place for place, event in _events(outcome, ModelFailed) if event.error_type == BREAKER_OPEN]
    state = "open" if held else "closed"
    if state == assertion.ready:
        return PASSED
    got = "a request was held back" if held else "no request was held back"
    return failed(
        f"the breaker was {state}: {got}", expected=assertion.ready, got=state, places=(*held, outcome.reply)[:1]
    )


def score_degraded(assertion: Assertion, outcome: Outcome) -> Score:
    """The run ended with the agent's own words for when nobody can answer."""
    if (outcome.ended == "degraded") is not assertion.negated:
        return PASSED
    last = Place(len(outcome.run.entries) - 1, outcome.turns)
    expected = "not degraded" if assertion.negated else "degraded"
    return failed(f"the run ended with {outcome.ended}", expected=expected, got=outcome.ended, places=(last,))


def score_told(assertion: Assertion, outcome: Outcome) -> Score:
    """The last words that reached the user say that something did not go as it should have.

    Without words of the case's own that is any admission in English, or the agent's own message for such a moment.
    """
    pattern: re.Pattern[str] | None = assertion.ready
    reached = _reached(outcome)
    by_message = pattern is None and outcome.ended == "degraded"
    found = by_message or re.search(pattern or ADMITS, reached) is not None  # compiled when it is needed first
    if found is not assertion.negated:
        return PASSED
    got = excerpt(reached) or f"(nothing: the run ended with {outcome.ended})"
    if found:
        return failed("the user was told", expected="nothing of what went wrong", got=got, places=(outcome.reply,))
    return failed("the user was not told", expected="words for what went wrong", got=got, places=(outcome.reply,))


def _reached(outcome: Outcome) -> str:
    """What the user read last: the message of a degraded run, or the reply with which it stopped; else nothing."""
    if outcome.ended == "degraded":
        return outcome.text
    last = next((each for each in reversed(outcome.run.events) if not isinstance(each, Observed | RunEnded)), None)
    return outcome.text if isinstance(last, ModelReplied) else ""


def _retries(outcome: Outcome) -> Iterator[Place]:
    """Where requests were sent again: each attempt at one reply after the first that was sent."""
    turn, before = 0, 0
    for entry in outcome.run.entries:
        match entry.event:
            case ModelAsked() as asked:
                turn, before = asked.turn, 0
            case ModelFailed(error_type=type_) if type_ == BREAKER_OPEN:
                pass
            case ModelFailed() | ModelReplied():
                if before:
                    yield Place(entry.seq, turn)
                before += 1


def _events(outcome: Outcome, kind: type[E]) -> Iterator[tuple[Place, E]]:
    turn = 0
    for entry in outcome.run.entries:
        if isinstance(entry.event, ModelAsked):
            turn = entry.event.turn
        if isinstance(entry.event, kind):
            yield Place(entry.seq, turn), entry.event


def retries(fields: Fields) -> Bounds:
    """The value: a whole number, or `{min, max}` or `{equals}`.

    Raises:
        Misfit: it is something else.
    """
    value = fields["value"]
    return within({"equals": value} if isinstance(value, int) else value)


def model(fields: Fields) -> str | None:
    """A model's name, or None for `true` or nothing.

    Raises:
        Misfit: it is something else.
    """
    value = fields.get("value")
    if value is None or value is True:
        return None
    if isinstance(value, str) and value:
        return value
    raise Misfit(f"takes a model's name or true, not {named(value)}", "value", hint="not-fallback-used: true")


def breaker(fields: Fields) -> str:
    """`open` or `closed`.

    Raises:
        Misfit: it is something else.
    """
    value = fields["value"]
    if value in BREAKERS:
        return str(value)
    raise Misfit(f"takes open or closed, not {value!r}", "value", hint="breaker: open")


def words(fields: Fields) -> re.Pattern[str] | None:
    """What the user must be told: one of these texts, whatever the case; None for `true` or nothing.

    Raises:
        Misfit: it is something else.
    """
    value = fields.get("value")
    if value is None or value is True:
        return None
    texts = value if isinstance(value, list) else [value]
    if texts and all(isinstance(each, str) and each for each in texts):
        return re.compile("|".join(re.escape(each) for each in texts), re.IGNORECASE)
    hint = "user-told: true, or the words in the language of the agent"
    raise Misfit(f"takes a text, a list of texts or true, not {named(value)}", "value", hint=hint)


TRUE: Final[JsonObject] = {"anyOf": [{"const": True}, {"type": "null"}]}
TEXT: Final[JsonObject] = {"type": "string", "minLength": 1}
COUNT: Final[JsonObject] = {"type": "integer", "minimum": 0}
BOUNDS: Final[JsonObject] = {
    "type": "object",
    "properties": {"min": COUNT, "max": COUNT, "equals": COUNT},
    "additionalProperties": False,
    "minProperties": 1,
}

SCORERS: Final[dict[str, Scorer]] = {
    "retries": Scorer(score_retries, retries, {"anyOf": [COUNT, BOUNDS]}),
    "fallback-used": Scorer(
        score_fallback, model, {"anyOf": [{"const": True}, TEXT, {"type": "null"}]}, negatable=True, needs_value=False
    ),
    "breaker": Scorer(score_breaker, breaker, {"enum": list(BREAKERS)}),
    "degraded": Scorer(score_degraded, nothing, TRUE, negatable=True, needs_value=False, of_turns=False),
    "user-told": Scorer(
        score_told,
        words,
        {"anyOf": [{"const": True}, TEXT, {"type": "array", "items": TEXT, "minItems": 1}, {"type": "null"}]},
        negatable=True,
        needs_value=False,
    ),
}
