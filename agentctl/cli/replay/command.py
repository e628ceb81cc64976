"""`agentctl replay`: what it takes and what it says of itself; `agentctl.cli.replay.showing` is what it does.

Nothing else is loaded here, so that help is there at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agentctl.errors import UsageError

What = Annotated[
    list[str],
    typer.Argument(
        metavar="WHAT",
        help="A recording, ours or any vcrpy or VCR one; suite/case; a run's id or `last`; RESULT.json#case.",
        show_default=False,
    ),
]
From = Annotated[
    int | None,
    typer.Option("--from", min=1, metavar="TURN", envvar="AGENTCTL_REPLAY_FROM", help="Go on live from this turn."),
]
Live = Annotated[bool, typer.Option("--live", help="Go on with the model: a fork, stored as a run of its own.")]
Simulate = Annotated[bool, typer.Option("--simulate", help="Go on with the built-in simulator: no key needed.")]
Say = Annotated[
    list[str] | None, typer.Option("--say", metavar="TEXT", help="In the fork, what the user says there (and then).")
]
Model = Annotated[str | None, typer.Option("--model", metavar="ID", help="In the fork, another model.")]
System = Annotated[Path | None, typer.Option("--system", metavar="FILE", help="In the fork, another system prompt.")]
EditResult = Annotated[
    list[str] | None,
    typer.Option("--edit-tool-result", metavar="CALL=FILE", help="In the fork, another result of this call."),
]
AgentRef = Annotated[str | None, typer.Option("--agent", metavar="REF", help="In the fork, this agent.")]
Against = Annotated[
    str | None, typer.Option("--against", metavar="WHAT", help="Where this other run first did something else.")
]
Yes = Annotated[bool, typer.Option("--yes", help="In the fork, approve every tool call that asks for it.")]


def replay(
    what: What,
    *,
    step: Annotated[bool, typer.Option("--step", help="Wait for a key between turns.")] = False,
    turn: Annotated[int | None, typer.Option(min=1, metavar="N", help="Only turn N.")] = None,
    take: Annotated[int | None, typer.Option(min=1, metavar="N", help="Take (repeat) N of a recorded case.")] = None,
    thinking: Annotated[bool, typer.Option("--thinking/--no-thinking", help="Show the model's thinking.")] = True,
    json: Annotated[bool, typer.Option("--json", help="JSON: a line for each file, the entries of a run.")] = False,
    from_: From = None,
    live: Live = False,
    simulate: Simulate = False,
    say: Say = None,
    model: Model = None,
    system: System = None,
    edit_tool_result: EditResult = None,
    agent: AgentRef = None,
    yes: Yes = False,
    against: Against = None,
) -> int:
    """Show a recording or a stored run, turn by turn, as chat would have shown it. Nothing is sent or executed.

    With --live or --simulate, go on from a turn of it: what stands before is taken over as it is, the rest is a new
    run. `--from 3 --live` asks for turn 3 again; --say, --system, --model, --edit-tool-result change something first.
    """
    from agentctl.cli.replay.showing import forked, parted, showed  # noqa: PLC0415  help needs none of it
    from agentctl.cli.replay.sources import Changes, ForkOptions  # noqa: PLC0415

    changes = Changes(from_, agent, model, system, tuple(edit_tool_result or ()), tuple(say or ()))
    if against is not None:
        return parted(what, against, json=json)
    if live or simulate or changes != Changes():
        if live == simulate:
            raise UsageError("a fork is live or simulated", hint="add either --live or --simulate")
        if step or turn is not None or len(what) != 1:
            raise UsageError("a fork goes on from one run", hint="name one, and leave out --step and --turn")
        return forked(what[0], take, changes, ForkOptions(simulate, thinking, json, yes))
    if json and (step or turn is not None):
        raise UsageError("--json has no screen", hint="leave out --step and --turn")
    return showed(what, take, step=step, turn=turn, thinking=thinking, json=json)
