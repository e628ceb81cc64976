"""One recording of many requests: what one costs, reading the file included, as the file grows.

Makes a recording of N conversations of one turn each, reads it, and asks for all of them, last one first, through the
real wire and decoder. Prints CPU seconds a request.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from workload import MODEL, SYSTEM, TOOLS, build, message, sse

from agentctl.agent.ports import Request
from agentctl.cassette.file import read, write
from agentctl.cassette.play import RecordedWire
from agentctl.cassette.record import readable_body
from agentctl.cassette.tape import Cassette, Header, Interaction, Take
from agentctl.model.decode import decode

HEADERS = {"content-type": "text/event-stream"}


def requests(size: int) -> tuple[list[Request], list[bytes]]:
    """The requests and their replies."""
    prefix = {"model": MODEL, "max_tokens": 1024, "system": SYSTEM, "tools": TOOLS}
    cases = build(size)
    asked = [Request({**prefix, "messages": [{"role": "user", "content": case["input"]}]}) for case in cases]
    return asked, [sse(message(case, 2)) for case in cases]


async def replay(size: int, path: Path) -> float:
    """CPU seconds a request."""
    asked, replies = requests(size)
    interactions = tuple(
        Interaction("POST", "https://api.anthropic.com/v1/messages", readable_body(each.body), 200, HEADERS, reply)
        for each, reply in zip(asked, replies, strict=True)
    )
    take = Take(tuple(range(size)), seconds=(0.5,) * size)
    header = Header("bench", "large", "bench@1", "", {}, "2026-11-23T00:00:00Z", "agentctl", "memory", (take,))
    write(path, Cassette(interactions, header))
    began = time.process_time()
    wire = RecordedWire(read(path))
    for request in reversed(asked):
        await decode(await wire.send(request))
    return (time.process_time() - began) / size


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(asyncio.run(replay(int(sys.argv[1]), Path(folder) / "large.yaml")))
