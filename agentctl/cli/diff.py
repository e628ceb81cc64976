"""`agentctl diff`: what changed from A to B, be they versions of an agent, runs, or results of an evaluation.

What is printed is what the `diffing` room found; how it looks is `diff_view`'s. Comparing definitions loads neither the
SDK nor a model's prices.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from agentctl.agent.events import Event, JsonObject
from agentctl.agent.spec import Agent
from agentctl.cli import exits
from agentctl.cli.console import json_document, say, wants_color
from agentctl.cli.screen import readers_may_leave
from agentctl.errors import UsageError

Side = Annotated[
    str,
    typer.Argument(
        help="support@1, support@git:main; a run's id, `last`, a recording; or a result.json.", show_default=False
    ),
]
Suite = Annotated[str | None, typer.Option(metavar="NAME", help="Of results or recordings, only those of this suite.")]
KINDS = {"definition": "an agent", "run": "a run", "result": "a result"}


@dataclass(frozen=True, slots=True)
class Found:
    """What a reference names: one of the three, in a form that can be compared."""

    name: str
    definition: Agent | None = None
    run: Sequence[Event] = ()
    result: JsonObject | None = None

    @property
    def kind(self) -> str:
        """`definition`, `result` or `run`."""
        return "definition" if self.definition else "result" if self.result is not None else "run"


def diff(
    a: Side,
    b: Side,
    suite: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of results or recordings, this suite only.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The whole difference as one JSON document.")] = False,
) -> int:
    """Say what changed from A to B: two versions of an agent, two runs, or two results of `agentctl eval -o FILE.json`.

    Exit codes: 0 compared, 1 a case that passed fails now (of results), 2 cannot be compared.
    """
    old, new = _find(a), _find(b)
    if old.kind != new.kind:
        raise UsageError(
            f"{old.name} is {KINDS[old.kind]} and {new.name} is {KINDS[new.kind]}",
            hint="compare two agents, two runs or two results",
        )
    with readers_may_leave():
        if old.definition is not None and new.definition is not None:
            return _definitions(old.definition, new.definition, suite, as_json=json)
        if old.result is not None and new.result is not None:
            return _results(old.result, new.result, suite, as_json=json)
        return _runs(old, new, as_json=json)


def _find(what: str) -> Found:
    """What `what` names; a file is a result or a recording, a name with a folder in `prompts/` an agent.

    Raises:
        UsageError: nothing has that name.
        ConfigError: the document is wrong.
    """
    from agentctl.cli.replay_sources import is_file  # noqa: PLC0415  definitions need no runs

    path = Path(what)
    if path.suffix == ".json" and (is_file(path) or "/" in what):
        from agentctl.evals.result import read_result  # noqa: PLC0415

        return Found(what, result=read_result(path))
    if not is_file(path) and (agent := _agent(what)) is not None:
        return Found(agent.ref if "git:" not in what else what, definition=agent)
    return Found(what, run=_events(what))


def _agent(what: str) -> Agent | None:
    """The agent of that reference; None when no document has its name."""
    from agentctl.config.load import load_agent  # noqa: PLC0415
    from agentctl.config.project import Project  # noqa: PLC0415

    try:
        project = Project.find(Path.cwd())
    except UsageError:
        if "@" in what:
            raise
        return None
    if "@" in what or (project.prompts / what).is_dir():
        return load_agent(what, project)
    return None


def _events(what: str) -> list[Event]:
    """The events of the one run that `what` names."""
    from agentctl.cli.replay_sources import Stored, find, shown_runs  # noqa: PLC0415

    try:
        source = find(what, None)
    except UsageError as error:
        raise UsageError(str(error), hint=_near(what) or error.hint) from None
    if isinstance(source, Stored):
        return [entry.event for entry in source.entries]
    runs = shown_runs(source.path, None)
    if len(runs) != 1:
        raise UsageError(f"{what}: holds {len(runs)} conversations", hint="runs are compared one with one")
    return [entry.event for entry in runs[0].entries]


def _near(what: str) -> str:
    """The agent that may have been meant."""
    from agentctl.config.nearest import nearest  # noqa: PLC0415
    from agentctl.config.project import Project  # noqa: PLC0415

    prompts = Project.find(Path.cwd()).prompts
    return nearest(what, [path.name for path in prompts.glob("*") if path.is_dir()], kind="")


def _definitions(old: Agent, new: Agent, suite: str | None, *, as_json: bool) -> int:
    from agentctl.cli.diff_stale import staleness  # noqa: PLC0415
    from agentctl.cli.diff_view import definition_lines  # noqa: PLC0415
    from agentctl.config.project import Project  # noqa: PLC0415
    from agentctl.diffing.definitions import diff as compare  # noqa: PLC0415

    found = compare(old, new)
    stale = staleness(Project.find(Path.cwd()), old, new, suite)
    if as_json:
        json_document({**found.to_json(), "stale": stale.to_json()})
    else:
        _print(definition_lines(found, stale, _width(), color=wants_color(sys.stdout)))
    return exits.OK


def _runs(old: Found, new: Found, *, as_json: bool) -> int:
    from agentctl.cli.diff_view import run_lines  # noqa: PLC0415
    from agentctl.diffing.runs import components, first_divergence  # noqa: PLC0415

    parting, changed = first_divergence(old.run, new.run), components(old.run, new.run)
    if as_json:
        json_document(
            {
                "kind": "runs",
                "a": {"run": old.name},
                "b": {"run": new.name},
                "components": changed,
                "divergence": None if parting is None else parting.to_json(),
            }
        )
    else:
        _print(run_lines((old.name, new.name), parting, changed, _width(), color=wants_color(sys.stdout)))
    return exits.OK


def _results(old: JsonObject, new: JsonObject, suite: str | None, *, as_json: bool) -> int:
    from agentctl.cli.diff_view import result_lines  # noqa: PLC0415
    from agentctl.diffing.results import diff as compare  # noqa: PLC0415

    found = compare(old, new, suite)
    if as_json:
        json_document(found.to_json())
    else:
        _print(result_lines(found, _width(), color=wants_color(sys.stdout)))
    return exits.FAILED if any(flip.new == "fail" for flip in found.flips) else exits.OK


def _print(lines: Iterator[str]) -> None:
    say("\n".join(lines))


def _width() -> int | None:
    """Cells of a line on a terminal; None where lines are not cut."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
