"""Checks on what the run used and how it ended: turns, tokens, USD, the reason of its end."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from agentctl.agent.events import END_REASONS, JsonObject, ModelAsked
from agentctl.config.nearest import nearest
from agentctl.evals.scorers.outcome import Outcome, Place
from agentctl.evals.scorers.score import PASSED, Assertion, CannotScore, Fields, Misfit, Score, Scorer, failed, named


def score_turns(assertion: Assertion, outcome: Outcome) -> Score:
    """The model was asked for at most so many replies."""
    limit: int = assertion.ready
    if outcome.turns <= limit:
        return PASSED
    entries = outcome.run.entries
    over = next(entry for entry in entries if isinstance(entry.event, ModelAsked) and entry.event.turn == limit + 1)
    return failed(
        f"{outcome.turns} turns",
        expected=f"at most {limit} {'turn' if limit == 1 else 'turns'}",
        got=f"{outcome.turns} turns",
        places=(Place(over.seq, limit + 1),),
    )


def score_tokens(assertion: Assertion, outcome: Outcome) -> Score:
    """All tokens of the run, in and out, cached or not, are at most so many."""
    usage, limit = outcome.usage, assertion.ready
    total = usage.all_input + usage.output_tokens
    if total <= limit:
        return PASSED
    got = f"{total:,} tokens: {usage.all_input:,} in, {usage.output_tokens:,} out"
    return failed(f"{total:,} tokens", expected=f"at most {limit:,} tokens", got=got, places=(outcome.reply,))


def score_cost(assertion: Assertion, outcome: Outcome) -> Score:
    """The list price of the run is at most so many USD. A price that is not known is no verdict."""
    cost, limit = outcome.cost_usd, assertion.ready
    if cost is None:
        raise CannotScore("the price of a reply is not known, so its cost cannot be compared")
    if cost <= limit:
        return PASSED
    return failed(f"${cost:.6f}", expected=f"at most ${limit}", got=f"${cost:.6f}", places=(outcome.reply,))


def score_ended(assertion: Assertion, outcome: Outcome) -> Score:
    """The run ended for this reason."""
    if outcome.ended == assertion.ready:
        return PASSED
    ended = outcome.run.ended
    said = f": {ended.message}" if ended is not None and ended.message else ""
    last = Place(len(outcome.run.entries) - 1, outcome.turns)
    return failed(
        f"the run ended with {outcome.ended}{said}", expected=assertion.ready, got=outcome.ended + said, places=(last,)
    )


def whole(fields: Fields) -> int:
    """The value, a whole number above 0.

    Raises:
        Misfit: it is something else.
    """
    value = fields["value"]
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    raise Misfit(f"takes a whole number above 0, not {_shown(value)}", "value")


def dollars(fields: Fields) -> Decimal:
    """The value, a number of USD.

    Raises:
        Misfit: it is something else.
    """
    value = fields["value"]
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < float("inf"):
        return Decimal(str(value))
    raise Misfit(f"takes a number of USD, not {_shown(value)}", "value", hint="max-cost: 0.05")


def end_reason(fields: Fields) -> str:
    """The value, one of `END_REASONS`.

    Raises:
        Misfit: it is something else.
    """
    value = fields["value"]
    if value in END_REASONS:
        return str(value)
    hint = nearest(str(value), END_REASONS, kind="") or f"one of {', '.join(END_REASONS)}"
    raise Misfit(f"a run does not end with {value!r}", "value", hint=hint)


def _shown(value: Any) -> str:
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else named(value)


WHOLE: Final[JsonObject] = {"type": "integer", "minimum": 1}

SCORERS: Final[dict[str, Scorer]] = {
    "max-turns": Scorer(score_turns, whole, WHOLE),
    "max-tokens": Scorer(score_tokens, whole, WHOLE),
    "max-cost": Scorer(score_cost, dollars, {"type": "number", "minimum": 0}),
    "ended": Scorer(score_ended, end_reason, {"enum": list(END_REASONS)}),
}
