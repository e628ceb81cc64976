"""`agentctl diff`: what it takes and what it says of itself; `agentctl.cli.diff.comparing` is what it does.

Nothing else is loaded here, so that help is there at once.
"""

from __future__ import annotations

from typing import Annotated

import typer

SIDE = "support@1, support@git:main; a run's id, `last`, a recording; or a result.json."


def diff(
    a: Annotated[str, typer.Argument(help=SIDE, show_default=False)],
    b: Annotated[str, typer.Argument(help="Another of the same kind.", show_default=False)],
    suite: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of results or recordings, this suite only.")
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Record first what --suite has no recording of.")] = False,
    simulate: Annotated[bool, typer.Option("--simulate", help="The same, from the built-in simulator.")] = False,
    json: Annotated[bool, typer.Option("--json", help="The whole difference as one JSON document.")] = False,
) -> int:
    """Say what changed from A to B: two versions of an agent, two runs, or two results of `agentctl eval -o FILE.json`.

    Of two results, and of two versions with --suite, it gives a verdict (better, worse, cannot tell) by an exact test
    over the cases of both, with the interval, and the smallest effect the suite could have shown.

    Exit codes: 0 compared, 1 a case that passed fails now, 2 cannot be compared, 4 --suite has no fresh recording of a
    case in both.
    """
    from agentctl.cli.diff.comparing import compared  # noqa: PLC0415  help needs none of it

    return compared(a, b, suite, live=live, simulate=simulate, json=json)
