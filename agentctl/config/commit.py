"""Which commit is checked out, read from git's files: no process is started, since every evaluation asks.

What cannot be read is not known, and that is never an error.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

COMMIT: Final = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")
LINK: Final = "gitdir: "
REF: Final = "ref: "


def checked_out(root: Path) -> str:
    """The commit of the repository that `root` is in, in hexadecimal; empty when there is none."""
    try:
        folder = _git_folder(root)
        return "" if folder is None else _resolved(folder)
    except (OSError, ValueError):
        return ""


def _git_folder(root: Path) -> Path | None:
    """The nearest `.git` from here up; in a worktree or a submodule it is a file that names the folder."""
    for place in (root, *root.parents):
        found = place / ".git"
        if found.is_dir():
            return found
        if found.is_file():
            text = found.read_text(encoding="utf-8")
            return (place / text.removeprefix(LINK).strip()) if text.startswith(LINK) else None
    return None


def _resolved(folder: Path) -> str:
    head = (folder / "HEAD").read_text(encoding="utf-8").strip()
    if not head.startswith(REF):
        return head if COMMIT.match(head) else ""
    name = head.removeprefix(REF)
    shared = folder / "commondir"
    common = folder / shared.read_text(encoding="utf-8").strip() if shared.is_file() else folder
    loose = common / name
    if loose.is_file():
        commit = loose.read_text(encoding="utf-8").strip()
    else:
        packed = (common / "packed-refs").read_text(encoding="utf-8")
        commit = next((line[: -len(name) - 1] for line in packed.splitlines() if line.endswith(f" {name}")), "")
    return commit if COMMIT.match(commit) else ""
