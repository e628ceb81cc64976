"""`Simulator`: the API on a real socket, answering from a script and refusing what the real one refuses.

One task serves one connection, one request at a time; what goes wrong on one is no matter to the others. It speaks
HTTP/1.1 and, given a certificate, TLS. It does not speak HTTP/2: the SDK's client never asks for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from types import TracebackType
from typing import Self

from agentctl.config.faults import Layer
from agentctl.simulator.api import Api, Served
from agentctl.simulator.faults.deliveries import alert
from agentctl.simulator.faults.plan import Plan
from agentctl.simulator.http import PIECE, Connection, Malformed
from agentctl.simulator.limits import Buckets
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
        tls: ssl.SSLContext | None = None,
        buckets: Buckets | None = None,
        on_served: Callable[[Served], None] | None = None,
    ) -> None:
        self._plan = Plan() if faults is None else faults
        self._api = Api(script, self._plan, on_served, buckets)
        self._tls = tls
        self._host, self._port = host, port
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def base_url(self) -> str:
        """Where it serves; only while it does."""
        assert self._server is not None, "the simulator is not running"
        host, port = self._server.sockets[0].getsockname()[:2]
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

    @property
    def served(self) -> list[Served]:
        """The transcript: a verdict on every request so far, in the order of the answers."""
        return self._api.served

    @property
    def accepted(self) -> list[Served]:
        """What was a request as it should be, and was worked on."""
        return [served for served in self.served if served.verdict == "accepted"]

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
            with contextlib.suppress(ConnectionError, ssl.SSLError, asyncio.CancelledError):
                await self._greet(reader, writer)
        finally:
            self._connections.discard(task)
            writer.close()

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Breaks a connection off if it is to be, else serves it. TLS reads for itself: nothing is awaited before."""
        connection = Connection(reader, writer)
        refused = self._plan.before(Layer.CONNECTION)
        if refused is None and self._tls is not None:
            failed = self._plan.before(Layer.HANDSHAKE)
            if failed is not None:
                await reader.read(PIECE)
                writer.write(alert(failed))
                refused = failed
            else:
                await writer.start_tls(self._tls)
        if refused is not None:
            await connection.reply(None, self._api.lost(refused))
        while await self._exchange(connection):
            pass

    async def _exchange(self, connection: Connection) -> bool:
        """Answers one request; whether another may follow on this connection."""
        try:
            head = await connection.head()
            if head is None:
                return False
            early = self._api.early(head, self._plan.before(Layer.HEAD))
            if early is None:
                request = await connection.whole(head)
        except Malformed as malformed:
            early = self._api.refuse(malformed)
        if early is not None:
            await connection.reply(None, early)
            await connection.linger()
            return False
        await connection.reply(request, self._api.answer(request))
        return request.keeps_alive
