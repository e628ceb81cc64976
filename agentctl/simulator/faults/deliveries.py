"""The bytes of a reply, bent: late, slow, cut, garbled, or never coming. What a client sees is what a network does.

A connection that was broken on purpose ends with ConnectionAbortedError, which the server takes for a client that left.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterator
from typing import ClassVar, Final, NoReturn

from agentctl.config.faults import Fault
from agentctl.simulator.http import Delivery

RESET_AFTER: Final = 0.05
"""Seconds in which a client can read what came before a reset: the reset throws away what it has not read."""

ABORT: Final = struct.pack("ii", 1, 0)
"""Linger for no time: closing such a socket resets the connection."""

END: Final = b"0\r\n\r\n"
MORE_THAN_SENT: Final = b"fff\r\nevent: content_block_delta\n"


class Bent(Delivery):
    """Delivers with this fault; `whole` is how many pieces are sent as they are, the head being the first."""

    watches: ClassVar[bool] = True

    def __init__(self, fault: Fault, whole: int = 0) -> None:
        self.fault, self.whole = fault, whole

    async def send(self, writer: asyncio.StreamWriter, pieces: Iterator[bytes]) -> None:
        """Puts on the wire what the fault leaves of the reply.

        Raises:
            ConnectionAbortedError: the fault broke the connection.
        """
        match self.fault.kind:
            case "slow" | "pings":
                seconds = self.fault.values["seconds" if self.fault.kind == "slow" else "every"]
                await self._slowly(writer, pieces, seconds)
            case "trickle":
                step = max(self.fault.values["bytes"], 1)
                parts = (piece[at : at + step] for piece in pieces for at in range(0, len(piece), step))
                await self._slowly(writer, parts, self.fault.values["every"])
            case "latency":
                await super().send(writer, pieces)
            case "hang-up":
                await super().send(writer, pieces)
                _abort(writer)
            case _:
                await self._begin(writer, pieces)
                await self._break(writer)

    async def _slowly(self, writer: asyncio.StreamWriter, pieces: Iterator[bytes], seconds: float) -> None:
        for piece in pieces:
            await asyncio.sleep(seconds)
            writer.write(piece)
            await writer.drain()

    async def _begin(self, writer: asyncio.StreamWriter, pieces: Iterator[bytes]) -> None:
        """What comes before the break. A reply that is one piece breaks in its middle."""
        for index, piece in enumerate(pieces):
            if self.whole == 0 and index == 0:
                writer.write(piece[: len(piece) - len(piece) // 4])
            if index >= self.whole:
                break
            writer.write(piece)
            await writer.drain()

    async def _break(self, writer: asyncio.StreamWriter) -> None:
        match self.fault.kind:
            case "stall":
                await asyncio.Event().wait()  # until the client has gone, or the server
            case "rst":
                await asyncio.sleep(RESET_AFTER)
                connection: socket.socket = writer.get_extra_info("socket")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
                writer.transport.abort()
                raise ConnectionAbortedError(str(self.fault))
            case "short-chunk":
                writer.write(MORE_THAN_SENT)
            case "bad-chunk":
                writer.write(b"size\r\n\r\n")
            case "cut-gzip":
                writer.write(END)
        _abort(writer)


def _abort(writer: asyncio.StreamWriter) -> NoReturn:
    """Closes the connection after what was written."""
    writer.close()
    raise ConnectionAbortedError
