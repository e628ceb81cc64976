"""Tools that misbehave in every way their authors have found; a copy of this file is a project's `handlers.py`.

`chaos` decides by the `mood` it is given. What would end the process for good (a signal to itself) is not in here.
"""

from __future__ import annotations

import asyncio
import decimal
import os
import random
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentctl import ToolContext, ToolFailure

LARGE = 100 * 1024 * 1024
SLEEP = 0.2


class Silent(Exception):
    """Has no text."""

    def __str__(self) -> str:
        raise RuntimeError("no text for you")


class Odd:
    """Is not JSON, and lies about it."""

    def __repr__(self) -> str:
        raise ValueError("no repr")

    def model_dump(self, **_given: Any) -> Any:
        """Raises."""
        raise KeyError("model_dump")


class Liar:
    """Dumps itself as something that is no JSON either."""

    def model_dump(self, **_given: Any) -> Any:
        """Itself."""
        return {"self": self}


@dataclass
class Plain:
    """A dataclass is fine."""

    a: int = 1


def _cycle() -> Any:
    made: list[Any] = []
    made.append(made)
    return made


def _cycle_of_mappings() -> Any:
    made: dict[str, Any] = {}
    made["x"] = {"y": made}
    return made


def _deep(levels: int) -> Any:
    made: Any = "x"
    for _ in range(levels):
        made = [made]
    return made


def _recurses() -> Any:
    return _recurses()


def _forks() -> str:
    """A child that ends by itself, as multiprocessing makes it."""
    pid = os.fork()
    if pid == 0:
        os._exit(3)
    os.waitpid(pid, 0)
    return "forked"


def _killed() -> str:
    """The program behind the tool is killed."""
    done = subprocess.run(["/bin/sh", "-c", "kill -9 $$"], check=False, capture_output=True)
    return f"killed: {done.returncode}"


def _killed_loudly() -> str:
    done = subprocess.run(["/bin/sh", "-c", "kill -9 $$"], check=True, capture_output=True)
    return str(done)


def _raises(error: BaseException) -> Any:
    raise error


def _generates() -> Any:
    yield 1


def _threads() -> str:
    threading.Thread(target=time.sleep, args=(SLEEP,), daemon=True).start()
    return "thread"


def _changes_directory() -> str:
    here = Path.cwd()
    os.chdir(here)
    return str(here)


async def _awaitable() -> str:
    return "awaited"


async def _cancels() -> str:
    raise asyncio.CancelledError("I cancel myself")


MOODS: dict[str, Any] = {
    "text": lambda: "fine",
    "empty": lambda: "",
    "none": lambda: None,
    "number": lambda: 7,
    "dataclass": Plain,
    "ansi": lambda: "\x1b[31mred\x1b]0;owned\x07\x9b2J\u202eevil\r\n\x00",
    "half": lambda: "half \ud83d",
    "halves": lambda: {"\ud83d": ["\udc00"]},
    "bytes": lambda: b"\x00\xff\xfe",
    "bytearray": lambda: bytearray(b"x"),
    "memoryview": lambda: memoryview(b"x"),
    "nan": lambda: float("nan"),
    "infinity": lambda: {"x": [float("inf"), -float("inf")]},
    "huge number": lambda: 10**400,
    "long number": lambda: {"n": 2**64},
    "decimal": lambda: decimal.Decimal("1.10"),
    "set": lambda: {1, 2},
    "tuple": lambda: (1, 2),
    "keys": lambda: {1: "a", (2,): "b", None: "c"},
    "complex": lambda: 1j,
    "function": lambda: len,
    "class": lambda: Plain,
    "generator": _generates,
    "iterator": lambda: iter([1]),
    "awaitable": _awaitable,
    "cancels": _cancels,
    "odd": Odd,
    "liar": Liar,
    "cycle": _cycle,
    "cycle of mappings": _cycle_of_mappings,
    "deep": lambda: _deep(200),
    "deeper": lambda: _deep(300),
    "deepest": lambda: _deep(50_000),
    "recursion": _recurses,
    "large": lambda: "x" * LARGE,
    "large list": lambda: [0] * 3_000_000,
    "blocks": lambda: [{"type": "text", "text": "block"}],
    "empty block": lambda: [{"type": "text", "text": ""}],
    "odd block": lambda: [{"type": "text", "text": 7}],
    "image without a source": lambda: [{"type": "image", "source": "x"}],
    "unknown block": lambda: [{"type": "tool_use", "id": "toolu_1", "name": "x", "input": {}}],
    "half block": lambda: [{"type": "text", "text": "\ud83d"}],
    "blocks and more": lambda: [{"type": "text", "text": "a"}, 1],
    "failure": lambda: _raises(ToolFailure("no such order")),
    "error": lambda: _raises(ValueError("bad")),
    "long error": lambda: _raises(ValueError("x" * 1_000_000)),
    "half error": lambda: _raises(ValueError("\ud83d")),
    "silent": lambda: _raises(Silent()),
    "group": lambda: _raises(ExceptionGroup("many", [ValueError("a"), TypeError("b")])),
    "base": lambda: _raises(BaseException("base")),
    "exit": lambda: sys.exit(3),
    "exit in words": lambda: _raises(SystemExit("bye")),
    "interrupt": lambda: _raises(KeyboardInterrupt()),
    "stop": lambda: _raises(StopIteration(1)),
    "stop async": lambda: _raises(StopAsyncIteration()),
    "generator exit": lambda: _raises(GeneratorExit()),
    "timeout": lambda: _raises(TimeoutError("mine")),
    "cancelled": lambda: _raises(asyncio.CancelledError()),
    "memory": lambda: _raises(MemoryError()),
    "unpickled": lambda: _raises(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad")),
    "assertion": lambda: _raises(AssertionError()),
    "system": lambda: _raises(OSError(28, "No space left on device")),
    "sleeps": lambda: time.sleep(SLEEP),
    "forks": _forks,
    "killed": _killed,
    "killed loudly": _killed_loudly,
    "threads": _threads,
    "changes directory": _changes_directory,
    "random": random.random,
}


def chaos(mood: str, context: ToolContext) -> Any:
    """What the mood says, in a thread."""
    assert context.workspace
    return MOODS[mood]()


async def chaos_async(mood: str) -> Any:
    """What the mood says, on the loop; what would hold the loop up waits on it instead."""
    if mood == "sleeps":
        await asyncio.sleep(60)
    return MOODS[mood]()


def noted(**given: Any) -> str:
    """Says that it ran."""
    return f"ran with {len(given)}"
