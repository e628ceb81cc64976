"""`agentctl eval --watch`: again when something changed, not when nothing did, until Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

from agentctl.cli.eval.watch import state, without_watch
from support import till
from support.desk import command, environment


def test_a_change_is_evaluated(tmp_path: Path) -> None:
    """An edited suite is evaluated once more; Ctrl-C is exit 130; a pipe sees no clearing of screens."""
    till.record(till.lay_down(tmp_path))
    out = tmp_path / "out.txt"
    with out.open("w") as file:
        process = subprocess.Popen(
            command("-C", str(tmp_path), "eval", "--watch", "-k", "price"),
            cwd=tmp_path.parent,
            env=environment(),
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        try:
            _until(out, "exit 0; watching")
            till.edit(tmp_path / "evals" / "till.yaml", 'contains: "3"', "contains: free")
            _until(out, "exit 1; watching")
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 130
        finally:
            process.kill()
    text = out.read_text()
    assert text.count("watching prompts, evals, cassettes") == 2
    assert "\x1b" not in text


def _until(path: Path, words: str) -> None:
    until = time.monotonic() + 30
    while words not in path.read_text():
        assert time.monotonic() < until, path.read_text()
        time.sleep(0.05)


def test_what_counts_as_a_change(tmp_path: Path) -> None:
    """Content, new files and removed files; not what Python and unfinished writes leave."""
    (tmp_path / "a").write_text("1")
    before = state(tmp_path, tmp_path / "nowhere")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_text("x")
    (tmp_path / ".a.tmp").write_text("x")
    assert state(tmp_path) == before
    (tmp_path / "b").write_text("1")
    assert state(tmp_path) != before
    (tmp_path / "b").unlink()
    (tmp_path / "a").write_text("12")
    assert state(tmp_path) != before


def test_each_evaluation_has_the_flags_but_this_one() -> None:
    """The directory was changed to already."""
    assert without_watch(["-C", "eval", "eval", "s", "--watch", "-j", "4"]) == ["eval", "s", "-j", "4"]
    assert without_watch(["--project=x", "eval", "--watch"]) == ["eval"]
