"""`agentctl diff`: two definitions, two runs, two results; and whatever cannot be compared."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from support.desk import AGENT, TOOLS, agentctl, command, environment, lay_down
from support.terminal import RawTerminal

SUITE = """
schema: 1
kind: suite
agent: desk
cases:
  - id: order
    input: Where is ORD-7?
    assert: [{contains: shipped}]
  - id: greeting
    input: Good day
    assert: [{contains: Good day}]
"""
NEW_TOOLS = TOOLS.replace(
    "required: [id], additionalProperties: false}\n    handler: handlers.py:get_order",
    "required: [id, why], additionalProperties: false}\n    handler: handlers.py:get_order",
).replace("Cancels an order for good.", "Cancels an order for good. Ask first.")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The desk in two versions, with a suite recorded from the simulator by the first."""
    root = lay_down(tmp_path_factory.mktemp("desk"))
    (root / "evals").mkdir()
    (root / "evals" / "desk.yaml").write_text(SUITE)
    done = agentctl(root, "eval", "--simulate", "--record-mode", "all", "-o", "first.json")
    assert done.returncode == 0, done.stderr
    (root / "prompts" / "desk" / "v2.yaml").write_text(
        AGENT.replace("Be brief.", "Be brief, and be kind.").replace("desk-tools@1", "desk-tools@2")
    )
    (root / "prompts" / "desk-tools" / "v2.yaml").write_text(NEW_TOOLS)
    return root


@pytest.fixture
def desk(made: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(made, tmp_path / "desk"))


def document(root: Path, *arguments: str) -> dict[str, Any]:
    """What `diff --json` prints."""
    done = agentctl(root, "diff", *arguments, "--json")
    assert done.stderr == ""
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_definitions(desk: Path) -> None:
    """Every change under its component, the schema's classed; and the recordings that it makes stale, by component."""
    found = document(desk, "desk@1", "desk@2")
    assert found["kind"] == "definitions"
    assert {name for name, status in found["components"].items() if status == "changed"} == {
        "system prompt",
        "tool get_order",
        "tool cancel_order",
    }
    assert set(found["components"].values()) == {"same", "changed"}
    assert found["prompt"][1:] == ["-Be brief.", "+Be brief, and be kind."]
    tools = {tool["name"]: tool for tool in found["tools"]}
    assert (tools["get_order"]["verdict"], tools["cancel_order"]["verdict"]) == ("breaking", "compatible")
    assert found["stale"]["recordings"] == 2
    assert found["stale"]["by_component"]["system prompt"] == ["desk/greeting", "desk/order"]


def test_definitions_for_a_person(desk: Path) -> None:
    """Signs say what colours would; nothing but text goes into a pipe."""
    done = agentctl(desk, "diff", "desk@1", "desk@2")
    assert done.returncode == 0
    assert "  -Be brief.\n  +Be brief, and be kind.\n" in done.stdout
    assert "tool get_order · changed · breaking\n" in done.stdout
    assert "2 of 2 become stale" in done.stdout
    assert "\x1b" not in done.stdout
    assert "\x1b[32m" in agentctl(desk, "diff", "desk@1", "desk@2", FORCE_COLOR="1", NO_COLOR="").stdout


def test_a_version_and_itself(desk: Path) -> None:
    """Nothing changed, and nothing becomes stale."""
    assert agentctl(desk, "diff", "desk@1", "desk@1").stdout.splitlines()[-1] == "nothing changed"
    assert document(desk, "desk@1", "desk@1")["stale"]["cases"] == []


def test_a_git_revision(desk: Path) -> None:
    """What the working tree changes, seen from a commit."""
    for step in ("init -q", "add .", "-c user.name=a -c user.email=a@b.c commit -qm x"):
        subprocess.run(["git", *step.split()], cwd=desk, check=True)
    path = desk / "prompts" / "desk" / "v2.yaml"
    path.write_text(path.read_text().replace("be kind", "be very kind"))
    found = document(desk, "desk@git:HEAD", "desk")
    assert [name for name, status in found["components"].items() if status != "same"] == ["system prompt"]
    assert (found["a"]["ref"], found["b"]["ref"]) == ("desk@git:HEAD", "desk@2")
    assert agentctl(desk, "diff", "desk@git:HEAD", "desk").stdout.startswith("desk@git:HEAD -> desk@2\n")


def test_documents_by_their_files(desk: Path) -> None:
    """A version can be named by its file, as a shell completes it."""
    by_file = agentctl(desk, "diff", "prompts/desk/v1.yaml", "prompts/desk/v2.yaml")
    assert (by_file.returncode, by_file.stdout) == (0, agentctl(desk, "diff", "desk@1", "desk@2").stdout)


def test_one_suite(desk: Path) -> None:
    """Recordings of that suite alone; one that there are none of is an error."""
    assert document(desk, "desk@1", "desk@2", "--suite", "desk")["stale"]["recordings"] == 2
    assert agentctl(desk, "diff", "desk@1", "desk@2", "--suite", "till").returncode == 2
    assert agentctl(desk, "diff", "desk@1", "desk@2", "--suite", "../evals").returncode == 2


def test_whatever_a_document_holds(desk: Path) -> None:
    """What acts on a terminal is shown and does not act; a program gets it as it is."""
    text = AGENT.replace("Be brief.", r'"Be \e[31mbr\u202eief."')
    (desk / "prompts" / "desk" / "v3.yaml").write_text(text)
    done = agentctl(desk, "diff", "desk@1", "desk@3", FORCE_COLOR="1", NO_COLOR="")
    assert r"+Be ␛[31mbr\u202eief." in re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    assert "\u202e" not in done.stdout
    assert "\x1b[31mbr" not in done.stdout
    assert document(desk, "desk@1", "desk@3")["prompt"][-1] == "+Be \x1b[31mbr\u202eief."


def test_recordings_that_fit_already(desk: Path) -> None:
    """What was made with the new version is told apart from what becomes stale."""
    flags = ("--simulate", "--record-mode", "new-episodes", "--agent", "desk@1", "-k", "greeting")
    assert agentctl(desk, "eval", *flags).returncode == 0
    stale = document(desk, "desk@2", "desk@1")["stale"]
    assert (stale["recordings"], stale["fresh"], stale["cases"]) == (0, 3, [])
    back = agentctl(desk, "diff", "desk@1", "desk@2").stdout
    assert "  by system prompt, tool cancel_order, tool get_order, in desk: greeting, order\n" in back


@pytest.mark.parametrize("sides", [("desk@1", "desk@2"), ("first.json", "second.json")])
def test_a_narrow_window(desk: Path, sides: tuple[str, str]) -> None:
    """At 40 columns lines are folded, wide characters counted as two; a command stays in one piece."""
    path = desk / "prompts" / "desk" / "v2.yaml"
    path.write_text(path.read_text().replace("Be brief", "短く、そして親切に。" * 9 + " Be brief"))
    second = json.loads((desk / "first.json").read_text())
    second["suites"][0]["cases"][0].update(status="fail", reason="not shipped " * 20)
    (desk / "second.json").write_text(json.dumps(second))
    env = {name: value for name, value in environment(TERM="xterm").items() if name != "COLUMNS"}
    terminal = RawTerminal(command("diff", *sides), desk, env, width=40)
    assert terminal.rest() in {0, 1}
    rows = terminal.written.decode().replace("\r", "").split("\n")
    assert [row for row in rows if cell_len(row) > 40 and "agentctl replay" not in row] == []


def test_runs(desk: Path) -> None:
    """Where two runs part: the turn, the field, and both sides of it."""
    for said in ("Where is ORD-7?", "Where is ORD-8?"):
        agentctl(desk, "run", "desk@1", "--simulate", "-q", said)
    runs = [run["run"] for run in json.loads(agentctl(desk, "runs", "list", "--json").stdout)]
    found = document(desk, runs[1], runs[0])
    assert found["kind"] == "runs"
    assert found["divergence"]["old"] == "Where is ORD-7?"
    assert document(desk, runs[0], runs[0])["divergence"] is None
    assert "they part at turn 0" in agentctl(desk, "diff", runs[1], "last").stdout


def test_results(desk: Path) -> None:
    """A case that passed and fails now makes the exit code 1; the way back is 0."""
    second = json.loads((desk / "first.json").read_text())
    second["suites"][0]["cases"][0].update(status="fail", reason="\x1b[31mnot shipped")
    (desk / "second.json").write_text(json.dumps(second))
    done = agentctl(desk, "diff", "first.json", "second.json")
    assert done.returncode == 1
    assert "passed, fails now (1)\n  desk/order  pass -> fail\n    ␛[31mnot shipped\n" in done.stdout
    assert agentctl(desk, "diff", "second.json", "first.json").returncode == 0
    found = document(desk, "first.json", "second.json")
    assert [(flip["id"], flip["old"], flip["new"]) for flip in found["flips"]] == [("order", "pass", "fail")]
    assert (found["kind"], found["aligned"], set(found["components"].values())) == ("results", 2, {"same"})
    assert document(desk, "first.json", "first.json")["flips"] == []


@pytest.mark.parametrize(
    ("sides", "complaint"),
    [
        (("desk@1", "first.json"), "desk@1 is an agent and first.json is a result"),
        (("desc", "desk"), "did you mean `desk`?"),
        (("desk@7", "desk"), "there is no version 7 of desk"),
        (("none.json", "first.json"), "none.json"),
        (("desk@1", "desk@git:nowhere"), "git repository"),
        (("last", "last"), "no run is stored yet"),
        (("git:main", "desk"), "write NAME@git:main"),
        (("", "desk"), "there is no such file"),
        (("prompts/desk-tools/v1.yaml", "desk"), "this is a document of kind tools, not agent"),
        (("first.json", "first.json", "--suite", "till"), "neither result has a suite till"),
        (("desk/order", "desk/order", "--suite", "desk"), "these are runs"),
    ],
)
def test_what_cannot_be_compared(desk: Path, sides: tuple[str, ...], complaint: str) -> None:
    """Exit 2 and a sentence, never a traceback."""
    done = agentctl(desk, "diff", *sides)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_leaves(desk: Path) -> None:
    """A closed pipe ends it quietly."""
    done = subprocess.run(
        f"{sys.executable} -m agentctl diff desk@1 desk@2 | head -1",
        shell=True,
        cwd=desk,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("desk@1 -> desk@2\n", "")


def test_a_reader_that_leaves_does_not_change_the_verdict(desk: Path) -> None:
    """A build that looks at the first line only still fails when a case does."""
    second = json.loads((desk / "first.json").read_text())
    second["suites"][0]["cases"][0].update(status="fail", reason="not shipped " * 9999)
    (desk / "second.json").write_text(json.dumps(second))
    for flags in ("", " --json"):
        line = f"{sys.executable} -m agentctl diff first.json second.json{flags} | true; exit ${{PIPESTATUS[0]}}"
        done = subprocess.run(["bash", "-c", line], cwd=desk, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (1, "")


def test_a_regression_names_the_command_that_shows_it(desk: Path) -> None:
    """Where the run that fails now parts from the one that passed, and how to look at it."""
    second = json.loads((desk / "first.json").read_text())
    case = second["suites"][0]["cases"][0]
    case.update(status="fail", reason="not shipped")
    case["entries"][-2]["event"]["content"][-1]["text"] = "It is lost."
    (desk / "second.json").write_text(json.dumps(second))
    done = agentctl(desk, "diff", "first.json", "second.json")
    assert "    they part at turn 2, model replied content[0].text\n" in done.stdout
    assert '      - "Order ORD-7 is shipped."\n      + "It is lost."\n' in done.stdout
    shown = next(line for line in done.stdout.splitlines() if "agentctl replay" in line)
    assert shown == "    agentctl replay second.json#desk/order --turn 2"
    assert "It is lost." in agentctl(desk, *shown.split()[1:]).stdout
