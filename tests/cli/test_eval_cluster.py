"""`agentctl eval --cluster` on a real dask cluster, one of whose workers dies."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import till
from support.desk import CHECKOUT, agentctl

CASE = "  - {{id: tea-{0:02}, input: What is tea?, assert: [{{python: checks.py:survives}}]}}\n"
DIES = """

def survives(output, context):
    import os, pathlib, signal
    if context.case == "tea-30":
        try:
            (pathlib.Path(__file__).parent / "died").touch(exist_ok=False)
        except FileExistsError:
            return True
        os.kill(os.getpid(), signal.SIGKILL)
    return True
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Sixty cases, recorded; the check of one kills the process that makes it for the first time."""
    cases = "".join(CASE.format(number) for number in range(60))
    project = till.lay_down(tmp_path, "schema: 1\nkind: suite\nagent: till\ncases:\n" + cases)
    checks = tmp_path / "evals" / "checks.py"
    checks.write_text(checks.read_text() + DIES)
    (tmp_path / "evals" / "died").touch()
    till.record(project)
    (tmp_path / "evals" / "died").unlink()
    return tmp_path


def test_a_killed_worker_costs_no_case(project: Path) -> None:
    """Its chunk is played again elsewhere; the document is, byte for byte, the one of a run without a cluster."""
    spread = agentctl(project, "eval", "--json", "--cluster", "local:2")
    assert (spread.returncode, spread.stderr) == (0, "")
    assert (project / "evals" / "died").exists(), "no worker died"
    assert spread.stdout == agentctl(project, "eval", "--json").stdout


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--cluster", "local:0"), "local:N takes a number"),
        (("--cluster", "nope://x"), "--cluster nope://x: "),
        (("--cluster", "local:1", "--record-mode", "all"), "neither records nor runs tools"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, flags: tuple[str, ...], said: str) -> None:
    """Exit 2, and why."""
    till.lay_down(tmp_path)
    done = agentctl(tmp_path, "eval", *flags)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_extra_may_be_missing(tmp_path: Path) -> None:
    """Exit 2 with the command that installs it."""
    till.lay_down(tmp_path)
    (tmp_path / "distributed.py").write_text("raise ImportError")
    done = agentctl(tmp_path, "eval", "--cluster", "local:1", PYTHONPATH=f"{tmp_path}:{CHECKOUT}")
    assert done.returncode == 2
    assert "hint: pip install 'agentctl-cli[cluster]'" in done.stderr
