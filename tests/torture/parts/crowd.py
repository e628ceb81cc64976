"""Many clients at once: what they do to a server that is down, and to one that may be tried again."""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.synchronize import Barrier
from pathlib import Path
from random import Random
from typing import Final

from agentctl.agent.ports import Request, WireReply
from agentctl.agent.spec import Breaker, Limits, Retry
from agentctl.cli.breakers import SharedStates
from agentctl.errors import ModelError, Unreachable
from agentctl.evals.faults.clock import VirtualLoop
from agentctl.model.breaker import Breakers, InMemory, Pass, State, States, Wait
from agentctl.model.client import WireModel
from agentctl.model.health import Health
from support.wire import JSON, SSE, wire_reply
from tests.torture import raw
from tests.torture.part import Outcome, Part, Trial

CLIENTS: Final = 200
BEGINS, ENDS, OVER = 30.0, 90.0, 240.0
"""Seconds: the outage is a minute long."""
PACE: Final = 10.0
"""Seconds a client waits between two calls, on average; so 20 requests a second when all is well."""
MOST: Final = 1.1
SPIKE: Final = 1.5
REQUEST: Final = Request({"model": "claude-sonnet-5-5", "messages": []})
BUSY: Final = b'{"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}'


class Server:
    """Answers in 0.2 s but for the outage; counts what it is asked by the second."""

    def __init__(self, loop: VirtualLoop, *, refuses: bool) -> None:
        self._loop, self._refuses = loop, refuses
        self.asked: Counter[int] = Counter()

    async def send(self, _request: Request) -> WireReply:
        """See `agentctl.agent.ports.Wire`."""
        now = self._loop.time()
        self.asked[int(now)] += 1
        out = BEGINS <= now < ENDS
        await asyncio.sleep(0.001 if out and self._refuses else 0.2)
        if out and self._refuses:
            raise Unreachable("refused", type="connection_error", retryable=True)
        return wire_reply(BUSY, status=529, headers=JSON) if out else wire_reply(raw.FINE, headers=SSE)


def _outage(seed: int, *, refuses: bool, breaker: Breaker | None, alone: bool) -> tuple[float, float, int]:
    """Requests for each call during the outage, the busiest second after it as a share of the usual, and all calls.

    `alone`: each client is a process of its own, and all that they share is the file of the breakers.
    """
    loop = VirtualLoop()

    async def crowd(loop: VirtualLoop) -> tuple[float, float, int]:
        server, calls, chance = Server(loop, refuses=refuses), Counter[int](), Random(seed)
        states = InMemory(loop.time)
        shared = Health("host", states, clock=loop.time, rng=Random(seed))

        async def client(number: int) -> None:
            own = Random(seed * CLIENTS + number)
            health = Health("host", states, clock=loop.time, rng=own) if alone else shared
            model = WireModel(server, Retry(), limits=Limits(), health=health, breaker=breaker, rng=own)
            await asyncio.sleep(chance.uniform(0.0, PACE))
            while loop.time() < OVER:
                calls[int(loop.time())] += 1
                with suppress(ModelError):
                    await model.ask(REQUEST, on_failure=lambda _: None)
                await asyncio.sleep(own.uniform(0.0, 2 * PACE))

        async with asyncio.TaskGroup() as group:
            for number in range(CLIENTS):
                group.create_task(client(number))
        during = range(int(BEGINS), int(ENDS))
        usual = max(server.asked[second] for second in range(5, int(BEGINS)))
        busiest = max(server.asked[second] for second in range(int(ENDS), int(OVER)))
        made = sum(calls[second] for second in during)
        return sum(server.asked[second] for second in during) / made, busiest / usual, sum(calls.values())

    return loop.run(crowd)


def _outages(trial: Trial) -> Outcome:
    worst, peak, calls, failures = 0.0, 0.0, 0, []
    for round_ in range(trial.rounds):
        for refuses in (False, True):
            for breaker, alone in ((Breaker(), False), (None, False), (Breaker(), True)):
                seed = trial.seed + round_
                share, spike, made = _outage(seed, refuses=refuses, breaker=breaker, alone=alone)
                worst, peak, calls = max(worst, share), max(peak, spike), calls + made
                if share > MOST or spike > SPIKE:
                    what = f"refuses={refuses} breaker={breaker is not None} alone={alone}"
                    failures.append(
                        f"seed {seed}: {what}: {share:.3f} requests a call, then {spike:.2f} times the usual"
                    )
    load = f"at most {worst:.3f} requests a call, then {peak:.2f} times the busiest second before"
    figures = f"{CLIENTS} clients, {calls:,} calls, {load}"
    return Outcome(not failures, figures, tuple(failures))


THREADS: Final = 64
PROCESSES: Final = 4


def _may_be_probed(states: States, name: str) -> None:
    def open_(_: State, now: float) -> tuple[State, Pass | Wait]:
        return State(until=now - 0.001, open_for=30.0), Pass()

    states.change(name, open_)


def _asks(states: States, name: str, together: Callable[[], object]) -> tuple[int, int]:
    """Probes and other passes one thread is given, asking when all do."""
    together()
    try:
        leave = Breakers(states).ask(name)
    except ModelError:
        return 0, 0
    return int(leave.probe), int(not leave.probe)


def _edge(states: States, names: Sequence[str], threads: int, together: Callable[[], object]) -> list[tuple[int, int]]:
    """Probes and other passes for each name, from this many threads at a time."""
    with ThreadPoolExecutor(threads) as pool:
        rounds = []
        for name in names:
            given = list(pool.map(lambda _, name=name: _asks(states, name, together), range(threads)))
            rounds.append((sum(probe for probe, _ in given), sum(other for _, other in given)))
    return rounds


def _process(path: Path, names: Sequence[str], gate: Barrier, answers: multiprocessing.Queue[object]) -> None:
    answers.put(_edge(SharedStates(path), names, THREADS // PROCESSES, gate.wait))


def _probes(trial: Trial) -> Outcome:
    names = [f"model {number}" for number in range(trial.rounds)]
    few = names[: max(trial.rounds // 50, 10)]
    memory, file = InMemory(lambda: 1.0), SharedStates(trial.folder / "health.db")
    wrong = []
    for states, some, kind in ((memory, names, "in memory"), (file, few, "in a file")):
        for name in some:
            _may_be_probed(states, name)
        given = _edge(states, some, THREADS, threading.Barrier(THREADS).wait)
        wrong += [f"{name} {kind}: {each}" for name, each in zip(some, given, strict=True) if each != (1, 0)]
    wrong += _across(trial.folder / "shared.db", few)
    figures = (
        f"{len(names):,} + {len(few):,} + {len(few):,} rounds of {THREADS} threads, {len(wrong)} not with one probe"
    )
    return Outcome(not wrong, figures, tuple(wrong))


def _across(path: Path, names: Sequence[str]) -> list[str]:
    """The same threads, in processes that share the file."""
    for name in names:
        _may_be_probed(SharedStates(path), name)
    context = multiprocessing.get_context("spawn")
    gate, answers = context.Barrier(THREADS), context.Queue()
    workers = [context.Process(target=_process, args=(path, names, gate, answers)) for _ in range(PROCESSES)]
    for worker in workers:
        worker.start()
    parts = [answers.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    totals = [tuple(map(sum, zip(*each, strict=True))) for each in zip(*parts, strict=True)]
    return [f"{name} across processes: {each}" for name, each in zip(names, totals, strict=True) if each != (1, 0)]


PARTS: Final = [
    Part(("F24",), "an outage of a minute", 1, 5, _outages),
    Part(("F25",), "one probe at the edge", 150, 10_000, _probes),
]
