"""The breakers of the model room, kept in the store's file: neither of the two rooms knows the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from agentctl.model.breaker import Pass, State, Wait
from agentctl.store.breakers import BreakerFile, Kept


class SharedStates:
    """States of breakers that all processes of this machine share, in the file at `path`."""

    def __init__(self, path: Path) -> None:
        self._file = BreakerFile(path)

    def change(self, name: str, step: Callable[[State, float], tuple[State, Pass | Wait]]) -> Pass | Wait:
        """See `model.breaker.States`."""

        def plainly(kept: Kept | None, now: float) -> tuple[Kept, Pass | Wait]:
            state, answer = step(_state(kept), now)
            return asdict(state), answer

        return self._file.change(name, plainly)


def _state(kept: Kept | None) -> State:
    """What is kept; a closed breaker, when it is nothing that was kept by this version."""
    if kept is None:
        return State()
    outcomes, until, open_for, probed_at = (kept.get(name) for name in State.__slots__)
    if not isinstance(outcomes, list) or not isinstance(open_for, float):
        return State()
    moments = [float(each) if isinstance(each, int | float) else None for each in (until, probed_at)]
    return State(tuple(bool(each) for each in outcomes), moments[0], open_for, moments[1])
