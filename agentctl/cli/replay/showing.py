"""What `agentctl replay` does: shows recordings and runs, turn by turn, as chat would have shown them.

A file that is refused is an answer too: its reason is printed, and the others are shown.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

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

TOO_DEEP: Final = "it is nested too deeply"


def showed(what: Sequence[str], take: int | None, *, step: bool, turn: int | None, thinking: bool, json: bool) -> int:
    """Draws what these name, one after the other, or prints it as JSON; the exit code.

    Raises:
        UsageError: there is no such thing, or no such take or turn of it.
    """
    sources = [find(each, take) for each in what]
    with readers_may_leave():
        if json:
            for source in sources:
                _print_json(source, take)
        else:
            _Player(screen(sys.stdout), step=step, turn=turn, thinking=thinking).play(sources, take)
    return exits.OK


def parted(what: Sequence[str], other: str, *, json: bool) -> int:
    """Prints where the run `other` first did something else than this one; the exit code.

    Raises:
        UsageError: one of them is no run.
    """
    from agentctl.cli.diff.comparing import against  # noqa: PLC0415  a replay compares nothing

    if len(what) != 1:
        raise UsageError("--against compares one run with one other", hint="name one")
    return against(what[0], other, json=json)


def forked(what: str, take: int | None, changes: Changes, options: ForkOptions) -> int:
    """Goes on from a turn of this run, as a run of its own; the exit code.

    Raises:
        AgentctlError: there is no such run or turn, or it cannot be gone on with like this.
    """
    from agentctl.cli.replay.fork import go_on  # noqa: PLC0415  to show a run needs nothing live

    return go_on(find(what, take), take, changes, options)


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
