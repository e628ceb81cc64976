"""The retry budget: over the last minute, a process repeats at most a share of what it asks.

In an outage every client that retries makes it worse; a cap on each call bounds one call only. Ten clients with three
attempts each are thirty requests, with a budget of a tenth they are eleven (Google, "Site Reliability Engineering",
2016, chapter 21, "Handling Overload"). Waits that the server itself asked for are not counted: who waits as told adds
no load that was not asked for.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

WINDOW: Final = 60
"""Seconds."""

ALWAYS: Final = 3
"""Retries that are allowed however few calls there were."""


class RetryBudget:
    """Calls and retries of the last minute, second by second. Use it from one thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seconds: deque[list[int]] = deque()
        """[second, calls, retries], oldest first."""

    def called(self) -> None:
        """Counts a call, by which retries are earned."""
        self._now()[1] += 1

    def retry(self, share: float) -> bool:
        """Whether one more retry may be made; counts it if so."""
        now = self._now()
        calls = sum(second[1] for second in self._seconds)
        retries = sum(second[2] for second in self._seconds)
        if retries >= max(ALWAYS, share * calls):
            return False
        now[2] += 1
        return True

    def _now(self) -> list[int]:
        second = int(self._clock())
        while self._seconds and self._seconds[0][0] <= second - WINDOW:
            self._seconds.popleft()
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append([second, 0, 0])
        return self._seconds[-1]
