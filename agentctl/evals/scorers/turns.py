"""One turn of the user's, as an outcome of its own: what was said after it and before the next.

It is a part of the same list of entries, each with its own `seq`, so that evidence found in it points into the run.
"""

from __future__ import annotations

from collections.abc import Sequence

from agentctl.agent.events import Entry, UserSaid
from agentctl.agent.run import Run
from agentctl.agent.values import replace
from agentctl.evals.scorers.outcome import Outcome, outcome_of


def turns_in(entries: Sequence[Entry]) -> int:
    """How often the user spoke."""
    return sum(isinstance(entry.event, UserSaid) for entry in entries)


def of_turn(outcome: Outcome, turn: int) -> Outcome | None:
    """The outcome of the user's n-th turn alone (-1 is the last one); None when there is none.

    Its cost and seconds are not known: prices and times are those of the whole run.
    """
    entries = outcome.run.entries
    begins = [index for index, entry in enumerate(entries) if isinstance(entry.event, UserSaid)]
    number = turn - 1 if turn > 0 else len(begins) + turn
    if not 0 <= number < len(begins):
        return None
    end = begins[number + 1] if number + 1 < len(begins) else len(entries)
    part = Run()
    for entry in entries[begins[number] : end]:
        part.append(entry.event, entry.at)
    part.entries[:] = entries[begins[number] : end]
    said = outcome.input[number : number + 1] if len(outcome.input) == len(begins) else ()
    seen = outcome_of(part, case=outcome.case, said=said, variables=outcome.vars, folder=outcome.folder)
    return replace(seen, metadata=outcome.metadata)
