"""`agentctl simulate`: the simulator as a server of its own, for other programs or a second terminal."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Final

import typer

from agentctl.cli import exits
from agentctl.cli.console import json_line, note
from agentctl.errors import AgentctlError, UsageError
from agentctl.simulator.script import load_script
from agentctl.simulator.server import Simulator

STOPPED_BY: Final = {signal.SIGINT: exits.INTERRUPTED, signal.SIGTERM: exits.TERMINATED}


def simulate(
    script: Annotated[
        Path | None, typer.Option("--script", help="Rules to answer from; without it every message is echoed.")
    ] = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print the address as JSON on stdout.")] = False,
) -> int:
    """Serve a local, scripted Messages API until Ctrl-C.

    Point any client at it with ANTHROPIC_BASE_URL and any key.
    """
    if script is not None and not script.is_file():
        raise UsageError(f"there is no file {script}", hint="agents keep theirs in prompts/<agent>/simulator.yaml")
    return asyncio.run(_serve(Simulator(load_script(script), host=host, port=port), as_json=json))


async def _serve(simulator: Simulator, *, as_json: bool) -> int:
    """Serves until a signal comes; returns its exit code."""
    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[int] = loop.create_future()

    def stop(code: int) -> None:
        if not stopped.done():
            stopped.set_result(code)

    for wanted, code in STOPPED_BY.items():
        loop.add_signal_handler(wanted, stop, code)
    async with AsyncExitStack() as stack:
        try:
            server = await stack.enter_async_context(simulator)
        except OSError as error:
            raise AgentctlError(
                f"cannot listen: {error.strerror or error}", hint="choose another --port or --host"
            ) from None
        if as_json:
            json_line({"base_url": server.base_url})
        note(f"simulated Messages API on {server.base_url} (no model answers here; Ctrl-C stops it)")
        note(f"use it with: ANTHROPIC_BASE_URL={server.base_url} ANTHROPIC_API_KEY=simulated agentctl ...")
        await stopped
    refused = sum(1 for served in simulator.served if served.error)
    note(f"{len(simulator.served)} requests answered, {refused} of them refused")
    return stopped.result()
