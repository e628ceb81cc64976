"""Files that are not what they were: stores and recordings cut short, zeroed at their end, with a bit turned over.

What is read then is what was there, or as much of its beginning as is whole, or it is an error that names the file.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final

from support import forked
from support.desk import agentctl, environment
from tests.torture.kills import RUN, project
from tests.torture.saves import SUITE
from tests.torture.shim import Fault

MOST: Final = 4096
LATE: Final = 180
"""The call of the disk at which the run of the crashed store is killed."""
STORE: Final = ".agentctl/agentctl.db"
RECORDING: Final = "cassettes/clerk/one.yaml"


@dataclass(slots=True)
class Damage:
    """Of so many damaged files: what was read of them."""

    tried: int = 0
    whole: int = 0
    """All of it, as it was."""
    shorter: int = 0
    """The beginning of a run, as it was."""
    told: int = 0
    """An error that names the file."""
    edited: int = 0
    """Recordings in which other words stand now, as if someone had edited them: nothing in the file can tell."""
    blank: int = 0
    """Nothing, as if there had never been anything, and no error."""
    wrong: int = 0
    """Something else than was stored."""
    failures: list[str] = field(default_factory=list)

    @property
    def broken(self) -> int:
        """What must not be."""
        return self.blank + self.wrong + len(self.failures)


@dataclass(frozen=True, slots=True)
class Sample:
    """A project with a sound store or recording, the files of it that may be damaged, and what is read of it."""

    root: Path
    files: tuple[str, ...]
    runs: dict[str, list[Any]]


def damaged(count: int, seed: int, folder: Path) -> Damage:
    """Damages as many files: stores that were closed, stores of a process that died, recordings."""
    chance, found = Random(seed), Damage()
    samples = _samples(folder)
    for number in range(count):
        sample = samples[number % len(samples)]
        root = folder / f"damaged-{seed}"
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(sample.root, root)
        name = chance.choice(sample.files)
        how = chance.choice((_cut, _zeroed, _flipped))
        told = how(root / name, chance)
        found.tried += 1
        judge = _store if sample.runs else _recording
        failure = judge(sample, root, name, found)
        if failure:
            found.failures.append(f"{number} of seed {seed}: {name} ({sample.root.name}) {told}: {failure}")
    return found


def _cut(path: Path, chance: Random) -> str:
    size = min(chance.randint(1, MOST), path.stat().st_size)
    path.write_bytes(path.read_bytes()[:-size])
    return f"without its last {size} bytes"


def _zeroed(path: Path, chance: Random) -> str:
    size = min(chance.randint(1, MOST), path.stat().st_size)
    path.write_bytes(path.read_bytes()[:-size] + b"\0" * size)
    return f"with {size} zero bytes at its end"


def _flipped(path: Path, chance: Random) -> str:
    data = bytearray(path.read_bytes())
    place, bit = chance.randrange(len(data)), chance.randrange(8)
    data[place] ^= 1 << bit
    path.write_bytes(data)
    return f"with bit {bit} of byte {place} turned over"


@cache
def _samples(folder: Path) -> tuple[Sample, ...]:
    closed, crashed, recorded = (folder / f"{name}-{Random().getrandbits(32)}" for name in ("closed", "died", "tape"))
    for root in (closed, crashed):
        project(root)
        _done(root, *RUN)
    _done(closed, *RUN)
    forked.run(RUN, crashed, environment(**Fault(crashed, LATE, "kill-after").environment()), "")
    project(recorded)
    (recorded / "evals").mkdir()
    (recorded / "evals/clerk.yaml").write_text(SUITE)
    _done(recorded, "eval", "--record-mode", "all", "--simulate")
    copy = folder / f"looked-at-{Random().getrandbits(32)}"
    shutil.copytree(crashed, copy)  # to look at it writes its log into it
    return (
        Sample(closed, (STORE,), _runs(closed)),
        Sample(crashed, (STORE, f"{STORE}-wal", f"{STORE}-wal"), _runs(copy)),
        Sample(recorded, (RECORDING,), {}),
    )


def _done(root: Path, *arguments: str) -> str:
    done = agentctl(root, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _runs(root: Path) -> dict[str, list[Any]]:
    ids = [run["run"] for run in json.loads(_done(root, "runs", "list", "--json"))]
    return {run: json.loads(_done(root, "runs", "show", run, "--json")) for run in ids}


def _store(sample: Sample, root: Path, name: str, found: Damage) -> str:
    """Looks at the store as a person does; what is wrong, in words."""
    seen: Counter[str] = Counter()
    listed = agentctl(root, "runs", "list", "--json")
    failure = _told(listed, seen)
    ids = [run["run"] for run in json.loads(listed.stdout)] if listed.returncode == 0 else []
    seen["blank"] += listed.returncode == 0 and set(ids) < set(sample.runs)
    seen["wrong"] += not set(ids) <= set(sample.runs)
    for run, entries in sample.runs.items():
        shown = agentctl(root, "runs", "show", run, "--json")
        failure = failure or _told(shown, seen, missing=True)
        if shown.returncode == 2:
            seen["blank"] += 1
        elif shown.returncode == 0:
            now = json.loads(shown.stdout)
            prefix = "shorter" if now else "blank"
            seen["whole" if now == entries else prefix if now == entries[: len(now)] else "wrong"] += 1
    _note(found, seen)
    if (seen["blank"] and not seen["told"]) or seen["wrong"]:
        return f"{dict(seen)} {listed.stderr[-200:]!r}"
    return failure


def _recording(_sample: Sample, root: Path, name: str, found: Damage) -> str:
    """Replays the recording; what is wrong, in words."""
    seen: Counter[str] = Counter()
    played = agentctl(root, "eval", "--json")
    if "Traceback" in played.stderr or not played.stdout:
        return f"exit {played.returncode}: {played.stderr.strip()[-300:]!r}"
    (case,) = json.loads(played.stdout)["suites"][0]["cases"]
    before = (_sample.root / name).read_bytes()
    if played.returncode == 0:
        seen["whole" if _same(before, (root / name).read_bytes()) else "edited"] += 1
    elif played.returncode == 1:
        seen["edited"] += 1  # its answers are others now, and the checks say so
    elif "one.yaml" in played.stdout + played.stderr or case["stale"] or case["status"] in {"missing", "stale"}:
        seen["told"] += 1
    else:
        return f"exit {played.returncode} does not name the file: {played.stderr.strip()[-300:]!r}"
    _note(found, seen)
    return ""


def _same(before: bytes, now: bytes) -> bool:
    return before.split() == now.split()


def _told(done: Any, seen: Counter[str], *, missing: bool = False) -> str:
    """Notes an error that names the file; the words of one that does not."""
    if "Traceback" in done.stderr or done.returncode not in ({0, 2, 3} if missing else {0, 3}):
        return f"exit {done.returncode}: {done.stderr.strip()[-300:]!r}"
    if done.returncode == 3:
        seen["told"] += 1
        if "error: " not in done.stderr or "agentctl.db" not in done.stderr:
            return f"an error without the file's name: {done.stderr.strip()[-300:]!r}"
    return ""


def _note(found: Damage, seen: Counter[str]) -> None:
    """The worst that was seen of a file is what counts, and what was told was not hidden."""
    for name in ("wrong", "told", "blank", "shorter", "edited", "whole"):
        if seen[name]:
            setattr(found, name, getattr(found, name) + 1)
            return
