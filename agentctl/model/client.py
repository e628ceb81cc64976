"""`WireModel`: a wire, the decoder and the one retry loop, behind the core's port `Model`.

There is exactly one retry loop between the agent and the API, this one (the SDK's own is switched off), so a failure is
never multiplied layer by layer. Waits are full jitter (Marc Brooker, "Exponential Backoff And Jitter", AWS 2015), that
is uniform in [0, base * 2**n], so that clients that failed together do not come back together. The server's
`retry-after` is a floor with jitter on top (0 is none: then the wait is ours); when it does not fit in the time left,
the call fails at once and says so.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from agentctl.agent.events import ModelFailed, ModelReplied
from agentctl.agent.ports import OnDelta, OnFailure, Request, Wire
from agentctl.agent.spec import Breaker, Limits, Retry
from agentctl.errors import DeadlineExceeded, ModelError
from agentctl.model.decode import decode
from agentctl.model.patience import Heard, patiently

JITTER_ON_TOP = 0.1
"""Of the server's wait, at least: it told every client the same number."""

LONGEST_WAIT = 3600.0
"""Seconds. A server that asks for more is not waited for, even by a run without a deadline."""


UNLIMITED = Limits(idle_seconds=None)
"""Nothing that a call is held to: a recording answers at once."""

MAX_DOUBLINGS = 64
MORE_TIME = "raise limits.max_seconds, or try again later"


class Budget(Protocol):
    """How many retries there may be; see `model.budget`."""

    def called(self) -> None:
        """Counts a call."""
        ...

    def retry(self, share: float) -> bool:
        """Whether one more retry may be made."""
        ...


class Health(Protocol):
    """Whom to ask and how often; see `model.health`. A replay asks nobody, and does not even load it."""

    @property
    def budget(self) -> Budget:
        """Of the process."""
        ...

    async def call(self, model: str, rules: Breaker, attempt: Callable[[], Awaitable[ModelReplied]]) -> ModelReplied:
        """What `attempt` returns, if it may be made."""
        ...


class WireModel:
    """Answers requests over `wire`. `sleep` and `rng` are given by tests and replays, which must not wait.

    `limits` bound each attempt; `health` is shared by all that ask one host, and `breaker` says when to leave a model
    alone. Without them nothing is held back.
    """

    def __init__(
        self,
        wire: Wire,
        retry: Retry | None = None,
        *,
        limits: Limits = UNLIMITED,
        health: Health | None = None,
        breaker: Breaker | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        rng: random.Random | None = None,
    ) -> None:
        self._wire = wire
        self._retry = retry or Retry()
        self._limits = limits
        self._health = health
        self._breaker = breaker
        self._sleep = sleep
        self._rng = rng or random.Random()  # noqa: S311  jitter is no secret

    async def ask(
        self,
        request: Request,
        *,
        on_failure: OnFailure,
        on_delta: OnDelta | None = None,
        time_left: float | None = None,
    ) -> ModelReplied:
        """The complete reply; see `agentctl.agent.ports.Model.ask`."""
        if time_left is not None and time_left <= 0:
            raise DeadlineExceeded("no time is left to ask the model", type="deadline", hint=MORE_TIME)
        call = _Call(self, request, on_failure, on_delta, time_left)
        if self._health is not None:
            self._health.budget.called()
        if time_left is not None:
            return await self._in_time(call, time_left)
        try:
            return await call.attempt()
        except ModelError as error:
            return await self._again(call, error)

    async def _in_time(self, call: _Call, time_left: float) -> ModelReplied:
        """The same, cut off after so many seconds."""
        try:
            async with asyncio.timeout(time_left) as timer:
                try:
                    return await call.attempt()
                except ModelError as error:
                    return await self._again(call, error)
        except TimeoutError:
            if not timer.expired():  # somebody else's
                raise
            raise call.cut_off() from None

    async def _again(self, call: _Call, failed: ModelError) -> ModelReplied:
        """The retry loop, entered with the first failure: a call that succeeds at once never pays for it."""
        if not failed.retryable:
            raise failed
        from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt  # noqa: PLC0415

        failures = [failed]

        async def attempt() -> ModelReplied:
            if failures:
                raise failures.pop()
            return await call.attempt()

        retrying = AsyncRetrying(
            sleep=self._sleep,
            stop=stop_after_attempt(self._retry.attempts),
            wait=lambda state: call.wait(state) if state.attempt_number < self._retry.attempts else 0.0,
            retry=retry_if_exception(self._may_repeat),
            reraise=True,
        )
        return await retrying(attempt)

    async def once(self, request: Request, on_delta: OnDelta | None) -> ModelReplied:
        """One attempt."""
        if self._limits is UNLIMITED and self._health is None:
            return await decode(await self._wire.send(request), on_delta)

        async def send(heard: Heard | None) -> ModelReplied:
            return await decode(await self._wire.send(request), on_delta, heard)

        if self._health is None or self._breaker is None:
            return await patiently(self._limits, send)
        model = str(request.body.get("model"))
        return await self._health.call(model, self._breaker, lambda: patiently(self._limits, send))

    def _may_repeat(self, error: BaseException) -> bool:
        """Whether another attempt can help, and the process may make one; where the server said when, it always may."""
        if not isinstance(error, ModelError) or not error.retryable:
            return False
        if self._health is None or error.retry_after is not None:
            return True
        return self._health.budget.retry(self._retry.budget)

    def jitter(self, attempt: int, *, told: float = 0.0, room: float = math.inf) -> float:
        """Seconds on top of what the server asked for, before the attempt after `attempt`; `room` is never exceeded."""
        backoff = min(self._retry.cap, self._retry.base * 2.0 ** min(attempt - 1, MAX_DOUBLINGS))
        return self._rng.uniform(0.0, min(max(backoff, told * JITTER_ON_TOP), room))


class _Call:
    """One logical call: its attempts, what was shown of them, and the time it may still take."""

    def __init__(
        self,
        model: WireModel,
        request: Request,
        on_failure: OnFailure,
        on_delta: OnDelta | None,
        time_left: float | None,
    ) -> None:
        self._model, self._request, self._on_failure, self._on_delta = model, request, on_failure, on_delta
        self._time_left = time_left
        self._deadline = None if time_left is None else _now() + time_left
        self._attempts = 0
        self._under_way = False
        self._shown = False

    async def attempt(self) -> ModelReplied:
        """One attempt; a failure is told before it is raised."""
        self._attempts += 1
        self._under_way = True
        if self._shown and self._on_delta is not None:  # never splice two replies: what was shown is void
            self._on_delta("restart", "")
            self._shown = False
        try:
            return await self._model.once(self._request, self._on_delta and self._show)
        except ModelError as error:
            self._under_way = False
            self._on_failure(ModelFailed.of(error, self._attempts))
            raise

    def cut_off(self) -> DeadlineExceeded:
        """The error of a call whose time is up; the attempt that was under way, if any, has failed by it."""
        error = DeadlineExceeded(f"no complete reply within {self._time_left:.1f} s", type="deadline", hint=MORE_TIME)
        if self._under_way:
            self._on_failure(ModelFailed.of(error, self._attempts))
        return error

    def _show(self, kind: str, piece: str) -> None:
        self._shown = True
        assert self._on_delta is not None
        self._on_delta(kind, piece)

    def wait(self, state: Any) -> float:
        """Seconds until the next attempt, for tenacity: `state.outcome` holds the failure.

        Raises:
            DeadlineExceeded: that would be after the deadline.
        """
        error = state.outcome.exception()
        told = (error.retry_after if isinstance(error, ModelError) else None) or 0.0
        left = math.inf if self._deadline is None else self._deadline - _now()
        room = (left - told) / 2 if told else math.inf
        wait = told + self._model.jitter(self._attempts, told=told, room=max(room, 0.0))
        if wait >= left or told > LONGEST_WAIT:
            asked = f"the server asked to wait {told:g} s" if told else f"the next attempt is in {wait:.1f} s"
            limit = "longer than any wait here" if left == math.inf else f"but only {max(left, 0.0):.1f} s are left"
            raise DeadlineExceeded(
                f"{error}; {asked}, {limit}", type="deadline", retry_after=told or None, hint=MORE_TIME
            ) from error
        return wait


def _now() -> float:
    """Seconds on the clock of the event loop, by which timeouts and waits go too."""
    return asyncio.get_running_loop().time()
