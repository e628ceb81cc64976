"""What a side of `diff` names: an agent, a run or a result. A name has one meaning, whatever the other side is.

A file is what it holds: a version of a document, a result of an evaluation, else a recording. A name with a folder in
`prompts/` or an `@` is an agent; everything else is what `replay` takes it for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agentctl.agent.events import Event, JsonObject
from agentctl.agent.spec import Agent
from agentctl.cli.files import is_file
from agentctl.config.load import load_agent
from agentctl.config.nearest import nearest
from agentctl.config.project import Project
from agentctl.config.refs import GIT
from agentctl.config.trees import PROMPTS
from agentctl.config.versions import version_of
from agentctl.errors import UsageError

RESULT: Final = ".json"


@dataclass(frozen=True, slots=True)
class Definition:
    """An agent; `name` says which one, and of which revision."""

    name: str
    agent: Agent


@dataclass(frozen=True, slots=True)
class OneRun:
    """A run: a stored one, a recorded one, or that of a result's case."""

    name: str
    events: Sequence[Event]


@dataclass(frozen=True, slots=True)
class Result:
    """The document of an evaluation, from the file `name`."""

    name: str
    document: JsonObject


def side_of(what: str) -> Definition | OneRun | Result:
    """What `what` names.

    Raises:
        UsageError: nothing, or more than one run.
        ConfigError: an agent's document is wrong.
        CassetteError: a recording cannot be read.
    """
    path = Path(what)
    if not is_file(path):
        return _definition(what) or _run(what)
    ref = _ref_of(path)
    if ref is not None:
        return Definition(ref, load_agent(ref, Project.find(path)))
    if path.suffix.lower() == RESULT and not _is_recording(path):
        from agentctl.evals.result import read_result  # noqa: PLC0415  what only results need

        return Result(what, read_result(path))
    return _run(what)


def _ref_of(path: Path) -> str | None:
    """The reference of the agent whose document this file is; None when it is none."""
    absolute = path.resolve()
    version = version_of(absolute.name)
    is_document = version is not None and absolute.parent.parent.name == PROMPTS
    return f"{absolute.parent.name}@{version}" if is_document else None


def _is_recording(path: Path) -> bool:
    """Whether a file of JSON is a recording and not a result."""
    import orjson  # noqa: PLC0415

    try:
        document = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(document, list) or (isinstance(document, dict) and "interactions" in document)


def _definition(what: str) -> Definition | None:
    """The agent of that reference; None when it looks like the name of something else."""
    name, mark, _ = what.partition("@")
    if "/" in name or (mark and not name):
        return None
    if what.startswith(GIT):
        raise UsageError(f"{what} names no agent", hint=f"write NAME@{what}")
    try:
        project = Project.find(Path.cwd())
    except UsageError:
        if mark:
            raise
        return None
    if not mark and not (name and (project.prompts / name).is_dir()):
        return None
    agent = load_agent(what, project)
    return Definition(what if f"@{GIT}" in what else agent.ref, agent)


def _run(what: str) -> OneRun:
    from agentctl.cli.replay.sources import find, one_run  # noqa: PLC0415  definitions need no runs

    try:
        source = find(what, None)
    except UsageError as error:
        raise UsageError(str(error), hint=_near(what) or error.hint) from None
    return OneRun(source.name, [entry.event for entry in one_run(source, None)])


def _near(what: str) -> str:
    """The agent that may have been meant."""
    try:
        prompts = Project.find(Path.cwd()).prompts
    except UsageError:
        return ""
    return nearest(what, [path.name for path in prompts.glob("*") if path.is_dir()], kind="")
