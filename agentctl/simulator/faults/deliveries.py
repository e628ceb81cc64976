"""The bytes of a reply, bent: late, slow, cut, garbled, or never coming. What a client sees is what a network does.

A connection that was broken on purpose ends with ConnectionAbortedError, which the server takes for a client that left.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import struct
from collections.abc import Iterator
from itertools import chain
from typing import ClassVar, Final, NoReturn

from agentctl.config.faults import Fault
from agentctl.simulator.http import Delivery, HttpReply, head_bytes

RESET_AFTER: Final = 0.05
"""Seconds in which a client can read what came before a reset: the reset throws away what it has not read."""

ABORT: Final = struct.pack("ii", 1, 0)
"""Linger for no time: closing such a socket resets the connection."""

LENGTH: Final = re.compile(rb"content-length: \d+")
END: Final = b"0\r\n\r\n"
MORE_THAN_SENT: Final = b"fff\r\nevent: content_block_delta\n"


def unanswered(fault: Fault) -> HttpReply:
    """In the place of a reply: a connection that ends before one."""
    return HttpReply(0, {}, b"", delivery=Bent(fault))


def alert(fault: Fault) -> bytes:
    """The record that refuses a TLS handshake (RFC 8446, section 6): fatal, and why."""
    why = ssl.AlertDescription[f"ALERT_DESCRIPTION_{fault.values['alert'].upper()}"]
    return bytes([21, 3, 3, 0, 2, 2, why])


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
            case "interim":
                head = head_bytes(self.fault.values["status"], {"link": "</v1/models>; rel=preload"})
                await super().send(writer, chain([head] * self.fault.values["times"], pieces))
            case "wrong-length":
                await super().send(writer, (self._mislabelled(piece) for piece in pieces))
                _abort(writer)
            case "refuse":
                _reset(writer)
            case "drop" | "tls":
                _abort(writer)
            case "hang-up":
                await super().send(writer, pieces)
                _abort(writer)
            case _:
                await self._begin(writer, pieces)
                await self._break(writer)

    def _mislabelled(self, piece: bytes) -> bytes:
        """The reply under a length that is not its own."""
        head, gap, body = piece.partition(b"\r\n\r\n")
        by = -self.fault.values["less"] or self.fault.values["more"]
        wrong = b"content-length: %d" % max(len(body) + by, 0)
        return LENGTH.sub(wrong, head, count=1) + gap + body

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
                _reset(writer)
            case "short-chunk":
                writer.write(MORE_THAN_SENT)
            case "bad-chunk":
                writer.write(b"size\r\n\r\n")
            case "cut-gzip":
                writer.write(END)
        _abort(writer)


def _reset(writer: asyncio.StreamWriter) -> NoReturn:
    """Ends the connection with a reset, which throws away what the client has not read."""
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
    writer.transport.abort()
    raise ConnectionAbortedError


def _abort(writer: asyncio.StreamWriter) -> NoReturn:
    """Closes the connection after what was written."""
    writer.close()
    raise ConnectionAbortedError
