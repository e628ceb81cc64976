"""Several results on one page, each case in one row: the first result is what the others are compared with.

The page itself is `evals.report.html`'s; what is added here is what only a comparison knows: where two runs part, which
verdicts turned over, and what is defined otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from agentctl.agent.events import Event, Json, JsonObject
from agentctl.diffing.results import CaseKey, diff, events_of
from agentctl.diffing.runs import Divergence, first_divergence
from agentctl.diffing.verdict import verdict_of
from agentctl.evals.report.html import page
from agentctl.evals.report.html.data import Comparison, RunKey, Side

LONGEST: Final = 20_000
"""Characters of a text that is shown where two runs part; the runs have all of it."""


def compared_page(sides: Sequence[Side]) -> bytes:
    """The page on these results.

    Raises:
        UsageError: a result is damaged.
    """
    return page(sides, comparison_of([side.document for side in sides]))


def comparison_of(documents: Sequence[JsonObject]) -> Comparison:
    """What the first result and each of the others have between them.

    Raises:
        UsageError: a result is damaged.
    """
    summaries = [_summary(documents[0], other, place) for place, other in enumerate(documents) if place]
    runs = [_runs(document) for document in documents]
    partings: dict[RunKey, dict[int, JsonObject]] = {}
    for place, others in enumerate(runs[1:], 1):
        for key, events in others.items():
            parting = first_divergence(runs[0][key], events) if key in runs[0] else None
            if parting is not None:
                partings.setdefault(key, {})[place] = _told(parting)
    return Comparison(partings, summaries)


def _summary(old: JsonObject, new: JsonObject, place: int) -> JsonObject:
    found = diff(old, new)
    flips = found.flips
    return {
        "place": place,
        "components": dict(found.components),
        "verdict": verdict_of(old, new).to_json(),
        "broke": _names([flip.key for flip in flips if flip.new == "fail"]),
        "mended": _names([flip.key for flip in flips if flip.new == "pass"]),
        "added": _names(found.added),
        "removed": _names(found.removed),
    }


def _names(keys: Sequence[CaseKey]) -> list[str]:
    """The cases of these runs, each once."""
    return list(dict.fromkeys(f"{key.suite}/{key.id}" for key in keys))


def _runs(document: JsonObject) -> dict[RunKey, list[Event]]:
    """The events of every case that ran."""
    return dict(_each_run(document))


def _each_run(document: JsonObject) -> Iterator[tuple[RunKey, list[Event]]]:
    for suite in document["suites"]:
        for case in suite["cases"]:
            events = events_of(case)
            if events:
                yield (suite["suite"], case["id"], case["repeat"]), events


def _told(parting: Divergence) -> JsonObject:
    told = parting.to_json()
    return {**told, **{name: _cut(told[name]) for name in ("old", "new") if name in told}}


def _cut(value: Json) -> Json:
    return f"{value[:LONGEST]}…" if isinstance(value, str) and len(value) > LONGEST else value
