"""`agentctl chat`: what it takes and what it says of itself; `agentctl.cli.chat.talk` is what it does.

Nothing else is loaded here, so that help is there at once.
"""

from __future__ import annotations

from typing import Annotated

import typer

from agentctl.errors import UsageError


def chat(
    agent: Annotated[str, typer.Argument(metavar="AGENT", help="name, name@2 or name@git:REV", show_default=False)],
    *,
    simulate: Annotated[
        bool, typer.Option("--simulate", help="Talk to the built-in simulator: no key needed.")
    ] = False,
    model: Annotated[str | None, typer.Option(metavar="ID", help="Another model than the document's.")] = None,
    thinking: Annotated[bool, typer.Option("--thinking/--no-thinking", help="Show the model's thinking.")] = True,
    go_on: Annotated[bool, typer.Option("-c", "--continue", help="Go on with the agent's latest stored run.")] = False,
    resume_run: Annotated[str | None, typer.Option(metavar="RUN", help="Go on with this stored run.")] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Neither give nor keep cached answers.")] = False,
) -> int:
    """Talk to an agent, with a live trace of every turn.

    Enter sends; Alt-Enter, or a backslash at the end of the line, begins a new line. Ctrl-C stops the agent and keeps
    the conversation; twice leaves. Ctrl-D leaves. /help lists the commands. When standard input is no terminal, each of
    its lines is one message.
    """
    if go_on and resume_run is not None:
        raise UsageError("--continue and --resume-run each name a run", hint="use one of them")
    from agentctl.cli.chat.talk import talked  # noqa: PLC0415  help needs none of it

    wanted = "latest" if go_on else resume_run
    return talked(agent, wanted, simulate=simulate, model=model, thinking=thinking, caches=not no_cache)
