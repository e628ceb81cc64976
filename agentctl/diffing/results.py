"""Two eval results, case by case: the same case is the same (suite, id, repeat), whatever its place in the file.

A flip is a change between pass and fail, the two verdicts on an agent. A case that came to have no verdict, or to have
one, is listed too, but is no flip. Where both results hold the run, a change says where the two runs part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from agentctl.agent.events import Event, Json, JsonObject, RunStarted, from_json
from agentctl.diffing.definitions import ADDED, CHANGED, REMOVED, SAME
from agentctl.diffing.runs import Divergence, components, first_divergence
from agentctl.errors import UsageError
from agentctl.evals.totals import STATUSES

VERDICTS: Final = ("pass", "fail")
MEASURES: Final = ("pass_rate", "turns", "tool_calls", "input_tokens", "output_tokens", "cost_usd", "seconds")


class CaseKey(NamedTuple):
    """What one run of a case is known by, in every result."""

    suite: str
    id: str
    repeat: int

    def __str__(self) -> str:
        return f"{self.suite}/{self.id}" + (f" #{self.repeat}" if self.repeat > 1 else "")


@dataclass(frozen=True, slots=True)
class CaseChange:
    """A case whose status changed; `reason` is why the new one is no pass (or the old one was none)."""

    key: CaseKey
    old: str
    new: str
    reason: str = ""
    divergence: Divergence | None = None
    stale_matched: tuple[bool, bool] = (False, False)
    """Which of the two verdicts is made of answers to another definition."""

    @property
    def is_flip(self) -> bool:
        """Whether the verdict on the agent turned over."""
        return self.old in VERDICTS and self.new in VERDICTS

    def to_json(self) -> JsonObject:
        """The change as `diff --json` prints it."""
        return {
            **self.key._asdict(),
            "old": self.old,
            "new": self.new,
            "reason": self.reason,
            "stale_matched": {"a": self.stale_matched[0], "b": self.stale_matched[1]},
            "divergence": None if self.divergence is None else self.divergence.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Total:
    """One measure over all cases of each result; None when it is not known."""

    name: str
    old: float | None
    new: float | None

    def to_json(self) -> JsonObject:
        """Both, and the difference where there is one."""
        known = self.old is not None and self.new is not None
        return {"old": self.old, "new": self.new, "change": (self.new or 0) - (self.old or 0) if known else None}


@dataclass(frozen=True, slots=True)
class ResultsDiff:
    """What changed from one eval result to another."""

    agents: tuple[tuple[str, ...], tuple[str, ...]]
    """The agents of each result."""
    components: Mapping[str, str]
    aligned: int
    """Cases that are in both."""
    changes: tuple[CaseChange, ...]
    added: tuple[CaseKey, ...]
    removed: tuple[CaseKey, ...]
    totals: tuple[Total, ...]
    stale_matched: tuple[tuple[CaseKey, ...], tuple[CaseKey, ...]] = ((), ())
    """The cases of each result whose verdict is made of answers to another definition."""

    @property
    def flips(self) -> list[CaseChange]:
        """The cases whose verdict turned over: those that broke before those that were mended."""
        return sorted((each for each in self.changes if each.is_flip), key=lambda each: each.new == "pass")

    @property
    def others(self) -> list[CaseChange]:
        """The other changes of status."""
        return [each for each in self.changes if not each.is_flip]

    def to_json(self) -> JsonObject:
        """The diff as `diff --json` prints it."""
        return {
            "kind": "results",
            "a": {"agents": list(self.agents[0])},
            "b": {"agents": list(self.agents[1])},
            "components": dict(self.components),
            "aligned": self.aligned,
            "flips": [each.to_json() for each in self.flips],
            "status_changes": [each.to_json() for each in self.others],
            "added": [key._asdict() for key in self.added],
            "removed": [key._asdict() for key in self.removed],
            "totals": {total.name: total.to_json() for total in self.totals},
            "stale_matched": {
                side: [key._asdict() for key in keys] for side, keys in zip("ab", self.stale_matched, strict=True)
            },
        }


def diff(old: JsonObject, new: JsonObject, suite: str | None = None) -> ResultsDiff:
    """What changed between two documents of `evals.result`, in one suite or in all.

    Raises:
        UsageError: a document is damaged, or neither has such a suite.
    """
    suites = _suites(old, suite), _suites(new, suite)
    if suite is not None and not any(suites):
        raise UsageError(f"neither result has a suite {suite}")
    try:
        before, after = _cases(suites[0]), _cases(suites[1])
        both = [key for key in before if key in after]
        return ResultsDiff(
            agents=(_agents(suites[0]), _agents(suites[1])),
            components=_components([(_events(before[key]), _events(after[key])) for key in both]),
            aligned=len(both),
            changes=tuple(_changes(before, after, both)),
            added=tuple(key for key in after if key not in before),
            removed=tuple(key for key in before if key not in after),
            totals=tuple(_totals(list(before.values()), list(after.values()))),
            stale_matched=(_marked(before), _marked(after)),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UsageError(f"a result is damaged ({type(error).__name__}: {error})") from None


def cases_of(document: JsonObject, suite: str | None = None) -> dict[CaseKey, JsonObject]:
    """The runs of a document of `evals.result` by what each is known by, in one suite or in all.

    Raises:
        UsageError: the document is damaged.
    """
    suites = _suites(document, suite)
    try:
        return _cases(suites)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UsageError(f"a result is damaged ({type(error).__name__}: {error})") from None


def events_of(case: JsonObject) -> list[Event]:
    """The events of the run that a case of a result holds; none, when it has no run.

    Raises:
        UsageError: one of them is damaged.
    """
    try:
        return _events(case)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UsageError(f"the run in the result is damaged ({type(error).__name__}: {error})") from None


def _suites(document: JsonObject, wanted: str | None) -> list[JsonObject]:
    found: Json = document.get("suites")
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise UsageError("a result is damaged (its `suites` is no list of objects)")
    return [each for each in found if wanted is None or each.get("suite") == wanted]


def _cases(suites: Sequence[JsonObject]) -> dict[CaseKey, JsonObject]:
    cases: dict[CaseKey, JsonObject] = {}
    for suite in suites:
        for case in suite["cases"]:
            if case["status"] not in STATUSES:
                raise ValueError(f"the status {case['status']!r}")
            cases[CaseKey(str(suite["suite"]), str(case["id"]), int(case["repeat"]))] = case
    return cases


def _agents(suites: Sequence[JsonObject]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(suite.get("agent")) for suite in suites))


def _events(case: JsonObject) -> list[Event]:
    return [from_json(entry["event"]) for entry in case.get("entries") or ()]


def _components(runs: Sequence[tuple[list[Event], list[Event]]]) -> dict[str, str]:
    """What changed of the agents: a component that changed in one suite changed. Definitions are compared once."""
    found: dict[str, str] = {}
    seen = set[tuple[str, str]]()
    for old, new in runs:
        bundles = _bundle(old), _bundle(new)
        if "" in bundles or bundles in seen:
            continue
        seen.add(bundles)
        for name, status in components(old, new).items():
            kept = found.get(name, SAME)
            found[name] = status if kept in {SAME, status} else kept if status == SAME else CHANGED
    assert set(found.values()) <= {SAME, CHANGED, ADDED, REMOVED}
    return found


def _bundle(events: Sequence[Event]) -> str:
    return next((event.bundle for event in events if isinstance(event, RunStarted)), "")


def _changes(
    before: Mapping[CaseKey, JsonObject], after: Mapping[CaseKey, JsonObject], both: Sequence[CaseKey]
) -> Iterator[CaseChange]:
    for key in both:
        old, new = before[key], after[key]
        if old["status"] == new["status"]:
            continue
        reason = str((old if new["status"] == "pass" else new).get("reason") or "")
        runs = _events(old), _events(new)
        parting = first_divergence(*runs) if all(runs) else None
        marked = bool(old.get("stale_matched")), bool(new.get("stale_matched"))
        yield CaseChange(key, old["status"], new["status"], reason, parting, marked)


def _marked(cases: Mapping[CaseKey, JsonObject]) -> tuple[CaseKey, ...]:
    return tuple(key for key, case in cases.items() if case.get("stale_matched"))


def _totals(old: Sequence[JsonObject], new: Sequence[JsonObject]) -> Iterator[Total]:
    before, after = _sums(old), _sums(new)
    yield from (Total(name, before[name], after[name]) for name in MEASURES)
    for status in STATUSES:
        counts = [sum(case["status"] == status for case in cases) for cases in (old, new)]
        if any(counts):
            yield Total(status, counts[0], counts[1])
    marked = [sum(bool(case.get("stale_matched")) for case in cases) for cases in (old, new)]
    if any(marked):
        yield Total("stale_matched", marked[0], marked[1])


def _sums(cases: Sequence[JsonObject]) -> dict[str, float | None]:
    """The measures over these cases. A cost is known when that of every run is."""
    counts = {status: sum(case["status"] == status for case in cases) for status in VERDICTS}
    judged = sum(counts.values())
    costs = [case["cost_usd"] for case in cases if case["entries"] or case.get("ended")]  # a scored log holds no run
    usage: dict[str, Any] = {}
    for name in ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"):
        usage[name] = sum(case["usage"].get(name, 0) for case in cases)
    return {
        "pass_rate": counts["pass"] / judged if judged else None,
        "turns": sum(case["turns"] for case in cases),
        "tool_calls": sum(len(case["tool_calls"]) for case in cases),
        "input_tokens": sum(count for name, count in usage.items() if name != "output_tokens"),
        "output_tokens": usage["output_tokens"],
        "cost_usd": None if None in costs else sum(costs),
        "seconds": sum(case["seconds"] for case in cases),
    }
