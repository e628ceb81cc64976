"""The one place that owns signals: what each of them does, in each phase of a process, and with which exit code.

While a process starts, and once its work is done, a signal ends it at once: there is nothing to close (see `quiet`).
While a command works, a signal unwinds it as an exception does (`unwinding`), or, where there is an event loop, lets
it stop in order (`Signals`): the first signal cancels, and the drive writes the run's end; a second Ctrl-C ends
everything at once. Whatever is not written down then is what `resume` calls uncertain, so nothing is lost by it.

Ctrl-C waits for a tool that finishes for as long as the tool may take, but in an evaluation, whose tools act on
nothing. SIGTERM, and SIGHUP, which means the same, come from something that will lose its patience: after `DRAIN`
seconds nothing is waited for. SIGPIPE stays ignored, as Python has it: a reader that goes away is an error of writing,
which `screen.readers_may_leave` ends quietly.

Handlers are Python's own and not the event loop's: those would wait for a loop that a blocking tool holds up.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Any, Final, Self, TypeVar

from agentctl.cli.quiet import CODES, minded, quietly

DRAIN: Final = 5.0
"""Seconds that SIGTERM leaves to tools at work; `AGENTCTL_DRAIN_SECONDS` is another number. Containers give ten."""
TO_CLOSE: Final = 2.0
"""Seconds after that in which everything is closed; a process that has not ended then is ended."""
AS_IT_WAS: Final = "\x1b[?25h\x1b[?2004l\x1b[0m"
"""Shows the cursor, takes pasted text as typed again, resets colours."""

T = TypeVar("T")
Act = Callable[[int, FrameType | None], object]


class Terminated(SystemExit):
    """SIGTERM came. Its own class, since a tool that calls `sys.exit` is answered and does not end the process."""


def unwinding() -> None:
    """From now on a signal raises KeyboardInterrupt or Terminated, so that what is open is closed."""
    for number in _install(_unwind):
        if number == signal.SIGINT:
            signal.signal(number, signal.default_int_handler)  # `asyncio.run` knows it, and cancels its task instead


def _unwind(number: int, _frame: FrameType | None) -> None:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise Terminated(CODES[number])


def _install(act: Act) -> dict[int, Any]:
    """The handlers before."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {number: signal.signal(number, act) for number in minded()}


class Signals:
    """A command that can be stopped in order. `code` is the exit code of the signal that came, if one did.

    `last_words` are printed when a second Ctrl-C ends the process at once: how to go on. A `patient` command waits
    after Ctrl-C for a tool that finishes as long as it takes; others as long as after SIGTERM.
    """

    def __init__(self, last_words: Callable[[], str] = str, *, patient: bool = True) -> None:
        self.code: int | None = None
        self._patient = patient
        self._last_words = last_words
        self._loop: Any = None
        self._stop: Callable[[], object] | None = None
        self._interrupt: Callable[[], object] | None = None
        self._unheard = False
        """Whether the loop has not yet been able to hear of the last Ctrl-C."""
        self._timers: list[threading.Timer] = []

    def __enter__(self) -> Self:
        from agentctl.agent import children  # noqa: PLC0415  a process that starts has none

        self._children = children
        self._drain = drain_seconds()
        self._terminal = _terminal_modes()
        self._before = _install(self._came)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.code is not None:
            self._children.see_out()
        for timer in self._timers:
            timer.cancel()
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self.code:  # what is left is to say what was done: whoever is in a hurry does without
            quietly()

    @contextmanager
    def stopping(self, stop: Callable[[], object], *, interrupt: Callable[[], object] | None = None) -> Iterator[None]:
        """In the running event loop, a signal calls `stop`; again when the time of SIGTERM is up.

        With `interrupt`, Ctrl-C calls that instead, until `leave` was called.
        """
        import asyncio  # noqa: PLC0415  a process that starts needs none

        before = self._stop, self._interrupt, self._loop
        self._stop, self._interrupt, self._loop = stop, interrupt, asyncio.get_running_loop()
        try:
            yield
        finally:
            self._stop, self._interrupt, self._loop = before

    def leave(self, code: int) -> None:
        """The command ends with this code; from now on a Ctrl-C ends it at once."""
        self.code = code

    def _came(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and (self.code is not None or self._unheard):
            self._leave_now(CODES[number])
        if self._loop is None:
            if self.code is None:
                _unwind(number, frame)
            return
        if number == signal.SIGINT and self._interrupt is not None:
            self._unheard = True
            self._loop.call_soon_threadsafe(self._hear)
            return
        first = self.code is None
        if first:
            self.code = CODES[number]
            self._call_stop()
        if (number != signal.SIGINT or not self._patient) and not self._timers:
            self._after(self._drain, self._call_stop)
            self._after(self._drain + TO_CLOSE, lambda: self._leave_now(CODES[number]))

    def _hear(self) -> None:
        self._unheard = False
        if self._interrupt is not None:
            self._interrupt()

    def _call_stop(self) -> None:
        loop, stop = self._loop, self._stop
        if loop is not None and stop is not None:
            with suppress(RuntimeError):  # it is closed: there is nothing to stop
                loop.call_soon_threadsafe(stop)

    def _after(self, seconds: float, act: Callable[[], object]) -> None:
        timer = threading.Timer(seconds, act)
        timer.daemon = True
        timer.start()
        self._timers.append(timer)

    def _leave_now(self, code: int) -> None:
        """Ends the tools' processes and this one; what was written down is on the disk already."""
        self._children.end_all()
        _restore(self._terminal)
        with suppress(Exception):
            _write(self._last_words())
        os._exit(code)


async def stopped_by(signals: Signals, body: Coroutine[Any, Any, T], told: Callable[[], object] = str) -> T:
    """What `body` returns. The first signal cancels it, after `told` may have said something.

    When the time is up, everything that is still at work is cancelled.
    """
    import asyncio  # noqa: PLC0415

    task = asyncio.current_task()
    assert task is not None
    asked = False

    def stop() -> None:
        nonlocal asked
        if asked:
            for each in asyncio.all_tasks():  # a task group, once cancelled, passes nothing on
                each.cancel()
            return
        asked = True
        told()
        task.cancel()

    with signals.stopping(stop):
        return await body


def drain_seconds() -> float:
    """What SIGTERM leaves to tools at work.

    Raises:
        UsageError: AGENTCTL_DRAIN_SECONDS is no number of seconds.
    """
    written = os.environ.get("AGENTCTL_DRAIN_SECONDS")
    if not written:
        return DRAIN
    with suppress(ValueError):
        seconds = float(written)
        if 0 <= seconds <= threading.TIMEOUT_MAX / 2:
            return seconds
    from agentctl.errors import UsageError  # noqa: PLC0415

    raise UsageError(f"AGENTCTL_DRAIN_SECONDS is {written!r}", hint=f"it is a number of seconds; left out: {DRAIN:g}")


def _terminal_modes() -> list[Any] | None:
    """How the terminal was set; None without one."""
    try:
        import termios  # noqa: PLC0415  not on every system

        return termios.tcgetattr(sys.stdin)
    except (ImportError, OSError, ValueError, AttributeError):
        return None
    except Exception:  # noqa: BLE001  termios.error is none of the others
        return None


def _restore(modes: list[Any] | None) -> None:
    if modes is None:
        return
    with suppress(Exception):
        import termios  # noqa: PLC0415

        termios.tcsetattr(sys.stdin, termios.TCSANOW, modes)
        if os.isatty(2):
            os.write(2, AS_IT_WAS.encode())


def _write(text: str) -> None:
    """To stderr past Python's buffers, if it takes anything now: nothing may keep the process from its end."""
    if text and select.select([], [2], [], 0)[1]:
        os.write(2, f"{text}\n".encode())
