"""A bar on stderr while cases run: only for a person who waits, so not in a pipe, not in CI, and not for a moment.

Rich is loaded when the bar is first drawn; a replay is over before that.
"""

from __future__ import annotations

import os
import sys
import time
from types import TracebackType
from typing import Any, Final, Self

PATIENCE: Final = 0.5
"""Seconds before a bar is worth drawing."""


class Bar:
    """Counts to `total`. Leaving the context takes the bar off the screen."""

    def __init__(self, total: int, *, wanted: bool) -> None:
        self._total = total
        self._shown = wanted and total > 1 and sys.stderr.isatty() and not os.environ.get("CI")
        self._done = 0
        self._began = time.monotonic()
        self._progress: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def advance(self, steps: int, what: str) -> None:
        """So many more are done; `what` came last."""
        self._done += steps
        if not self._shown or time.monotonic() - self._began < PATIENCE:
            return
        if self._progress is None:
            self._start()
        self._progress.update(self._task, completed=self._done, what=what)

    def _start(self) -> None:
        from rich.console import Console  # noqa: PLC0415  not for a pipe
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

        columns = (
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[what]}", markup=False),
        )
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task("cases", total=self._total, what="")
        self._progress.start()
