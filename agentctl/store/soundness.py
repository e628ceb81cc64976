"""What is read is what was stored: every entry carries a checksum, and a damaged log is told before it is thrown away.

SQLite looks at its write-ahead log up to the first frame that is not whole, and takes the rest for the leftovers of a
transaction that was never finished. So it is after a loss of power, where the last transaction may be torn. But when
finished transactions follow behind, the log was damaged, and runs or the ends of runs would be gone in silence.
(The log's format: https://www.sqlite.org/fileformat2.html#walformat)
"""

from __future__ import annotations

import shutil
import sqlite3
import struct
import zlib
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO, Final

from agentctl.errors import StoreError

LOG: Final = struct.Struct(">8I")
"""Magic number, version, page size, checkpoints, two salts, two checksums."""
FRAME: Final = struct.Struct(">6I")
"""Page, pages after a commit or 0, two salts, two checksums."""
MAGIC: Final = (0x377F0682, 0x377F0683)
MOST_PAGE: Final = 65536
WORD: Final = 0xFFFFFFFF
TORN: Final = 1
"""Finished transactions that may stand behind the whole part of a sound log: the one that somebody is writing now, or
was when they were killed, or whose end the loss of power has taken."""
LOOKS: Final = 3


def checksum(*values: Any) -> int:
    """The checksum of a row: of its columns, as SQLite hands them out again."""
    return zlib.crc32(repr(values).encode("utf-8", "surrogatepass"))


def intact(crc: int | None, *values: Any) -> Any:
    """The last of the values, if the row is what was stored. A function of SQL; older rows have no checksum.

    Raises:
        ValueError: it is not.
    """
    if crc is not None and crc != checksum(*values):
        message = "the row is not what was stored"
        raise ValueError(message)
    return values[-1]


def check_log(connection: sqlite3.Connection, path: Path) -> None:
    """Looks whether SQLite passes over a part of its log that was whole once. The connection has read, not written.

    Most often there is no log: the last process that closes the database takes it away. The index beside it is never
    opened here: to close it would give up the locks that SQLite has on it (POSIX gives up all of a process's at once).

    Raises:
        StoreError: it does; the damaged log is kept beside it, and what could be read of it is there from now on.
    """
    log = path.with_name(f"{path.name}-wal")
    if not log.exists():
        return
    for _ in range(LOOKS):
        before = _commits(connection)
        if not _is_damaged(connection, log):
            return
        if _is_damaged(connection, log) and _commits(connection) == before:
            break  # nobody else finished a transaction meanwhile, which would look the same
    else:
        return
    kept = path.with_name(f"{log.name}.damaged")
    with suppress(OSError):
        shutil.copyfile(log, kept)
    raise StoreError(
        f"the run store {path} has a damaged log: what was last stored is missing",
        hint=f"the runs are there as far as they are whole: look at them; {kept.name} keeps the damaged log",
    )


def _commits(connection: sqlite3.Connection) -> int:
    """A number that is another one after each commit of somebody else's."""
    number: int = connection.execute("pragma data_version").fetchone()[0]
    return number


def _is_damaged(connection: sqlite3.Connection, log: Path) -> bool:
    try:
        _, frames, _ = connection.execute("pragma wal_checkpoint(passive)").fetchone()
        with log.open("rb") as file:
            start = file.read(LOG.size)
            if frames < 0 or len(start) < LOG.size:
                return False
            magic, _, page, _, *salts, first, second = LOG.unpack(start)
            if magic not in MAGIC or _sums(start[: LOG.size - 8]) != (first, second):
                return bool(file.read(FRAME.size).strip(b"\0"))
            return _finished(file, page, tuple(salts), frames) > TORN
    except (OSError, sqlite3.OperationalError):
        return False


def _sums(words: bytes) -> tuple[int, int]:
    """The log's checksum of these bytes; the magic number, which comes first, says in which byte order they are."""
    order = ">" if words[3] & 1 else "<"
    first = second = 0
    for one, other in struct.iter_unpack(f"{order}2I", words):
        first = (first + one + second) & WORD
        second = (second + other + first) & WORD
    return first, second


def _finished(file: BinaryIO, page: int, salts: tuple[int, ...], taken: int) -> int:
    """Transactions of this log that were finished and stand behind what SQLite reads of it."""
    found = 0
    page = page or MOST_PAGE
    for number in count(taken):
        file.seek(LOG.size + number * (FRAME.size + page))
        head = file.read(FRAME.size)
        if len(head) < FRAME.size:
            return found
        _, commits, *theirs, _, _ = FRAME.unpack(head)
        found += bool(commits) and tuple(theirs) == salts
    return found
