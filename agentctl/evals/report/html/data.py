"""What the page is told: a small head that the list is drawn from, and each run's details, which wait until asked for.

A case is one row whatever the number of results and repeats, and its runs stand in it by result. Intervals are computed
here, once; the page draws them and makes no claim of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Final, TypeAlias

from agentctl.agent.events import JsonObject
from agentctl.agent.run import Usage
from agentctl.evals.report.html.groups import groups_of
from agentctl.evals.report.html.steps import steps_of

RunKey: TypeAlias = tuple[str, str, int]
"""Suite, id and repeat of a run."""

REASON: Final = 300
"""Characters of a reason that stand in the list."""
IN_ROW: Final = frozenset(
    ("id", "repeat", "status", "line", "tags", "turns", "tool_calls", "usage", "cost_usd", "seconds")
)
"""Fields of a case that its row has; `entries` become steps, and everything else goes with the details as it is."""


@dataclass(frozen=True, slots=True)
class Side:
    """One result: the document, and the file it was read from (empty: it was made just now)."""

    document: JsonObject
    file: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is said of several results beside each other; the first is what the others are compared with."""

    partings: Mapping[RunKey, Mapping[int, JsonObject]] = field(default_factory=dict)
    """Where a run parts from the first result's, by the place of its result."""
    summaries: Sequence[JsonObject] = ()
    """For each result after the first, what changed as a whole."""


@dataclass(frozen=True, slots=True)
class Data:
    """The head, and the details of the runs; a run in the head says by number which of them are its own."""

    head: JsonObject
    details: Iterator[JsonObject]
    """To be read once: each is made when it is asked for, so that a large result is never there twice."""


def data_of(sides: Sequence[Side], comparison: Comparison | None = None) -> Data:
    """Everything the page shows of these results.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: a document is damaged. Runs are looked at when they are read.
    """
    found = comparison or Comparison()
    rows: dict[tuple[str, str], JsonObject] = {}
    for number, (place, suite, case) in enumerate(_runs(sides)):
        row = rows.setdefault((suite["suite"], case["id"]), _row(suite, case, len(sides)))
        row["quarantined"] |= case["id"] in _statistics(suite).get("quarantined", ())
        row["runs"][place].append({**_run(case), "details": number})
    cases = list(rows.values())
    head = {
        "sides": [_side(side, label) for side, label in zip(sides, labels_of(sides), strict=True)],
        "groups": groups_of(cases, len(sides)),
        "cases": cases,
        "summaries": list(found.summaries),
    }
    return Data(head, (_details(suite, case, place, found) for place, suite, case in _runs(sides)))


def _runs(sides: Sequence[Side]) -> Iterator[tuple[int, JsonObject, JsonObject]]:
    """Every run with its suite and the place of its result, in the one order that numbers them."""
    for place, side in enumerate(sides):
        for suite in side.document["suites"]:
            yield from ((place, suite, case) for case in suite["cases"])


def labels_of(sides: Sequence[Side]) -> list[str]:
    """A short name for each result: its agents where that tells them apart, else its file, else its number."""
    agents = [", ".join(_each(side.document, "agent")) for side in sides]
    files = [PurePath(side.file).name.removesuffix(".json") for side in sides]
    for names in (agents, files):
        if all(names) and len(set(names)) == len(names):
            return names
    return [f"{agent or 'result'} #{number}" for number, agent in enumerate(agents, 1)]


def _each(document: JsonObject, name: str) -> Iterator[str]:
    """The values of a field of the suites, each once, empty ones left out."""
    yield from dict.fromkeys(str(suite[name]) for suite in document["suites"] if suite.get(name))


def _side(side: Side, label: str) -> JsonObject:
    document = side.document
    return {
        "label": label,
        "file": side.file,
        "suites": list(_each(document, "suite")),
        "agents": list(_each(document, "agent")),
        "models": list(_each(document, "model")),
        "bundles": list(_each(document, "bundle")),
        **{name: document.get(name) for name in ("at", "by", "planned", "interrupted", "network", "tools_executed")},
        "exit": document.get("exit"),
        "repeated": _repeated(document["suites"]),
        "judging": (document.get("totals") or {}).get("judging"),
    }


def _statistics(suite: JsonObject) -> JsonObject:
    """What the result says of the suite's repeats; nothing, when it was written before there were any."""
    found: JsonObject = suite.get("statistics") or {}
    return found


def _repeated(suites: Sequence[JsonObject]) -> JsonObject | None:
    """pass@k and pass^k for the most tries, and the clustered interval; of one suite, since k is a suite's."""
    found = _statistics(suites[0]) if len(suites) == 1 else {}
    if not found.get("tries"):
        return None
    return {**found["tries"][-1], "clustered": found.get("clustered_interval")}


def _row(suite: JsonObject, case: JsonObject, sides: int) -> JsonObject:
    return {
        "suite": suite["suite"],
        "id": case["id"],
        "file": suite.get("file", ""),
        "line": case.get("line", 0),
        "tags": list(case.get("tags") or ()),
        "quarantined": False,
        "runs": [[] for _ in range(sides)],
    }


def _run(case: JsonObject) -> JsonObject:
    usage = Usage(**case["usage"])
    run: JsonObject = {"repeat": case["repeat"], "status": case["status"]}
    reason = ", ".join(case.get("stale") or ()) or str(case.get("reason") or "")
    if reason:
        run["reason"] = reason[:REASON]
    if case["entries"] or case.get("ended") is not None:
        run |= {
            "turns": case["turns"],
            "tools": len(case["tool_calls"]),
            "in": usage.all_input,
            "cached": usage.cache_read_input_tokens,
            "out": usage.output_tokens,
            "cost": case["cost_usd"],
            "seconds": case["seconds"],
        }
    return run


def _details(suite: JsonObject, case: JsonObject, place: int, found: Comparison) -> JsonObject:
    details = {name: value for name, value in case.items() if name not in IN_ROW and name != "entries"}
    details |= {"agent": suite.get("agent", ""), "model": suite.get("model", "")}
    parting = found.partings.get((suite["suite"], case["id"], case["repeat"]), {}).get(place)
    if parting is not None:
        details["parting"] = parting
    details["steps"] = steps_of(case["entries"], case["cost_usd"])
    return details
