"""Start-up: a command loads what it needs and nothing that takes long."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentctl.cli.main import COMMANDS

HEAVY = ("anthropic", "httpx2", "vcr", "genai_prices")
"""Two seconds, a tenth and a sixth of one: only a live run, `--through-sdk` and a price may cost that."""

PROBE = """
import json, sys
sys.argv = ["agentctl", *json.loads(sys.argv[1])]
from agentctl.__main__ import main
try:
    main()
except SystemExit as exit:
    code = exit.code
print(json.dumps([code, sorted({name.partition(".")[0] for name in sys.modules})]), file=sys.stderr)
"""


def loaded(*arguments: str) -> tuple[int, set[str]]:
    """The exit code of a command, and the top-level modules that it left loaded."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, json.dumps(arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    code, modules = json.loads(done.stderr.splitlines()[-1])
    return code, set(modules)


def light(checkout: Path, *arguments: str) -> set[str]:
    """Asserts that a command in the checkout's own project succeeds without anything heavy; what it did load."""
    code, modules = loaded("-C", str(checkout), *arguments)
    assert code == 0
    assert not modules & set(HEAVY)
    return modules


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help(checkout: Path, command: str) -> None:
    """Help loads nothing heavy, of any command that there is."""
    light(checkout, *([command] if command else []), "--help")


def test_eval_draws_nothing_it_does_not_show(checkout: Path) -> None:
    """The command that scores hundreds of recordings does not load what only a table or a retry needs."""
    assert not light(checkout, "eval", "--help") & {"rich", "jinja2", "tenacity", "prompt_toolkit"}


@pytest.mark.parametrize("command", ["chat", "diff", "eval", "replay", "run", "score"])
def test_help_loads_flags_alone(checkout: Path, command: str) -> None:
    """Whoever looks up a flag does not wait for what reads documents and recordings, or asks a model."""
    assert not light(checkout, command, "--help") & {"asyncio", "jsonschema_rs", "sqlite3", "yaml"}


def test_list_of_commands(checkout: Path) -> None:
    """The list of commands imports none of them: not even the documents' library is loaded."""
    assert not light(checkout, "--help") & {"pydantic", "yaml", "jsonschema_rs", "asyncio", "rich"}


def test_validate(checkout: Path) -> None:
    """Checking every document asks nobody outside."""
    light(checkout, "validate")


def test_diff_of_definitions(checkout: Path) -> None:
    """Two versions of an agent are compared from their documents alone."""
    light(checkout, "diff", "support@1", "support@2")


def test_eval(checkout: Path) -> None:
    """A replay asks no model; prices are looked up once and kept."""
    _, first = loaded("-C", str(checkout), "eval", "support", "-k", "order")
    assert not first & {"anthropic", "vcr"}
    light(checkout, "eval", "support", "-k", "order")


def test_replay(checkout: Path) -> None:
    """A recording is shown without the SDK that made it."""
    recording = min((checkout / "cassettes").rglob("*.yaml"))
    light(checkout, "replay", str(recording), "--json")
