"""One writer a recording: who records a case holds its file, and whoever comes second is told at once.

The hold is the kernel's (`flock` on a file beside the recording), so it ends with the process, however that ends. The
second one is refused before it asks the model anything: two takes of one case would be paid for and one thrown away.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from agentctl.config.unwritten import unwritten
from agentctl.errors import CassetteError


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """Keeps other writers away from the recording at `path` until the block ends.

    Raises:
        CassetteError: someone else holds it, or nothing can be written there.
    """
    lock = path.with_name(f".{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _locked(lock)
    except BlockingIOError:
        raise CassetteError(
            f"{path}: is being recorded by another process{_who(lock)}", hint="wait for it, or stop it"
        ) from None
    except OSError as error:
        raise unwritten(path, error, CassetteError) from None
    try:
        _clear(path)
        yield
    finally:
        with suppress(OSError):
            lock.unlink()
        os.close(descriptor)


def _clear(path: Path) -> None:
    """Removes what writers left of their saves who were killed in the midst of one; nobody else writes here now."""
    scratch = re.compile(rf"\.{re.escape(path.name)}(\.partial)?\.[0-9a-f]{{12}}\.tmp")
    with suppress(OSError):
        for each in path.parent.iterdir():
            if scratch.fullmatch(each.name):
                each.unlink()


def _locked(lock: Path) -> int:
    """A descriptor of the lock file with the lock on it.

    Who holds the lock removes its file when done, so the file that was opened may be gone by the time it is locked.
    """
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_there(lock, descriptor):
                os.ftruncate(descriptor, 0)
                os.write(descriptor, str(os.getpid()).encode())
                return descriptor
        except OSError as error:
            os.close(descriptor)
            if error.errno in {errno.EACCES, errno.EAGAIN}:
                raise BlockingIOError from None
            raise
        os.close(descriptor)


def _is_there(lock: Path, descriptor: int) -> bool:
    """Whether the path still names what was locked."""
    try:
        return lock.stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False


def _who(lock: Path) -> str:
    try:
        return f" (process {int(lock.read_text())})"
    except (OSError, ValueError):
        return ""
