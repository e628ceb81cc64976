"""The circuit breaker: what has failed most of the time is not asked until one probe has answered.

Three states (Michael Nygard, "Release It!", 2007): closed, everything goes through; open, nothing does; half-open, one
probe does, and its outcome decides. The rules are a pure function from (state, moment) to (state, answer), so that they
can be checked against a model and kept wherever states are kept: `Breakers` keeps them in memory, the store in a file
that processes share. A state that is lost is a closed breaker.

What counts as a failure: 5xx, 529, no connection, silence, a reply cut short or against the protocol. An error of the
request never does, and 429 neither: that is paced, not broken. A probe that was cancelled says nothing.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from agentctl.agent.spec import Breaker
from agentctl.agent.values import replace
from agentctl.errors import ModelError

LOST_AFTER: Final = 600.0
"""Seconds after which a probe that never said how it went is taken for lost, and another may go."""

LONGEST: Final = 600.0
"""Seconds; each probe that fails doubles the time until the next one, up to here."""

FAILURES: Final = frozenset(
    {"connection_error", "timeout_error", "stream_truncated", "protocol_error", "overloaded_error", "api_error"}
)
SERVER_ERROR: Final = 500


@dataclass(frozen=True, slots=True)
class State:
    """What a breaker remembers. `until` is None while it is closed; moments are seconds on one clock."""

    outcomes: tuple[bool, ...] = ()
    """Whether each of the last calls went well, oldest first."""
    until: float | None = None
    """When it may be probed."""
    open_for: float = 0.0
    """How long it was opened for."""
    probed_at: float | None = None
    """When the probe that is under way began."""


@dataclass(frozen=True, slots=True)
class Pass:
    """A call may be made; `probe` when everything depends on it."""

    probe: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """No call may be made for so many seconds."""

    seconds: float


def asked(state: State, now: float) -> tuple[State, Pass | Wait]:
    """Whether a call may be made at this moment."""
    if state.until is None:
        return state, Pass()
    if now < state.until:
        return state, Wait(state.until - now)
    if state.probed_at is not None and 0 <= now - state.probed_at < LOST_AFTER:
        return state, Wait(LOST_AFTER - (now - state.probed_at))
    return replace(state, probed_at=now), Pass(probe=True)


def told(state: State, now: float, rules: Breaker, *, ok: bool, probe: bool, jitter: float) -> State:
    """The state after a call went well or failed; `jitter`, from 0 to 1, spreads the probes of many clients."""
    if state.until is not None:
        if not probe:
            return state  # it began before the breaker opened
        return State() if ok else _opened(now, min(state.open_for * 2, LONGEST), jitter)
    outcomes = (*state.outcomes, ok)[-rules.window :]
    failed = outcomes.count(False)
    if not ok and len(outcomes) >= min(rules.window, rules.minimum) and failed >= rules.share * len(outcomes):
        return _opened(now, rules.open_seconds, jitter)
    return replace(state, outcomes=outcomes)


def cancelled(state: State, *, probe: bool) -> State:
    """The state after a call of which nothing is known."""
    return replace(state, probed_at=None) if probe else state


def _opened(now: float, seconds: float, jitter: float) -> State:
    return State(until=now + seconds * (1 + jitter / 10), open_for=seconds)


class States(Protocol):
    """Keeps the states of breakers by their names."""

    def change(self, name: str, step: Callable[[State, float], tuple[State, Pass | Wait]]) -> Pass | Wait:
        """Replaces the state by what `step` makes of it at this moment, with nobody in between; returns its answer."""
        ...


class Breakers:
    """The breakers of a process, whatever keeps their states. A name is a host and a model, or a host and its account.

    Safe to use from several threads if `states` is.
    """

    def __init__(self, states: States, rng: random.Random | None = None) -> None:
        self._states = states
        self._rng = rng or random.Random()  # noqa: S311  jitter is no secret

    def ask(self, name: str) -> Pass:
        """Leave to make a call.

        Raises:
            ModelError: `breaker_open`, with the wait until the next probe.
        """
        answer = self._states.change(name, asked)
        if isinstance(answer, Wait):
            raise ModelError(
                f"{name} has failed too often; it is not asked for another {answer.seconds:.0f} s",
                type="breaker_open",
                retry_after=round(answer.seconds, 1),
                hint="wait, or name `fallbacks` in the agent's YAML",
            )
        return answer

    def tell(self, name: str, given: Pass, rules: Breaker, *, failed: bool | None) -> None:
        """Says how the call went that `given` was the leave for; None when that is not known."""
        jitter = self._rng.random()

        def step(state: State, now: float) -> tuple[State, Pass]:
            if failed is None:
                return cancelled(state, probe=given.probe), given
            return told(state, now, rules, ok=not failed, probe=given.probe, jitter=jitter), given

        self._states.change(name, step)


def counts(error: ModelError) -> bool:
    """Whether this says that the other side is broken."""
    if error.status is not None and error.status >= SERVER_ERROR:
        return True
    return error.type in FAILURES and error.status not in range(400, SERVER_ERROR)


class InMemory:
    """States of this process alone."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._states: dict[str, State] = {}
        self._lock = threading.Lock()

    def change(self, name: str, step: Callable[[State, float], tuple[State, Pass | Wait]]) -> Pass | Wait:
        """See `States.change`."""
        with self._lock:
            self._states[name], answer = step(self._states.get(name, State()), self._clock())
        return answer
