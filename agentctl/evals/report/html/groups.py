"""Pass rates with their intervals: of everything, of each suite and of each tag, for every result.

Only verdicts are counted: what gave none (an error, a stale recording) is no failure of the agent, and stands beside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agentctl.agent.events import JsonObject
from agentctl.evals.stats.interval import wilson


def groups_of(cases: Sequence[JsonObject], sides: int) -> list[JsonObject]:
    """The groups that there is something to be said of, each with a rate per result."""
    return [
        {"kind": kind, "name": name, "cases": len(members), "rates": [_rate(members, place) for place in range(sides)]}
        for kind, name, members in _members(cases)
    ]


def _members(cases: Sequence[JsonObject]) -> Iterator[tuple[str, str, list[JsonObject]]]:
    yield "all", "all cases", list(cases)
    suites: dict[str, list[JsonObject]] = {}
    tags: dict[str, list[JsonObject]] = {}
    for case in cases:
        suites.setdefault(case["suite"], []).append(case)
        for tag in case["tags"]:
            tags.setdefault(tag, []).append(case)
    if len(suites) > 1:
        yield from (("suite", name, members) for name, members in suites.items())
    yield from (("tag", name, members) for name, members in sorted(tags.items()))


def _rate(cases: Sequence[JsonObject], place: int) -> JsonObject:
    """Passes among verdicts, with the interval; without a verdict there is no rate."""
    statuses = [run["status"] for case in cases for run in case["runs"][place]]
    passed, judged = statuses.count("pass"), statuses.count("pass") + statuses.count("fail")
    rate: JsonObject = {"runs": len(statuses), "passed": passed, "judged": judged}
    if judged:
        found = wilson(passed, judged)
        rate |= {"rate": passed / judged, "low": found.low, "high": found.high}
    return rate
