"""`agentctl replay`: recordings and runs, turn by turn, as chat would have shown them.

A file that is refused is an answer too: its reason is printed, and the others are shown.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from agentctl.agent.events import Entry, JsonObject, ModelAsked, RunEnded, UserSaid
from agentctl.cassette.file import read
from agentctl.cli import exits
from agentctl.cli.console import json_line, note, say
from agentctl.cli.outcome import Price
from agentctl.cli.replay.keys import Keys
from agentctl.cli.replay.recorded import replay_line
from agentctl.cli.replay.sources import (
    Changes,
    ForkOptions,
    Recording,
    Shown,
    Stored,
    find,
    shown_runs,
    take_number,
    way_in,
)
from agentctl.cli.runs.transcript import entry_json
from agentctl.cli.screen import Screen, readers_may_leave, screen
from agentctl.cli.sheet import Sheet
from agentctl.errors import CassetteError, UsageError
from agentctl.model.pricing import price
from agentctl.observe.clean import clean
from agentctl.observe.page import DOT
from agentctl.observe.trace import Trace

What = Annotated[
    list[str],
    typer.Argument(
        metavar="WHAT",
        help="A recording, ours or any vcrpy or VCR one; suite/case; a run's id or `last`; RESULT.json#case.",
        show_default=False,
    ),
]
From = Annotated[
    int | None,
    typer.Option("--from", min=1, metavar="TURN", envvar="AGENTCTL_REPLAY_FROM", help="Go on live from this turn."),
]
Live = Annotated[bool, typer.Option("--live", help="Go on with the model: a fork, stored as a run of its own.")]
Simulate = Annotated[bool, typer.Option("--simulate", help="Go on with the built-in simulator: no key needed.")]
Say = Annotated[
    list[str] | None, typer.Option("--say", metavar="TEXT", help="In the fork, what the user says there (and then).")
]
Model = Annotated[str | None, typer.Option("--model", metavar="ID", help="In the fork, another model.")]
System = Annotated[Path | None, typer.Option("--system", metavar="FILE", help="In the fork, another system prompt.")]
EditResult = Annotated[
    list[str] | None,
    typer.Option("--edit-tool-result", metavar="CALL=FILE", help="In the fork, another result of this call."),
]
AgentRef = Annotated[str | None, typer.Option("--agent", metavar="REF", help="In the fork, this agent.")]
Against = Annotated[
    str | None, typer.Option("--against", metavar="WHAT", help="Where this other run first did something else.")
]
Yes = Annotated[bool, typer.Option("--yes", help="In the fork, approve every tool call that asks for it.")]
TOO_DEEP: Final = "it is nested too deeply"


def replay(
    what: What,
    *,
    step: Annotated[bool, typer.Option("--step", help="Wait for a key between turns.")] = False,
    turn: Annotated[int | None, typer.Option(min=1, metavar="N", help="Only turn N.")] = None,
    take: Annotated[int | None, typer.Option(min=1, metavar="N", help="Take (repeat) N of a recorded case.")] = None,
    thinking: Annotated[bool, typer.Option("--thinking/--no-thinking", help="Show the model's thinking.")] = True,
    json: Annotated[bool, typer.Option("--json", help="JSON: a line for each file, the entries of a run.")] = False,
    from_: From = None,
    live: Live = False,
    simulate: Simulate = False,
    say: Say = None,
    model: Model = None,
    system: System = None,
    edit_tool_result: EditResult = None,
    agent: AgentRef = None,
    yes: Yes = False,
    against: Against = None,
) -> int:
    """Show a recording or a stored run, turn by turn, as chat would have shown it. Nothing is sent or executed.

    With --live or --simulate, go on from a turn of it: what stands before is taken over as it is, the rest is a new
    run. `--from 3 --live` asks for turn 3 again; --say, --system, --model, --edit-tool-result change something first.
    """
    changes = Changes(from_, agent, model, system, tuple(edit_tool_result or ()), tuple(say or ()))
    if against is not None:
        return _against(what, against, json=json)
    if live or simulate or changes != Changes():
        if live == simulate:
            raise UsageError("a fork is live or simulated", hint="add either --live or --simulate")
        if step or turn is not None or len(what) != 1:
            raise UsageError("a fork goes on from one run", hint="name one, and leave out --step and --turn")
        return _fork(find(what[0], take), take, changes, ForkOptions(simulate, thinking, json, yes))
    if json and (step or turn is not None):
        raise UsageError("--json has no screen", hint="leave out --step and --turn")
    sources = [find(each, take) for each in what]
    with readers_may_leave():
        if json:
            for source in sources:
                _print_json(source, take)
        else:
            _Player(screen(sys.stdout), step=step, turn=turn, thinking=thinking).play(sources, take)
    return exits.OK


def _against(what: Sequence[str], other: str, *, json: bool) -> int:
    from agentctl.cli.diff.command import against  # noqa: PLC0415  a replay compares nothing

    if len(what) != 1:
        raise UsageError("--against compares one run with one other", hint="name one")
    return against(what[0], other, json=json)


def _fork(source: Recording | Stored, take: int | None, changes: Changes, options: ForkOptions) -> int:
    from agentctl.cli.replay.fork import go_on  # noqa: PLC0415  to show a run needs nothing live

    return go_on(source, take, changes, options)


def _print_json(source: Recording | Stored, take: int | None) -> None:
    if isinstance(source, Stored):
        json_line([entry_json(entry) for entry in source.entries])
        return
    try:
        json_line(_line(source.path, take))
    except RecursionError:
        json_line({"file": str(source.path), "refused": TOO_DEEP, "replies": []})


def _line(path: Path, take: int | None) -> JsonObject:
    """The file's line; with a take, only with the replies of that."""
    line = replay_line(path)
    if take is not None and line["refused"] is None:
        cassette = read(path)
        indexes = cassette.takes[take_number(cassette, take)].interactions
        line["replies"] = [reply for reply in line["replies"] if reply["i"] in indexes]
    return line


class _Player:
    """Draws runs one after the other, and stops where a person wants to."""

    def __init__(self, console: Screen, *, step: bool, turn: int | None, thinking: bool) -> None:
        self._console, self._turn, self._thinking = console, turn, thinking
        self._keys = Keys() if step else None
        if self._keys is not None and not self._keys.is_on:
            note("--step waits on a terminal only")
        self._most_turns = 0
        self._drawn = 0

    def play(self, sources: Sequence[Recording | Stored], take: int | None) -> None:
        """Draws all of them.

        Raises:
            UsageError: a turn was asked for that none of them has.
        """
        refused = False
        for source in sources:
            try:
                runs = _runs(source, take)
            except (CassetteError, RecursionError) as error:
                _refuse(source, error)
                refused = True
                continue
            for run in runs:
                if not self._run(run, titled=len(sources) > 1 or len(runs) > 1 or isinstance(source, Recording)):
                    return
        if self._turn is not None and self._most_turns < self._turn and not refused:
            raise UsageError(f"there is no turn {self._turn}: the longest run here has {self._most_turns}")

    def _run(self, run: Shown, *, titled: bool) -> bool:
        """Draws one run; False when the person has seen enough."""
        trace = _trace(self._console, thinking=self._thinking)
        turns = list(_by_turn(run.entries))
        self._most_turns = max(self._most_turns, len(turns) - 1)
        if self._turn is not None and len(turns) <= self._turn:
            return True
        if titled:
            self._title(run.title)
        self._drawn += 1
        for number, entries in enumerate(turns):
            if number > 1 and self._keys is not None and self._turn is None and not self._keys.wait():
                return False
            for entry in entries:
                wanted = self._turn is None or (number == self._turn and not isinstance(entry.event, RunEnded))
                trace.muted = not wanted
                trace(entry)
        trace.close()
        return True

    def _title(self, title: str) -> None:
        """What the run is; in a narrow window the file in one piece, so that it can be copied, and the rest below."""
        if self._drawn:
            say()
        width = self._console.width if self._console.is_terminal else None
        if width is None or len(title) <= width or DOT not in title:
            say(clean(title))
            return
        file, _, about = title.partition(DOT)
        say(clean(file))
        say("\n".join(Sheet(width).lines(about)))


def _refuse(source: Recording | Stored, error: CassetteError | RecursionError) -> None:
    """Says why there is nothing to draw, and what could be done about it."""
    reason = TOO_DEEP if isinstance(error, RecursionError) else str(error)
    prefix = f"{source.path}: " if isinstance(source, Recording) else ""
    say(clean(f"{prefix}refused: {reason.removeprefix(prefix)}"))
    if isinstance(source, Recording) and isinstance(error, CassetteError):
        hint = way_in(source.path, error)
        if hint:
            note(clean(f"hint: {hint}"))


def _trace(console: Screen, *, thinking: bool) -> Trace:
    prices: Price = price
    return Trace(console, price=prices, show_thinking=thinking)


def _runs(source: Recording | Stored, take: int | None) -> list[Shown]:
    """What there is to draw of a source, each with a title that names it."""
    if isinstance(source, Stored):
        return [Shown(source.name, source.entries)]
    return [
        Shown(f"{source.path}" + (f"{DOT}{run.title}" if run.title else ""), run.entries)
        for run in shown_runs(source.path, take)
    ]


def _by_turn(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """The entries before the first turn, and then those of each: what was said before it belongs to it."""
    turn: list[Entry] = []
    asked = False
    for entry in entries:
        begins = isinstance(entry.event, UserSaid) and (asked or not _has_said(turn))
        if begins or (isinstance(entry.event, ModelAsked) and not _waits(turn, asked=asked)):
            yield turn
            turn, asked = [], False
        asked = asked or isinstance(entry.event, ModelAsked)
        turn.append(entry)
    yield turn


def _has_said(turn: Sequence[Entry]) -> bool:
    return any(isinstance(entry.event, UserSaid) for entry in turn)


def _waits(turn: Sequence[Entry], *, asked: bool) -> bool:
    """Whether something was said that the model has not been asked about yet."""
    return not asked and _has_said(turn)
