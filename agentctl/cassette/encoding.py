"""Bodies as a client reads them: compression is undone by what the bytes are, not by what a header claims.

Recorders store a body compressed or not and keep the `content-encoding` header either way, so a header that does not
fit the bytes is passed over. Work is bounded: a body that unpacks to more than `MAX_BODY` bytes is refused.
"""

from __future__ import annotations

import importlib
import zlib
from typing import Any, Final

from agentctl.errors import CassetteError

MAX_BODY: Final = 256 * 1024 * 1024
GZIP: Final = b"\x1f\x8b"
ZSTD: Final = b"\x28\xb5\x2f\xfd"
TEXT_STARTS: Final = (b"{", b"[", b'"', b"event:", b"data:", b":", b"<", b"id:", b"retry:")

DECOMPRESSORS: Final = {"br": ("brotli", "brotlicffi"), "zstd": ("compression.zstd", "zstandard", "pyzstd")}
"""Modules with a `decompress` function that can undo an encoding, when one happens to be installed."""


def decoded(stored: str | bytes, encoding: str) -> bytes:
    """The body's bytes with any compression undone; `encoding` is the `content-encoding` header or empty.

    Raises:
        CassetteError: the compression is not known here, or the body is damaged or too large.
    """
    data = stored if isinstance(stored, bytes) else _bytes_of(stored)
    if data.startswith(GZIP):
        return inflated(data, zlib.MAX_WBITS | 16)
    if encoding or data.startswith(ZSTD):
        return _undo(data, encoding.lower())
    return data


def inflated(data: bytes, wbits: int) -> bytes:
    """Deflate data unpacked, members concatenated. A last member without its end is taken as far as it goes.

    Raises:
        CassetteError: the data is damaged, or unpacks to more than `MAX_BODY` bytes.
    """
    pieces: list[bytes] = []
    room = MAX_BODY
    while data:
        member = zlib.decompressobj(wbits)
        try:
            piece = member.decompress(data, room)
        except zlib.error as error:
            raise CassetteError(f"a compressed body is damaged ({error})") from None
        room -= len(piece)
        if member.unconsumed_tail or room <= 0:
            raise CassetteError(f"a compressed body unpacks to more than {MAX_BODY >> 20} MiB")
        pieces.append(piece)
        data = member.unused_data if member.unused_data.startswith(GZIP) else b""
    return b"".join(pieces)


def _bytes_of(text: str) -> bytes:
    if text.startswith("\x1f"):  # compressed bytes written as one character each
        try:
            return text.encode("latin-1")
        except UnicodeEncodeError:
            raise CassetteError("a compressed body was stored as text, and bytes of it are lost") from None
    return text.encode("utf-8", "surrogatepass")


def _undo(data: bytes, encoding: str) -> bytes:
    if data.startswith(ZSTD):
        return _with_module(data, "zstd")
    if not data or data.lstrip().startswith(TEXT_STARTS):
        return data
    if "deflate" in encoding:
        wbits = zlib.MAX_WBITS if _has_zlib_header(data) else -zlib.MAX_WBITS
        return inflated(data, wbits)
    if "br" in encoding:
        return _with_module(data, "br")
    return data


def _has_zlib_header(data: bytes) -> bool:
    return data[0] & 0x0F == 8 and int.from_bytes(data[:2]) % 31 == 0  # noqa: PLR2004  RFC 1950, section 2.2


def _with_module(data: bytes, encoding: str) -> bytes:
    for name in DECOMPRESSORS[encoding]:
        try:
            module: Any = importlib.import_module(name)
        except ImportError:
            continue
        try:
            unpacked: bytes = module.decompress(data)
        except Exception as error:  # noqa: BLE001  each library raises its own
            raise CassetteError(f"a body compressed with {encoding} is damaged ({error})") from None
        return unpacked
    names = " or ".join(DECOMPRESSORS[encoding])
    raise CassetteError(f"a body is compressed with {encoding}", hint=f"install {names}, or record it uncompressed")
