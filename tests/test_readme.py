"""The README is true: every command in it runs here, and prints what it says there.

A block that starts with ```console holds commands (`$ ...`) and their output; a line `...` stands for any lines. What
differs from run to run (durations, run ids, dates of runs) is compared by its shape.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from agentctl.cli.main import COMMANDS

CHECKOUT = Path(__file__).resolve().parents[1]
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
SET_UP = ["pip install -e . && agentctl eval", "pip install -e '.[dev]' && pytest"]
VARIABLE = [
    (re.compile(r"\b\d+(\.\d+)? m?s\b"), "TIME"),
    (re.compile(r"\b\d{8}-\d{6}-[0-9a-z]{4}\b"), "RUN"),
    (re.compile(r"(127\.0\.0\.1|localhost):\d+"), "HOST"),
    (re.compile(r" {2,}"), "  "),
    (re.compile(r"-{3,}"), "---"),
]


@dataclass(frozen=True)
class Command:
    """One command of the README, its expected output, and its block's number."""

    block: int
    line: str
    output: tuple[str, ...]


def blocks() -> list[list[Command]]:
    """The console blocks."""
    found = []
    for number, source in enumerate(re.findall(r"^```console\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)):
        commands: list[Command] = []
        for line in source.splitlines():
            if line.startswith("$ "):
                commands.append(Command(number, line[2:], ()))
            else:
                last = commands[-1]
                commands[-1] = Command(number, last.line, (*last.output, line))
        found.append(commands)
    return found


BLOCKS = blocks()


def shape(text: str) -> str:
    """A line without what differs from run to run."""
    for pattern, name in VARIABLE:
        text = pattern.sub(name, text)
    return text.strip()


def matches(expected: list[str], actual: list[str]) -> bool:
    """Whether the lines are those of the README, `...` standing for any number of them."""
    if not expected:
        return not actual
    if expected[0] == "...":
        return any(matches(expected[1:], actual[skip:]) for skip in range(len(actual) + 1))
    return bool(actual) and expected[0] == actual[0] and matches(expected[1:], actual[1:])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project as a newcomer has it after cloning: a git repository with one commit."""
    copy = tmp_path / "agentctl"
    copy.mkdir()
    for name in ("prompts", "evals", "cassettes", ".gitignore"):
        source = CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / name)
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "start"]):
        subprocess.run([*git, *arguments], cwd=copy, check=True)
    return copy


@pytest.mark.parametrize("number", range(len(BLOCKS)), ids=[block[0].line[:60] for block in BLOCKS])
def test_console_block(number: int, project: Path) -> None:
    """Each command of a block runs, one after the other in one project, and prints what the README shows."""
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": "100"}
    for command in BLOCKS[number]:
        done = subprocess.run(
            ["bash", "-c", command.line + " 2>&1"],
            cwd=project,
            env=env,
            capture_output=True,
            text=True,
            timeout=120,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert "Traceback" not in done.stdout
        expected = [shape(line) for line in command.output if shape(line)]
        actual = [shape(line) for line in done.stdout.splitlines() if shape(line)]
        assert matches(expected, actual), f"$ {command.line}\n{done.stdout}"


def test_every_command_is_in_the_readme_and_every_block_has_one() -> None:
    """Nothing in a console block is without a command, and no command of the tool is left out of the README."""
    assert all(block for block in BLOCKS)
    missing = [name for name in COMMANDS if f"agentctl {name}" not in README]
    assert missing == []


def test_set_up_commands_stand_first() -> None:
    """The two set-up commands are the first shell block, word for word, as the continuous build runs them."""
    block = README.split("<!-- set-up -->", 1)[1].split("```sh\n", 1)[1].split("```", 1)[0]
    assert block.splitlines() == SET_UP
    for command in SET_UP:
        uv = command.replace("pip install -e . && ", "uv run ").replace(
            "pip install -e '.[dev]' && ", "uv run --extra dev "
        )
        assert uv in README


def test_links_and_paths_exist() -> None:
    """Every file the README names is there."""
    for path in re.findall(r"`((?:prompts|evals|cassettes|tests|agentctl)/[\w./-]+)`", README):
        assert (CHECKOUT / path).exists(), path
