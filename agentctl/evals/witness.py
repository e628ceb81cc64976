"""`Witness`: counts what the process really did while an evaluation ran, whoever did it and from whichever thread.

Python tells its audit hooks (PEP 578) of every connection before it is made, in the standard library and in packages
alike, and our own tools tell them before a handler starts. So "nothing was sent, nothing was executed" is an
observation, not the absence of code that we remember to have written. What a child process does is not seen.
"""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import Any, Final, Self

from agentctl.agent.ports import EXECUTES

REACHES_OUT: Final = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo"})


class Witness:
    """Counts inside a `with`; one at a time. With `only_here`, only what this thread does: a cluster's talk is not."""

    def __init__(self, *, only_here: bool = False) -> None:
        self._thread = threading.get_ident() if only_here else None
        self.connections = 0
        """Times that something was about to reach another host: connections, datagrams, names looked up."""
        self.executed = 0
        """Tool handlers started."""

    def __enter__(self) -> Self:
        _Hook.add()
        _Hook.witness = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _Hook.witness = None

    def sees(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Takes one audit event."""
        if self._thread is not None and threading.get_ident() != self._thread:
            return
        if event == EXECUTES:
            self.executed += 1
        elif event in REACHES_OUT and not _is_local(arguments):
            self.connections += 1


def _is_local(arguments: tuple[Any, ...]) -> bool:
    """Whether it goes to a Unix socket: a path, and no host."""
    return isinstance(arguments[-1], str | bytes) and hasattr(arguments[0], "family")


class _Hook:
    """The process's one hook: a hook can never be taken away again, so it stays and tells whoever counts now."""

    witness: Witness | None = None
    added = False

    @classmethod
    def add(cls) -> None:
        if not cls.added:
            cls.added = True
            sys.addaudithook(cls.hear)

    @classmethod
    def hear(cls, event: str, arguments: tuple[Any, ...]) -> None:
        if cls.witness is not None:
            cls.witness.sees(event, arguments)
