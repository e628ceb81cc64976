"""How long one attempt may take: in all, and without anything new. A server that only pings is as good as silent.

Both end the attempt with a typed error that another attempt may mend; the deadline over all attempts is not theirs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from agentctl.agent.events import ModelReplied
from agentctl.agent.spec import Limits
from agentctl.errors import Unreachable

Heard = Callable[[], None]


async def patiently(limits: Limits, attempt: Callable[[Heard | None], Awaitable[ModelReplied]]) -> ModelReplied:
    """What `attempt` returns; it is given a function to call whenever something new has come.

    Raises:
        Unreachable: `timeout_error`, it took longer than these limits allow.
    """
    if limits.call_seconds is None and limits.idle_seconds is None:
        return await attempt(None)
    whole, idle = asyncio.timeout(limits.call_seconds), asyncio.timeout(limits.idle_seconds)
    try:
        async with whole, idle:
            return await attempt(lambda: _wait_on(idle, limits.idle_seconds))
    except TimeoutError:
        if idle.expired():
            raise _given_up(f"nothing new of the reply for {limits.idle_seconds:g} s", "idle_seconds") from None
        if whole.expired():
            raise _given_up(f"no complete reply within {limits.call_seconds:g} s", "call_seconds") from None
        raise


def _wait_on(idle: asyncio.Timeout, seconds: float | None) -> None:
    if seconds is not None and not idle.expired():
        idle.reschedule(asyncio.get_running_loop().time() + seconds)


def _given_up(what: str, limit: str) -> Unreachable:
    return Unreachable(
        f"{what} (limits.{limit})",
        type="timeout_error",
        retryable=True,
        hint=f"raise limits.{limit}, or try again later",
    )
