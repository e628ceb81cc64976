"""kill -9 at any moment of a run, and what is left of it: counted against what the tools really did.

Each tool writes one line to a file and to the disk. After a kill the run is resumed; what `resume` leaves to a person
is decided by the truth, which that file holds. Then every call must have taken effect once, and the run have ended.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final, Self

from support import forked
from support.clerk import lay_down
from support.desk import agentctl, environment

TOOLS: Final = ("keyed", "looked", "plain", "keyed", "looked", "plain")
SCRIPT: Final = "schema: 1\nkind: simulator\nrules:\n" + "".join(
    f"  - {{when: {{turn: {turn}}}, reply: {{tools: [{{{name}: {{n: {turn}}}}}, {{reads: {{n: {turn}}}}}]}}}}\n"
    for turn, name in enumerate(TOOLS)
) + "default: {text: All done.}\n"  # fmt: skip

LONGER, SHORTER = 1.03, 0.8
"""How the time in which kills come grows with each that came, and shrinks with each that came too late."""

RUN: Final = ("run", "clerk", "Go", "-q", "--simulate")
NEVER_BEGUN: Final = ("no run is stored", "nothing was done")
"""What is said of a run that died before the user's message was stored."""


@dataclass(slots=True)
class Figures:
    """Of so many kills: runs without an end, effects twice, effects that are said and not there, calls asked of."""

    kills: int = 0
    lost: int = 0
    """Runs that never ended, and calls without an effect in those that did."""
    repeated: int = 0
    falsely_done: int = 0
    uncertain: int = 0
    finished: int = 0
    """Runs that were over before they could be killed."""
    failures: list[str] = field(default_factory=list)

    @property
    def broken(self) -> int:
        """What must not be."""
        return self.lost + self.repeated + self.falsely_done + len(self.failures)

    def __iadd__(self, other: Figures) -> Self:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self

    def __str__(self) -> str:
        names = [name for name in self.__slots__ if name != "failures"]
        return ", ".join(f"{name.replace('_', ' ')} {getattr(self, name):,}" for name in names)


def project(root: Path) -> Path:
    """A project whose run takes six steps, anew in `root`; the folder of the effects."""
    shutil.rmtree(root, ignore_errors=True)
    place = lay_down(root, "plain")
    (root / "prompts/clerk/simulator.yaml").write_text(SCRIPT)
    return place


@cache
def seconds_of_a_run(folder: Path) -> float:
    """How long a run takes here and now; what is to come in the midst of one comes in this time."""
    root = folder / f"timed-{os.getpid()}"
    for _ in range(2):  # the first one also starts the process that forks them
        project(root)
        began = time.perf_counter()
        agentctl(root, *RUN)
    return time.perf_counter() - began


def kills(count: int, folder: Path, seed: int = 0) -> Figures:
    """Kills as many runs at random moments, in projects of their own below `folder`."""
    figures, chance, latest = Figures(), Random(seed), seconds_of_a_run(folder)
    while figures.kills < count:
        root = folder / f"killed-{seed}"
        place = project(root)
        if _killed(root, chance.uniform(0.0, latest)):
            figures.kills += 1
            latest *= LONGER
            went_on(root, place, figures, f"kill {figures.kills} of seed {seed}")
        else:
            figures.finished += 1
            latest *= SHORTER
    return figures


def _killed(root: Path, delay: float) -> bool:
    """Whether a run was killed so many seconds after it began."""

    def kill(pid: int) -> None:
        with suppress(ProcessLookupError):
            handle = os.pidfd_open(pid)  # another process may have the number by then
            try:
                time.sleep(delay)
                signal.pidfd_send_signal(handle, signal.SIGKILL)
            finally:
                os.close(handle)

    return forked.run(RUN, root, environment(), "", begun=kill).returncode == -signal.SIGKILL


def went_on(root: Path, place: Path, figures: Figures, name: str) -> None:
    """Goes on until the run has ended, a person's part played by the truth; counts what came of it, as `name`."""
    before = figures.lost + figures.repeated + figures.falsely_done
    document: dict[str, Any] = {}
    said = ""
    for _ in range(len(TOOLS) + 2):
        done = agentctl(root, "resume", "last", "--simulate", "--json", *_ruled(document, place, figures))
        said = done.stderr
        if "Traceback" in said:
            figures.failures.append(f"{name}: resume: {said.strip()[-200:]}")
        if done.returncode == 2 and any(word in said for word in ("is over", *NEVER_BEGUN)):
            break
        document = json.loads(done.stdout) if done.stdout else {}
        if document.get("ended") == "completed":
            break
    _count(root, place, figures, begun=not any(word in said for word in NEVER_BEGUN))
    if figures.lost + figures.repeated + figures.falsely_done > before:
        figures.failures.append(f"{name}: {_effects(place)}; the last resume said {said.strip()[:300]!r}")


def _ruled(document: dict[str, Any], place: Path, figures: Figures) -> list[str]:
    """What a person says who looked at the world."""
    flags: list[str] = []
    for call in document.get("uncertain", []):
        figures.uncertain += 1
        happened = f"plain {call['call']}" in _effects(place)
        flags += ["--happened", f"{call['call']}=plain done"] if happened else ["--repeat", call["call"]]
    return flags


def _effects(place: Path) -> list[str]:
    """The effects that are there; a line that is torn has not taken effect."""
    with suppress(FileNotFoundError):
        return [
            line.rstrip("\n") for line in (place / "effects").read_text().splitlines(keepends=True) if line[-1] == "\n"
        ]
    return []


def _count(root: Path, place: Path, figures: Figures, *, begun: bool) -> None:
    """A run whose message was never stored must have done nothing; any other came to its end and did all, once."""
    took = Counter(line for line in _effects(place) if line != "reads")
    figures.repeated += sum(times > 1 for times in took.values())
    if not begun:
        figures.lost += bool(took)
        return
    shown = agentctl(root, "runs", "show", "last", "--json")
    events = [entry["event"] for entry in json.loads(shown.stdout)] if shown.returncode == 0 else []
    if not events or (events[-1]["kind"], events[-1].get("reason")) != ("run_ended", "completed"):
        figures.lost += 1
        return
    answered = [event for event in events if event["kind"] == "tool_returned" and event["name"] != "reads"]
    told = {event["call_id"] for event in answered if event.get("error_type") == "not_run"}
    figures.lost += max(len(TOOLS) - len(took) - len(told), 0)
    figures.falsely_done += max(len(answered) - len(took) - len(told), 0)
    figures.falsely_done += sum(line.endswith(call) for line in took for call in told)
