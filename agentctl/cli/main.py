"""The `agentctl` command: a group that imports a command's module only when that command runs.

Start-up is a feature: `--help` lists every command without importing one, and no command pays for another's libraries.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.main import get_command

from agentctl import __version__
from agentctl.cli.bare import completed
from agentctl.cli.exits import guarded
from agentctl.cli.lazy import PLAIN, group_of
from agentctl.errors import UsageError

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "init": ("agentctl.cli.init:init", "Lay down a small working project: agent, tools, suite, recordings."),
    "validate": ("agentctl.cli.validate:validate", "Check every document and suite; name file, line and fix."),
    "schema": ("agentctl.cli.schema:schema", "Write JSON Schemas of the documents for your editor."),
    "chat": ("agentctl.cli.chat.command:chat", "Talk to an agent, with a live trace of every turn."),
    "run": ("agentctl.cli.run:run", "Send messages to an agent and print its answer."),
    "resume": ("agentctl.cli.resume:resume", "Go on with a run whose process died."),
    "eval": ("agentctl.cli.eval.command:evaluate", "Score suites on recordings: no network, no tool executed."),
    "score": ("agentctl.cli.score.command:score", "Score what already happened; no model is asked."),
    "replay": ("agentctl.cli.replay.command:replay", "Show a recording or a stored run, turn by turn."),
    "diff": ("agentctl.cli.diff.command:diff", "Say what changed between two agent versions or two results."),
    "report": ("agentctl.cli.report.group:report", "Make reports of results, or one page that compares several."),
    "judge": ("agentctl.cli.judge.group:judge", "Measure judges against people."),
    "history": ("agentctl.cli.history.command:history", "Show how suites went over time, and what became worse."),
    "runs": ("agentctl.cli.runs.group:runs", "List, show and export stored runs."),
    "cache": ("agentctl.cli.cache.group:cache", "Show or clear cached answers."),
    "import": ("agentctl.cli.cases.import_:import_", "Turn transcripts and foreign recordings into cases."),
    "cassettes": (
        "agentctl.cli.cassettes.group:cassettes",
        "Look after recordings: how they stand, what they hold, secrets in them.",
    ),
    "simulate": ("agentctl.cli.simulate:simulate", "Serve a local, scripted Messages API."),
}
"""See `lazy.Table`."""

app = typer.Typer(
    cls=group_of(COMMANDS),
    no_args_is_help=True,
    context_settings={"auto_envvar_prefix": "AGENTCTL", "help_option_names": ["-h", "--help"]},
    **PLAIN,
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"agentctl {__version__}")
        raise typer.Exit


@app.callback()
def root(
    project: Annotated[
        Path | None,
        typer.Option("-C", "--project", metavar="DIR", help="Run as if started in DIR.", envvar="AGENTCTL_PROJECT"),
    ] = None,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_version,
            is_eager=True,
            allow_from_autoenv=False,  # AGENTCTL_VERSION is what others call the version they install
            help="Show the version.",
        ),
    ] = False,
) -> None:
    """Operate and evaluate LLM agents defined in YAML: chat, record, replay, score, diff.

    Data goes to stdout, everything else to stderr. Every flag can also be set as AGENTCTL_<COMMAND>_<FLAG>.
    """
    if project is not None:
        if not project.is_dir():
            raise UsageError(f"{project} is no directory", hint="-C takes the directory of a project")
        os.chdir(project)


def main() -> None:
    """Entry point: parse, run, print errors, exit."""
    guarded(lambda: _invoke(get_command(app), sys.argv[1:]))


def _invoke(command: Any, arguments: list[str]) -> int | None:
    """What the command's own `main` does, but for turning a reader that went away into a failure."""
    try:
        with command.make_context("agentctl", completed(arguments)) as context:
            code: int | None = command.invoke(context)
            return code
    except typer.Exit as left:
        return left.exit_code
