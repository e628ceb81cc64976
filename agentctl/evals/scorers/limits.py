"""Checks on what the run used: turns, tokens, USD, milliseconds. A limit is kept when it is reached but not passed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from agentctl.agent.events import JsonObject, ModelAsked
from agentctl.evals.scorers.outcome import Outcome, Place
from agentctl.evals.scorers.score import PASSED, Assertion, CannotScore, Fields, Misfit, Score, Scorer, failed, named


def score_turns(assertion: Assertion, outcome: Outcome) -> Score:
    """The model was asked for at most so many replies."""
    limit: int = assertion.ready
    if outcome.turns <= limit:
        return PASSED
    asked = [Place(each.seq, each.event.turn) for each in outcome.run.entries if isinstance(each.event, ModelAsked)]
    return failed(
        f"{outcome.turns} turns",
        expected=f"at most {limit} {'turn' if limit == 1 else 'turns'}",
        got=f"{outcome.turns} turns",
        places=(asked[limit],),
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


def score_latency(assertion: Assertion, outcome: Outcome) -> Score:
    """Model and tools took at most so many milliseconds when the run was made. An unknown time is no verdict."""
    took, limit = outcome.seconds * 1000, assertion.ready
    if not took:
        raise CannotScore("how long the run took is not known, so its latency cannot be compared")
    if took <= limit:
        return PASSED
    return failed(f"{took:,.0f} ms", expected=f"at most {limit:,g} ms", got=f"{took:,.0f} ms", places=(outcome.reply,))


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
    raise Misfit(f"takes a number of USD, not {_shown(value)}", "value", hint="a number such as 0.05")


def milliseconds(fields: Fields) -> float:
    """The value, a number of milliseconds.

    Raises:
        Misfit: it is something else.
    """
    value = fields["value"]
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < float("inf"):
        return float(value)
    raise Misfit(f"takes a number of milliseconds above 0, not {_shown(value)}", "value", hint="latency: 2000")


def _shown(value: Any) -> str:
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else named(value)


WHOLE: Final[JsonObject] = {"type": "integer", "minimum": 1}
USD: Final[JsonObject] = {"type": "number", "minimum": 0}

SCORERS: Final[dict[str, Scorer]] = {
    "max-turns": Scorer(score_turns, whole, WHOLE),
    "max-tokens": Scorer(score_tokens, whole, WHOLE),
    "max-cost": Scorer(score_cost, dollars, USD, of_turns=False),
    "cost": Scorer(score_cost, dollars, USD, instead="threshold", of_turns=False),
    "latency": Scorer(
        score_latency, milliseconds, {"type": "number", "exclusiveMinimum": 0}, instead="threshold", of_turns=False
    ),
}
