"""Two versions of an agent: what changed in their definitions, and, on a suite, in what they do.

The consequences stand beside the change: where the cached prefix breaks, which recordings become stale, and what
recording them again takes. Prices are looked up only where a suite is given: they take longer to load than all else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from agentctl.agent.events import JsonObject
from agentctl.cli import exits
from agentctl.cli.diff.sides import Definition
from agentctl.cli.diff.stale import Seen, seen_from
from agentctl.cli.diff.view import definition_lines
from agentctl.cli.sheet import YELLOW, Sheet
from agentctl.config.project import Project
from agentctl.config.refs import GIT, is_name
from agentctl.diffing.definitions import diff as compare
from agentctl.diffing.prefix import Break, PrefixCost, prefix_break, prefix_cost
from agentctl.errors import UsageError
from agentctl.evals.prices import Prices
from agentctl.evals.suite import SUFFIX

Lines = Callable[[Sheet], Iterator[str]]


def versions(
    old: Definition, new: Definition, suite: str | None, *, live: bool, simulate: bool
) -> tuple[JsonObject, Lines, int]:
    """The difference as a document, as lines, and as an exit code.

    Raises:
        UsageError: there is no such suite, or going live makes no sense here.
    """
    _check(old, new, suite, live=live, simulate=simulate)
    project, found, names = Project.find(Path.cwd()), compare(old.agent, new.agent), (old.name, new.name)
    more: JsonObject = {}
    lines: Lines = _no_lines
    code = exits.OK
    if suite is not None and is_name(suite) and (project.evals / f"{suite}{SUFFIX}").is_file():
        more, lines, code = _on_suite(project, names, suite, live=live, simulate=simulate)
    prices = None if suite is None else Prices(project.state / "prices.json")
    seen = seen_from(project, old.agent, new.agent, suite, prices)  # what was recorded just now, too
    prefix = _prefix(old, new, seen, priced=suite is not None)
    document = {**found.to_json(), "stale": seen.staleness.to_json(), "prompt_cache": _prefix_json(*prefix), **more}
    for side, each in (("a", old), ("b", new)):
        document[side] = {**document[side], "ref": each.name}

    def all_lines(sheet: Sheet) -> Iterator[str]:
        yield from definition_lines(sheet, names, found, seen.staleness, prefix)
        yield from lines(sheet)

    return document, all_lines, code


def _no_lines(_sheet: Sheet) -> Iterator[str]:
    return iter(())


def _check(old: Definition, new: Definition, suite: str | None, *, live: bool, simulate: bool) -> None:
    if live and simulate:
        raise UsageError("--live and --simulate are two models", hint="leave one out")
    if (live or simulate) and suite is None:
        raise UsageError("what is to be recorded must be a suite", hint="add --suite NAME")
    revisions = [side.name for side in (old, new) if f"@{GIT}" in side.name]
    if (live or simulate) and revisions:
        hint = f"agentctl eval --baseline {revisions[0].partition('@')[2]} compares with what a revision recorded"
        raise UsageError(f"{revisions[0]} cannot run: its tools are not in the working tree", hint=hint)


def _prefix(old: Definition, new: Definition, seen: Seen, *, priced: bool) -> tuple[Break | None, PrefixCost | None]:
    found = prefix_break(old.agent, new.agent)
    return found, None if found is None else prefix_cost(found, new.agent, seen.recorded, priced=priced)


def _prefix_json(found: Break | None, cost: PrefixCost | None) -> JsonObject:
    return {
        "breaks": None if found is None else found.to_json(),
        "cost": None if cost is None else cost.to_json(),
    }


def _on_suite(
    project: Project, names: tuple[str, str], suite: str, *, live: bool, simulate: bool
) -> tuple[JsonObject, Lines, int]:
    """What both do on the suite, and the verdict."""
    from agentctl.cli.diff.played import both_played  # noqa: PLC0415  what plays suites is loaded for suites only
    from agentctl.cli.diff.results import change_lines  # noqa: PLC0415
    from agentctl.cli.diff.verdict_lines import verdict_lines  # noqa: PLC0415
    from agentctl.diffing.results import cases_of  # noqa: PLC0415
    from agentctl.diffing.results import diff as compare_results  # noqa: PLC0415
    from agentctl.diffing.verdict import verdict_of  # noqa: PLC0415

    played = both_played(project, names, suite, live=live, simulate=simulate)
    documents = played.old.to_json(exits.OK), played.new.to_json(exits.OK)
    found, verdict = compare_results(*documents), verdict_of(*documents)
    recordings = {key: str(case["recording"]) for key, case in cases_of(documents[1]).items()}

    def lines(sheet: Sheet) -> Iterator[str]:
        yield from sheet.head(f"suite {suite}")
        yield from change_lines(sheet, found, lambda key: recordings[key])
        yield from verdict_lines(sheet, verdict)
        for gap in played.gaps:
            yield from sheet.lines(str(gap), YELLOW)
        if played.gaps and any(f"@{GIT}" in name for name in names):
            yield from sheet.lines("agentctl eval --baseline git:REV compares with what a revision recorded")
        elif played.gaps:
            yield from sheet.lines("--live or --simulate records them first")

    code = exits.FAILED if any(flip.new == "fail" for flip in found.flips) else exits.OK
    if verdict.passes is None:
        code = exits.MISSING
    more = {
        "results": found.to_json(),
        "verdict": verdict.to_json(),
        "unrecorded": [{"agent": gap.agent, "runs": gap.runs, **gap.takes.to_json()} for gap in played.gaps],
    }
    return more, lines, played.stopped_by or code
