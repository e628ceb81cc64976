"""`agentctl eval`: what it takes and what it says of itself; `agentctl.cli.eval.evaluation` is what it does.

The flags stand in `agentctl.cli.eval.flags`. Nothing else is loaded here, so that help is there at once.
"""

from __future__ import annotations

from agentctl.cli.eval.flags import Again, Against, Gates, Money, Playing, Selection, Writing
from agentctl.cli.flags import grouped


@grouped
def evaluate(
    selection: Selection,
    playing: Playing,
    again: Again,
    money: Money,
    gates: Gates,
    against: Against,
    writing: Writing,
) -> int:
    """Score suites on recordings: no network, no tool executed.

    A case whose recording is missing or no longer fits is named, with what changed, and never played unless
    --on-divergence or --match ask for it. --record-mode records it again, from the model or from the simulator.

    --baseline compares with an earlier result, or with what a git revision recorded, and says better, worse or cannot
    tell. Then only regressions fail: a case that passed there and fails now, a new case that fails, or a verdict of
    worse. Cases that failed before do not, unless --min-pass-rate asks for more.

    Exit codes: 0 all passed, 1 a case failed (with --baseline: a regression), 2 usage or configuration, 3 a case
    errored, 4 recordings missing or stale, 5 nothing selected, 6 the cap on cost reached, 130 and 143 interrupted.
    """
    from agentctl.cli.eval.evaluation import evaluated  # noqa: PLC0415  help needs none of it

    return evaluated(selection, playing, again, money, gates, against, writing)
