"""A file that cannot be written: which one, why, and what to do, in the same words wherever it happens."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Final, TypeVar

from agentctl.errors import AgentctlError, StoreError

ROOM: Final = "make room on that disk, and run the command again"
RIGHTS: Final = "check who may write to the file and its directory"
WAYS_OUT: Final = {
    errno.ENOSPC: ROOM,
    errno.EDQUOT: ROOM,
    errno.EFBIG: "the limit on the size of a file is reached: see `ulimit -f`",
    errno.EIO: "the disk reports an error; it may be full or broken",
    errno.EACCES: RIGHTS,
    errno.EPERM: RIGHTS,
    errno.EROFS: "that disk is mounted read-only: write somewhere else",
    errno.ENOTDIR: "a part of the path is a file, not a directory",
    errno.EISDIR: "there is a directory of that name",
    errno.ENAMETOOLONG: "use a shorter name",
    errno.EMFILE: "too many files are open: see `ulimit -n`",
}

Error = TypeVar("Error", bound=AgentctlError)


def way_out(error: OSError) -> str:
    """What a person can do about it, or nothing."""
    return WAYS_OUT.get(error.errno or 0, "")


def unwritten(path: Path, error: OSError, kind: type[Error] = StoreError) -> Error:  # type: ignore[assignment]
    """The error that says that `path` cannot be written."""
    return kind(f"{path}: cannot be written ({error.strerror or error})", hint=way_out(error))
