"""A file that is written here is whole or not there: it appears under its name in one step."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from agentctl.config.unwritten import unwritten

AT_ONCE: Final = 1 << 18
"""Bytes that go to the system together."""


def write_whole(path: Path, data: bytes) -> None:
    """Puts `data` at `path`, making folders as needed.

    Raises:
        StoreError: it cannot be written.
    """
    write_pieces(path, (data,))


def write_pieces(path: Path, pieces: Iterable[bytes]) -> None:
    """Puts these bytes at `path`, one piece after the other, making folders as needed.

    Raises:
        StoreError: it cannot be written.
    """
    scratch = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with scratch.open("wb", buffering=AT_ONCE) as file:
                file.writelines(pieces)
            scratch.replace(path)
        finally:
            scratch.unlink(missing_ok=True)
    except OSError as error:
        raise unwritten(path, error) from None
