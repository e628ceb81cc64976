"""Commands inside this process: what a hunt can afford ten thousand times, at a few milliseconds each.

Arguments, directory, environment and streams are the command's own; what it leaves in memory is not. So a hunt that
finds something here says so with the arguments, and the command line itself shows whether it is true.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agentctl.cli.main import main

CODES: Final = frozenset({0, 1, 2, 3, 4, 5, 6})
"""How a command may end that nobody interrupts."""
ALLOWED: Final = frozenset("\n\t")


class Screen(io.TextIOWrapper):
    """A stream of the command that is kept; a terminal, if it is to be one."""

    def __init__(self, *, terminal: bool = False, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding=encoding, write_through=True)
        self._terminal = terminal

    def isatty(self) -> bool:
        """Whether the command is told that somebody looks at it."""
        return self._terminal

    @property
    def text(self) -> str:
        """What was written so far."""
        kept = self.buffer
        assert isinstance(kept, io.BytesIO)
        return kept.getvalue().decode(self.encoding, "replace")


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


def command(
    root: Path, arguments: Sequence[str], *, stdin: str = "", terminal: bool = False, env: Mapping[str, str] = {}
) -> Done:
    """Runs `agentctl` with these arguments in `root`. What it raises beyond its exit, it raises here."""
    out, err = Screen(terminal=terminal), Screen(terminal=terminal)
    code: object = 0
    with _as_process(root, ["agentctl", *arguments], stdin, out, err, env):
        try:
            main()
        except SystemExit as left:
            code = left.code
    return Done(code if isinstance(code, int) else 0 if code is None else 1, out.text, err.text)


def sound(done: Done, arguments: Sequence[str] = (), codes: frozenset[int] = CODES) -> Done:
    """The same, if it ended as a command ends: a known code, errors in words, no traceback, nothing that acts.

    Raises:
        AssertionError: it did not.
    """
    what = f"agentctl {' '.join(map(ascii, arguments))}"
    assert done.code in codes, f"{what}: exit {done.code}"
    assert "Traceback (most recent" not in done.err, f"{what}: a traceback"
    assert done.code in {0, 1, 4} or "error: " in done.err or done.out, f"{what}: exit {done.code} without a word"
    for stream in (done.out, done.err):
        active = {sign for sign in stream if sign < " " or "\x7f" <= sign < "\xa0"} - ALLOWED
        assert not active, f"{what}: control characters {active} on a stream"
    return done


@contextlib.contextmanager
def _as_process(
    root: Path, argv: list[str], stdin: str, out: Screen, err: Screen, env: Mapping[str, str]
) -> Iterator[None]:
    here, environment, streams = Path.cwd(), dict(os.environ), (sys.stdin, sys.stdout, sys.stderr)
    before = sys.argv
    os.chdir(root)
    os.environ.update(env)
    sys.argv = argv
    sys.stdin, sys.stdout, sys.stderr = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8"), out, err
    try:
        yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = streams
        sys.argv = before
        for name in set(os.environ) - set(environment):
            del os.environ[name]
        os.environ.update(environment)
        os.chdir(here)


def clear_environment() -> None:
    """Takes what shapes a command out of the environment of this process."""
    for name in list(os.environ):
        if name.startswith(("ANTHROPIC_", "AGENTCTL_", "AWS_")) or name in {"FORCE_COLOR", "GITHUB_ACTIONS"}:
            del os.environ[name]
    os.environ["COLUMNS"] = "100"
    os.environ["NO_COLOR"] = "1"
