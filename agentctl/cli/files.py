"""Names as people type them: any text may come where a file is meant, and none of them is a crash."""

from __future__ import annotations

from pathlib import Path


def is_file(path: Path) -> bool:
    """Whether there is such a file; names that no file can have name none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
