"""The results of all parts of one plan as the result of the whole: each part once, none missing, none foreign.

Cases are carried over as they stand; sums and statistics are made anew. A case is in one part only, with all its
repeats, so what is known of it there is all that is known of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

from agentctl.agent.events import Json, JsonObject
from agentctl.errors import UsageError
from agentctl.evals.repeats import Tally
from agentctl.evals.statistics import statistics
from agentctl.evals.terms import Quarantine, Terms, today

PUT_TOGETHER: Final = frozenset(
    {"network", "tools_executed", "planned", "interrupted", "recorded", "unplayed", "spending"}
)
"""Keys of the document that are added up or joined; suites, totals and time are made anew, others are the same."""

Part = tuple[Path, JsonObject]


@dataclass(frozen=True, slots=True)
class Merged:
    """The document of the whole, and what gates look at."""

    document: JsonObject
    tallies: tuple[Tally, ...]
    today: date


def merged(parts: Sequence[Part]) -> Merged:
    """The result of the whole; its `exit` is that of a part, until somebody has looked at the gates.

    Raises:
        UsageError: parts are missing, doubled, of different plans, or no parts at all.
    """
    try:
        return _merged(_checked(parts))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        names = ", ".join(str(path) for path, _ in parts)
        message = f"one of {names} is damaged: {type(error).__name__}: {error}"
        raise UsageError(message, hint="write the parts again with `agentctl eval --shard`") from None


def _merged(documents: Sequence[JsonObject]) -> Merged:
    day = today()
    suites = list(_suites(documents, day))
    tallies = tuple(tally for suite in suites for tally in _tallies(suite))
    totals = [suite["totals"] for suite in suites] or [documents[0]["totals"]]
    whole: JsonObject = {}
    for key, value in documents[0].items():
        if key in PUT_TOGETHER:
            whole[key] = _together([document[key] for document in documents if key in document])
        elif key != "shard":
            whole[key] = value
    whole |= {"suites": suites, "totals": _totals(totals)}
    whole["at"] = max((document["at"] for document in documents if document.get("at")), default=None)
    whole["merged"] = {"of": len(documents), "plan": documents[0]["shard"]["plan"]}
    return Merged(whole, tallies, day)


def _checked(parts: Sequence[Part]) -> list[JsonObject]:
    """The documents by their index.

    Raises:
        UsageError: they are not all parts of one plan, each once.
    """
    known: dict[int, Part] = {}
    first_path, first = parts[0]
    for path, document in parts:
        shard = document.get("shard")
        if not isinstance(shard, dict):
            hint = "write the parts with `agentctl eval --shard 1/3 -o part-1.json`, and so on"
            raise UsageError(f"{path}: is a whole result, no part of one", hint=hint)
        if (shard["of"], shard["plan"]) != (first["shard"]["of"], first["shard"]["plan"]):
            message = f"{path}: is part {shard['index']}/{shard['of']} of another plan than {first_path}"
            hint = "evaluate all parts with the same suites, agents, recordings and flags"
            raise UsageError(message, hint=hint)
        if shard["index"] in known:
            twice = known[shard["index"]][0]
            raise UsageError(f"{path}: is part {shard['index']}/{shard['of']}, and so is {twice}")
        known[shard["index"]] = path, document
    of = first["shard"]["of"]
    missing = [f"{index}/{of}" for index in range(1, of + 1) if index not in known]
    if missing:
        raise UsageError(f"parts are missing: {', '.join(missing)}", hint=f"all {of} parts make the whole")
    return [known[index][1] for index in sorted(known)]


def _suites(documents: Sequence[JsonObject], day: date) -> Iterator[JsonObject]:
    """Every suite with its cases, all in the order of the plan."""
    places = {(file, id_): place for document in documents for place, file, id_ in document["shard"]["jobs"]}
    by_file: dict[str, list[JsonObject]] = {}
    for suite in (suite for document in documents for suite in document["suites"]):
        by_file.setdefault(suite["file"], []).append(suite)
    first = {file: min(place for (of, _), place in places.items() if of == file) for file in by_file}
    for file in sorted(by_file, key=first.__getitem__):
        yield _suite(by_file[file], {id_: place for (of, id_), place in places.items() if of == file}, day)


def _suite(parts: Sequence[JsonObject], places: Mapping[str, int], day: date) -> JsonObject:
    cases = sorted((case for part in parts for case in part["cases"]), key=lambda case: places[case["id"]])
    counted = sorted((tally for part in parts for tally in _tallies(part)), key=lambda tally: places[tally.id])
    totals = _totals([part["totals"] for part in parts])
    return {**parts[0], "cases": cases, "totals": totals, "statistics": statistics(counted, day)}


def _tallies(suite: JsonObject) -> Iterator[Tally]:
    return (_tally(told) for told in suite["statistics"]["cases"])


def _tally(told: JsonObject) -> Tally:
    """The tally that its JSON was made of."""
    held = told.get("quarantine")
    quarantine = held and Quarantine(held["owner"], held["reason"], date.fromisoformat(held["until"]))
    terms = Terms(told.get("group", ""), told.get("pass", "all"), quarantine or None)
    no_verdict: Mapping[str, int] = told.get("no_verdict", {})
    return Tally(told["id"], 0, terms, told["passes"], told["of"], no_verdict, told["planned"])


def _totals(parts: Sequence[JsonObject]) -> JsonObject:
    """The sum of totals; the rate is made anew."""
    total: JsonObject = {}
    for key in dict.fromkeys(key for part in parts for key in part):
        known = [part[key] for part in parts if key in part]  # some sums stand there only where there is something
        total[key] = _together(known) if key != "pass_rate" else None
    judged = total["pass"] + total["fail"]
    total["pass_rate"] = total["pass"] / judged if judged else None
    return total


def _together(values: Sequence[Json]) -> Json:
    """Numbers are added, lists are joined, what is unknown once is unknown; other things are those of the first."""
    first = values[0]
    if any(value is None for value in values):
        return None
    if isinstance(first, bool):
        return any(values)
    if isinstance(first, int | float):
        return _sum(values)
    if isinstance(first, list):
        return [each for value in values for each in value]
    if isinstance(first, dict):
        keys = dict.fromkeys(key for value in values for key in value)
        return {key: _together([value[key] for value in values if key in value]) for key in keys}
    return first


def _sum(values: Sequence[Json]) -> int | float:
    """Exact: costs are decimal fractions."""
    if all(isinstance(value, int) for value in values):
        return sum(values)
    return float(sum((Decimal(str(value)) for value in values), Decimal(0)))
