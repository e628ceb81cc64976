"""`agentctl run`: what it takes and what it says of itself; `agentctl.cli.converse` is what it does.

Nothing else is loaded here, so that help is there at once.
"""

from __future__ import annotations

from typing import Annotated

import typer

from agentctl.cli.run_options import Format, Options


def run(
    agent: Annotated[str, typer.Argument(metavar="AGENT", help="name, name@2 or name@git:REV", show_default=False)],
    messages: Annotated[
        list[str] | None,
        typer.Argument(metavar="[MESSAGE]...", help="What the user says, one after the other; - reads standard input."),
    ] = None,
    *,
    simulate: Annotated[
        bool, typer.Option("--simulate", help="Talk to the built-in simulator: no key needed.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Short for --output-format json.")] = False,
    output_format: Annotated[
        Format, typer.Option(help="stream-json: a line for each entry as it happens.")
    ] = Format.TEXT,
    model: Annotated[str | None, typer.Option(metavar="ID", help="Another model than the document's.")] = None,
    thinking: Annotated[bool, typer.Option("--thinking/--no-thinking", help="Show the model's thinking.")] = True,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Only the answer: no trace.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Approve every tool call that asks for it.")] = False,
    timeout: Annotated[
        float | None, typer.Option(min=0.001, metavar="SECONDS", help="For each answer, instead of limits.max_seconds.")
    ] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Neither give nor keep cached answers.")] = False,
) -> int:
    """Send messages to an agent and print its answer.

    Several messages are several turns of one conversation. Without a message, standard input is one. Every run is
    stored; `agentctl runs show ID` shows it again. For the exact bytes of an answer use --json: in text, control
    characters are made visible.
    """
    from agentctl.cli.converse import conversed  # noqa: PLC0415  help needs none of it

    options = Options(Format.JSON if json else output_format, thinking, quiet, yes)
    caches = not no_cache
    return conversed(agent, messages or [], options, simulate=simulate, model=model, max_seconds=timeout, caches=caches)
