"""A till whose model takes its leave in another way at each take, so that one case is flaky when it is repeated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agentctl.agent.ports import Request, WireReply
from agentctl.config.project import Project
from agentctl.evals.modes import RecordMode
from agentctl.evals.plan import plan
from agentctl.evals.result import Evaluation
from support import till

CASE = "two-turns"
FAREWELL = "Good bye."


class Moody(till.Canned):
    """Says good bye in the takes for which `moods` holds `p`, and something else in the others."""

    def __init__(self, moods: str) -> None:
        super().__init__()
        self.moods = moods
        self.take = 0

    async def send(self, request: Request) -> WireReply:
        """The next reply; the last one of the flaky case depends on the take."""
        messages = request.body["messages"]
        if "Hello" in str(messages[0]) and len(messages) > 1:
            passes = self.moods[self.take % len(self.moods)] == "p"
            self.take += 1
            self.turns = {**self.turns, "Hello": [till.TURNS["Hello"][0], [till.text(FAREWELL if passes else "Go!")]]}
        return await super().send(request)


def lay_down(root: Path, moods: str, *keys: str) -> Project:
    """A till whose flaky case has as many takes as there are moods, and these further keys; nothing is recorded."""
    more = "".join(f"    {key}\n" for key in (f"repeat: {len(moods)}", *keys))
    return till.lay_down(root, till.SUITE.replace(f"  - id: {CASE}\n", f"  - id: {CASE}\n{more}"))


def record(root: Path, moods: str, *keys: str) -> Project:
    """The same, recorded."""
    project = lay_down(root, moods, *keys)
    play(project, moods, RecordMode.ALL)
    return project


def play(project: Project, moods: str, mode: RecordMode, **options: object) -> Evaluation:
    """An evaluation of the project with that model behind it."""
    return till.play(plan(project, **options), Moody(moods), mode)  # type: ignore[arg-type]


def signs(evaluation: Evaluation) -> str:
    """What became of each take of the flaky case, a letter for each."""
    return "".join(case.status[0] for case in evaluation.cases if case.id == CASE)


def ids(evaluation: Evaluation) -> Sequence[str]:
    """The cases that ran, in order."""
    return list(dict.fromkeys(case.id for case in evaluation.cases))
