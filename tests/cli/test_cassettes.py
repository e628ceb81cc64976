"""`agentctl cassettes status|show|prune`: how recordings stand, what they hold, and what nothing replays."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from agentctl.cassette.file import read, read_header
from support.desk import agentctl, lay_down

SUITE = """
schema: 1
kind: suite
agent: desk
cases:
  - id: order
    input: [Where is ORD-7?, Thank you]
    assert: [{contains: Thank you}]
  - id: greeting
    input: Good day
    assert: [{contains: Good day}]
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The desk with two cases, recorded twice each."""
    root = lay_down(tmp_path_factory.mktemp("desk"))
    (root / "evals").mkdir()
    (root / "evals" / "desk.yaml").write_text(SUITE)
    done = agentctl(root, "eval", "--simulate", "--record-mode", "all", "--repeat", "2")
    assert done.returncode == 0, done.stderr
    return root


@pytest.fixture
def desk(recorded: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(recorded, tmp_path / "desk"))


def status(root: Path, *suites: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code, and the rows by suite/case."""
    done = agentctl(root, "cassettes", "status", *suites, "--json")
    assert done.stderr == ""
    rows = json.loads(done.stdout)["recordings"]
    return done.returncode, {f"{row['suite']}/{row['case']}": row for row in rows}


def edit(path: Path, old: str, new: str) -> None:
    """Replaces text that must be there."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_fresh_but_for_takes_that_nothing_replays(desk: Path) -> None:
    """Two takes of a case that runs once: exit 4, until they are pruned; then exit 0, and the case still passes."""
    code, rows = status(desk)
    assert code == 4
    assert {row["verdict"] for row in rows.values()} == {"fresh"}
    assert {row["unused_takes"] for row in rows.values()} == {1}
    told = agentctl(desk, "cassettes", "prune")
    assert "would remove take 2 of cassettes/desk/order.yaml" in told.stdout
    assert agentctl(desk, "cassettes", "prune", "--dry-run").stdout == told.stdout
    assert agentctl(desk, "cassettes", "prune", "--dry-run", "--yes").returncode == 2
    assert status(desk)[0] == 4
    assert agentctl(desk, "cassettes", "prune", "--yes").stdout.startswith("removed take 2 of ")
    assert status(desk)[0] == 0
    assert agentctl(desk, "cassettes", "status").stdout == "2 recordings: 2 fresh\n"
    left = read(desk / "cassettes" / "desk" / "order.yaml")
    assert (len(left.takes), len(left.interactions)) == (1, 3)
    assert agentctl(desk, "eval").returncode == 0


def test_what_changed_is_named_and_since_when(desk: Path) -> None:
    """The component, and the document that is not committed yet, or the commit that changed it last."""
    agentctl(desk, "cassettes", "prune", "--yes")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *command], cwd=desk, check=True)
    edit(desk / "prompts" / "desk" / "v1.yaml", "Be brief", "Be briefer")
    edit(desk / "evals" / "desk.yaml", "Good day\n    assert", "Good morning\n    assert")
    code, rows = status(desk)
    assert code == 4
    assert rows["desk/order"]["components"] == ["system prompt"]
    assert rows["desk/greeting"]["components"] == ["system prompt", "case input"]
    assert rows["desk/order"]["since"] == "prompts/desk/v1.yaml is not committed"
    subprocess.run([*git, "commit", "-qam", "y"], cwd=desk, check=True)
    head = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=desk, capture_output=True, text=True, check=True)
    _, rows = status(desk)
    assert rows["desk/order"]["since"].startswith(f"prompts/desk/v1.yaml since {head.stdout.strip()} of ")
    assert "evals/desk.yaml since" in rows["desk/greeting"]["since"]


def test_missing_orphaned_damaged_and_interrupted(desk: Path) -> None:
    """Each by name; an orphan goes when it is pruned, a damaged file stays."""
    folder = desk / "cassettes" / "desk"
    (folder / "greeting.yaml").rename(folder / "greeting.yaml.partial")
    (folder / "order.yaml").write_text((folder / "order.yaml").read_text()[:-300])
    shutil.copytree(desk / "cassettes", desk / "cassettes" / "old")
    code, rows = status(desk)
    assert code == 4
    assert (rows["desk/greeting"]["verdict"], rows["desk/greeting"]["partial"]) == ("missing", True)
    assert rows["desk/order"]["verdict"] == "damaged"
    assert "1 interrupted" in agentctl(desk, "cassettes", "status").stdout
    edit(desk / "evals" / "desk.yaml", "id: greeting", "id: welcome")
    (folder / "greeting.yaml.partial").rename(folder / "greeting.yaml")
    code, rows = status(desk, "desk")
    assert (rows["desk/greeting"]["verdict"], rows["desk/welcome"]["verdict"]) == ("orphan", "missing")
    assert "there is no case desk/greeting" in agentctl(desk, "cassettes", "prune", "desk", "--yes").stdout
    assert sorted(path.name for path in folder.iterdir()) == ["order.yaml"]


def test_what_was_interrupted_beside_a_whole_recording(desk: Path) -> None:
    """Nothing would complete it, so it is pruned, and the recording stays as it is."""
    agentctl(desk, "cassettes", "prune", "--yes")
    whole = desk / "cassettes" / "desk" / "order.yaml"
    before = whole.read_bytes()
    left = whole.with_name("order.yaml.partial")
    left.write_bytes(before)
    assert "1 interrupted beside a whole recording" in agentctl(desk, "cassettes", "status").stdout
    done = agentctl(desk, "cassettes", "prune", "--yes")
    assert done.stdout.startswith("removed cassettes/desk/order.yaml.partial: the recording beside it is whole\n")
    assert (left.exists(), whole.read_bytes()) == (False, before)


def test_show(desk: Path) -> None:
    """What it was recorded for, and its takes; for a person and for a program."""
    document = json.loads(agentctl(desk, "cassettes", "show", "desk/order", "--json").stdout)
    assert (document["header"]["agent"], document["interactions"], len(document["takes"])) == ("desk@1", 6, 2)
    assert document["takes"][0]["requests"] == 3
    first, *_, last = document["takes"][0]["interactions"]
    assert (first["i"], first["path"], first["status"], first["stop_reason"]) == (0, "/v1/messages", 200, "tool_use")
    assert last["usage"]["output_tokens"] > 0
    assert last["seconds"] is not None
    assert first["request_bytes"] < last["request_bytes"]
    text = agentctl(desk, "cassettes", "show", "cassettes/desk/order.yaml").stdout
    assert "desk/order with desk@1" in text
    assert "1  3 requests · 1 tool result" in text
    assert re.search(r"0 POST /v1/messages +[\d,]+ B +[\d,]+ B +200 +tool_use +\d+ +\d+ +\d+ ms\n", text)
    assert agentctl(desk, "cassettes", "show", "desk/ordr").returncode == 2


def test_nothing_heavy_is_loaded(desk: Path) -> None:
    """A thousand recordings are looked through without the SDK, a recorder or a price."""
    done = agentctl(desk, "cassettes", "status", PYTHONPROFILEIMPORTTIME="1")
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "agentctl.evals.standings" in loaded
    assert not loaded & {"anthropic", "vcr", "genai_prices", "httpx2"}


def test_the_header_alone(desk: Path) -> None:
    """Read without the traffic it is the same header, in our files and in those that were laid out anew."""
    path = desk / "cassettes" / "desk" / "order.yaml"
    whole = read(path).header
    assert read_header(path) == whole
    path.write_text(json.dumps(json.loads(path.read_text())))
    assert read_header(path) == whole


def test_migrate(desk: Path) -> None:
    """What is laid out otherwise is written as this version writes it, with --yes; foreign files are left alone."""
    ours = desk / "cassettes" / "desk" / "order.yaml"
    before = ours.read_bytes()
    ours.write_text(json.dumps(json.loads(ours.read_text())))
    foreign = desk / "cassettes" / "theirs.yaml"
    foreign.write_text("interactions: []\nversion: 1\n")
    assert "would migrate" in agentctl(desk, "cassettes", "migrate").stdout
    done = agentctl(desk, "cassettes", "migrate", "--yes", "--json")
    assert json.loads(done.stdout)["migrated"] == [str(ours)]
    assert ours.read_bytes() == before
    assert foreign.read_text() == "interactions: []\nversion: 1\n"
    assert "0 to migrate" in agentctl(desk, "cassettes", "migrate").stdout
    edit(ours, '"schema": 2', '"schema": 99')
    refused = agentctl(desk, "cassettes", "migrate", "--yes")
    assert refused.returncode == 2
    assert "schema 99" in refused.stderr
