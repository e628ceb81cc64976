"""The commit that is checked out, read as git itself would say it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from agentctl.config.commit import checked_out


def git(root: Path, *arguments: str) -> str:
    """What git prints."""
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *identity, *arguments], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_commit_is_gits_own(tmp_path: Path) -> None:
    """On a branch, in a folder below it, with packed refs, detached, and in a worktree."""
    root = tmp_path / "one"
    (root / "deep").mkdir(parents=True)
    assert checked_out(root) == ""
    git(root, "init", "-q")
    assert checked_out(root) == ""
    git(root, "commit", "-q", "--allow-empty", "-m", "1")
    first = git(root, "rev-parse", "HEAD")
    assert checked_out(root) == checked_out(root / "deep") == first
    git(root, "pack-refs", "--all")
    assert checked_out(root) == first
    git(root, "commit", "-q", "--allow-empty", "-m", "2")
    assert checked_out(root) == git(root, "rev-parse", "HEAD") != first
    git(root, "worktree", "add", "-q", "-b", "a/b", str(tmp_path / "two"), first)
    assert checked_out(tmp_path / "two") == first
    git(root, "checkout", "-q", first)
    assert checked_out(root) == first


@pytest.mark.parametrize("head", ["", "ref: refs/heads/none", "ref: ", "zzz", "ref: ../../secret", "\x00"])
def test_what_cannot_be_read_is_not_known(tmp_path: Path, head: str) -> None:
    """A damaged repository is no error."""
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text(head)
    assert checked_out(tmp_path) == ""


def test_a_file_in_gits_place_is_no_error(tmp_path: Path) -> None:
    """Neither one that names no folder, nor one that is no text."""
    (tmp_path / ".git").write_bytes(b"\xff\xfe")
    assert checked_out(tmp_path) == ""
    (tmp_path / ".git").write_text("gitdir: nowhere\n")
    assert checked_out(tmp_path) == ""
