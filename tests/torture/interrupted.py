"""Signals to commands at work, in each phase, and what is left of them: the code, the words, the run, the effects.

A phase is waited for, never a time: what the tools have written says how far a command is. Then comes a random moment,
the signal, and the end. A run is gone on with as after a kill (see `kills`), and each call must have taken effect once.
"""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import signal
import socket
import subprocess
import termios
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from support import forked
from support.desk import agentctl, command, environment
from tests.torture.kills import SCRIPT, TOOLS, Figures, project, went_on

SIGNALS: Final = ("int", "int twice", "term", "hup", "pipe")
PHASES: Final = ("start-up", "waiting", "streaming", "tool")
COMMANDS: Final = ("run", "chat", "eval", "simulate")

CODES: Final = {"int": 130, "int twice": 130, "term": 143, "hup": 143}
NUMBERS: Final = {"int": signal.SIGINT, "int twice": signal.SIGINT, "term": signal.SIGTERM, "hup": signal.SIGHUP}
ALLOWED: Final = 2.0
"""Seconds from a signal to the end of the process."""
PATIENCE: Final = 30.0
CAUGHT: Final = 1 << (signal.SIGTERM - 1)
"""In the mask of caught signals: the first line of ours has run, since Python itself leaves SIGTERM alone."""
MOMENT: Final = {"start-up": 0.4, "waiting": 0.1, "streaming": 0.1, "tool": 0.15}
"""The signal comes at most so many seconds after the phase was seen to begin."""

WORKS: Final = '''

def _at_work(name: str, n: int) -> None:
    """As long as a moment, in a process of its own, where the order is for this call; what only reads hangs."""
    order = PLACE / "work"
    if order.exists() and order.read_text() == str(n):
        child = subprocess.Popen(["sleep", "30" if name == "reads" and not (PLACE / "brief").exists() else "0.2"])
        (PLACE / f"child of {name}").write_text(str(child.pid))
        (PLACE / "at work").touch()
        child.wait()
'''
SUITE: Final = """
schema: 1
kind: suite
agent: clerk
cases:
  - {id: first, input: Go, assert: [contains: done]}
  - {id: second, input: Go on, assert: [contains: done]}
"""


@dataclass(slots=True)
class Signalled:
    """Of so many signals: those after which all was well, the slowest end, and what was not well."""

    signals: int = 0
    well: int = 0
    slowest: float = 0.0
    orphans: int = 0
    runs: Figures = field(default_factory=Figures)
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Case:
    """One signal to one command in one phase."""

    command: str
    sign: str
    phase: str
    name: str
    chance: Random
    root: Path

    @property
    def place(self) -> Path:
        """Where the tools write."""
        return self.root / "prompts/clerk-tools"


@dataclass(slots=True)
class Ended:
    """How the command ended, what it said, and what it left of its terminal."""

    code: int
    said: str
    seconds: float
    restored: bool = True
    out: str = ""


def signalled(case: Case) -> Signalled:
    """Plays one case."""
    turn = case.chance.randrange(1, len(TOOLS))
    _lay_down(case, turn)
    try:
        ended = _in_a_terminal(case, turn) if case.command == "chat" else _in_pipes(case, turn)
    except (AssertionError, TimeoutError) as error:
        return Signalled(signals=1, failures=[f"{case.name}: {error}"])
    found = Signalled(signals=1, slowest=ended.seconds)
    found.failures += [f"{case.name}: {what}" for what in _wrong(case, ended)]
    found.orphans = len(_children(case.place))
    if found.orphans:
        found.failures.append(f"{case.name}: a tool's process outlived it")
    _go_on(case, found)
    found.failures += found.runs.failures
    found.well = not found.failures
    return found


def _lay_down(case: Case, turn: int) -> None:
    project(case.root)
    handlers = case.place / "handlers.py"
    text = handlers.read_text().replace("import os\n", "import os\nimport subprocess\n", 1)
    for name in ("reads", "keyed", "looked", "plain"):
        text = text.replace(f'_act("{name}"', f'_at_work("{name}", n) or _act("{name}"')
    handlers.write_text(text + WORKS)
    (case.root / "evals").mkdir()
    (case.root / "evals/clerk.yaml").write_text(SUITE)
    if case.phase == "tool":
        (case.place / "work").write_text(str(turn))
    if case.sign == "pipe":  # which interrupts nothing
        (case.place / "brief").touch()
    _script(case).write_text(_scripted(case, turn))


def _script(case: Case) -> Path:
    return case.root / "prompts/clerk/simulator.yaml"


def _scripted(case: Case, turn: int) -> str:
    """The script, in which the reply to this turn takes its time, or stops half-way. A reader must see some of it."""
    pipe = case.sign == "pipe" and case.command != "simulate"
    slow = {
        "waiting": f"delay: {0.2 if pipe else 60}, ",
        "streaming": f'text: "{"Let me see. " * 20}", fault: "{"slow,seconds=0.02" if pipe else "stall,at=text"}", ',
    }.get(case.phase, "")
    return SCRIPT.replace(f"turn: {turn}}}, reply: {{", f"turn: {turn}}}, reply: {{{slow}")


def _arguments(case: Case) -> list[str]:
    return {
        "run": ["run", "clerk", "Go", "--simulate", "--output-format", "stream-json"],
        "chat": ["chat", "clerk", "--simulate"],
        "eval": ["eval", "--record-mode", "all", "--simulate", "--json", "-j", "1"],
        "simulate": ["simulate", "--json", "--script", str(_script(case))],
    }[case.command]


# Commands in pipes


def _in_pipes(case: Case, turn: int) -> Ended:
    ours, streams = zip(*(os.pipe() for _ in range(2)), strict=True)
    nothing = os.open(os.devnull, os.O_RDONLY)
    begun = _begin(case, [nothing, *streams])
    for each in (nothing, *streams):
        os.close(each)
    said = [_Said(each) for each in ours]
    pid = begun.pid()
    if case.phase == "start-up":
        _until(lambda: _caught(pid), "it never began")
    elif case.command == "simulate":
        _until(lambda: b"base_url" in said[0].text, "it never served")
        _ask(json.loads(said[0].text)["base_url"])
    else:
        _until(lambda: _reached(case, turn), f"turn {turn} never came: {said[1].text[-300:]!r}")
    time.sleep(case.chance.uniform(0, MOMENT[case.phase]))
    began = time.monotonic()
    if case.sign == "pipe":
        _close(case, said, pid)
        if case.command == "simulate":  # nothing that it would write tells it
            _send(pid, signal.SIGTERM)
    else:
        _signal(case, pid)
    code = begun.wait()
    seconds = time.monotonic() - began
    out, err = (each.rest() for each in said)
    return Ended(code, err, 0.0 if case.sign == "pipe" else seconds, out=out)


class _Said:
    """What comes out of a pipe, read as it comes, until `close`."""

    def __init__(self, end: int) -> None:
        self.text = b""
        self._end, self._stopped = end, os.pipe()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        while self._stopped[0] not in select.select([self._end, self._stopped[0]], [], [])[0]:
            piece = b""
            with suppress(OSError):  # a terminal whose other end is closed
                piece = os.read(self._end, 65536)
            if not piece:
                return
            self.text += piece

    def close(self) -> None:
        """Nobody reads any more."""
        os.write(self._stopped[1], b"x")
        self._thread.join()
        os.close(self._end)
        self._end = -1

    def rest(self) -> str:
        """All of it."""
        if self._end >= 0:
            self._thread.join(PATIENCE)
            os.close(self._end)
        for each in self._stopped:
            os.close(each)
        return self.text.decode("utf-8", "replace")


def _close(case: Case, said: list[_Said], pid: int) -> None:
    said[0].close()
    if case.chance.random() < 0.5:
        said[1].close()
    _send(pid, signal.SIGPIPE)


class _Interpreter:
    """As `forked.Begun`, in an interpreter of its own: only there is something to load."""

    def __init__(self, case: Case, streams: list[int]) -> None:
        self._process = subprocess.Popen(
            command(*_arguments(case)),
            cwd=case.root,
            env=environment(TERM="xterm", PROMPT_TOOLKIT_NO_CPR="1"),
            stdin=streams[0],
            stdout=streams[1],
            stderr=streams[2],
        )

    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def wait(self) -> int:
        """Its exit code."""
        try:
            return self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise TimeoutError("it never ended") from None


def _begin(case: Case, streams: list[int]) -> forked.Begun | _Interpreter:
    if case.phase == "start-up":
        return _Interpreter(case, streams)
    variables = environment(TERM="xterm", PROMPT_TOOLKIT_NO_CPR="1")
    return forked.Begun(_arguments(case), case.root, variables, streams)


def _signal(case: Case, pid: int) -> None:
    _send(pid, NUMBERS[case.sign])
    if case.sign == "int twice":
        _until(lambda: not _is_pending(pid), "it never took the signal")  # two that wait are one
        time.sleep(case.chance.uniform(0.005, 0.05))
        _send(pid, signal.SIGINT)


def _is_pending(pid: int) -> bool:
    return bool(_mask(pid, "ShdPnd") & 1 << (signal.SIGINT - 1))


def _mask(pid: int, name: str) -> int:
    """A mask of signals of the process, 0 of one that is gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return int(Path(f"/proc/{pid}/status").read_text().split(f"{name}:")[1].split()[0], 16)
    return 0


def _send(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _is_over(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def _caught(pid: int) -> bool:
    return bool(_mask(pid, "SigCgt") & CAUGHT)


def _reached(case: Case, turn: int) -> bool:
    if case.phase == "tool":
        return (case.place / "at work").exists()
    effects = case.place / "effects"
    return effects.exists() and effects.read_text().count("\n") >= 2 * turn


def _until(seen: Callable[[], bool], otherwise: str) -> None:
    until = time.monotonic() + PATIENCE
    while not seen():
        assert time.monotonic() < until, otherwise
        time.sleep(0.002)


def _ask(base_url: str) -> None:
    """Leaves a question with the simulator; what it does with it is its business."""
    body = b'{"model":"claude-sonnet-5-5","max_tokens":10,"stream":true,"messages":[{"role":"user","content":"Go"}]}'
    host, port = base_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as line:
        head = f"POST /v1/messages HTTP/1.1\r\nhost: {host}\r\nx-api-key: k\r\nanthropic-version: 2023-06-01\r\n"
        line.sendall(f"{head}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)


# Chats


def _in_a_terminal(case: Case, turn: int) -> Ended:
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    begun = _begin(case, [slave, slave, slave])
    pid = begun.pid()
    said = _Said(os.dup(master))
    if case.phase == "start-up":
        _until(lambda: _caught(pid), "it never began")
    else:
        _until(lambda: b"you> " in said.text, "there was no prompt")
        os.write(master, b"Go\r")
        _until(lambda: _reached(case, turn), f"turn {turn} never came: {said.text[-300:]!r}")
    time.sleep(case.chance.uniform(0, MOMENT[case.phase]))
    began = time.monotonic()
    if case.sign == "pipe":
        said.close()
        os.close(master)
        _send(pid, signal.SIGHUP)  # which the kernel sends when a terminal goes away
    else:
        _signal(case, pid)
    if case.sign in {"int", "int twice"} and case.phase != "start-up":
        stopped = lambda: said.text.count(b"you> ") > 1 and b"stopped" in said.text  # noqa: E731
        _until(lambda: stopped() or _is_over(pid), f"no prompt: {said.text[-300:]!r}")
        began = time.monotonic()
        os.write(master, b"\x04")
    code = begun.wait()
    seconds = time.monotonic() - began
    restored = case.sign == "pipe" or termios.tcgetattr(slave) == before
    os.close(slave)
    if case.sign != "pipe":
        said.close()
        os.close(master)
    return Ended(code, said.rest(), seconds, restored)


# What is left


def _wrong(case: Case, ended: Ended) -> list[str]:
    wrong = []
    wanted = {CODES.get(case.sign)}
    if case.sign == "pipe":
        wanted = {143} if case.command in {"chat", "simulate"} else {0, 3} if case.command == "eval" else {0}
        if case.phase == "start-up" and case.command == "simulate":
            wanted = {143, 0}
    elif case.command == "chat" and case.phase != "start-up" and case.sign in {"int", "int twice"}:
        wanted = {0} if case.sign == "int" else {130, 0}  # a machine that is busy may take two for one
    if ended.code not in wanted:
        wrong.append(f"exit {ended.code}, not {wanted}: {ended.said[-300:]!r}")
    if any(word in ended.said for word in ("Traceback", "Exception ignored", "Error:", "never retrieved")):
        wrong.append(f"it said {ended.said[-900:]!r}")
    if ended.seconds > ALLOWED:
        wrong.append(f"its end took {ended.seconds:.1f} s")
    if not ended.restored:
        wrong.append("the terminal is not as it was")
    return wrong


def _children(place: Path) -> list[int]:
    """The processes of tools that still live; they are ended here."""
    left = []
    for file in place.glob("child of *"):
        pid = int(file.read_text() or 0)
        if not _is_over(pid):
            _send(pid, signal.SIGKILL)
            left.append(pid)
    return left


def _go_on(case: Case, found: Signalled) -> None:
    """A run goes on and does the rest once; an evaluation ends with every case passed."""
    (case.place / "work").unlink(missing_ok=True)
    _script(case).write_text(SCRIPT)
    if case.command in {"run", "chat"}:
        before = len(found.runs.failures)
        went_on(case.root, case.place, found.runs, case.name)
        if found.runs.broken and len(found.runs.failures) == before:
            found.failures.append(f"{case.name}: {found.runs}")
    elif case.command == "eval" and case.phase != "start-up":
        done = agentctl(case.root, "eval", "--resume", "--json")
        passed = done.stdout and json.loads(done.stdout)["totals"]["pass"]
        if passed != 2:
            found.failures.append(f"{case.name}: going on: exit {done.returncode}: {done.stderr[-300:]!r}")
    shutil.rmtree(case.root, ignore_errors=True)
