"""What ends a process while there is nothing to close: quietly, at once, with the code of the signal.

Nothing is imported here that takes time: this is what a command does first.
"""

import os
import signal

INTERRUPTED = 128 + signal.SIGINT
TERMINATED = 128 + signal.SIGTERM

CODES: dict[int, int] = {signal.SIGINT: INTERRUPTED, signal.SIGTERM: TERMINATED}
"""Signal -> exit code. A terminal that closes ends a command as SIGTERM does."""
if hasattr(signal, "SIGHUP"):
    CODES[signal.SIGHUP] = TERMINATED


def minded() -> list[int]:
    """The signals that are ours: a process that was started to outlive its terminal (`nohup`) does."""
    return [each for each in CODES if each in {signal.SIGINT, signal.SIGTERM} or not _is_ignored(each)]


def quietly() -> None:
    """From now on a signal ends the process at once, with its code and without a word."""
    for number in minded():
        signal.signal(number, _end)


def _end(number: int, _frame: object) -> None:
    os._exit(CODES[number])


def _is_ignored(number: int) -> bool:
    return signal.getsignal(number) is signal.SIG_IGN
