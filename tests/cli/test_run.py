"""`agentctl run` as a process: what goes where, and which exit code means what."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from agentctl.agent.events import from_json
from agentctl.store.runs import Runs
from support.desk import agentctl, command, environment, lay_down, wait_for_line


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project all of these run in."""
    return lay_down(tmp_path_factory.mktemp("desk"))


def stored_end(desk: Path, run_id: str) -> str | None:
    """How the stored run ended."""
    with Runs(desk / ".agentctl" / "agentctl.db") as runs:
        return runs.get(run_id).ended


def run_id(stderr: str) -> str:
    """The id that was printed."""
    found = re.search(r"^run (\S+)$", stderr, re.MULTILINE)
    assert found, stderr
    return found[1]


def test_the_answer_is_all_there_is_on_stdout(desk: Path) -> None:
    """The trace, the label of the simulator and the id go to stderr."""
    done = agentctl(desk, "run", "desk", "Where is ORD-7?", "--simulate")
    assert done.returncode == 0
    assert done.stdout == "Order ORD-7 is shipped.\n"
    assert "simulated model: answers come from prompts/desk/simulator.yaml\n" in done.stderr
    assert '→ get_order {"id":"ORD-7"}' in done.stderr
    assert "The customer asks for an order." in done.stderr
    assert re.search(r"turn 2 · .* in · \d+ out · \$0\.\d+", done.stderr)
    assert stored_end(desk, run_id(done.stderr)) == "completed"


def test_several_messages_are_one_conversation(desk: Path) -> None:
    """Each turn's answer is printed; one run holds them all. Quiet, nothing else is."""
    done = agentctl(desk, "run", "desk", "hello", "Where is ORD-7?", "--simulate", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "You said: hello\nOrder ORD-7 is shipped.\n", "")


def test_standard_input_is_one_message(desk: Path) -> None:
    """Without a message in the arguments, what is piped in is it, line breaks included."""
    done = agentctl(desk, "run", "desk", "--simulate", "--no-thinking", stdin="one\ntwo\n")
    assert done.stdout == "You said: one\ntwo\n"


def test_the_json_document(desk: Path) -> None:
    """The fixed document, alone on stdout; the same run is in the store."""
    done = agentctl(desk, "run", "desk", "Where is ORD-7?", "--simulate", "--json")
    document = json.loads(done.stdout)
    assert done.returncode == 0
    usage = document.pop("usage")
    assert usage["output_tokens"] > 0
    assert document.pop("cost_usd") > 0
    assert document.pop("bundle").startswith("sha256:")
    assert document.pop("run") == run_id(done.stderr)
    assert document == {
        "agent": "desk@1",
        "ended": "completed",
        "text": "Order ORD-7 is shipped.",
        "turns": 2,
        "tool_calls": [{"name": "get_order", "input": {"id": "ORD-7"}, "ok": True}],
        "attempts": 2,
        "fell_back": [],
        "cached_answer": None,
        "error": None,
    }


def test_stream_json_is_an_entry_a_line_and_then_the_result(desk: Path) -> None:
    """Each line can be read back into its event; the last one is the document."""
    done = agentctl(desk, "run", "desk", "Where is ORD-7?", "--simulate", "--output-format", "stream-json")
    *entries, result = [json.loads(line) for line in done.stdout.splitlines()]
    assert [entry["seq"] for entry in entries] == list(range(len(entries)))
    events = [from_json(entry["event"]) for entry in entries]
    assert [event.kind for event in events][-2:] == ["model_replied", "run_ended"]
    assert result["type"] == "result"
    assert result["text"] == "Order ORD-7 is shipped."
    with Runs(desk / ".agentctl" / "agentctl.db") as runs:
        assert [entry.event for entry in runs.entries(result["run"])] == events


def test_nobody_approves_unless_told_to(desk: Path) -> None:
    """A tool that asks first is denied where there is no one to ask; `--yes` allows it."""
    denied = agentctl(desk, "run", "desk", "cancel ORD-7", "--simulate", "--json")
    assert json.loads(denied.stdout)["tool_calls"][0]["ok"] is False
    assert json.loads(denied.stdout)["text"] == "It was not cancelled."
    allowed = agentctl(desk, "run", "desk", "cancel ORD-7", "--simulate", "--yes", "-q")
    assert allowed.stdout == "It is cancelled.\n"


@pytest.mark.parametrize(
    ("message", "flags", "reason"),
    [("forever", (), "max_turns"), ("wait for it", ("--timeout", "0.5"), "deadline")],
)
def test_a_limit_is_exit_6(desk: Path, message: str, flags: tuple[str, ...], reason: str) -> None:
    """The document says which limit; stderr says it in words."""
    done = agentctl(desk, "run", "desk", message, "--simulate", "--json", *flags)
    document = json.loads(done.stdout)
    assert done.returncode == 6
    assert document["ended"] == document["error"]["type"] == reason
    assert f"error: the run ended with {reason}: " in done.stderr
    assert f"hint: {document['error']['hint']}" in done.stderr.splitlines()
    assert stored_end(desk, document["run"]) == reason


def test_a_model_that_cannot_be_reached_is_exit_3(desk: Path) -> None:
    """Every attempt is counted and shown; the error carries the type and a text a person understands."""
    away = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9", "ANTHROPIC_API_KEY": "none"}
    done = agentctl(desk, "run", "desk", "hello", "--json", **away)
    document = json.loads(done.stdout)
    assert done.returncode == 3
    assert document["ended"] == "model_error"
    assert document["attempts"] == 2
    assert document["error"]["type"] == "connection_error"
    assert "base_url" in document["error"]["hint"]
    assert "Traceback" not in done.stderr


def test_without_a_key_the_way_on_is_named(desk: Path) -> None:
    """No SDK, no request: a sentence and what to do."""
    done = agentctl(desk, "run", "desk", "hello")
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == "error: no API key: ANTHROPIC_API_KEY is not set"
    assert "--simulate" in done.stderr.splitlines()[1]


@pytest.mark.parametrize(
    "arguments", [("desk", ""), ("desk", " \n"), ("nobody", "hi"), ("../desk", "hi"), ("desk@9", "hi")]
)
def test_what_cannot_be_run_is_exit_2(desk: Path, arguments: tuple[str, str]) -> None:
    """An empty message, an unknown agent, a path in place of a name."""
    done = agentctl(desk, "run", *arguments, "--simulate")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stdout == ""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)])
def test_a_signal_ends_the_run_properly(desk: Path, number: signal.Signals, code: int) -> None:
    """Interrupted while the model is silent: the document is printed, the run stored with its end, no traceback."""
    arguments = command("run", "desk", "wait for it", "--simulate", "--output-format", "stream-json")
    process = subprocess.Popen(
        arguments, cwd=desk, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    wait_for_line(process.stdout, "model_asked")
    time.sleep(0.1)  # on the wire
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    result: Any = json.loads(out.splitlines()[-1])
    assert process.returncode == code, err
    assert result["ended"] == "interrupted"
    assert stored_end(desk, result["run"]) == "interrupted"
    assert "Traceback" not in err


def test_a_reader_that_leaves_is_no_error(desk: Path) -> None:
    """`| head -1` is quiet, and what happened is stored."""
    arguments = command("run", "desk", "Where is ORD-7?", "--simulate", "--output-format", "stream-json")
    process = subprocess.Popen(
        arguments, cwd=desk, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=20) == 0
    assert process.stderr.read().splitlines() == ["simulated model: answers come from prompts/desk/simulator.yaml"]
    process.stderr.close()


def test_hostile_text_reaches_stdout_tamed(desk: Path) -> None:
    """In text every control character is made visible; JSON carries the text unchanged, escaped as JSON does."""
    done = agentctl(desk, "run", "desk", "hostile", "--simulate")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", done.stdout + done.stderr)
    assert "[link=https://evil.example]x[/link]" in done.stderr
    raw = agentctl(desk, "run", "desk", "hostile", "--simulate", "--output-format", "stream-json")
    replies = [json.loads(line) for line in raw.stdout.splitlines() if '"model_replied"' in line]
    assert "\x1b]52;c;cm0=\x07" in replies[0]["event"]["content"][1]["text"]
