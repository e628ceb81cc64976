"""`--watch`: the evaluation again, whenever something changed that it depends on, until Ctrl-C.

Each evaluation is a process of its own: Python that was changed is read anew, and one that fails ends nothing. Files
are looked at by their size and time, since that works on every disk and needs nothing installed. What an evaluation
itself writes (recordings) starts none.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from agentctl.cli import exits
from agentctl.cli.console import note
from agentctl.config.project import Project

PAUSE: Final = 0.3
"""Seconds between two looks."""
CALM: Final = 0.1
"""Seconds without another change before what is written counts as written."""
DONE: Final = frozenset({"AGENTCTL_EVAL_WATCH", "AGENTCTL_PROJECT"})
"""Variables that have had their effect."""
TAKES_VALUE: Final = frozenset({"-C", "--project"})
CLEAR: Final = "\x1b[2J\x1b[3J\x1b[H"

State = dict[Path, tuple[int, int]]


def watch(project: Project, words: Sequence[str]) -> int:
    """Evaluates with the command line `words` again and again. Returns when it is interrupted."""
    command = [sys.executable, "-m", "agentctl", *without_watch(words)]
    env = {name: value for name, value in os.environ.items() if name not in DONE}
    try:
        while True:
            sources = state(project.prompts, project.evals)
            if sys.stdout.isatty():
                sys.stdout.write(CLEAR)
                sys.stdout.flush()
            code = _ended(subprocess.Popen(command, env=env))  # noqa: S603  this program itself
            if code in {exits.INTERRUPTED, exits.TERMINATED}:
                return code
            note(f"exit {code}; watching {_shown(project)}: Ctrl-C ends it")
            _wait(project, sources)
    except KeyboardInterrupt:
        return exits.INTERRUPTED


def _ended(process: subprocess.Popen[bytes]) -> int:
    """The exit code of an evaluation. Ctrl-C reaches it too: it writes what there is, and is waited for."""
    interrupted = False
    while True:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            interrupted = True
        except SystemExit:  # SIGTERM reaches this process alone
            process.terminate()
            process.wait()
            raise
        else:
            return exits.INTERRUPTED if interrupted else code


def without_watch(words: Sequence[str]) -> list[str]:
    """The command line of one evaluation: without `--watch`, and without the directory that was changed to already."""
    rest = list(words)
    while rest and rest[0] != "eval":
        del rest[: 2 if rest[0] in TAKES_VALUE else 1]
    return [word for word in rest if word != "--watch"]


def state(*folders: Path) -> State:
    """Every file below these folders, by size and time of its last change."""
    return dict(entry for folder in folders for entry in _files(folder))


def _files(folder: Path) -> Iterator[tuple[Path, tuple[int, int]]]:
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in names:
            path = Path(root) / name
            if name.startswith("."):
                continue
            try:
                found = path.stat()
            except OSError:  # it is gone already
                continue
            yield path, (found.st_size, found.st_mtime_ns)


def _wait(project: Project, sources: State) -> None:
    """Returns when a source is another one than before the evaluation, or a recording than after it."""
    recordings = state(project.cassettes)
    while state(project.prompts, project.evals) == sources and state(project.cassettes) == recordings:
        time.sleep(PAUSE)
    last = state(project.prompts, project.evals, project.cassettes)
    while True:
        time.sleep(CALM)
        now = state(project.prompts, project.evals, project.cassettes)
        if now == last:
            return
        last = now


def _shown(project: Project) -> str:
    return ", ".join(project.show(folder) for folder in (project.prompts, project.evals, project.cassettes))
