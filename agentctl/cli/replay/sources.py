"""What `replay` and `diff` can be given, and how each becomes runs: recordings, stored runs, cases of a result.

A recording is shown as it was made, whether or not it still fits the agent: nothing is driven, served or executed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agentctl.agent.events import (
    Entry,
    Event,
    JsonObject,
    RunEnded,
    RunStarted,
    ToolCalled,
    ToolReturned,
    from_json,
)
from agentctl.agent.run import Run
from agentctl.agent.values import replace
from agentctl.cassette.file import read
from agentctl.cassette.foreign import runs as conversations
from agentctl.cassette.foreign import transcribed
from agentctl.cassette.staleness import API, is_code
from agentctl.cassette.tape import Cassette, Header, Take
from agentctl.cassette.then import times
from agentctl.cli.files import is_file
from agentctl.cli.session import open_runs
from agentctl.cli.wiring import open_project
from agentctl.config.nearest import nearest
from agentctl.config.project import Project
from agentctl.config.texts import shown
from agentctl.errors import CassetteError, UsageError
from agentctl.evals.result import read_result
from agentctl.model.decode import decode_reply

LATEST: Final = ("last", "latest")
RECORDINGS: Final = (".yaml", ".yml", ".json", ".gz")
CASE_INPUT: Final = "case input"
"""A component of recordings, not of agents."""
SPEAKER: Final = "assistant"
"""Who speaks in a recording that does not name its agent."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording file, ours or anyone's."""

    path: Path

    @property
    def name(self) -> str:
        """What messages call it."""
        return str(self.path)


@dataclass(frozen=True, slots=True)
class Stored:
    """One run with all its entries: a stored one, or the one that a case of a result holds."""

    name: str
    entries: tuple[Entry, ...]
    run_id: str | None = None
    """Of a stored run."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A run that can be drawn, under a title."""

    title: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be otherwise in the fork, as the flags say it."""

    turn: int | None = None
    agent: str | None = None
    model: str | None = None
    system: Path | None = None
    results: tuple[str, ...] = ()
    """`CALL=FILE`."""
    said: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ForkOptions:
    """How the fork runs and what is printed."""

    simulate: bool
    thinking: bool
    json: bool
    yes: bool


def find(what: str, take: int | None) -> Recording | Stored:
    """What `what` names; `take` chooses a repeat of a result's case.

    Raises:
        UsageError: there is no such file, recording, case or run.
    """
    if is_file(Path(what)):
        return Recording(Path(what))
    file, mark, case = what.rpartition("#")
    if mark and is_file(Path(file)):
        return Stored(what, _entries_in(Path(file), case, take))
    if _looks_like_a_file(what) and "/" not in what:
        raise no_file(what)
    project = _project(what)
    own = project.cassettes / f"{what}.yaml"
    if "/" in what and ".." not in what and is_file(own):
        return Recording(Path(project.show(own)))
    if "/" in what or "\\" in what:
        raise no_file(what, _hint(what, project))
    with open_runs(project) as store:
        run_id = store.resolve("latest" if what in LATEST else what)
        return Stored(f"run {run_id}", store.entries(run_id), run_id)


def no_file(what: str, hint: str = "") -> UsageError:
    """The error for a file that is not there."""
    path = Path(what.partition("\0")[0])
    folder = path.is_dir() if what else False
    reason = "is a directory" if folder else "there is no such file"
    hint = f"name its files: {what}/*.yaml" if folder else hint
    return UsageError(f"{shown(what) or 'an empty name'}: {reason}", hint=hint)


def way_in(path: Path, refused: CassetteError) -> str:
    """What to do about a file that was refused as a recording; a result holds runs of its own."""
    try:
        suite, case = next(_cases(read_result(path)))
    except (UsageError, KeyError, TypeError, AttributeError, StopIteration):
        return refused.hint
    return f"it is a result: name one of its cases, as in {path}#{suite}/{case['id']}"


def _looks_like_a_file(what: str) -> bool:
    return what.lower().endswith(RECORDINGS) or what in {"", ".", ".."} or "\0" in what


def _project(what: str) -> Project:
    try:
        return open_project()
    except UsageError as error:
        message = f"{shown(what)} is no file, and there is no project here that could know it"
        raise UsageError(message, hint=error.hint) from None


def _hint(what: str, project: Project) -> str:
    suite, _, case = what.partition("/")
    folder = project.cassettes / suite
    known = [path.stem for path in folder.glob("*.yaml")] if suite and ".." not in suite else []
    return nearest(case, known, kind="recordings") or "give a file, suite/case, or the id of a stored run"


def _entries_in(path: Path, wanted: str, take: int | None) -> tuple[Entry, ...]:
    """The entries of the case `wanted` (`id` or `suite/id`) in a result; `take` counts its repeats from 1."""
    document = read_result(path)
    try:
        named = list(_cases(document))
    except (KeyError, TypeError, AttributeError):
        raise UsageError(f"{path}: is a damaged result") from None
    found = [case for suite, case in named if wanted in {case["id"], f"{suite}/{case['id']}"}]
    if not found:
        hint = nearest(wanted, [str(case["id"]) for _, case in named], kind="cases")
        raise UsageError(f"{path}: holds no case {shown(wanted)}", hint=hint)
    repeats = [case for case in found if take is None or case.get("repeat") == take]
    if not repeats:
        raise UsageError(f"{path}: case {shown(wanted)} has no repeat {take}")
    entries = repeats[0].get("entries")
    if not entries:
        status, reason = repeats[0].get("status"), repeats[0].get("reason")
        raise UsageError(f"{path}: case {shown(wanted)} holds no run ({status}: {reason})")
    try:
        return tuple(Entry(each["seq"], float(each["at"]), from_json(each["event"])) for each in entries)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UsageError(f"{path}: the run of case {shown(wanted)} is damaged ({error})") from None


def _cases(document: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    for suite in document["suites"]:
        for case in suite["cases"]:
            yield str(suite["suite"]), {**case, "id": str(case["id"])}


def shown_runs(path: Path, take: int | None) -> list[Shown]:
    """The runs in a recording: of ours one take (the first, unless another is asked for), else every conversation.

    Raises:
        CassetteError: the file cannot be read, or holds no call of the Messages API.
        UsageError: there is no such take.
    """
    cassette = read(path)
    chosen = take_number(cassette, take)
    if cassette.header is None:
        found = [_named(events, SPEAKER) for events in conversations(cassette, decode_reply)]
        titles = [f"conversation {i} of {len(found)}" if len(found) > 1 else "" for i in range(1, len(found) + 1)]
        return [Shown(title, _untimed(events)) for title, events in zip(titles, found, strict=True)]
    header, number = cassette.header, len(cassette.takes)
    title = f"recorded {header.at} by {header.by}, {header.source} answering"
    if number > 1:
        title = f"take {chosen + 1} of {number}, {title}"
    return [Shown(title, entries) for entries in _take_runs(cassette, header, cassette.takes[chosen])]


def one_run(source: Recording | Stored, take: int | None) -> tuple[Entry, ...]:
    """The entries of the one run that the source holds.

    Raises:
        CassetteError: the file cannot be read, or holds no call of the Messages API.
        UsageError: there is no such take, or several conversations.
    """
    if isinstance(source, Stored):
        return source.entries
    runs = shown_runs(source.path, take)
    if len(runs) != 1:
        raise UsageError(f"{source.path}: holds {len(runs)} conversations", hint="it takes a file with one")
    return runs[0].entries


def take_number(cassette: Cassette, take: int | None) -> int:
    """The index of the take that is asked for, from 1; the first when none is.

    Raises:
        UsageError: there are not that many.
    """
    number = len(cassette.takes)
    if number == 0 or (take is not None and take > number):
        raise UsageError(f"{cassette.name}: take {take or 1} was asked for, and there are {number}")
    return (take or 1) - 1


def _take_runs(cassette: Cassette, header: Header, take: Take) -> list[tuple[Entry, ...]]:
    """A take of ours: what its requests and replies tell, and what only the header knows."""
    if header.transcript:
        return [_timed(_named(transcribed(cassette, take, decode_reply), header.agent), header, take)]
    traffic = Cassette(tuple(cassette.interactions[index] for index in take.interactions), path=cassette.path)
    found = conversations(traffic, decode_reply)
    if len(found) != 1:
        return [_untimed(_named(events, header.agent)) for events in found]
    return [_timed(_completed(found[0], header, take), header, take)]


def _named(events: Sequence[Event], agent: str) -> list[Event]:
    return [replace(event, agent=agent) if isinstance(event, RunStarted) else event for event in events]


def _untimed(events: Sequence[Event]) -> tuple[Entry, ...]:
    return tuple(Run.of(events).entries)


def _completed(events: Sequence[Event], header: Header, take: Take) -> Iterator[Event]:
    """The events with the tool results as they were, those that no request carried, and what was seen afterwards."""
    results = {tool.call_id: tool.returned for tool in take.tools}
    for event in events:
        if isinstance(event, RunStarted):
            components = {str(name): str(each) for name, each in header.components.items() if _is_of_agent(name)}
            yield replace(event, agent=header.agent, bundle=header.bundle, components=components)
        elif isinstance(event, ToolReturned):
            yield results.pop(event.call_id, event)
        elif isinstance(event, RunEnded):
            called = {each.call_id for each in events if isinstance(each, ToolCalled)}
            yield from (result for call_id, result in results.items() if call_id in called)
            yield from take.observed
            yield event
        else:
            yield event


def _timed(events: Iterable[Event], header: Header, take: Take) -> tuple[Entry, ...]:
    """The events at the times at which they happened."""
    told = list(events)
    moments = times(told, header.at, take)
    return tuple(Entry(seq, at, event) for seq, (event, at) in enumerate(zip(told, moments, strict=True)))


def _is_of_agent(component: str) -> bool:
    """Whether it belongs to the agent's definition, and not only to a recording."""
    return component not in {CASE_INPUT, API} and not is_code(component)
