"""Command lines nobody types: every command, with flags, values and environment drawn at random."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final

import typer
from typer.main import get_command

from agentctl.cli.main import app
from tests.torture import mutate
from tests.torture.console import clear_environment, command, sound
from tests.torture.hunt import Play, hunt
from tests.torture.part import Outcome, Part, Trial
from tests.torture.parts.recordings import lay_down

ASKS: Final = frozenset({"simulate", "chat"})
"""Serve or wait for a person, if all is well: they are given a flag that there is none of."""
SERVES: Final = frozenset({"--simulate", "--watch"})
"""Opens a port of this machine, or goes on until it is stopped, as it should."""
WORDS: Final = (
    *("support", "support@1", "support@2", "evals/support.yaml", "cassettes/support/cancel-confirmed.yaml", "evals"),
    *("-", "--", "-1", "0", "1", "3", "1/2", "9/1", "1e999", "nan", "inf", "0.5", "all", "none", "true", "json", "x=y"),
    *("@", "@1", "support@", "support@git:HEAD", "support@git:--help", "no such", "é" * 200, "x" * 4_000, "\udcff"),
    *("../../etc/passwd", "/dev/null", "/proc/self/mem", ".", "..", "C:\\nul", "%2e%2e", "a\nb", "\x1b[2J", ""),
    *("\u202eevil", "{{ x }}", "(", "[", "*", "[bold]x[/bold]", "2026-13-01", "1d", "-1d", "99999999999999999999"),
)
SAFE_ENV: Final = (
    *("AGENTCTL_EVAL_MAX_CONCURRENCY", "AGENTCTL_EVAL_REPEAT", "AGENTCTL_EVAL_OUTPUT", "AGENTCTL_RUNS_LIST_LIMIT"),
    *("COLUMNS", "LINES", "TERM", "NO_COLOR", "FORCE_COLOR", "CI", "GITHUB_ACTIONS", "TZ", "LANG", "LC_ALL", "HOME"),
    *("AGENTCTL_PROJECT", "AGENTCTL_DRAIN_SECONDS", "ANTHROPIC_BASE_URL", "XDG_CONFIG_HOME", "AGENTCTL_EVAL_SEED"),
)


@cache
def _commands() -> list[tuple[tuple[str, ...], list[str]]]:
    """Every command with the flags it takes."""
    found: list[tuple[tuple[str, ...], list[str]]] = []

    def walk(group: Any, path: tuple[str, ...]) -> None:
        context = typer.Context(group)
        for name in group.list_commands(context):
            each = group.get_command(context, name)
            if hasattr(each, "list_commands"):
                walk(each, (*path, name))
            else:
                flags = [flag for known in each.params for flag in known.opts if flag.startswith("-")]
                found.append(((*path, name), [flag for flag in flags if flag not in SERVES]))

    walk(get_command(app), ())
    return found


def _line(chance: Random) -> list[str]:
    path, flags = chance.choice(_commands())
    line = list(path)
    if chance.random() < 0.6:
        line.append(chance.choice(WORDS[:6]))
    for _ in mutate.many(chance, 5):
        kind = chance.random()
        if kind < 0.5 and flags:
            flag = chance.choice(flags)
            line += chance.choice(([flag], [flag, chance.choice(WORDS)], [f"{flag}={chance.choice(WORDS)}"]))
        elif kind < 0.9:
            line.append(chance.choice(WORDS))
        else:
            line.append(f"--{chance.choice(WORDS)}")
    if path[0] in ASKS:
        line.append("--no-such-flag")
    if chance.random() < 0.05:
        line[0:0] = ["-C", chance.choice(WORDS)]
    return [word.replace("\x00", "") for word in line]


def _lines(folder: Path) -> Play:
    clear_environment()
    root = lay_down(folder / "two/up/project")  # `init ../..` writes where it is told to: in the folder still

    def play(chance: Random) -> str:
        line = _line(chance)
        env = {"HOME": str(folder), "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}
        if chance.random() < 0.3:
            env[chance.choice(SAFE_ENV)] = chance.choice(WORDS).replace("\x00", "")
        return f"exit {sound(command(root, line, env=env, stdin=''), line).code}"

    return play


def _hunted(trial: Trial) -> Outcome:
    return hunt(trial, _lines).outcome("command lines", "tracebacks, sockets, writes elsewhere")


PARTS: Final = [Part(("B9",), "command lines", 200, 1_500, _hunted)]
