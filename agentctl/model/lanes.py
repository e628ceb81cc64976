"""Many requests at once go over several clients of a few connections each.

The SDK's transport looks through every connection of a client whenever a request comes or goes, so with hundreds in
flight over one client most of a core is spent on looking. With `WIDTH` of them in each, the cost of a request is the
same however many there are. A process that asks one thing at a time never has more than its first client.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

WIDTH: Final = 16
"""Requests in flight over one client."""


@dataclass(slots=True, eq=False)
class Lane:
    """One client, and how many requests are on it."""

    client: Any
    busy: int = 0


class Lanes:
    """The clients of one wire; `another` makes one more like `first`. Use it from one event loop."""

    def __init__(self, first: Any, another: Callable[[], Any]) -> None:
        self._lanes = [Lane(first)]
        self._another = another

    def take(self) -> Lane:
        """The first one with room, so that connections are used again. Give it back once."""
        for lane in self._lanes:
            if lane.busy < WIDTH:
                break
        else:
            lane = Lane(self._another())
            self._lanes.append(lane)
        lane.busy += 1
        return lane

    def give(self, lane: Lane) -> None:
        """Says that a request is over."""
        lane.busy -= 1

    async def aclose(self) -> None:
        """Closes the connections of all."""
        for lane in self._lanes:
            await lane.client.close()
