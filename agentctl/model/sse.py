"""Server-sent events: bytes in, (event name, data) out, the same whatever the chunking.

The grammar is the WHATWG HTML standard's, section 9.2 ("Server-sent events"): lines end with LF, CRLF or CR, a blank
line dispatches, several `data` lines join with LF, an event cut off by the end of the stream is dropped.
"""

from __future__ import annotations

import re

from agentctl.errors import ProtocolError

MAX_EVENT_BYTES = 64 * 1024 * 1024
"""A single event larger than this is no Messages API event; the API's own request cap is half of it."""

AS_THE_API_WRITES = re.compile(rb"^event: ([^\n]*)\ndata: ([^\n]*)\n\n", re.MULTILINE)
"""The one layout the API uses; a chunk of whole events in it, such as a recording, is split in one go."""

BOM = b"\xef\xbb\xbf"


class SseParser:
    """Splits a stream into events. Work is linear in the bytes fed, down to one byte a chunk."""

    def __init__(self) -> None:
        self._pending: list[bytes] = []
        """What no blank line has dispatched yet, its line ends made LF: a piece is joined only when one has come."""
        self._size = 0
        self._after_cr = False
        self._after_line = False
        self._started = False

    def feed(self, chunk: bytes) -> list[tuple[bytes, bytes]]:
        """The events that `chunk` completes, in order.

        Raises:
            ProtocolError: one event exceeds `MAX_EVENT_BYTES`.
        """
        chunk = self._with_lf(chunk)
        if not chunk:
            return []
        self._pending.append(chunk)
        self._size += len(chunk)
        blank = b"\n\n" in chunk or (self._after_line and chunk.startswith(b"\n"))
        self._after_line = chunk.endswith(b"\n")
        if not blank:
            if self._size > MAX_EVENT_BYTES:
                raise ProtocolError(f"an event of more than {MAX_EVENT_BYTES} bytes", type="protocol_error")
            return []
        text = self._text()
        end = text.rfind(b"\n\n") + 2
        whole, rest = text[:end], text[end:]
        self._pending, self._size = [rest], len(rest)
        found = AS_THE_API_WRITES.findall(whole)
        if len(found) * 3 == whole.count(b"\n"):  # no line but those of the events found
            return found
        return [event for block in whole.split(b"\n\n") if block and (event := _event(block)) is not None]

    def close(self) -> list[tuple[bytes, bytes]]:
        """What stands after the last blank line: the standard drops it, files that lost their last line end need it.

        It may be cut anywhere, so the caller uses it only when it is whole by its own grammar.
        """
        event = _event(self._text())
        self._pending, self._size = [], 0
        return [] if event is None else [event]

    def _with_lf(self, chunk: bytes) -> bytes:
        """The chunk with every line end as LF; of a CRLF that two chunks share, the LF is dropped."""
        if b"\r" not in chunk and not self._after_cr:
            return chunk
        if self._after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        self._after_cr = self._after_cr or chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _text(self) -> bytes:
        """What waits, in one piece; the mark some writers put before the first byte of a stream is taken off."""
        text = b"".join(self._pending)
        if not self._started:
            self._started = True
            text = text.removeprefix(BOM)
        return text


def _event(block: bytes) -> tuple[bytes, bytes] | None:
    """One dispatched event; None for a block without data (comments, a stray blank line)."""
    name = b""
    data: list[bytes] = []
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.removeprefix(b" ")
    if not data:
        return None
    return name, data[0] if len(data) == 1 else b"\n".join(data)
