"""What `agentctl diff` does: says what changed from A to B, versions of an agent, runs, or results of an evaluation.

What is printed is what the `diffing` room found. Comparing definitions loads neither the SDK nor a model's prices,
unless a suite is to be compared too.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator

from agentctl.agent.events import JsonObject
from agentctl.cli import exits
from agentctl.cli.console import json_document, say, silence_stdout, wants_color
from agentctl.cli.diff.sides import Definition, OneRun, Result, side_of
from agentctl.cli.sheet import Sheet
from agentctl.errors import UsageError

Lines = Callable[[Sheet], Iterator[str]]

KINDS = {Definition: "an agent", OneRun: "a run", Result: "a result"}


def compared(a: str, b: str, suite: str | None, *, live: bool, simulate: bool, json: bool) -> int:
    """Prints what changed from A to B; the exit code.

    Raises:
        UsageError: they cannot be compared, or not like this.
        AgentctlError: one of them cannot be read.
    """
    old, new = side_of(a), side_of(b)
    if isinstance(old, Definition) and isinstance(new, Definition):
        from agentctl.cli.diff.versions import versions  # noqa: PLC0415

        found, lines, code = versions(old, new, suite, live=live, simulate=simulate)
    elif live or simulate:
        raise UsageError("--live and --simulate are for two versions of an agent", hint="leave them out")
    else:
        found, lines, code = _compared(old, new, suite)
    _print(found, lines, json=json)
    return code


def against(a: str, b: str, *, json: bool) -> int:
    """Prints where the run `b` first did something else than the run `a`: `replay A --against B`.

    Raises:
        UsageError: one of them is no run.
    """
    old, new = side_of(a), side_of(b)
    for side in (old, new):
        if not isinstance(side, OneRun):
            raise UsageError(f"{side.name} is {KINDS[type(side)]} and no run", hint="agentctl diff compares those")
    found, lines, code = _compared(old, new, None)
    _print(found, lines, json=json)
    return code


def _print(found: JsonObject, lines: Lines, *, json: bool) -> None:
    try:
        if json:
            json_document(found)
        else:
            width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
            say("\n".join(lines(Sheet(width, wants_color(sys.stdout)))))
            sys.stdout.flush()
    except BrokenPipeError:  # who has read enough of it has not changed the verdict
        silence_stdout()


def _compared(
    old: Definition | OneRun | Result, new: Definition | OneRun | Result, suite: str | None
) -> tuple[JsonObject, Lines, int]:
    """The difference as a document, as lines, and as an exit code."""
    if isinstance(old, Result) and isinstance(new, Result):
        return _results(old, new, suite)
    if isinstance(old, OneRun) and isinstance(new, OneRun):
        if suite is not None:
            raise UsageError("--suite chooses among results or recordings, and these are runs", hint="leave it out")
        return _runs(old, new)
    raise UsageError(
        f"{old.name} is {KINDS[type(old)]} and {new.name} is {KINDS[type(new)]}",
        hint="compare two agents, two runs or two results",
    )


def _runs(old: OneRun, new: OneRun) -> tuple[JsonObject, Lines, int]:
    from agentctl.cli.diff.causes import causes_of  # noqa: PLC0415
    from agentctl.cli.diff.view import run_lines  # noqa: PLC0415
    from agentctl.diffing.runs import components, first_divergence  # noqa: PLC0415

    parting, changed = first_divergence(old.events, new.events), components(old.events, new.events)
    names = old.name, new.name
    causes = () if parting is None else causes_of(parting, old.events, new.events)
    document = {
        "kind": "runs",
        "a": {"run": old.name},
        "b": {"run": new.name},
        "components": changed,
        "divergence": None if parting is None else parting.to_json(),
        "causes": [cause.to_json() for cause in causes],
    }
    return document, lambda sheet: run_lines(sheet, names, parting, changed, causes), exits.OK


def _results(old: Result, new: Result, suite: str | None) -> tuple[JsonObject, Lines, int]:
    from agentctl.cli.diff.results import result_lines  # noqa: PLC0415
    from agentctl.cli.diff.verdict_lines import verdict_lines  # noqa: PLC0415
    from agentctl.diffing.results import diff as compare  # noqa: PLC0415
    from agentctl.diffing.verdict import verdict_of  # noqa: PLC0415

    found, names = compare(old.document, new.document, suite), (old.name, new.name)
    verdict = verdict_of(old.document, new.document, suite)
    document = {**found.to_json(), "verdict": verdict.to_json()}
    for side, name in zip(("a", "b"), names, strict=True):
        document[side] = {"file": name, **document[side]}
    broken = any(flip.new == "fail" for flip in found.flips)

    def lines(sheet: Sheet) -> Iterator[str]:
        yield from result_lines(sheet, names, found)
        yield from verdict_lines(sheet, verdict)

    return document, lines, exits.FAILED if broken else exits.OK
