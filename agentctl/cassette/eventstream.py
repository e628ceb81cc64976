"""Amazon's binary event stream, in which Bedrock sends a reply, as the server-sent events that it carries.

A frame is its length, the length of its headers, a checksum of these eight bytes, headers, payload and a checksum of
all (https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html, "Message format"). A chunk's payload
holds one event of the Messages API in base64; an exception's is an error. A last frame that is cut off is left out:
that the stream was not finished is then seen by what it carries.
"""

from __future__ import annotations

import base64
import binascii
import json
import struct
import zlib
from collections.abc import Iterator
from typing import Any, Final

from agentctl.agent.events import JsonObject
from agentctl.errors import CassetteError

PRELUDE: Final = struct.Struct(">III")
CHECKSUM: Final = struct.Struct(">I")
LEAST: Final = PRELUDE.size + CHECKSUM.size
FIRST: Final = b"\x00\x00"
"""How a frame begins whose length is below 64 KiB, and no text ever."""

TEXT: Final = 7
SIZES: Final = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a header's value, by its type; those of types 6 and 7 say their own length."""

ERRORS: Final = {
    "throttlingException": "rate_limit_error",
    "validationException": "invalid_request_error",
    "serviceUnavailableException": "overloaded_error",
    "modelTimeoutException": "timeout_error",
    "internalServerException": "api_error",
    "modelStreamErrorException": "api_error",
}
"""Bedrock's exceptions in the words of the Messages API."""


def is_event_stream(data: bytes) -> bool:
    """Whether these bytes begin with a frame."""
    return data.startswith(FIRST) and len(data) >= LEAST and _sound(data[: PRELUDE.size])


def as_sse(data: bytes) -> bytes:
    """The events in the frames.

    Raises:
        CassetteError: a frame is damaged.
    """
    return b"".join(_event(headers, payload) for headers, payload in _frames(data))


def _sound(prelude: bytes) -> bool:
    return CHECKSUM.pack(zlib.crc32(prelude[: -CHECKSUM.size])) == prelude[-CHECKSUM.size :]


def _frames(data: bytes) -> Iterator[tuple[dict[str, str], bytes]]:
    at = 0
    while len(data) - at >= LEAST:
        prelude = data[at : at + PRELUDE.size]
        total, size, _ = PRELUDE.unpack(prelude)
        frame = data[at : at + total]
        if not _sound(prelude) or total < LEAST + size:
            raise CassetteError("the event stream is damaged: a frame's length is not what its checksum says")
        if len(frame) < total:
            return
        if CHECKSUM.pack(zlib.crc32(frame[: -CHECKSUM.size])) != frame[-CHECKSUM.size :]:
            raise CassetteError("the event stream is damaged: a frame is not what its checksum says")
        begin = PRELUDE.size + size
        yield dict(_headers(frame[PRELUDE.size : begin])), frame[begin : -CHECKSUM.size]
        at += total


def _headers(data: bytes) -> Iterator[tuple[str, str]]:
    """The headers that are text."""
    at = 0
    while at < len(data):
        name = data[at + 1 : at + 1 + data[at]]
        at += 1 + data[at]
        kind = data[at] if at < len(data) else -1
        size = SIZES.get(kind)
        begin = at + 1
        if size is None:
            size, begin = int.from_bytes(data[begin : begin + 2]), begin + 2
        if kind == TEXT:
            yield name.decode("utf-8", "replace"), data[begin : begin + size].decode("utf-8", "replace")
        at = begin + size


def _event(headers: dict[str, str], payload: bytes) -> bytes:
    said = _json(payload)
    if headers.get(":message-type", "event") != "event":
        name = headers.get(":exception-type") or headers.get(":error-code") or "exception"
        message = said.get("message") or said.get("Message") or headers.get(":error-message") or name
        error = {"type": "error", "error": {"type": ERRORS.get(name, name), "message": str(message)}}
        return b"event: error\ndata: " + json.dumps(error).encode() + b"\n\n"
    try:
        inner = base64.b64decode(said.get("bytes") or "", validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise CassetteError("the event stream is damaged: a chunk of it is no base64") from None
    if not inner:
        return b""
    kind = str(_json(inner).get("type") or "completion")
    return b"event: " + kind.encode("utf-8", "replace") + b"\ndata: " + inner.replace(b"\n", b" ") + b"\n\n"


def _json(data: bytes) -> JsonObject:
    try:
        value: Any = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
