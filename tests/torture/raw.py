"""A server of raw sockets that breaks the protocol as it is told, and keeps what it was asked: one act per request.

It shares no code with agentctl or its simulator: every byte of a reply is written here, so that a misreading of the
protocol in one of them cannot be repeated in the other.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

Act = Callable[["Talk"], None]
"""What is done about one request; the connection is closed behind it."""

HANDSHAKE: Final = b"\x16\x03"
STEP: Final = 0.02
"""Seconds between two looks at whether the server is to stop."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came, and when (monotonic seconds)."""

    line: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The conversation that was sent."""
        found: list[dict[str, Any]] = json.loads(self.body)["messages"]
        return found


class Talk:
    """One connection, after its request has been read."""

    def __init__(self, line: socket.socket, over: threading.Event) -> None:
        self.line, self._over = line, over

    def say(self, *pieces: bytes) -> None:
        """Sends the pieces, each in a packet of its own where the kernel allows."""
        for piece in pieces:
            self.line.sendall(piece)

    def nap(self, seconds: float) -> bool:
        """Waits; False when the client hung up or the server is to stop before."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._over.is_set() or self._hung_up():
                return False
            time.sleep(min(left, STEP))
        return True

    def reset(self) -> None:
        """Ends the connection with RST instead of FIN."""
        self.line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _hung_up(self) -> bool:
        try:
            return self.line.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True


@dataclass(slots=True)
class Raw:
    """`with Raw(acts) as server:` answers the n-th request with the n-th act; the last one serves all that follow."""

    acts: Sequence[Act]
    hasty: bool = False
    """Whether it acts on the head of a request, and leaves the rest unread."""
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    broken: list[str] = field(default_factory=list)
    """What went wrong in an act itself: a scenario that was not played is no proof."""

    def __post_init__(self) -> None:
        self._lock, self._over = threading.Lock(), threading.Event()

    _lock: threading.Lock = field(init=False)
    _over: threading.Event = field(init=False)
    _door: socket.socket = field(init=False)

    def __enter__(self) -> Self:
        self._door = socket.create_server(("127.0.0.1", 0), backlog=512)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._door.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """What a client is pointed at."""
        return f"http://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                line, _ = self._door.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with line:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                asked = _read(line, hasty=self.hasty)
                if asked is None:
                    return
                with self._lock:
                    self.asked.append(asked)
                    act = self.acts[min(len(self.asked), len(self.acts)) - 1]
                act(Talk(line, self._over))
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_WR)
                    while self.hasty and line.recv(1 << 20):  # what is unread at a close would take the reply with it
                        pass
            except OSError:
                pass  # the client has left: many scenarios want it to
            except Exception as error:  # noqa: BLE001  told to whoever judges
                self.broken.append(f"{type(error).__name__}: {error}")


def _read(line: socket.socket, *, hasty: bool) -> Asked | None:
    """One request; None when the client hangs up before it is whole."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = line.recv(65536)
        if not piece:
            return None
        data += piece
        if data.startswith(HANDSHAKE):  # what servers say who are asked for TLS and have none
            line.sendall(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
            return None
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)}
    size = int(headers.get("content-length", "0"))
    while len(body) < size and not hasty:
        piece = line.recv(1 << 20)
        if not piece:
            return None
        body += piece
    return Asked(first, headers, body, time.monotonic())


# What replies are made of.


def head(status: str = "200 OK", *lines: str, version: str = "HTTP/1.1") -> bytes:
    """A status line and header lines, as they are given."""
    return "\r\n".join([f"{version} {status}", *lines, "", ""]).encode("latin-1")


STREAM: Final = ("content-type: text/event-stream", "request-id: req_raw", "connection: close")
CHUNKED: Final = (*STREAM, "transfer-encoding: chunked")
JSON: Final = ("content-type: application/json", "request-id: req_raw", "connection: close")


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body; an empty one ends it."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def whole(body: bytes, status: str = "200 OK", *lines: str) -> Act:
    """A reply with a true content-length."""
    given = lines or JSON

    def act(talk: Talk) -> None:
        talk.say(head(status, *given, f"content-length: {len(body)}"), body)

    return act


def says(*pieces: bytes) -> Act:
    """Exactly these bytes, then the end of the connection."""
    return lambda talk: talk.say(*pieces)


def streams(*pieces: bytes) -> Act:
    """An event stream of these pieces, chunked and ended as HTTP wants it."""
    return says(head("200 OK", *CHUNKED), *(chunk(piece) for piece in pieces if piece), chunk(b""))


def then(*acts: Act) -> Act:
    """One after the other, on one connection."""

    def act(talk: Talk) -> None:
        for each in acts:
            each(talk)

    return act


def hangs(seconds: float = 30.0) -> Act:
    """Says nothing until the client leaves."""

    def act(talk: Talk) -> None:
        talk.nap(seconds)

    return act


def failure(status: str, kind: str, text: str = "no", *lines: str, **detail: Any) -> Act:
    """An error reply in the shape of the API."""
    body = json.dumps({"type": "error", "error": {"type": kind, "message": text, **detail}, "request_id": "req_raw"})
    return whole(body.encode(), status, *JSON, *lines)


def event(data: Mapping[str, Any], name: str | None = None) -> bytes:
    """One server-sent event."""
    return f"event: {name or data['type']}\ndata: {json.dumps(data)}\n\n".encode()


def start(**message: Any) -> bytes:
    """The start of a message."""
    usage = {"input_tokens": 11, "output_tokens": 1}
    given = {"id": "msg_raw", "type": "message", "role": "assistant", "model": "claude-sonnet-5-5", "content": []}
    base = {**given, "stop_reason": None, "stop_sequence": None, "usage": usage}
    return event({"type": "message_start", "message": {**base, **message}})


def opened(index: int, **block: Any) -> bytes:
    """The start of a block."""
    return event({"type": "content_block_start", "index": index, "content_block": block})


def grows(index: int, **delta: Any) -> bytes:
    """A delta of a block."""
    return event({"type": "content_block_delta", "index": index, "delta": delta})


def closed(index: int) -> bytes:
    """The end of a block."""
    return event({"type": "content_block_stop", "index": index})


def text(index: int, said: str) -> bytes:
    """A whole block of text."""
    return opened(index, type="text", text="") + grows(index, type="text_delta", text=said) + closed(index)


def use(
    index: int, given: str = '{"id": "ORD-1"}', *, name: str = "mark", id: str = "toolu_raw", end: bool = True
) -> bytes:
    """A block that asks for a tool, its input as this text; without its end where `end` is False."""
    half = len(given) // 2
    pieces = [grows(index, type="input_json_delta", partial_json=part) for part in (given[:half], given[half:])]
    began = opened(index, type="tool_use", id=id, name=name, input={})
    return began + b"".join(pieces) + (closed(index) if end else b"")


def ends(reason: str | None = "end_turn", **more: Any) -> bytes:
    """The last two events of a message."""
    delta = {"stop_reason": reason, "stop_sequence": None, **more}
    return event({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 7}}) + STOP


PING: Final = event({"type": "ping"})
STOP: Final = event({"type": "message_stop"})
FINE: Final = start() + text(0, "All is well.") + ends()
ASKS: Final = start() + text(0, "I look.") + use(1) + ends("tool_use")
OK: Final = streams(FINE)
TOOL: Final = streams(ASKS)
