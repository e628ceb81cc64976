"""`answer_all`: runs calls at the same time, and writes down every result there is, whatever stops the waiting.

An interruption (the task is cancelled) is an order to stop, not a reason to know less: a call whose tool finishes is
waited for, and its result written down, before the interruption goes on; the others are cancelled at once. A second
cancellation, or the end of the time, waits for nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from agentctl.agent.events import Event, ToolCalled, ToolReturned
from agentctl.agent.ports import Tools


async def answer_all(
    tools: Tools,
    calls: Sequence[ToolCalled],
    *,
    emit: Callable[[Event], None],
    finishes: Callable[[ToolCalled], bool],
    in_time: Callable[[], bool],
) -> None:
    """Emits the results in the order of the calls. `in_time` says whether a cancellation is somebody's wish."""
    if len(calls) == 1 and not finishes(calls[0]):
        emit(await tools.call(calls[0]))
        return
    tasks = [asyncio.ensure_future(tools.call(call)) for call in calls]
    waiting = list(tasks)
    try:
        while waiting:
            await asyncio.wait(waiting[:1])  # which, unlike awaiting the task, does not cancel it
            emit(waiting.pop(0).result())
    except asyncio.CancelledError:
        if in_time():
            await _finish([task for task, call in zip(tasks, calls, strict=True) if finishes(call)], waiting)
        raise
    finally:
        finished = [task for task in waiting if task.done() and not task.cancelled() and task.exception() is None]
        await _cancel(waiting)
        for task in finished:
            emit(task.result())


async def _finish(
    finishing: Sequence[asyncio.Task[ToolReturned]], waiting: Sequence[asyncio.Task[ToolReturned]]
) -> None:
    for task in waiting:
        if task not in finishing:
            task.cancel()
    if finishing:
        await asyncio.wait(finishing)


async def _cancel(tasks: Sequence[asyncio.Task[ToolReturned]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
