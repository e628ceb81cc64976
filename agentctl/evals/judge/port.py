"""What an evaluation asks of judges that answer now; that is all it knows of them until a case has one."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from agentctl.evals.plan import Job
from agentctl.evals.scorers.outcome import Outcome


class Bench(Protocol):
    """Asks judges that answer now; see `evals.judge.bench`."""

    recorded: list[Path]
    """Verdicts written."""

    @property
    def sent(self) -> int:
        """Requests sent to judges."""
        ...

    async def complete(self, job: Job, outcome: Outcome) -> None:
        """Has every judge of the job give the votes on this outcome that are to be given now.

        Raises:
            AgentctlError: one could not be asked, or gave no verdict.
            CannotScore: one gave no verdict.
        """
        ...
