"""Processes that tools start: each leads a group of its own, and ends with the call that started it when that is cut.

So Ctrl-C at the terminal, which the kernel sends to the whole foreground group, does not reach what a tool has running:
whether that goes on or ends is decided by the tool's `on_interrupt` alone. What a call that came to its end has left
running (a server for the next call, say) is the tool's business.

Processes started with `subprocess` or `asyncio.create_subprocess_*` are known; one that a tool makes with `os.fork` is
not, nor one that goes into a session of its own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Final

PATIENCE: Final = 0.5
"""Seconds between asking a process to end (SIGTERM) and ending it (SIGKILL)."""
STEP: Final = 0.01
NOTHING: Final = 0
"""The signal that only asks whether somebody is there."""
OWN_WAY: Final = ("start_new_session", "process_group", "preexec_fn")
"""What a caller who has a group in mind says."""
POSITIONAL: Final = 7
"""Arguments of `Popen` before `preexec_fn`; nobody who gives more of them without a name is second-guessed."""


@dataclass(slots=True, eq=False)
class Children:
    """The process groups of one call."""

    groups: list[int] = field(default_factory=list)
    cut: bool = False
    """Whether nobody waits for the call any more. A thread of it may still go on; what it starts ends at once."""


_of_call: ContextVar[Children | None] = ContextVar("children of the call", default=None)
_under_way: list[Children] = []
"""Those of every call that has not come to its end."""


@contextmanager
def ended_with_the_call() -> Iterator[None]:
    """What is started inside, in this task or in threads with its context, ends when this block is cancelled."""
    if not hasattr(os, "killpg"):  # no groups on this system
        yield
        return
    _lead_groups()
    children = Children()
    _under_way.append(children)
    token = _of_call.set(children)
    try:
        yield
    except Exception:
        _under_way.remove(children)
        raise
    except BaseException:
        _cut(children)
        raise
    else:
        _under_way.remove(children)
    finally:
        _of_call.reset(token)


def end_all() -> None:
    """Ends, at once, every process of a call that has not come to its end."""
    for children in _under_way:
        children.cut = True
        _send(children, signal.SIGKILL)


def see_out() -> None:
    """Waits for the processes of calls that were cut, and ends those that take too long."""
    until = time.monotonic() + PATIENCE
    while any(_send(children, NOTHING) for children in _under_way) and time.monotonic() < until:
        time.sleep(STEP)
    end_all()


def _cut(children: Children) -> None:
    """Asks the processes of a call to end, and soon ends them. They stay known until then."""
    children.cut = True
    if not _send(children, signal.SIGTERM):
        _under_way.remove(children)
        return

    def end() -> None:
        _send(children, signal.SIGKILL)
        with suppress(ValueError):
            _under_way.remove(children)

    timer = threading.Timer(PATIENCE, end)
    timer.daemon = True
    timer.start()


def _send(children: Children, number: int) -> bool:
    """Whether any of these groups is still there."""
    reached = False
    for group in children.groups:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)
            reached = True
    return reached


def _lead_groups() -> None:
    """From now on, a process that is started within a call leads a group of its own. Nothing else is touched."""
    start: Any = subprocess.Popen.__init__
    if hasattr(start, "__wrapped__"):
        return

    @wraps(start)
    def started(self: Any, *arguments: Any, **options: Any) -> None:
        children = _of_call.get()
        if children is None or any(options.get(name) for name in OWN_WAY) or len(arguments) > POSITIONAL:
            start(self, *arguments, **options)
            return
        start(self, *arguments, **{**options, "process_group": 0})
        children.groups.append(self.pid)
        if children.cut:
            _send(children, signal.SIGKILL)

    subprocess.Popen.__init__ = started  # type: ignore[method-assign]
