"""`agentctl score`: what it takes and what it says of itself; `agentctl.cli.score.scoring` is what it does.

The flags stand in `agentctl.cli.score.flags`. Nothing else is loaded here, so that help is there at once.
"""

from __future__ import annotations

from agentctl.cli.eval.flags import Gates, Writing
from agentctl.cli.flags import grouped
from agentctl.cli.score.flags import Asked


@grouped
def score(asked: Asked, gates: Gates, writing: Writing) -> int:
    """Score what already happened: stored runs, results, recordings, transcripts of others. No model is asked.

    A trace is scored by the case of the suite that it names, and by what the suite asks of all; trials of a task are
    repeats of a case. --label scores by what traces say of themselves, with or without a suite.

    Exit codes: 0 all passed, 1 a case failed, 2 usage or configuration, 3 a trace could not be scored, 4 a judge's
    verdict is not recorded, 5 there is no trace.
    """
    from agentctl.cli.score.scoring import scored  # noqa: PLC0415  help needs none of it

    return scored(asked, gates, writing)
