"""`agentctl cache`: what is kept of answers, and the way to be rid of it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from agentctl.agent.events import JsonObject
from agentctl.cli.console import json_document, note, say
from agentctl.cli.lazy import PLAIN
from agentctl.cli.screen import readers_may_leave
from agentctl.cli.session import DATABASE
from agentctl.cli.wiring import open_project
from agentctl.observe.clean import clean
from agentctl.observe.figures import age, count
from agentctl.observe.preview import one_line
from agentctl.store.answers import Answers, KeptAnswer

LEAST: Final = 20
Of = Annotated[
    str | None, typer.Argument(metavar="[AGENT]", help="name or name@2; without it, every agent.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]

cache = typer.Typer(no_args_is_help=True, help="Show or clear cached answers.", **PLAIN)


@cache.command("show")
def show(agent: Of = None, *, json: AsJson = False) -> None:
    """The cached answers, the newest first: how old each is, what was asked, and how often it was given again.

    How old an answer may be to be given is for the agent to say (`cached_answers.max_age_seconds`).
    """
    kept = _answers().list(agent)
    if json:
        json_document([_json(each) for each in kept])
        return
    if not kept:
        note("no answer is cached: agents with `cached_answers: true` cache theirs")
    with readers_may_leave():
        _print(kept, time.time())


@cache.command("clear")
def clear(agent: Of = None, *, json: AsJson = False) -> None:
    """Forget the cached answers. The runs they are from stay."""
    removed = _answers().clear(agent)
    if json:
        json_document({"removed": removed})
    else:
        say(f"removed {count(removed, 'cached answer')}")


def _answers() -> Answers:
    return Answers(open_project().state / DATABASE)


def _print(kept: Sequence[KeptAnswer], now: float) -> None:
    width = shutil.get_terminal_size().columns
    agents = max((len(each.agent) for each in kept), default=0)
    for each in kept:
        old = f"{age(now - each.at)} old" if each.at <= now else "from the future"
        head = clean(f"{each.agent:<{agents}}  {each.run}  {old:<15}  served {each.served}  ")
        if width - len(head) < LEAST:  # a narrow window gets more lines
            say(head.rstrip())
            head = "  "
        say((head + one_line(each.question or "(its run is no longer stored)", max(width - len(head), LEAST))).rstrip())
        say(f"  → {one_line(each.answer, max(width - 4, LEAST))}".rstrip())


def _json(kept: KeptAnswer) -> JsonObject:
    return {
        "key": kept.key,
        "agent": kept.agent,
        "model": kept.model,
        "run": kept.run,
        "at": datetime.fromtimestamp(kept.at, UTC).isoformat(timespec="milliseconds"),
        "served": kept.served,
        "question": kept.question,
        "answer": kept.answer,
    }
