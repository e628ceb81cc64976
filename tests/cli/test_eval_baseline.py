"""`agentctl eval --baseline`: regressions fail a build, what failed before does not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from support.desk import agentctl, lay_down

SUITE = """
schema: 1
kind: suite
agent: desk
cases:
  - {id: order, input: Where is ORD-7?, assert: [{contains: shipped}]}
  - {id: greeting, input: Good day, assert: [{contains: Good day}]}
"""
SILENT = "{id: silent, input: Hello, assert: [{contains: never said}]}"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The desk, recorded, with a case that fails, and the result of it."""
    root = lay_down(tmp_path_factory.mktemp("desk"))
    (root / "evals").mkdir()
    (root / "evals" / "desk.yaml").write_text(f"{SUITE}  - {SILENT}\n")
    done = agentctl(root, "eval", "--simulate", "--record-mode", "all", "-o", "before.json")
    assert done.returncode == 1, done.stderr
    return root


@pytest.fixture
def desk(made: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(made, tmp_path / "desk"))


def edited(root: Path, **changes: Any) -> None:
    """Changes every case of the earlier result."""
    path = root / "before.json"
    document = json.loads(path.read_bytes())
    for case in document["suites"][0]["cases"]:
        case.update(changes)
    path.write_text(json.dumps(document))


def test_what_failed_before_is_no_regression(desk: Path) -> None:
    """A known failure leaves the exit code at 0, unless a pass rate is asked for."""
    done = agentctl(desk, "eval", "--baseline", "before.json")
    assert done.returncode == 0, done.stdout
    assert "against before.json: desk@1 · 3 runs in both" in done.stdout
    assert "verdict: cannot tell" in done.stdout
    assert done.stdout.rstrip().endswith("no regression")
    assert agentctl(desk, "eval", "--baseline", "before.json", "--min-pass-rate", "0.9").returncode == 1


def test_a_flip_is_a_regression(desk: Path) -> None:
    """A case that passed and fails now fails the build, and is named; `--regress-on worse` asks for more evidence."""
    edited(desk, status="pass")
    done = agentctl(desk, "eval", "--baseline", "latest", "--json")
    assert done.returncode == 0
    done = agentctl(desk, "eval", "--baseline", "before.json", "--json", "-o", "after.json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["exit"] == 1
    told = found["baseline"]
    assert (told["ref"], told["regressed"], told["aligned"]) == ("before.json", True, 3)
    assert told["reasons"] == ["desk/silent passed in the baseline and fails now"]
    assert told["flips"][0]["id"] == "silent"
    assert told["verdict"]["word"] == "cannot tell"
    assert json.loads((desk / "after.json").read_bytes())["baseline"] == told
    done = agentctl(desk, "eval", "--baseline", "before.json", "--regress-on", "worse")
    assert done.returncode == 0
    assert "pass -> fail" in done.stdout


def test_nothing_in_common(desk: Path) -> None:
    """With a baseline of other suites every case is new, and new ones must pass."""
    path = desk / "before.json"
    path.write_text(path.read_text().replace('"suite": "desk"', '"suite": "till"'))
    done = agentctl(desk, "eval", "--baseline", "before.json")
    assert done.returncode == 1
    assert "No case has a verdict in both" in done.stdout
    assert "regression: desk/silent fails, and the baseline has no verdict on that" in done.stdout
    assert agentctl(desk, "eval", "--baseline", "before.json", "-k", "order").returncode == 0


def test_no_verdict_comes_first(desk: Path) -> None:
    """Recordings that are missing are 4, whatever the baseline says; a damaged baseline is 2."""
    (desk / "cassettes" / "desk" / "order.yaml").unlink()
    done = agentctl(desk, "eval", "--baseline", "before.json")
    assert done.returncode == 4
    assert "1 run has no verdict in one of the two" in done.stdout
    edited(desk, status="odd")
    done = agentctl(desk, "eval", "--baseline", "before.json", "-k", "greeting")
    assert done.returncode == 2
    assert "damaged" in done.stderr
    assert "Traceback" not in done.stderr
