"""A clock of its own for one run: when all that is left to do is to wait, the wait is over at once.

Timeouts, sleeps and deadlines are those of asyncio, judged by this clock, so a stall of two minutes is given up after
two minutes that take no time, at the same moment on every machine and however many runs go on beside it. Work that is
real (a tool in its thread) is waited for, and takes none of this time.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from agentctl.errors import RunError

T = TypeVar("T")

MOST_WAITS: Final = 50_000
"""Waits after which a run is taken for one that never ends: pings for ever, and no limit that ends them."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only when there is nothing to do but to wait. Seconds, from 0."""

    def __init__(self) -> None:
        self._patience = _Patience()
        super().__init__(self._patience)

    def time(self) -> float:
        """Seconds since it was made."""
        return self._patience.now

    @contextmanager
    def working(self) -> Iterator[None]:
        """While this lasts, something real is under way: it is waited for, in real time."""
        self._patience.working += 1
        try:
            yield
        finally:
            self._patience.working -= 1

    def run(self, body: Callable[[VirtualLoop], Coroutine[Any, Any, T]]) -> T:
        """What `body` comes to, which gets this loop; afterwards the loop is closed.

        Raises:
            RunError: it waits for something that never happens.
        """
        with asyncio.Runner(loop_factory=lambda: self) as runner:

            async def watched() -> T:
                task = asyncio.current_task()
                assert task is not None
                self._patience.give_up = task.cancel
                return await body(self)

            try:
                return runner.run(watched())
            except asyncio.CancelledError:
                hint = "give the agent `limits.idle_seconds`, `limits.call_seconds` or `limits.max_seconds`"
                raise RunError("the run would wait for ever: no limit ends what the fault began", hint=hint) from None


class _Patience(selectors.DefaultSelector):
    """Looks for what is ready; where nothing is and nothing real is under way, lets the time pass."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.working = 0
        self.give_up: Callable[[], object] = lambda: None
        self._waits = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """See `selectors.BaseSelector.select`; `timeout` passes on the clock of the loop."""
        ready = super().select(timeout if self.working else 0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        self._waits += 1
        if timeout is None or self._waits > MOST_WAITS:
            self.give_up()
        else:
            self.now += timeout
        return []
