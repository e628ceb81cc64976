"""Interrupted while tools work: each does what it declares, and what is written down is what happened."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from agentctl.agent import children
from agentctl.agent.drive import drive
from agentctl.agent.events import Entry, ToolReturned
from agentctl.agent.run import Run
from agentctl.agent.spec import Agent, Limits, ToolSpec
from agentctl.agent.tools import LiveTools
from support.scripted import ScriptedModel, ScriptedTools, call, reply, says

HANDLERS = """
import subprocess, sys, time
from pathlib import Path

PLACE = Path(__file__).parent


def works(n: int) -> str:
    (PLACE / "began").touch()
    while not (PLACE / "may finish").exists():
        time.sleep(0.005)
    return "done"


def spawns() -> str:
    sleeper = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
    with subprocess.Popen(sleeper, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        (PLACE / "pid").write_text(str(process.pid))
        (PLACE / "began").touch()
    return "ended"


def leaves() -> str:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    process.returncode = 0  # nobody waits for it
    return str(process.pid)
"""


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., tuple[Agent, LiveTools]]:
    """An agent with this one tool, and the tool."""

    def made(
        name: str, effect: str = "read", on_interrupt: str | None = None, **limits: float
    ) -> tuple[Agent, LiveTools]:
        (tmp_path / "handlers.py").write_text(HANDLERS)
        definition = {"name": name, "description": name, "input_schema": {"type": "object"}}
        spec = ToolSpec(name, definition, f"{tmp_path}/handlers.py:{name}", effect, on_interrupt=on_interrupt)
        agent = Agent("test", "1", "claude-sonnet-5-5", "", {"max_tokens": 100}, (spec,), limits=Limits(**limits))
        return agent, LiveTools(agent, tmp_path / "workspace")

    return made


async def _until(seen: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not seen():
            await asyncio.sleep(0.005)


def _interrupted(agent: Agent, tools: LiveTools, place: Path, times: int, *, finish: bool = False) -> list[str | None]:
    """What the tool's calls answered when the drive was cancelled so many times while it worked."""
    run = Run()

    async def go() -> None:
        model = ScriptedModel(
            reply(call(agent.tools[0].name, "a", **({"n": 1} if "works" in agent.tools[0].name else {})))
        )
        driving = asyncio.ensure_future(drive(agent, run, model=model, tools=tools, hear=says("Go")))
        await _until((place / "began").exists)
        for _ in range(times):
            driving.cancel()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        if finish:
            (place / "may finish").touch()
        with pytest.raises(asyncio.CancelledError):
            await driving

    try:
        asyncio.run(go())
    finally:
        (place / "may finish").touch()
    assert run.ended is not None
    assert run.ended.reason == "interrupted"
    events = [entry.event for entry in run.entries if entry.event.kind == "tool_returned"]
    return [f"{event.error_type}: {event.content}" for event in events]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("effect", "mode", "times", "said"),
    [
        ("write", None, 1, "None: done"),
        ("read", "finish", 1, "None: done"),
        ("read", None, 1, "interrupted: interrupted; it may have run"),
        ("write", "cancel", 1, "interrupted: interrupted; it may have run"),
        ("write", None, 2, "interrupted: interrupted; it may have run"),
    ],
)
def test_each_tool_ends_as_it_declares(
    make: Callable[..., tuple[Agent, LiveTools]], tmp_path: Path, effect: str, mode: str | None, times: int, said: str
) -> None:
    """What finishes is waited for, once; a thread that was cancelled goes on and is never said not to have run."""
    agent, tools = make("works", effect, mode)
    assert _interrupted(agent, tools, tmp_path, times, finish=said == "None: done") == [said]


def test_the_end_of_the_time_waits_for_nothing(make: Callable[..., tuple[Agent, LiveTools]], tmp_path: Path) -> None:
    """A deadline is no interruption: a tool that finishes is cut as any other."""
    agent, tools = make("works", "write", max_seconds=0.2)
    model, run = ScriptedModel(reply(call("works", "a", n=1))), Run()
    asyncio.run(drive(agent, run, model=model, tools=tools, hear=says("Go")))
    (tmp_path / "may finish").touch()
    assert run.ended is not None
    assert run.ended.reason == "deadline"


def test_processes_end_with_the_call_that_started_them(
    make: Callable[..., tuple[Agent, LiveTools]], tmp_path: Path
) -> None:
    """Its process leads a group of its own, which Ctrl-C at a terminal does not reach, and is gone after it."""
    agent, tools = make("spawns")
    assert _interrupted(agent, tools, tmp_path, 1) == ["interrupted: interrupted; it may have run"]
    pid = int((tmp_path / "pid").read_text())
    children.see_out()
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with suppress(ProcessLookupError):
            os.killpg(pid, 0)
            time.sleep(0.005)
            continue
        return
    pytest.fail("the process outlived its call")


def test_what_a_finished_call_left_running_stays(make: Callable[..., tuple[Agent, LiveTools]]) -> None:
    """A server that one call starts for the next is the tool's business; other processes are not touched at all."""
    agent, tools = make("leaves")
    model, run = ScriptedModel(reply(call("leaves", "a")), reply(call("leaves", "b"), stop="end_turn")), Run()
    asyncio.run(drive(agent, run, model=model, tools=tools, hear=says("Go")))
    (answer,) = [entry.event for entry in run.entries if entry.event.kind == "tool_returned"][:1]
    children.end_all()
    pid = int(str(answer.content))  # type: ignore[union-attr]
    assert os.getpgid(pid) == pid
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    done = subprocess.run([sys.executable, "-c", "import os; print(os.getpgrp())"], capture_output=True, check=True)
    assert int(done.stdout) == os.getpgrp()


def test_a_reader_that_leaves_interrupts() -> None:
    """A run that nobody reads has not failed: it is interrupted, and a call kept from beginning is told as not run."""

    def left(entry: Entry) -> None:
        if entry.event.kind == "tool_called":
            raise BrokenPipeError

    agent, run = Agent("test", "1", "claude-sonnet-5-5", "", {"max_tokens": 100}, ()), Run()
    tools = ScriptedTools()
    model = ScriptedModel(reply(call("look", "a")))
    with pytest.raises(BrokenPipeError):
        asyncio.run(drive(agent, run, model=model, tools=tools, hear=says("Go"), sinks=[left]))
    assert run.ended is not None
    assert run.ended.reason == "interrupted"
    said = "not run: interrupted before it was finished"
    assert run.entries[-2].event == ToolReturned("a", "look", said, "not_run")
    assert tools.finished == []
