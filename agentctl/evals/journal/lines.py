"""A file of whole lines: each is JSON that ends with its own checksum, so what a crash tore is seen and left out.

A line is in the operating system's hands when `add` returns, which is all that the death of a process can ask for; the
disk has it within `SYNCED` seconds, or at the end.
"""

from __future__ import annotations

import fcntl
import os
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import orjson

from agentctl.agent.events import JsonObject
from agentctl.config.unwritten import unwritten
from agentctl.errors import StoreError, UsageError

SYNCED: Final = 1.0
CHECK: Final = b',"crc32":'


class Lines:
    """The file, open for one process alone. `damaged` counts lines that were written and cannot be read."""

    def __init__(self, path: Path) -> None:
        """Opens the file, or makes it.

        Raises:
            StoreError: it cannot be opened.
            UsageError: another process has it.
        """
        self.path = path
        self.damaged = 0
        self._synced = time.monotonic()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise unwritten(path, error) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise UsageError(f"{path.stem} is still running in another process") from None

    def read(self) -> Iterator[tuple[slice, JsonObject]]:
        """Every whole line with its place. A torn last line is cut off: what is added stands behind a whole one."""
        whole = 0
        with os.fdopen(os.dup(self._file), "rb") as file:
            file.seek(0)
            for line in file:
                if not line.endswith(b"\n"):
                    os.ftruncate(self._file, whole)
                    return
                value, place = _checked(line), slice(whole, whole + len(line))
                whole += len(line)
                if value is None:
                    self.damaged += 1
                else:
                    yield place, value

    def at(self, place: slice) -> JsonObject:
        """The line that `read` found there."""
        value = _checked(os.pread(self._file, place.stop - place.start, place.start))
        assert value is not None, "the file is ours alone"
        return value

    def add(self, value: JsonObject) -> None:
        """One more line.

        Raises:
            StoreError: it cannot be written whole.
            TypeError: strict JSON cannot say the value.
        """
        body = orjson.dumps(value)
        line = b"%s%s%d}\n" % (body[:-1], CHECK, zlib.crc32(body))
        try:
            written = os.write(self._file, line)
            if written != len(line):
                raise StoreError(f"{self.path}: cannot be written: only {written} of {len(line)} bytes were")
            if time.monotonic() > self._synced + SYNCED:
                os.fsync(self._file)
                self._synced = time.monotonic()
        except OSError as error:
            raise unwritten(self.path, error) from None

    def close(self) -> None:
        """Has everything on the disk, and lets others have the file."""
        try:
            os.fsync(self._file)
        finally:
            os.close(self._file)


def _checked(line: bytes) -> JsonObject | None:
    """The value of a line; None when it is not as it was written."""
    body, _, check = line.rpartition(CHECK)
    body += b"}"
    if check != b"%d}\n" % zlib.crc32(body):
        return None
    value: JsonObject = msgspec.json.decode(body)
    return value
