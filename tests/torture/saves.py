"""Recordings whose writer is killed in the midst of a save, and many writers at once.

At the path of a recording there is always a whole one: the version that was there or the new one, and nothing else.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from agentctl.cassette.file import read, serialise, write
from agentctl.cassette.hold import hold
from agentctl.cassette.tape import Cassette, Interaction
from agentctl.errors import CassetteError
from support import forked
from support.clerk import lay_down
from support.desk import environment
from tests.torture.shim import MODES, Fault

MOST_CALLS: Final = 16
"""Of the disk, in a save: about; at those behind the last one nothing happens."""
MOST_BYTES: Final = 300_000
SUITE: Final = """
schema: 1
kind: suite
agent: clerk@1
cases: [{id: one, input: Go, assert: [{type: contains, value: done}]}]
"""
REFUSED: Final = "is being recorded by another process"
SLOW: Final = "schema: 1\nkind: simulator\ndefault: {text: All done., delay: SECONDS}\n"


@dataclass(slots=True)
class Saves:
    """Of so many kills in a save: files that were neither version, old versions gone, saves that then were none."""

    kills: int = 0
    finished: int = 0
    """Saves that were over before they could be killed."""
    torn: int = 0
    lost: int = 0
    """Paths without a recording."""
    unsaved: int = 0
    """Saves that said they were done, and were not."""
    left_over: int = 0
    """Scratch files that are there after one more save."""
    failures: list[str] = field(default_factory=list)

    @property
    def broken(self) -> int:
        """What must not be."""
        return self.torn + self.lost + self.unsaved + self.left_over + len(self.failures)


def saves(count: int, seed: int, folder: Path) -> Saves:
    """Kills as many saves of one recording, half of them at a call of the disk, half at any moment."""
    path, chance, found = folder / f"saves-{seed}" / "one.yaml", Random(seed), Saves()
    old = _recording(chance)
    took = _save(path, old)
    while found.kills < count:
        new = _recording(chance)
        name = f"save {found.kills + found.finished} of seed {seed}"
        if chance.random() < 0.5:
            code = _killed_at(path, new, Fault(path.parent, chance.randint(1, MOST_CALLS), chance.choice(MODES)))
        else:
            code = _killed_after(path, new, chance.uniform(0.0, 1.5 * took))
        found.kills += code != 0
        found.finished += code == 0
        if code not in {0, -signal.SIGKILL}:
            found.failures.append(f"{name}: exit {code}")
        old = _judged(path, old, new, found, name, done=code == 0)
    _save(path, old)
    found.left_over += len([each for each in path.parent.iterdir() if each != path])
    return found


def _recording(chance: Random) -> Cassette:
    body = f'{{"version": "{chance.getrandbits(64):x}", "text": "{"x" * chance.randint(0, MOST_BYTES)}"}}'
    return Cassette((Interaction("POST", "https://api.anthropic.com/v1/messages", "{}", 200, {}, body),))


def _save(path: Path, recording: Cassette) -> float:
    began = time.perf_counter()
    with hold(path):
        write(path, recording)
    return time.perf_counter() - began


def _killed_at(path: Path, recording: Cassette, fault: Fault) -> int:
    pid = os.fork()
    if pid == 0:
        os.environ.update(fault.environment())
        _end_with_save(path, recording)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _killed_after(path: Path, recording: Cassette, delay: float) -> int:
    pid = os.fork()
    if pid == 0:
        _end_with_save(path, recording)
    time.sleep(delay)
    os.kill(pid, signal.SIGKILL)  # it is waited for below, so the number is still its own
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _end_with_save(path: Path, recording: Cassette) -> None:
    code = 1
    try:
        _save(path, recording)
        code = 0
    finally:
        os._exit(code)


def _judged(path: Path, old: Cassette, new: Cassette, found: Saves, name: str, *, done: bool) -> Cassette:
    """The version that is there."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        found.lost += 1
        found.failures.append(f"{name}: no recording is left")
        _save(path, old)
        return old
    with suppress(CassetteError):
        read(path)
        if data == serialise(new):
            return new
        if data == serialise(old):
            found.unsaved += done
            return old
    found.torn += 1
    found.failures.append(f"{name}: {len(data)} bytes that are no version of it")
    _save(path, old)
    return old


def writers(count: int, folder: Path, seconds: float) -> tuple[Counter[int], list[str]]:
    """Records one case with as many commands at once, for as long; exit codes, and what went wrong."""
    root = folder / "writers"
    lay_down(root, "plain")
    (root / "prompts/clerk/simulator.yaml").write_text(SLOW.replace("SECONDS", str(seconds)))
    (root / "evals").mkdir()
    (root / "evals/clerk.yaml").write_text(SUITE)
    record = ("eval", "--record-mode", "all", "--simulate")
    with ThreadPoolExecutor(count) as threads:
        done = list(threads.map(lambda _: forked.run(record, root, environment(), ""), range(count)))
    wrong = [
        f"exit {each.returncode}: {each.stderr.strip()[-300:]!r}"
        for each in done
        if "Traceback" in each.stderr or (each.returncode and REFUSED not in each.stdout + each.stderr)
    ]
    replayed = forked.run(("eval",), root, environment(), "")
    if replayed.returncode:
        wrong.append(f"what was recorded does not replay: {replayed.stderr.strip()[-300:]!r}")
    return Counter(each.returncode for each in done), wrong
