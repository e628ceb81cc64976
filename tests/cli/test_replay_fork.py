"""Going on from a turn of a run: the beginning is taken over, the rest is asked anew and stored as a run of its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from support.desk import agentctl, lay_down


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The desk with one stored run: an order is looked up, and something is said."""
    root = lay_down(tmp_path_factory.mktemp("desk"))
    done = agentctl(root, "run", "desk", "--simulate", "-q", "Where is ORD-7?", "Thank you")
    assert done.returncode == 0, done.stderr
    return root


@pytest.fixture
def desk(made: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(made, tmp_path, dirs_exist_ok=True))


def forked(root: Path, *flags: str) -> dict[str, Any]:
    """The document of a fork that completed."""
    done = agentctl(root, "replay", "last", "--simulate", "--json", *flags)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def events(root: Path, run: str) -> list[dict[str, Any]]:
    """The events of a stored run."""
    return [entry["event"] for entry in json.loads(agentctl(root, "runs", "show", run, "--json").stdout)]


def test_a_fork_is_a_run_with_a_parent(desk: Path) -> None:
    """From turn 2 on it is asked again: one request, the same facts, another id."""
    parent = json.loads(agentctl(desk, "runs", "list", "--json").stdout)[0]["run"]
    fork = forked(desk, "--from", "2")
    assert fork["attempts"] == 1
    assert (fork["parent"], fork["from_turn"]) == (parent, 2)
    assert events(desk, fork["run"])[:7] == events(desk, parent)[:7]
    assert fork["text"] == "Order ORD-7 is shipped."


def test_another_result(desk: Path, tmp_path: Path) -> None:
    """What the tool is made to have said is what the model answers to; the turn follows from the call."""
    (tmp_path / "lost.json").write_text('{"id": "ORD-7", "status": "lost at sea"}')
    fork = forked(desk, "--edit-tool-result", "get_order=lost.json")
    assert fork["text"] == "Order ORD-7 is lost at sea."
    assert fork["from_turn"] == 2


def test_other_words_and_more_of_them(desk: Path) -> None:
    """The first replaces what was said at that turn, the others are said when it is answered."""
    fork = forked(desk, "--from", "1", "--say", "Good day", "--say", "Good night")
    said = [event["content"] for event in events(desk, fork["run"]) if event["kind"] == "user_said"]
    assert said == ["Good day", "Good night"]
    assert fork["text"] == "You said: Good night"


def test_saying_something_goes_on_at_the_end(desk: Path) -> None:
    """Without a turn, words are the next thing said."""
    fork = forked(desk, "--say", "One more thing")
    assert (fork["from_turn"], fork["turns"], fork["attempts"]) == (4, 4, 1)


def test_another_definition(desk: Path, tmp_path: Path) -> None:
    """Model and system prompt of the fork are its own, and its bundle says so."""
    (tmp_path / "gruff.txt").write_text("Be gruff.")
    fork = forked(desk, "--model", "claude-opus-5", "--system", "gruff.txt")
    started = events(desk, fork["run"])[0]
    assert started["model"] == "claude-opus-5"
    assert started["bundle"] == fork["bundle"]
    before = events(desk, fork["parent"])[0]["components"]
    changed = {name for name, digest in started["components"].items() if before[name] != digest}
    assert changed == {"model", "system prompt"}


def test_a_person_sees_the_beginning_and_what_follows(desk: Path) -> None:
    """The trace shows the whole new run once; what it is a fork of stands beside it."""
    done = agentctl(desk, "replay", "last", "--simulate", "--from", "3")
    assert done.returncode == 0
    assert done.stdout.count("Where is ORD-7?") == 1
    assert done.stdout.count("You said: Thank you") == 1
    assert "forked from run " in done.stderr
    assert "at turn 3" in done.stderr


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (("--from", "2"), "a fork is live or simulated"),
        (("--from", "9", "--simulate"), "there is no turn 9 to go on from: the run has 3"),
        (("--from", "4", "--simulate"), "nobody waits for the model there"),
        (("--edit-tool-result", "get_order", "--simulate"), "is no CALL=FILE"),
        (("--edit-tool-result", "get_ordr=x", "--simulate"), "no answered call fits"),
        (("--edit-tool-result", "get_order=none.json", "--simulate"), "none.json: cannot be read"),
        (("--system", "none.txt", "--simulate"), "none.txt: cannot be read"),
        (("--from", "2", "--simulate", "--step"), "a fork goes on from one run"),
        (("--from", "2", "--live"), "no API key"),
    ],
)
def test_what_cannot_be_gone_on_with(desk: Path, flags: tuple[str, ...], complaint: str) -> None:
    """Exit 2 and a sentence; no run is stored."""
    done = agentctl(desk, "replay", "last", *flags, ANTHROPIC_API_KEY="")
    assert done.returncode == 2
    assert complaint in done.stderr
    assert len(json.loads(agentctl(desk, "runs", "list", "--json").stdout)) == 1
