"""A process that is paused in a run, another that takes the run over, and the first one waking up again.

While the first one lives the other is refused, stopped or not. Here its claim is taken away, as on a disk that two
machines share: then every fact it still wants to write must be refused, and no tool be begun. A tool that was at work
when the process was paused finishes its work; nobody can take that back, and it is counted by itself.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from support import forked
from support.desk import agentctl, environment
from tests.torture.kills import RUN, TOOLS, Figures, project, went_on

Row = tuple[int, float, str]
STOPPED: Final = "T"
MOST_STEPS: Final = 2 * len(TOOLS) - 1
"""Effects that are there when a process is paused."""
MOST_DELAY: Final = 0.01
"""Seconds after that effect."""


@dataclass(slots=True)
class Paused:
    """Of so many pauses: how many found nothing to take over, were refused, were taken over; and what came then."""

    pauses: int = 0
    finished: int = 0
    """Runs that were over before they could be paused."""
    refused: int = 0
    """Resumes that were refused while the paused process had its claim."""
    locked: int = 0
    """Those that were paused while they wrote: nobody else can, so nobody takes over."""
    taken_over: int = 0
    double_writes: int = 0
    """Facts that the first process wrote after the other one went on."""
    double_effects: int = 0
    """Calls that took effect twice, of those that had not been begun when the process was paused."""
    in_flight: int = 0
    """Effects of calls that were at work when it was paused, and finished after it woke up."""
    failures: list[str] = field(default_factory=list)


def paused(seed: int, folder: Path) -> Paused:
    """Pauses one run at a random moment after its first effect."""
    root, found = folder / f"paused-{seed}", Paused(pauses=1)
    place = project(root)
    chance = Random(seed)
    steps, delay = chance.randrange(MOST_STEPS), chance.uniform(0.0, MOST_DELAY)
    seen: dict[str, Any] = {}

    def begun(pid: int) -> None:
        with suppress(ProcessLookupError):
            first = os.pidfd_open(pid)
            try:
                while len(_effects(place)) <= steps and Path(f"/proc/{pid}").exists():
                    time.sleep(0.0005)
                time.sleep(delay)
                signal.pidfd_send_signal(first, signal.SIGSTOP)
                if _is_stopped(pid):
                    seen.update(_taken_over(root, place, found, f"pause {seed}"))
                signal.pidfd_send_signal(first, signal.SIGCONT)
            finally:
                os.close(first)

    done = forked.run(RUN, root, environment(), "", begun=begun)
    if "Traceback" in done.stderr or done.returncode not in {0, 3}:
        found.failures.append(f"pause {seed}: the first process: exit {done.returncode}: {done.stderr[-300:]!r}")
    if not seen:
        found.finished += found.locked == 0
        figures = Figures()
        went_on(root, place, figures, f"pause {seed}, where nobody took over")
        found.failures += figures.failures
        return found
    _woken(root, place, found, seen)
    if done.returncode != 3 or "another process goes on with the same run" not in done.stderr:
        found.failures.append(f"pause {seed}: the first process did not say why it stops: {done.stderr[-300:]!r}")
    if found.double_writes or found.double_effects:
        found.failures.append(f"pause {seed}: {done.stderr[-300:]!r}")
    return found


def _is_stopped(pid: int) -> bool:
    with suppress(OSError):
        for _ in range(200):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == STOPPED:
                return True
            time.sleep(0.001)
    return False


def _taken_over(root: Path, place: Path, found: Paused, name: str) -> dict[str, Any]:
    """What is there when another process has gone on to the end, or nothing when there was nothing to go on with."""
    before = _rows(root)
    if not before or '"run_ended"' in before[-1][2]:
        return {}
    polite = agentctl(root, "resume", "last", "--simulate")
    if polite.returncode != 2 or "another process is at run" not in polite.stderr or _rows(root) != before:
        found.failures.append(f"{name}: not refused: exit {polite.returncode}: {polite.stderr[-300:]!r}")
    found.refused += 1
    for claim in (root / ".agentctl/running").iterdir():
        claim.unlink()
    if _is_writing(root):
        found.locked += 1
        said = agentctl(root, "resume", "last", "--simulate")
        if said.returncode not in {2, 3} or _rows(root) != before:  # 3: a person is asked before anything is written
            found.failures.append(f"{name}: gone on beside a write: exit {said.returncode}: {said.stderr[-300:]!r}")
        return {}
    figures = Figures()
    went_on(root, place, figures, name)
    found.failures += figures.failures
    found.taken_over += 1
    return {"rows": _rows(root), "effects": _effects(place), "open": _open_calls(before)}


def _woken(root: Path, place: Path, found: Paused, seen: dict[str, Any]) -> None:
    """Counts what the first process did after it woke up."""
    found.double_writes += len(set(_rows(root)) ^ set(seen["rows"]))
    for line in _effects(place)[len(seen["effects"]) :]:
        if line == "reads":
            continue
        if any(call in line for call in seen["open"]):
            found.in_flight += 1
        else:
            found.double_effects += 1


def _rows(root: Path) -> list[Row]:
    store = root / ".agentctl/agentctl.db"
    if not store.exists():
        return []
    with closing(sqlite3.connect(store)) as connection, suppress(sqlite3.OperationalError):
        return connection.execute("select seq, at, event from entries order by run, seq").fetchall()
    return []


def _is_writing(root: Path) -> bool:
    """Whether the paused process was in the midst of a write: then nobody else can write until it wakes up."""
    with closing(sqlite3.connect(root / ".agentctl/agentctl.db", timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("begin immediate")
        except sqlite3.OperationalError:
            return True
        connection.execute("rollback")
    return False


def _open_calls(rows: list[Row]) -> set[str]:
    events = [json.loads(event) for _, _, event in rows]
    answered = {event["call_id"] for event in events if event["kind"] == "tool_returned"}
    return {event["call_id"] for event in events if event["kind"] == "tool_called"} - answered


def _effects(place: Path) -> list[str]:
    return (place / "effects").read_text().splitlines() if (place / "effects").exists() else []
