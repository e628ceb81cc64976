"""What one process holds: sessions at once, and what each of them costs."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import orjson

from agentctl.agent.events import RunStarted, UserSaid
from agentctl.agent.run import Run
from agentctl.model.decode import decode
from support.desk import CHECKOUT, command, environment
from support.wire import SSE, wire_reply
from tests.torture import raw
from tests.torture.counter import KEY, lay_down
from tests.torture.part import Outcome, Part, Trial

ADDED: Final = 0.050
"""Seconds that 99 of 100 turns may take beyond the model's."""
IDLE: Final = 1.0
"""MiB of a session that waits for its user."""
DELTAS: Final = 0.5
"""CPU seconds for a MiB of tool input in pieces of 20 bytes."""
OVER: Final = 1.0
"""Milliseconds of CPU a turn may take beyond the SDK's."""
LATENCY: Final = 2.0
SHORT: Final = 0.2
PIECE: Final = 20
MEGA: Final = 1024 * 1024


def _load(trial: Trial) -> Outcome:
    """So many places, each with a session after the other. They start spread over the length of one."""
    each, latency = (5, LATENCY) if trial.full else (2, SHORT)
    lay_down(trial.folder, latency)
    with _served(trial.folder) as url:
        held = _sessions(trial.folder, url, "load", trial.rounds, each, latency)
        cost = _sessions(trial.folder, url, "idle", trial.rounds)
    added = sorted(held["added"])
    p50, p99 = (added[int(len(added) * share)] for share in (0.5, 0.99))
    figures = (
        f"{held['sessions']:,} sessions, {held['most']} at once on one core, {len(added):,} turns of {latency:g} s: "
        f"{len(held['wrong'])} wrong, added p50 {1000 * p50:.1f} ms, p99 {1000 * p99:.1f} ms, "
        f"{1000 * held['cpu'] / len(added):.1f} ms CPU a turn, "
        f"its core taken {held['queued'] / held['seconds']:.0%} of the time; {cost['each']:.2f} MiB an idle session"
    )
    failures = [*held["wrong"], *cost["wrong"]]
    if held["sessions"] != trial.rounds * each or held["most"] != trial.rounds:
        failures.append(f"{held['sessions']} sessions were held, at most {held['most']} at once")
    if trial.full and p99 > ADDED:
        failures.append(f"p99 added is over {1000 * ADDED:.0f} ms")
    if trial.full and cost["each"] > IDLE:
        failures.append(f"an idle session takes over {IDLE:g} MiB")
    return Outcome(not failures, figures, tuple(failures))


def _turns(trial: Trial) -> Outcome:
    """What a turn costs beyond the SDK, one at a time: the loop, the checks, the journal on the disk."""
    lay_down(trial.folder, 0)
    with _served(trial.folder) as url:
        ours, bare = (_sessions(trial.folder, url, mode, trial.rounds) for mode in ("ours", "bare"))
    over = 1000 * (ours["turn"] - bare["turn"])
    figures = (
        f"{trial.rounds} sessions: a turn takes {1000 * ours['turn']:.1f} ms of CPU (p50), "
        f"{1000 * bare['turn']:.1f} ms in a bare loop over the SDK: {over:+.1f} ms"
    )
    failures = [*ours["wrong"], *bare["wrong"]]
    if trial.full and over > OVER:
        failures.append(f"over {OVER:g} ms more than the bare loop")
    return Outcome(not failures, figures, tuple(failures))


@contextmanager
def _served(root: Path) -> Iterator[str]:
    """The simulator, in a process and on a core of its own; where it serves."""
    server = subprocess.Popen(
        [
            *_on(min(os.sched_getaffinity(0))),
            *command("simulate", "--script", "prompts/counter/simulator.yaml", "--json"),
        ],
        cwd=root,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert server.stdout is not None
        yield json.loads(server.stdout.readline())["base_url"]
    finally:
        server.terminate()
        server.wait()


def _on(core: int) -> list[str]:
    """What stands before a command that is to have one core only."""
    start = f"import os, sys; os.sched_setaffinity(0, {{{core}}}); os.execvp(sys.argv[1], sys.argv[1:])"
    return [sys.executable, "-c", start]


def _sessions(root: Path, url: str, mode: str, *given: float) -> dict[str, Any]:
    """What the process that holds the sessions says of them."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.torture.sessions", mode, *map(str, given)],
        cwd=root,
        env=environment(ANTHROPIC_BASE_URL=url, ANTHROPIC_API_KEY=KEY, PYTHONPATH=str(CHECKOUT)),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return dict(json.loads(done.stdout))


def _deltas(trial: Trial) -> Outcome:
    """A MiB of tool input, through the decoder and the fold, in several cuts; then through `agentctl run`."""
    given = {"id": "ORD-1", "note": "a" * (MEGA - 24)}
    stream = _calls(given)
    cuts = (len(stream), 65_536, 4_096, 150)
    took = {cut: min(asyncio.run(_decoded(stream, given, cut)) for _ in range(trial.rounds)) for cut in cuts}
    lay_down(trial.folder, 0)
    small = _calls({"id": "ORD-1", "note": "a"})
    wrong: list[str] = []
    quickest = [min(_run(trial.folder, each, wrong) for _ in range(trial.rounds)) for each in (small, stream)]
    extra = quickest[1] - quickest[0]
    figures = (
        f"{stream.count(b'partial_json'):,} deltas: decoder and fold {took[len(stream)]:.2f} s of CPU, "
        f"{took[150]:.2f} s when each comes alone; `agentctl run` {extra:.2f} s longer than with a small input"
    )
    if trial.full and max(*took.values(), extra) > DELTAS:
        wrong.append(f"over {DELTAS:g} s: {took}, {extra:.2f}")
    return Outcome(not wrong, figures, tuple(wrong))


def _calls(given: dict[str, str]) -> bytes:
    """A reply that calls `get_order` with this input, in pieces of 20 bytes."""
    text = orjson.dumps(given).decode()
    pieces = (text[at : at + PIECE] for at in range(0, len(text), PIECE))
    deltas = b"".join(raw.grows(0, type="input_json_delta", partial_json=piece) for piece in pieces)
    opened = raw.opened(0, type="tool_use", id="toolu_1", name="get_order", input={})
    return raw.start() + opened + deltas + raw.closed(0) + raw.ends("tool_use")


def _run(root: Path, stream: bytes, wrong: list[str]) -> float:
    """CPU seconds of an `agentctl run` whose model calls the tool so and then answers."""
    with raw.Raw([raw.streams(*_cut(stream, 16_384)), raw.OK]) as server:
        began = _of_children()
        done = subprocess.run(
            command("run", "counter", "Go", "--json"),
            cwd=root,
            env=environment(ANTHROPIC_BASE_URL=server.url, ANTHROPIC_API_KEY=KEY),
            capture_output=True,
            text=True,
            check=False,
        )
        took = _of_children() - began
    result = server.asked[-1].messages[-1]["content"][0] if len(server.asked) > 1 else {}
    if done.returncode or "shipped" not in str(result):
        wrong.append(f"agentctl run: exit {done.returncode}, the tool said {result}: {done.stderr[-300:]}")
    return took


def _of_children() -> float:
    """CPU seconds of the processes that were waited for: what else the machine does is not theirs."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def _cut(stream: bytes, size: int) -> list[bytes]:
    return [stream[at : at + size] for at in range(0, len(stream), size)]


async def _decoded(stream: bytes, given: dict[str, str], size: int) -> float:
    """CPU seconds of the decoder and the fold, for the stream in pieces of `size` bytes."""
    pieces = _cut(stream, size)
    run = Run.of([RunStarted("till@1", "", "model", {}), UserSaid("Go")])
    began = time.process_time()
    reply = await decode(wire_reply(*pieces, headers=SSE))
    run.append(reply, 0.0)
    took = time.process_time() - began
    assert reply.content[0]["input"] == given, "the input is another"
    return took


PARTS: Final = [
    Part(("L1", "L3"), "sessions on one core", 60, 300, _load),
    Part(("L2",), "CPU of a turn beyond the SDK", 20, 200, _turns),
    Part(("L4",), "a MiB of tool input", 1, 3, _deltas),
]
