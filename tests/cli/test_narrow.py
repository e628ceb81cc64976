"""Forty columns: a phone, half of a split screen. Nothing runs over but what must stay in one piece."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.cells import cell_len

from support import desk, till
from support.desk import agentctl, command, environment
from support.terminal import RawTerminal


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The till with its recordings, the desk, and one stored run."""
    root = desk.lay_down(tmp_path_factory.mktemp("project"))
    till.record(till.lay_down(root))
    assert agentctl(root, "run", "desk", "Where is ORD-7?", "--simulate", "-q").returncode == 0
    return root


@pytest.mark.parametrize("line", ["eval", "eval --agent desk", "replay till/sell-cake --turn 1", "runs list"])
def test_a_narrow_window(project: Path, line: str) -> None:
    """At 40 columns no row runs over; only names and commands that must be copied whole may."""
    env = {name: value for name, value in environment(TERM="xterm").items() if name != "COLUMNS"}
    terminal = RawTerminal(command(*line.split()), project, env, width=40)
    assert terminal.rest() in {0, 4}
    for row in terminal.written.decode().replace("\r", "").split("\n"):
        is_command = "agentctl " in row or row.startswith("cassettes/")
        assert cell_len(row) <= 40 or is_command or len(row.split()) == 1, row


def test_a_chat_in_a_narrow_window(project: Path) -> None:
    """The list of commands and a whole exchange fit."""
    env = {name: value for name, value in environment(TERM="xterm").items() if name != "COLUMNS"}
    arguments = command("chat", "desk", "--simulate", "--resume-run", "latest")
    terminal = RawTerminal(arguments, project, env, width=40)
    terminal.wait_for("you> ")
    terminal.type("/help\r")
    terminal.wait_for("twice leaves.")
    terminal.type("\x04")
    assert terminal.rest() == 0
    rows = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.written.decode()).replace("\r", "").split("\n")
    assert "  ┆ The customer asks for an order." in rows
    assert "/eval NAME [--suite S]" in rows
    assert [row for row in rows if cell_len(row) > 40 and not row.startswith(("you> ", "run "))] == []
