"""What signals do to commands; how runs that they end go on is in tests/torture/interrupted.py, many times over."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentctl.store.runs import Runs
from support import clerk, desk
from support.desk import agentctl, command, environment, wait_for_line

SLEEPS = """
def plain(n: int, ctx: ToolContext) -> str:
    import subprocess
    child = subprocess.Popen(["sleep", "600"])
    (PLACE / "child").write_text(str(child.pid))
    (PLACE / "at work").touch()
    child.wait()
    return "done"
"""


def _until(seen: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not seen():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.005)


def _started(root: Path, *arguments: str, **more: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(*arguments),
        cwd=root,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def _is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc")
def test_a_second_ctrl_c_waits_for_nothing(tmp_path: Path) -> None:
    """The first one waits for a tool with an effect and says so; after the second one a person says what happened."""
    place = clerk.lay_down(tmp_path, "plain")
    handlers = place / "handlers.py"
    handlers.write_text(handlers.read_text() + SLEEPS)
    process = _started(tmp_path, "run", "clerk", "Go", "--simulate")
    assert process.stderr is not None
    _until((place / "at work").exists)
    process.send_signal(signal.SIGINT)
    wait_for_line(process.stderr, "interrupted: waiting for plain to finish; Ctrl-C again does not wait")
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    with Runs(tmp_path / ".agentctl/agentctl.db") as runs:
        (run,) = runs.list()
    assert (process.returncode, run.ended) == (130, None)
    assert stderr.splitlines()[-1] == f"go on with: agentctl resume {run.id} --simulate"
    _until(lambda: _is_gone(int((place / "child").read_text())))
    done = agentctl(tmp_path, "resume", run.id, "--simulate")
    assert done.returncode == 3
    assert "may have taken effect" in done.stderr


def test_under_nohup_a_terminal_that_closes_changes_nothing(tmp_path: Path) -> None:
    """SIGHUP stays ignored where it was; what ends the run is the Ctrl-C that comes then."""
    desk.lay_down(tmp_path)
    arguments = ("run", "desk", "wait for it", "--simulate", "--output-format", "stream-json")
    process = _started(tmp_path, *arguments, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    assert process.stdout is not None
    wait_for_line(process.stdout, "model_asked")
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "go on with: agentctl resume " in stderr.splitlines()[-1]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="there is no /proc")
def test_ctrl_c_while_a_command_is_loaded(tmp_path: Path) -> None:
    """From the first line of ours on: no word, exit 130."""
    process = _started(tmp_path, "run", "desk", "hello", "--simulate")

    def minded() -> bool:
        caught = Path(f"/proc/{process.pid}/status").read_text().split("SigCgt:")[1].split()[0]
        return bool(int(caught, 16) & 1 << (signal.SIGTERM - 1))

    _until(minded)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout, stderr) == (130, "", "")


def test_what_no_number_of_seconds_is(tmp_path: Path) -> None:
    """AGENTCTL_DRAIN_SECONDS that cannot be waited for is told before anything begins."""
    desk.lay_down(tmp_path)
    for wrong in ("soon", "-1", "nan", "1e300"):
        done = agentctl(tmp_path, "run", "desk", "hi", "--simulate", AGENTCTL_DRAIN_SECONDS=wrong)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"error: AGENTCTL_DRAIN_SECONDS is '{wrong}'\nhint: it is a number of seconds")


def test_simulate_with_nobody_at_its_streams(tmp_path: Path) -> None:
    """What it would say at its end reaches nobody, and the code is still the signal's."""
    process = _started(tmp_path, "simulate")
    assert process.stdout is not None
    assert process.stderr is not None
    wait_for_line(process.stderr, "use it with")
    process.stdout.close()
    process.stderr.close()
    process.terminate()
    assert process.wait(30) == 143
