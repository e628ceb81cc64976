"""`Simulator`: the API on a real socket, answering from a script and refusing what the real one refuses.

One task serves one connection, one request at a time; what goes wrong on one is no matter to the others.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import Self

from agentctl.simulator.api import Api, Served
from agentctl.simulator.faults.plan import Plan
from agentctl.simulator.http import Connection, Malformed
from agentctl.simulator.script import Script


class Simulator:
    """`async with Simulator(script) as server:` serves on `server.base_url` until the block ends."""

    def __init__(
        self,
        script: Script,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        faults: Plan | None = None,
        on_served: Callable[[Served], None] | None = None,
    ) -> None:
        self._api = Api(script, faults, on_served)
        self._host, self._port = host, port
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def base_url(self) -> str:
        """Where it serves; only while it does."""
        assert self._server is not None, "the simulator is not running"
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def served(self) -> list[Served]:
        """The transcript: a verdict on every request so far, in the order of the answers."""
        return self._api.served

    @property
    def billed(self) -> list[Served]:
        """What a client pays for: every message that was made, whether or not it arrived."""
        return [served for served in self.served if served.usage is not None]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, self._host, self._port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await self._converse(Connection(reader, writer))
        finally:
            self._connections.discard(task)
            writer.close()

    async def _converse(self, connection: Connection) -> None:
        """Answers request after request on one connection."""
        while True:
            try:
                request = await connection.request()
            except Malformed as malformed:
                await connection.reply(None, self._api.refuse(malformed))
                await connection.linger()
                return
            if request is None:
                return
            await connection.reply(request, self._api.answer(request))
            if not request.keeps_alive:
                return
