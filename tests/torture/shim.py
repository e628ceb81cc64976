"""A disk with moods for commands: what `shim.c` is told, and workers whose commands have it under them.

The library is compiled when it is first needed. It is loaded into each worker and does nothing there; a process that a
worker forks (a command: see `support.forked`) gets its `Fault` through its environment.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, TypeVar

SOURCE: Final = Path(__file__).with_name("shim.c")
COMPILERS: Final = ("cc", "gcc", "clang")
WORKERS: Final = 2
MODES: Final = ("kill-before", "kill-torn", "kill-after")
WRITES: Final = ("write", "pwrite")

Job = TypeVar("Job")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Call:
    """A call that touches a file, as the shim counts it."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens at the `at`-th call below `folder`: `does` is a word of shim.c or the number of an error."""

    folder: Path
    at: int = 0
    does: str = ""
    calls: tuple[str, ...] = ()
    """Those that count; every one when there is none."""
    stays: bool = False
    log: Path | None = None

    def environment(self) -> dict[str, str]:
        """The variables of a command that this happens to."""
        variables = {"TORTURE_FOLDER": str(self.folder), "TORTURE_AT": str(self.at), "TORTURE_DO": self.does}
        if self.calls:
            variables["TORTURE_CALLS"] = f",{','.join(self.calls)},"
        if self.stays:
            variables["TORTURE_STAY"] = "1"
        if self.log is not None:
            variables["TORTURE_LOG"] = str(self.log)
        return variables

    def __str__(self) -> str:
        words = f"{self.does} at call {self.at}" + (" and from then on" if self.stays else "")
        return f"{words} of {'/'.join(self.calls) or 'all'}"


def logged(log: Path) -> list[Call]:
    """The calls in a log, in order."""
    return [Call(*line.split(" ", 1)) for line in log.read_text(errors="replace").splitlines()]


def library(folder: Path, source: Path = SOURCE) -> Path:
    """Compiles the shim, or another one, into `folder`.

    Raises:
        FileNotFoundError: there is no C compiler, or none that can compile it.
    """
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        message = f"no C compiler ({', '.join(COMPILERS)}) is here, and these parts need one: apt-get install gcc"
        raise FileNotFoundError(message)
    made = folder / f"{source.stem}.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(made), str(source), "-ldl", "-lpthread"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        message = f"{compiler} cannot compile {source.name}: {done.stderr.strip()[:300]}"
        raise FileNotFoundError(message)
    return made


def in_workers(play: Callable[[Job], Result], jobs: Iterable[Job]) -> Iterator[Result]:
    """What `play` returns for each job, in order, played in processes that have the shim loaded, commands as well.

    Raises:
        FileNotFoundError: it cannot be compiled.
    """
    return _workers().map(play, jobs)


@cache
def _workers() -> ProcessPoolExecutor:
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    workers = ProcessPoolExecutor(WORKERS, multiprocessing.get_context("spawn"))
    os.environ["LD_PRELOAD"] = str(library(Path(folder)))
    try:
        for _ in range(WORKERS):  # each job that finds no idle worker starts one
            workers.submit(os.getpid)
    finally:
        del os.environ["LD_PRELOAD"]
    return workers
