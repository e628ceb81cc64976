"""Runs in every time zone, under a wall clock that is set while they are at work: order and limits are not its matter.

A process's time of day is shifted under it (`wall.c`); the run in the middle of which that happens must end as any
other, be the last one, and have its entries in their order and its moments in UTC.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

from support.clerk import lay_down
from support.desk import command, environment
from tests.torture.part import Outcome, Part, Trial
from tests.torture.shim import library

SOURCE: Final = Path(__file__).parents[1] / "wall.c"
HOUR: Final = 3600
STEPS: Final = (-24 * HOUR, -HOUR, HOUR, 24 * HOUR, 1)
"""Seconds by which the clock is set in the middle of a run; the last one is a leap second that is caught up with."""

EDGES: Final = {
    "Pacific/Kiritimati": "2026-12-31T10:00",
    "Pacific/Niue": "2027-01-01T10:59",
    "America/New_York": "2026-03-08T06:59",
    "Europe/Berlin": "2026-10-25T00:59",
    "Australia/Lord_Howe": "2026-04-04T14:59",
    "Africa/Casablanca": "2027-02-07T01:59",
    "Asia/Kathmandu": "2028-02-29T18:14",
    "UTC": "2026-12-31T23:59",
}
"""Zones, and a moment (UTC) a minute before their clocks change or their day, month or year ends."""

SECONDS: Final = 30
"""What the agent has for an answer, and a process here to end."""


class Desk:
    """A project, and commands in it whose clock is set."""

    def __init__(self, root: Path, shim: Path, zone: str) -> None:
        self.root, self.off = root, root / "off"
        self.place = lay_down(root, "plain")
        agent = root / "prompts/clerk/v1.yaml"
        agent.write_text(agent.read_text() + f"limits: {{max_seconds: {SECONDS}}}\n")
        handlers = self.place / "handlers.py"
        handlers.write_text(handlers.read_text() + SETS_THE_CLOCK)
        self._environment = environment(LD_PRELOAD=str(shim), WALL_OFF=str(self.off), TZ=zone)

    def run(self, *arguments: str) -> Any:
        """What a command says as JSON.

        Raises:
            AssertionError: it says none.
        """
        done = subprocess.run(
            command(*arguments, "--json"),
            cwd=self.root, env=self._environment, capture_output=True, text=True, timeout=2 * SECONDS, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{' '.join(arguments)}: exit {done.returncode}: {done.stderr.strip()[-300:]}"
        return json.loads(done.stdout)


SETS_THE_CLOCK: Final = """

def plain(n: int, ctx: ToolContext) -> str:
    step = PLACE / "step"
    if step.exists():
        Path(os.environ["WALL_OFF"]).write_text(step.read_text())
        step.unlink()
    return _act("plain", f"plain {ctx.call_id}")
"""


def _clocks(trial: Trial) -> Outcome:
    shim = library(trial.folder, SOURCE)
    zones = list(EDGES)

    def played(number: int) -> str:
        zone, step = zones[number % len(zones)], STEPS[number % len(STEPS)]
        try:
            _one(Desk(trial.folder / f"{number}", shim, zone), zone, step, Random(f"{trial.seed}:{number}"))
        except (AssertionError, subprocess.TimeoutExpired) as error:
            return f"{zone}, {step:+} s (round {number}): {error}"
        return ""

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        wrong = [found for found in pool.map(played, range(trial.rounds)) if found]
    figures = f"{trial.rounds} projects of three runs in {min(trial.rounds, len(zones))} zones: {len(wrong)} wrong"
    return Outcome(not wrong and trial.rounds > 0, figures, tuple(wrong))


def _one(desk: Desk, zone: str, step: int, chance: Random) -> None:
    edge = datetime.fromisoformat(EDGES[zone]).replace(tzinfo=UTC)
    off = int(edge.timestamp() - time.time()) + chance.randrange(55, 60)
    desk.off.write_text(str(off))
    first = desk.run("run", "clerk", "First", "--simulate")
    (desk.place / "step").write_text(str(off + step))
    began = time.monotonic()
    second = desk.run("run", "clerk", "Second", "--simulate")
    assert time.monotonic() - began < SECONDS, "the run took as long as it may"
    assert int(desk.off.read_text()) == off + step, "the clock was not set in the middle of the run"
    third = desk.run("run", "clerk", "Third", "--simulate")
    ends = [each["ended"] for each in (first, second, third)]
    assert ends == ["completed"] * 3, f"ended {ends}"
    told = [each["said"] for each in desk.run("runs", "list")]
    assert told == ["Third", "Second", "First"], f"the list says {told}"
    last = desk.run("runs", "show", "last")
    said = [entry["event"]["content"] for entry in last if entry["event"]["kind"] == "user_said"]
    assert said == ["Third"], f"the last run says {said}"
    entries = desk.run("runs", "show", second["run"])
    assert [entry["seq"] for entry in entries] == list(range(len(entries))), "the entries are out of order"
    _in_utc(desk.run("runs", "list")[2]["started_at"], edge, zone)


def _in_utc(started: str, edge: datetime, zone: str) -> None:
    """Whether the first run began when it did, told in UTC wherever that was."""
    moment = datetime.fromisoformat(started)
    assert moment.utcoffset() is not None, f"{started} has no zone"
    assert not moment.utcoffset(), f"{started} is not UTC"
    late = (moment - edge).total_seconds()
    assert 0 <= late < 120, f"{started} is {late:.0f} s after {edge.astimezone(ZoneInfo(zone)).isoformat()}"


PARTS: Final = [Part(("F37",), "clocks that are set, time zones, ends of days", 2, 8, _clocks)]
