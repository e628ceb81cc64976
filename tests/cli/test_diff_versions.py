"""`agentctl diff A B --suite S`: what two versions recorded, the verdict, and what the change takes."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.desk import AGENT, SCRIPT, agentctl, lay_down

SUITE = """
schema: 1
kind: suite
agent: desk@2
cases:
  - {id: order, input: Where is ORD-7?, assert: [{contains: shipped}]}
  - {id: greeting, input: Good day, assert: [{contains: Good day}]}
  - {id: other, input: And ORD-8?, assert: [{contains: shipped}]}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The desk in two versions, of which the second is recorded."""
    root = lay_down(tmp_path_factory.mktemp("desk"))
    (root / "evals").mkdir()
    (root / "evals" / "desk.yaml").write_text(SUITE)
    (root / "prompts" / "desk" / "v2.yaml").write_text(AGENT.replace("Be brief.", "Be brief, and be kind."))
    done = agentctl(root, "eval", "--simulate", "--record-mode", "all")
    assert done.returncode == 0, done.stderr
    return root


@pytest.fixture
def desk(made: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(made, tmp_path / "desk"))


def document(root: Path, code: int, *arguments: str) -> dict[str, Any]:
    """What `diff --json` prints, when it ends with that code."""
    done = agentctl(root, "diff", "desk@1", "desk@2", "--suite", "desk", "--json", *arguments)
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_unrecorded_then_recorded(desk: Path) -> None:
    """What is not recorded is named with its price, and is 4; --simulate says the price, records it, and compares."""
    found = document(desk, 4)
    assert found["verdict"]["word"] == "cannot tell"
    assert found["verdict"]["pass_rate"] is None
    gap = found["unrecorded"][0]
    assert (gap["agent"], gap["runs"], gap["turns"]) == ("desk@1", 3, 5)
    assert gap["cost_usd"] > 0
    done = agentctl(desk, "diff", "desk@1", "desk@2", "--suite", "desk", "--simulate")
    assert done.returncode == 0, done.stderr
    assert "desk@1: 3 runs without a recording that fits; to record them takes 5 turns" in done.stderr
    assert "verdict: cannot tell" in done.stdout
    assert "A suite this small could not have shown any difference" in done.stdout
    found = document(desk, 0)
    assert (found["kind"], found["unrecorded"], found["results"]["aligned"]) == ("definitions", [], 3)
    assert found["verdict"]["pass_rate"]["cases"] == 3
    assert found["prompt_cache"]["breaks"]["component"] == "system prompt"
    assert found["prompt_cache"]["cost"]["tokens"] == {"old": 0, "new": 0}
    assert found["stale"]["rerecord"]["turns"] == 5
    assert found["stale"]["rerecord"]["cost_usd"] > 0


def test_a_case_that_breaks(desk: Path) -> None:
    """A case that passed and fails now is 1, and named with the command that shows it."""
    script = desk / "prompts" / "desk" / "simulator.yaml"
    script.write_text(SCRIPT.replace("results.get_order.status }}", "results.get_order.id }}"))
    assert agentctl(desk, "eval", "--simulate", "--record-mode", "all").returncode == 1
    script.write_text(SCRIPT)
    done = agentctl(desk, "diff", "desk@1", "desk@2", "--suite", "desk", "--simulate")
    assert done.returncode == 1, done.stderr
    assert "desk/order  pass -> fail" in done.stdout
    assert "agentctl replay cassettes/desk/order.yaml --turn 2" in done.stdout
    assert "desk/other  pass -> fail" in done.stdout
    assert "it costs nothing: none of it was cached" in done.stdout


def test_a_revision(desk: Path) -> None:
    """The agent of a revision is scored on what it recorded, though the working tree has moved on and has not."""
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com"]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "start"]):
        subprocess.run([*git, *arguments], cwd=desk, check=True)
    path = desk / "prompts" / "desk" / "v2.yaml"
    path.write_text(path.read_text().replace("kind", "calm").replace("calm: agent", "kind: agent"))
    done = agentctl(desk, "diff", "desk@git:HEAD", "desk@2", "--suite", "desk")
    assert done.returncode == 4, done.stderr
    assert "desk@2: 3 runs without a recording that fits" in done.stdout
    assert "desk@git:HEAD: 3 runs" not in done.stdout
    assert "agentctl eval --baseline git:REV" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("desk@1", "desk@2", "--simulate"), "add --suite NAME"),
        (("desk@1", "desk@2", "--suite", "desk", "--live", "--simulate"), "leave one out"),
        (("desk@1", "desk@2", "--suite", "none"), "there are no recordings of a suite none"),
        (("first.json", "first.json", "--live"), "for two versions of an agent"),
    ],
)
def test_what_makes_no_sense_is_refused(desk: Path, arguments: tuple[str, ...], words: str) -> None:
    """Recording without a suite, two models at once, no such suite, results."""
    (desk / "first.json").write_text('{"schema": 1, "kind": "eval", "suites": []}')
    done = agentctl(desk, "diff", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
