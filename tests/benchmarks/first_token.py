"""The first token with and without a recorder between the wire and the loop, in turn, over a real socket.

Prints seconds from sending to the first piece of text: a JSON list for each of the two.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from workload import MODEL, SYSTEM, TOOLS

from agentctl.agent.ports import Request, Wire
from agentctl.agent.spec import Provider
from agentctl.cassette.record import RecordingWire, Tape
from agentctl.model.claude import ClaudeWire
from agentctl.model.client import WireModel
from agentctl.simulator.script import load_script
from agentctl.simulator.server import Simulator

BODY = {"model": MODEL, "max_tokens": 1024, "system": SYSTEM, "tools": TOOLS, "stream": True}


async def first_token(wire: Wire, number: int) -> float:
    """Seconds until the first piece of text of one reply, which is read to its end."""
    arrived: list[float] = []
    said = {"role": "user", "content": f"Say something long about order {number}. " * 40}
    began = time.perf_counter()
    await WireModel(wire).ask(
        Request({**BODY, "messages": [said]}),
        on_failure=print,
        on_delta=lambda _kind, _piece: arrived.append(time.perf_counter()),
    )
    return arrived[0] - began


async def main(rounds: int) -> None:
    """Both, in turn."""
    found: dict[str, list[float]] = {"plain": [], "recorded": []}
    async with Simulator(load_script(None)) as simulator:
        wire = ClaudeWire(Provider(base_url=simulator.base_url), api_key="simulated")
        try:
            await first_token(wire, 0)
            for number in range(1, rounds + 1):
                found["plain"].append(await first_token(wire, number))
                found["recorded"].append(await first_token(RecordingWire(wire, Tape()), number))
        finally:
            await wire.aclose()
    print(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
