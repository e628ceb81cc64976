"""Commands as processes of their own, forked from one that has imported everything.

Importing costs a command about a second and its work a few milliseconds. Here the imports are made once for each worker
of the tests; a command still has its own process, arguments, environment, directory and streams. What depends on how an
interpreter starts (locale, encodings, what is imported when) needs one that does: see `desk.command`.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

TIMEOUT = 60.0
CHECKOUT = Path(__file__).resolve().parents[2]
START = "from support.forked import serve; serve()"
LIBRARIES = ("anthropic", "genai_prices", "jinja2", "jsonschema_rs", "prompt_toolkit", "tenacity", "vcr", "yaml")

_parent: socket.socket | None = None


class Begun:
    """A command that was begun on these descriptors of ours, which stay ours; `wait` says how it ended."""

    def __init__(self, arguments: Sequence[str], cwd: Path, env: Mapping[str, str], streams: Sequence[int]) -> None:
        wants = json.dumps({"arguments": list(arguments), "cwd": str(cwd), "env": dict(env)}).encode()
        self._line, theirs = socket.socketpair()
        socket.send_fds(_zygote(), [b"x"], [theirs.fileno()])
        theirs.close()
        socket.send_fds(self._line, [len(wants).to_bytes(4, "big")], streams)
        self._line.sendall(wants)
        self._line.settimeout(TIMEOUT)
        self._words = self._line.makefile()

    def pid(self) -> int:
        """Its process id, once there is one; to be asked once, before `wait`."""
        return int(self._words.readline())

    def wait(self) -> int:
        """Its exit code, of a signal that ended it a negative one. Raises TimeoutError when it takes too long."""
        with self._line, self._words:
            return int(self._words.readline())


def run(
    arguments: Sequence[str],
    cwd: Path,
    env: Mapping[str, str],
    stdin: str,
    begun: Callable[[int], object] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs `agentctl` with these arguments to its end; `begun` is told its process id, once there is one."""
    given, out, err = (os.pipe() for _ in range(3))
    command = Begun(arguments, cwd, env, [given[0], out[1], err[1]])
    for end in (given[0], out[1], err[1]):
        os.close(end)
    texts: dict[str, str] = {}
    readers = [
        threading.Thread(target=_read, args=(texts, name, end)) for name, end in (("out", out[0]), ("err", err[0]))
    ]
    for reader in readers:
        reader.start()
    with contextlib.suppress(BrokenPipeError), os.fdopen(given[1], "w", encoding="utf-8") as stream:
        stream.write(stdin)
    pid = command.pid()
    if begun is not None:
        begun(pid)
    try:
        code = command.wait()
    except TimeoutError:
        os.kill(pid, signal.SIGKILL)
        raise
    for reader in readers:
        reader.join()
    return subprocess.CompletedProcess(["agentctl", *arguments], code, texts["out"], texts["err"])


def _read(into: dict[str, str], name: str, end: int) -> None:
    with os.fdopen(end, encoding="utf-8", errors="replace") as stream:
        into[name] = stream.read()


def _zygote() -> socket.socket:
    """The line to this worker's process that forks; started when it is first needed."""
    global _parent
    if _parent is None:
        _parent, theirs = socket.socketpair()
        environment = {**os.environ, "PYTHONPATH": f"{CHECKOUT}{os.pathsep}{CHECKOUT / 'tests'}"}
        process = subprocess.Popen([sys.executable, "-c", START], stdin=theirs, env=environment, cwd=CHECKOUT)
        theirs.close()
        atexit.register(process.wait)
        atexit.register(_parent.close)
    return _parent


def serve() -> None:
    """Forks a process for each request on standard input, until that is closed."""
    _import_everything()
    line = socket.socket(fileno=0)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that wait for the commands
    while True:
        message, handles, _, _ = socket.recv_fds(line, 1, 1)
        if not message:
            return
        with socket.socket(fileno=handles[0]) as asked:
            if os.fork() == 0:
                line.detach()
                _answer(asked)


def _import_everything() -> None:
    for name in LIBRARIES:
        importlib.import_module(name)
    for path in sorted((CHECKOUT / "agentctl").rglob("*.py")):
        place = path.relative_to(CHECKOUT).with_suffix("")
        if "starter" not in place.parts and place.name != "__main__":
            importlib.import_module(".".join(place.parts).removesuffix(".__init__"))
    gc.collect()
    gc.freeze()


def _answer(asked: socket.socket) -> NoReturn:
    """Runs one command in a child, tells its process id and its exit code, and ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, handles, _, _ = socket.recv_fds(asked, 4, 3)
    wanted: dict[str, Any] = json.loads(_exactly(asked, int.from_bytes(size, "big")))
    pid = os.fork()
    if pid == 0:
        asked.close()
        _become(wanted, handles)
    for handle in handles:
        os.close(handle)
    asked.sendall(f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(OSError):
        asked.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _exactly(line: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += line.recv(size - len(data))
    return data


def _become(wanted: dict[str, Any], handles: Sequence[int]) -> NoReturn:
    """The command itself: what an interpreter does from `main` to its exit."""
    for handle, place in zip(handles, range(3), strict=True):
        os.dup2(handle, place)
        os.close(handle)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  as long as the process
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]
    os.chdir(wanted["cwd"])
    os.environ.clear()
    os.environ.update(wanted["env"])
    sys.argv = ["agentctl", *wanted["arguments"]]
    code = 1
    try:
        from agentctl.__main__ import main  # noqa: PLC0415

        main()
        code = 0
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 0 if left.code is None else 1
    except BaseException:  # noqa: BLE001  what the interpreter would have printed
        sys.excepthook(*sys.exc_info())
    finally:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
