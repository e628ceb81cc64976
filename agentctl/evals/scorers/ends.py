"""Checks on how a reply and a run came to their end, in the API's own words, and on what guards said.

Nothing is guessed from the text: a refusal is what the API calls one, a block is a guard's ruling.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from agentctl.agent.events import END_REASONS, GuardRuled, JsonObject, ModelReplied, Recalled
from agentctl.config.nearest import nearest
from agentctl.evals.scorers.outcome import Outcome, Place
from agentctl.evals.scorers.score import PASSED, Assertion, Fields, Misfit, Score, Scorer, excerpt, failed, named

STOP_REASONS: Final = (
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "refusal",
    "model_context_window_exceeded",
)
"""Why a reply stopped; platform docs, "Handling stop reasons"."""

VERDICTS: Final = ("blocked", "passed")
STAGES: Final = ("input", "output", "tool_call", "tool_result")

EXCUSED: Final = {
    "max_tokens": "max_tokens",
    "refusal": "refused",
    "model_context_window_exceeded": "context_window",
}
"""The end of a run that is what a stop reason makes of it."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What guards must have said; `guard` and `stage` say which rulings count, empty for all."""

    verdict: str
    guard: str = ""
    stage: str = ""


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


def score_stop(assertion: Assertion, outcome: Outcome) -> Score:
    """The last reply stopped for one of these reasons."""
    reply = _last(outcome)
    got = "no reply" if reply is None else str(reply.stop_reason)
    if got in assertion.ready:
        return PASSED
    return failed(
        f"the last reply stopped with {got}" if reply is not None else "the model never replied",
        expected=" or ".join(assertion.ready),
        got=got,
        places=(outcome.reply,),
    )


def score_refusal(assertion: Assertion, outcome: Outcome) -> Score:
    """The model refused: by the stop reason of its last reply, or by the end of the run."""
    reply = _last(outcome)
    refused = outcome.ended == "refused" or (reply is not None and reply.stop_reason == "refusal")
    if refused is not assertion.negated:
        return PASSED
    got = excerpt(outcome.text) or "(no text)"
    if refused:
        return failed("the model refused", expected="no refusal", got=got, places=(outcome.reply,))
    return failed("the model did not refuse", expected="a refusal", got=got, places=(outcome.reply,))


def score_guardrail(assertion: Assertion, outcome: Outcome) -> Score:
    """Some guard blocked something, or none did."""
    wanted: Ruling = assertion.ready
    rulings = [
        (entry.seq, entry.event)
        for entry in outcome.run.entries
        if isinstance(entry.event, GuardRuled)
        and wanted.guard in {"", entry.event.guard}
        and wanted.stage in {"", entry.event.stage}
    ]
    blocks = [(seq, event) for seq, event in rulings if event.verdict == "block"]
    if bool(blocks) is (wanted.verdict == "blocked"):
        return PASSED
    of = " ".join(filter(None, [wanted.guard or "a guard", f"({wanted.stage})" if wanted.stage else ""]))
    if blocks:
        seq, event = blocks[0]
        why = f": {event.reason}" if event.reason else ""
        got = f"{event.guard} blocked the {event.stage.replace('_', ' ')}{why}"
        return failed(got, expected="nothing blocked", got=got, places=(Place(seq, outcome.turns),))
    got = f"{len(rulings)} rulings, none of them a block" if rulings else "no ruling"
    return failed(f"{of} blocked nothing", expected=f"{of} to block", got=got, places=(outcome.reply,))


def excuses(assertion: Assertion) -> frozenset[str]:
    """The ends of a run that are what this check is about: such an end does not fail the case by itself."""
    if assertion.name == "label":  # it judges what a log says, however the log ends
        return frozenset(END_REASONS)
    ends: Iterable[str] = ()
    match assertion.name:
        case "ended":
            ends = (assertion.ready,)
        case "refusal":
            ends = ("refused",)
        case "degraded":
            ends = ("degraded",)
        case "guardrail" if assertion.ready.verdict == "blocked":
            ends = ("blocked",)
        case "stop-reason":
            ends = (EXCUSED[each] for each in assertion.ready if each in EXCUSED)
    return frozenset() if assertion.negated else frozenset(ends)


def _last(outcome: Outcome) -> ModelReplied | Recalled | None:
    events = (entry.event for entry in reversed(outcome.run.entries))
    replies = (event for event in events if isinstance(event, ModelReplied | Recalled))
    return next(replies, None)


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


def stop_reasons(fields: Fields) -> tuple[str, ...]:
    """The value, one of `STOP_REASONS` or a list of them.

    Raises:
        Misfit: it is something else.
    """
    value = fields["value"]
    listed = value if isinstance(value, list) and value else [value]
    for index, each in enumerate(listed):
        if each not in STOP_REASONS:
            hint = nearest(str(each), STOP_REASONS, kind="") or f"one of {', '.join(STOP_REASONS)}"
            path = ("value", index) if listed is value else ("value",)
            raise Misfit(f"a reply does not stop with {each!r}", *path, hint=hint)
    return tuple(listed)


def nothing(fields: Fields) -> None:
    """No value, or `true`.

    Raises:
        Misfit: there is another one.
    """
    value = fields.get("value")
    if value is not None and value is not True:
        raise Misfit(f"takes no value, not {named(value)}", "value", hint="not-refusal says that there must be none")


def ruling(fields: Fields) -> Ruling:
    """`blocked` or `passed`, with `guard` and `stage` beside it.

    Raises:
        Misfit: one of them is something else.
    """
    value, guard, stage = fields["value"], fields.get("guard", ""), fields.get("stage", "")
    if value not in VERDICTS:
        raise Misfit(f"takes {' or '.join(VERDICTS)}, not {value!r}", "value", hint="guardrail: blocked")
    if not isinstance(guard, str):
        raise Misfit(f"guard is a guard's name, not {named(guard)}", "guard")
    if stage not in {"", *STAGES}:
        hint = nearest(str(stage), STAGES, kind="stages")
        raise Misfit(f"stage is one of {', '.join(STAGES)}, not {stage!r}", "stage", hint=hint)
    return Ruling(value, guard, stage)


STOPS: Final[JsonObject] = {"enum": list(STOP_REASONS)}

SCORERS: Final[dict[str, Scorer]] = {
    "ended": Scorer(score_ended, end_reason, {"enum": list(END_REASONS)}, of_turns=False),
    "stop-reason": Scorer(
        score_stop, stop_reasons, {"anyOf": [STOPS, {"type": "array", "items": STOPS, "minItems": 1}]}
    ),
    "refusal": Scorer(
        score_refusal, nothing, {"anyOf": [{"const": True}, {"type": "null"}]}, negatable=True, needs_value=False
    ),
    "guardrail": Scorer(
        score_guardrail,
        ruling,
        {"enum": list(VERDICTS)},
        fields={"guard": {"type": "string"}, "stage": {"enum": list(STAGES)}},
    ),
}
