"""Server-sent events: bytes in, (event name, data) out, the same whatever the chunking.

The grammar is the WHATWG HTML standard's, section 9.2 ("Server-sent events"): lines end with LF, CRLF or CR, a blank
line dispatches, several `data` lines join with LF, an event cut off by the end of the stream is dropped.
"""

from __future__ import annotations

import re

from agentctl.errors import ProtocolError

MAX_EVENT_BYTES = 64 * 1024 * 1024
"""A single event larger than this is no Messages API event; the API's own request cap is half of it."""

AS_THE_API_WRITES = re.compile(rb"^event: ([^\r\n]*)\ndata: ([^\r\n]*)\n\n", re.MULTILINE)
"""The one layout the API uses; a chunk of whole events in it, such as a recording, is split in one go."""

BOM = b"\xef\xbb\xbf"


class SseParser:
    """Splits a stream into events. Work is linear in the bytes fed, down to one byte a chunk."""

    def __init__(self) -> None:
        self._pending: list[bytes] = []
        self._size = 0
        self._started = False

    def feed(self, chunk: bytes) -> list[tuple[bytes, bytes]]:
        """The events that `chunk` completes, in order.

        Raises:
            ProtocolError: one event exceeds `MAX_EVENT_BYTES`.
        """
        self._pending.append(chunk)
        self._size += len(chunk)
        if b"\n" not in chunk and b"\r" not in chunk:  # nothing can have been completed: do not join what waits
            if self._size > MAX_EVENT_BYTES:
                raise ProtocolError(f"an event of more than {MAX_EVENT_BYTES} bytes", type="protocol_error")
            return []
        text = b"".join(self._pending)
        found = AS_THE_API_WRITES.findall(text)
        if len(found) * 3 == text.count(b"\n") and text.endswith(b"\n\n"):  # no line but those of the events found
            self._pending, self._size, self._started = [], 0, True
            return found
        held = b""
        if b"\r" in text:
            if text.endswith(b"\r"):  # its LF may be in the next chunk
                text, held = text[:-1], b"\r"
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if not self._started and text:
            self._started = True
            text = text.removeprefix(BOM)
        *blocks, rest = text.split(b"\n\n")
        self._pending = [rest, held] if held else [rest]
        self._size = len(rest) + len(held)
        return [event for block in blocks if (event := _event(block)) is not None]

    def close(self) -> list[tuple[bytes, bytes]]:
        """What stands after the last blank line: the standard drops it, files that lost their last line end need it.

        It may be cut anywhere, so the caller uses it only when it is whole by its own grammar.
        """
        text = b"".join(self._pending).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        self._pending = []
        event = _event(text)
        return [] if event is None else [event]


def _event(block: bytes) -> tuple[bytes, bytes] | None:
    """One dispatched event; None for a block without data (comments, a stray blank line)."""
    name = b""
    data: list[bytes] = []
    for line in block.split(b"\n"):
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        elif line.startswith(b"event:"):
            name = line[6:].removeprefix(b" ")
    if not data:
        return None
    return name, data[0] if len(data) == 1 else b"\n".join(data)
