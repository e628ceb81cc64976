"""`agentctl replay`: recordings of ours and of others, stored runs, a result's cases; for persons and programs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.desk import agentctl, command, environment, lay_down
from support.terminal import Tmux, needs_tmux

SUITE = """
schema: 1
kind: suite
agent: desk
cases:
  - id: order
    input: [Where is ORD-7?, Thank you]
    repeat: 2
    assert: [{contains: Thank you}]
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The desk with one recorded case of two takes, its result, and one stored run."""
    root = lay_down(tmp_path_factory.mktemp("desk"))
    (root / "evals").mkdir()
    (root / "evals" / "desk.yaml").write_text(SUITE)
    assert agentctl(root, "eval", "--simulate", "--record-mode", "all", "-o", "result.json").returncode == 0
    assert agentctl(root, "run", "desk", "--simulate", "-q", "Where is ORD-7?", "Thank you").returncode == 0
    return root


def foreign(root: Path, name: str, *interactions: dict[str, Any]) -> str:
    """A recording as others make them."""
    (root / name).write_text(json.dumps({"version": 1, "interactions": list(interactions)}))
    return name


def interaction(status: int, reply: Any) -> dict[str, Any]:
    """A call of the Messages API and its reply."""
    body = {"model": "claude-sonnet-5-5", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]}
    return {
        "request": {
            "method": "POST",
            "uri": "https://api.anthropic.com/v1/messages",
            "body": json.dumps(body),
            "headers": {},
        },
        "response": {"status": {"code": status, "message": ""}, "headers": {}, "body": {"string": json.dumps(reply)}},
    }


HELLO = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-5-5",
    "content": [{"type": "text", "text": "Hello \x1b[31myou"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 2},
}
BROKEN = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}


@pytest.mark.parametrize("what", ["cassettes/desk/order.yaml", "desk/order", "last", "result.json#order"])
def test_the_same_conversation_whatever_it_is_kept_in(desk: Path, what: str) -> None:
    """A recording by file or by name, a stored run, a case of a result: turn by turn, as chat would have shown it."""
    done = agentctl(desk, "replay", what)
    assert done.returncode == 0, done.stderr
    steps = ["Where is ORD-7?", "  → get_order", "  ← ", "Order ORD-7 is shipped.", "Thank you", "You said: Thank you"]
    places = [done.stdout.index(step) for step in steps]
    assert places == sorted(places)


def test_one_turn(desk: Path) -> None:
    """Only that; a turn that is not there is an error that says how many are."""
    done = agentctl(desk, "replay", "desk/order", "--turn", "3")
    assert "You said: Thank you" in done.stdout
    assert "ORD-7" not in done.stdout
    beyond = agentctl(desk, "replay", "desk/order", "--turn", "9")
    assert beyond.returncode == 2
    assert "there is no turn 9: the longest run here has 3" in beyond.stderr


def test_takes(desk: Path) -> None:
    """The first is shown, and which of how many it is; others are asked for."""
    assert "take 1 of 2" in agentctl(desk, "replay", "desk/order").stdout
    assert "take 2 of 2" in agentctl(desk, "replay", "desk/order", "--take", "2").stdout
    assert agentctl(desk, "replay", "desk/order", "--take", "3").returncode == 2


def test_a_line_for_each_file(desk: Path) -> None:
    """Replies by the index of their interaction; an error is a reply, and a file that is refused says why."""
    good = foreign(desk, "good.yaml", interaction(529, BROKEN), interaction(200, HELLO))
    (desk / "hostile.yaml").write_text("interactions: !!python/object/apply:os.system [touch owned]\n")
    done = agentctl(desk, "replay", good, "hostile.yaml", "--json")
    assert done.returncode == 0
    first, second = map(json.loads, done.stdout.splitlines())
    assert (first["file"], first["refused"]) == (good, None)
    assert first["replies"][0] == {
        "i": 0,
        "status": 529,
        "ok": False,
        "stop_reason": None,
        "blocks": [],
        "text": "",
        "tool_uses": [],
        "usage": {},
        "error_type": "overloaded_error",
    }
    assert (first["replies"][1]["text"], first["replies"][1]["stop_reason"]) == ("Hello \x1b[31myou", "end_turn")
    assert "python" in second["refused"]
    assert second["replies"] == []
    assert not (desk / "owned").exists()


def test_a_foreign_file_for_a_person(desk: Path) -> None:
    """What others recorded is drawn too, and what stands in it never acts on the terminal."""
    done = agentctl(desk, "replay", foreign(desk, "plain.yaml", interaction(200, HELLO)))
    assert "Hello ␛[31myou" in done.stdout
    assert "\x1b" not in done.stdout


def test_others_recordings(desk: Path, real_data: Path) -> None:
    """What others recorded, in one command: every reply of every file is shown as it was labelled."""
    folder = real_data / "cassettes"
    labels = [json.loads(line) for line in (folder / "expected.jsonl").read_text().splitlines()]
    files = list(dict.fromkeys(label["file"] for label in labels))
    done = subprocess.run(
        command("replay", *files, "--json"), cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["file"] for line in lines] == files
    replies = [{"file": line["file"], **reply} for line in lines for reply in line["replies"]]
    assert len(replies) == len(labels) == 268
    for reply, label in zip(replies, labels, strict=True):
        shared = reply.keys() & label.keys()
        assert {key: reply[key] for key in shared} == {key: label[key] for key in shared}


@pytest.mark.parametrize(
    ("what", "complaint"),
    [
        ("none.yaml", "there is no such file"),
        ("desk/ordr", "did you mean `order`?"),
        ("cassettes/desk", "is a directory"),
        ("20990101", "there is no run '20990101'"),
        ("result.json#ordr", "did you mean `order`?"),
        ("", "there is no such file"),
    ],
)
def test_what_is_not_there(desk: Path, what: str, complaint: str) -> None:
    """Exit 2, and what there is instead."""
    done = agentctl(desk, "replay", what)
    assert done.returncode == 2
    assert complaint in done.stderr


def test_a_reader_that_leaves(desk: Path) -> None:
    """A closed pipe ends it quietly."""
    line = f"{sys.executable} -m agentctl replay desk/order | head -1"
    done = subprocess.run(line, shell=True, cwd=desk, capture_output=True, text=True, check=False)
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_a_result_without_a_case(desk: Path) -> None:
    """It is refused as a recording, and a command that would work is named."""
    done = agentctl(desk, "replay", "result.json")
    assert "result.json: refused: not a cassette" in done.stdout
    assert done.stderr == "hint: it is a result: name one of its cases, as in result.json#desk/order\n"


@needs_tmux
def test_a_title_in_a_narrow_window(desk: Path) -> None:
    """The file stays in one piece; what is said of it is folded below."""
    opened = Tmux(command("replay", "cassettes/desk/order.yaml"), desk, environment(COLUMNS="40"), width=40)
    try:
        rows = opened.wait_for("left with 0").splitlines()
    finally:
        opened.close()
    assert rows[0] == "cassettes/desk/order.yaml"
    assert rows[1].startswith("  take 1 of 2, recorded")


@pytest.fixture
def window(desk: Path) -> Iterator[Tmux]:
    """A replay that waits between turns, in a terminal."""
    opened = Tmux(command("replay", "last", "--step"), desk, environment(TERM="screen-256color"))
    yield opened
    opened.close()


@needs_tmux
def test_step_by_step(window: Tmux) -> None:
    """Each turn waits for a key; q stops."""
    screen = window.wait_for("any key")
    assert "→ get_order" in screen
    assert "Order ORD-7 is shipped." not in screen
    window.type("Space")
    assert "Thank you" not in window.wait_for("Order ORD-7 is shipped.")
    window.type("q")
    screen = window.wait_for("left with 0")
    assert "You said: Thank you" not in screen
    assert "any key" not in screen


def test_against_another_run(desk: Path) -> None:
    """Where they part first, as `diff` says it; what is no run cannot be compared so."""
    assert agentctl(desk, "run", "desk", "--simulate", "-q", "Where is ORD-8?").returncode == 0
    done = agentctl(desk, "replay", "desk/order", "--against", "last")
    assert done.returncode == 0
    assert done.stdout == agentctl(desk, "diff", "desk/order", "last").stdout
    assert "they part at turn 0, user said content" in done.stdout
    document = json.loads(agentctl(desk, "replay", "desk/order", "--against", "desk/order", "--json").stdout)
    assert (document["kind"], document["divergence"], document["causes"]) == ("runs", None, [])
    refused = agentctl(desk, "replay", "desk/order", "--against", "desk@1")
    assert refused.returncode == 2
    assert "desk@1 is an agent and no run" in refused.stderr
