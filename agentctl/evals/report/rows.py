"""What every report says of a case: its name, its place, its figures, and why it is no pass.

Figures come from the document as they stand there; a cost that is not known stays unknown in every format.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from agentctl.agent.events import JsonObject
from agentctl.observe.figures import count, dollars, seconds

WORDS: Final = {"pass": "passed", "fail": "failed", "error": "errored"}
"""How a status reads behind a number; others read as they are."""

INPUT: Final = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


def name_of(case: JsonObject) -> str:
    """The case's id, with the number of the repeat from the second on."""
    repeat = case.get("repeat", 1)
    return str(case["id"]) if repeat == 1 else f"{case['id']} #{repeat}"


def place_of(suite: JsonObject, case: JsonObject) -> str:
    """File and line of the case."""
    return f"{suite['file']}:{case['line']}" if case.get("line") else str(suite["file"])


def tokens_of(usage: JsonObject) -> tuple[int, int]:
    """Input of every kind, and output."""
    return sum(usage.get(name, 0) for name in INPUT), usage.get("output_tokens", 0)


def usd(value: float | None) -> str:
    """A cost as a person reads it."""
    return dollars(None if value is None else Decimal(str(value)))


def ran(case: JsonObject) -> bool:
    """Whether there was a run: a case that was never played has no figures."""
    return case.get("ended") is not None


def figures_of(told: JsonObject) -> list[str]:
    """Turns, tokens, cost and time of a case or of totals."""
    tokens = sum(tokens_of(told["usage"]))
    return [
        count(told["turns"], "turn"),
        f"{tokens:,} tokens",
        usd(told["cost_usd"]),
        seconds(told["seconds"]),
    ]


def counts_of(totals: JsonObject) -> list[str]:
    """`55 passed`, `2 failed`: every status that there is, in the document's order."""
    found = [(status, totals[status]) for status in _statuses(totals)]
    return [f"{number:,} {WORDS.get(status, status)}" for status, number in found if number]


def _statuses(totals: JsonObject) -> Iterator[str]:
    """The keys of totals that count cases: they stand between `cases` and `pass_rate`."""
    for key in totals:
        if key == "pass_rate":
            return
        if key != "cases":
            yield key


def is_sound(case: JsonObject) -> bool:
    """Whether nothing has to be said of the case."""
    return bool(case["status"] == "pass" and not case.get("stale_matched"))


def failures_of(case: JsonObject) -> list[JsonObject]:
    """The assertions that failed."""
    return [each for each in case["asserts"] if not each["pass"]]


def why(case: JsonObject) -> Iterator[str]:
    """Why the case is no pass, as plain lines: each failed assertion with its evidence, or the reason there is."""
    for each in case.get("faults") or []:
        yield f"fault: {each['fault']} ({happened(each['happened'])})"
    failures = failures_of(case) if case["status"] in {"fail", "stopped"} else []
    for each in failures:
        yield f"{each['type']}: {each['reason']}"
        evidence = each.get("evidence") or {}
        for label in ("expected", "got"):
            if evidence.get(label):
                yield f"  {label:<8}  {evidence[label]}"
        places = [_at(place) for place in evidence.get("at") or []]
        if places:
            yield f"  where     {'; '.join(places)}"
    if not failures:
        if case.get("reason"):
            yield str(case["reason"])
        if case.get("hint"):
            yield f"hint: {case['hint']}"
    if case.get("stale_matched"):
        yield "stale-matched: scored on answers to another definition"


def happened(times: int) -> str:
    """How often a fault happened."""
    return {0: "never happened", 1: "happened once"}.get(times, f"happened {times:,} times")


def _at(place: JsonObject) -> str:
    call = f", {place['tool']} ({place['call_id']})" if place.get("call_id") is not None else ""
    return f"turn {place['turn']}, entry {place['seq']}{call}"


def verdict(head: JsonObject) -> str:
    """What the exit code says, in a word or two."""
    words = {0: "passed", 1: "failed", 3: "errored", 4: "recordings missing or stale", 5: "nothing selected"}
    words |= {6: "cost cap reached", 130: "interrupted", 143: "terminated"}
    return words.get(head["exit"], f"exit {head['exit']}")


def unplayed_of(head: JsonObject) -> list[JsonObject]:
    """The cases that were to be played and were not: `suite`, `file`, `id`, `line`."""
    found: list[JsonObject] = head.get("unplayed") or []
    return found
