"""Ten thousands of executions in this process's forks: what is not an answer or a named error is a find.

Each execution draws all it does from a seed of its own, `seed:number`, so a find plays alone. The forks are watched: a
connection, a process that is started or a file that is opened for writing outside of the trial's folder is a find too,
so is an execution that takes longer than `TOO_LONG`, and a fork that dies takes nothing with it but the rest of its
share.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.torture.part import Outcome, Trial

Play = Callable[[Random], str]
"""One execution; the word it is counted under. Whatever it raises is a find."""

Make = Callable[[Path], Play]
"""Gets ready in a folder of its own, once in each fork."""

TOO_LONG: Final = 20.0
"""Seconds after which an execution is stopped, and a find."""

FORBIDDEN: Final = ("socket.connect", "socket.getaddrinfo", "socket.bind", "subprocess.Popen", "os.system", "os.exec")
CHANGES: Final = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.symlink", "os.link", "shutil.rmtree")
PROGRAMS: Final = ("git", "/bin/sh")
"""What may be started: by the product, and by the tools that misbehave."""
WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
FORK: Final = multiprocessing.get_context("fork")


@dataclass(slots=True)
class Hunted:
    """What came of a hunt."""

    executed: int = 0
    words: Counter[str] = field(default_factory=Counter)
    finds: dict[str, str] = field(default_factory=dict)
    """Where it broke: how, and the seed of the first time."""
    found: int = 0
    slowest: float = 0.0
    """Seconds of processor time of the slowest execution, but for those that waited on purpose."""
    slowest_seed: str = ""
    grown: int = 0
    """Bytes by which the process was larger at its largest than at the start."""

    def add(self, other: Hunted) -> None:
        """Puts the share of another fork to this one."""
        self.executed += other.executed
        self.words += other.words
        self.finds = {**other.finds, **self.finds}
        self.found += other.found
        if other.slowest > self.slowest:
            self.slowest, self.slowest_seed = other.slowest, other.slowest_seed
        self.grown = max(self.grown, other.grown)

    def outcome(self, noun: str, bad: str = "untyped errors", most: float = TOO_LONG) -> Outcome:
        """As a line of the table; fails when anything was found, or when one took longer than `most` seconds."""
        words = "".join(f", {count:,} {word}" for word, count in sorted(self.words.items()))
        slowest = f"slowest {self.slowest * 1000:,.0f} ms, grew by {self.grown >> 20} MiB"
        finds = [f"{seed_and_how} ({place})" for place, seed_and_how in self.finds.items()]
        if self.slowest > most:
            finds.append(f"{self.slowest_seed}: took {self.slowest * 1000:,.0f} ms of {most * 1000:,.0f}")
        passed = not finds and self.executed > 0
        return Outcome(passed, f"{self.executed:,} {noun}: {self.found:,} {bad}{words}; {slowest}", tuple(finds))


def hunt(trial: Trial, make: Make, *, forks: int | None = None) -> Hunted:
    """Plays the trial's rounds, one share in each of as many forks as there are processors."""
    count = 1 if trial.alone is not None else forks or os.cpu_count() or 1
    shares = [range(first, trial.rounds, count) for first in range(count)]
    if trial.alone is not None:
        shares = [range(trial.alone, trial.alone + 1)]
    running = []
    for index, share in enumerate(shares):
        folder = trial.folder / f"fork-{index}"
        folder.mkdir(parents=True, exist_ok=True)
        receive, send = FORK.Pipe(duplex=False)
        process = FORK.Process(target=_fork, args=(send, make, folder.resolve(), trial.seed, share))
        process.start()
        send.close()
        running.append((process, receive))
    whole = Hunted()
    for process, receive in running:
        whole.add(_share_of(process, receive))
    return whole


def _share_of(process: Any, receive: Connection) -> Hunted:
    """What a fork found; that it died, when it says nothing."""
    last = ""
    try:
        while isinstance(told := receive.recv(), str):
            last = told
    except EOFError:
        process.join()
        return Hunted(finds={f"after {last or 'nothing'}": f"the process died ({process.exitcode})"}, found=1)
    process.join()
    assert isinstance(told, Hunted)
    return told


def _fork(send: Connection, make: Make, folder: Path, seed: int, share: range) -> None:
    """One share, in a process of its own."""
    found = Hunted()
    trespasses: list[str] = []
    signal.signal(signal.SIGALRM, _too_long)
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)  # what a tool may return
    sys.dont_write_bytecode = True  # a module that is loaded late is no find
    play = make(folder)
    sys.addaudithook(_watch(folder, trespasses))
    size = _size()
    for number in share:
        name = f"{seed}:{number}"
        if number % 64 < len(range(share.step)):
            send.send(name)
        _one(name, play, found)
        for trespass in trespasses:
            _note(found, name, trespass, trespass)
        trespasses.clear()
    found.grown = max(_size() - size, 0)
    send.send(found)
    send.close()
    os._exit(0)  # without what the tested code may have left to do at exit


def _one(name: str, play: Play, found: Hunted) -> None:
    signal.setitimer(signal.ITIMER_REAL, TOO_LONG)
    began = time.thread_time()
    try:
        found.words[play(Random(name))] += 1
    except BaseException as error:  # noqa: BLE001  that is the find
        _note(found, name, f"{type(error).__name__}: {str(error)[:300]}", _place(error))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    took = time.thread_time() - began
    found.executed += 1
    if took > found.slowest:
        found.slowest, found.slowest_seed = took, name


def _note(found: Hunted, name: str, how: str, place: str) -> None:
    found.found += 1
    found.finds.setdefault(place, f"{name}: {how}")


def _place(error: BaseException) -> str:
    """The last line of ours that it went through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "agentctl/" in frame.filename]
    frames = frames or traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} at {frames[-1].filename.rpartition('agentctl/')[2]}:{frames[-1].lineno}"


class TookTooLong(BaseException):
    """An execution was stopped."""


def _too_long(_signal: int, _frame: object) -> None:
    raise TookTooLong(f"not done within {TOO_LONG:g} s")


def _watch(folder: Path, trespasses: list[str]) -> Callable[[str, tuple[Any, ...]], None]:
    """An audit hook (PEP 578) that notes what must not happen."""
    inside = str(folder)

    def outside(path: Any) -> bool:
        with contextlib.suppress(TypeError, ValueError, OSError):
            return isinstance(path, str | bytes | os.PathLike) and not os.path.realpath(os.fsdecode(path)).startswith(
                (inside, "/dev/null")
            )
        return False

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "subprocess.Popen" and arguments[0] in PROGRAMS:
            return
        if event in FORBIDDEN:
            trespasses.append(f"{event} {str(arguments)[:100]}")
        elif event == "open":
            path, mode, flags = arguments
            writes = any(sign in mode for sign in "wax+") if isinstance(mode, str) else bool(flags & WRITES)
            if writes and outside(path):
                trespasses.append(f"{path} was opened for writing")
        elif event in CHANGES and outside(arguments[-1 if event in {"os.rename", "os.symlink"} else 0]):
            trespasses.append(f"{event} {str(arguments)[:100]}")

    return hook


def _size() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def numbered(chance: Random, most: int) -> Iterator[int]:
    """0 to as many as chance wants, seldom many."""
    count = min(int(chance.expovariate(0.7)) + 1, most)
    yield from range(count)
