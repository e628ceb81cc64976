"""kill -9 at a random moment of a run, and what is left of it: counted against what the tools really did.

Each tool writes one line to a file and to the disk. After a kill the run is resumed; what `resume` leaves to a person
is decided by the truth, which that file holds. Then every call must have taken effect once, and the run have ended.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

from support.clerk import lay_down
from support.desk import agentctl, command, environment

TOOLS: Final = ("keyed", "looked", "plain", "keyed", "looked", "plain")
SCRIPT: Final = "schema: 1\nkind: simulator\nrules:\n" + "".join(
    f"  - {{when: {{turn: {turn}}}, reply: {{tools: [{{{name}: {{n: {turn}}}}}, {{reads: {{n: {turn}}}}}]}}}}\n"
    for turn, name in enumerate(TOOLS)
) + "default: {text: All done.}\n"  # fmt: skip


AT_WORK: Final = 0.9
"""The share of kills that come while tools are at work; the others come while the process starts."""


@dataclass(slots=True)
class Figures:
    """Of so many kills: runs without an end, effects twice, effects that are said and not there, calls asked of."""

    kills: int = 0
    lost: int = 0
    repeated: int = 0
    falsely_done: int = 0
    uncertain: int = 0
    finished: int = 0
    """Runs that were over before they could be killed."""


def kills(count: int, folder: Path, seed: int = 0) -> Figures:
    """Kills as many runs, in projects of their own below `folder`."""
    figures, chance = Figures(), Random(seed)
    while figures.kills < count:
        root = folder / "project"
        shutil.rmtree(root, ignore_errors=True)
        place = lay_down(root, "plain")
        (root / "prompts/clerk/simulator.yaml").write_text(SCRIPT)
        begun = place / "effects" if chance.random() < AT_WORK else root / ".agentctl/running"
        if _killed(root, begun, chance.uniform(0.0, 0.1)):
            figures.kills += 1
            _resume(root, place, figures)
        else:
            figures.finished += 1
    return figures


def _killed(root: Path, begun: Path, delay: float) -> bool:
    """Whether a run was killed so many seconds after `begun` was there."""
    arguments = command("run", "clerk", "Go", "-q", "--simulate")
    run = subprocess.Popen(arguments, cwd=root, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while run.poll() is None and not begun.exists():
        time.sleep(0.002)
    time.sleep(delay)
    run.kill()
    return run.wait() != 0


def _resume(root: Path, place: Path, figures: Figures) -> None:
    """Goes on until the run has ended, a person's part played by the truth; counts what came of it."""
    document: dict[str, Any] = {}
    for _ in range(len(TOOLS) + 2):
        flags: list[str] = []
        for call in document.get("uncertain", []):
            figures.uncertain += 1
            happened = f"plain {call['call']}" in _effects(place)
            flags += ["--happened", f"{call['call']}=plain done"] if happened else ["--repeat", call["call"]]
        done = agentctl(root, "resume", "last", "--simulate", "--json", *flags)
        if "is over" in done.stderr or "there is no run" in done.stderr:
            break
        document = json.loads(done.stdout) if done.stdout else {}
        if document.get("ended") == "completed":
            break
    _count(root, place, figures)


def _effects(place: Path) -> list[str]:
    with suppress(FileNotFoundError):
        return (place / "effects").read_text().splitlines()
    return []


def _count(root: Path, place: Path, figures: Figures) -> None:
    shown = agentctl(root, "runs", "show", "last", "--json")
    events = [entry["event"] for entry in json.loads(shown.stdout)] if shown.returncode == 0 else []
    if events and events[-1] != {"kind": "run_ended", "reason": "completed", "message": ""}:
        figures.lost += 1
    took = Counter(line for line in _effects(place) if line != "reads")
    figures.repeated += sum(times > 1 for times in took.values())
    answered = [event for event in events if event["kind"] == "tool_returned" and event["name"] != "reads"]
    figures.falsely_done += max(len(answered) - len(took), 0)
