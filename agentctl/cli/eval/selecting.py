"""Which cases `agentctl eval` looks at: those that fit, of them the first, of them this machine's part."""

from __future__ import annotations

from agentctl.agent.events import JsonObject
from agentctl.agent.values import replace
from agentctl.cli.console import note
from agentctl.cli.eval.flags import Selection
from agentctl.config.project import Project
from agentctl.evals.plan import Job, plan


def selected(project: Project, selection: Selection) -> list[Job]:
    """The jobs of the cases that fit. See `plan` for what it raises."""
    jobs = plan(
        project,
        selection.suites or [],
        agent=selection.agent,
        filters=selection.filter or [],
        tags=selection.tag or [],
        repeat=selection.repeat,
    )
    return [replace(job, adaptive=selection.alpha) for job in jobs] if selection.adaptive else jobs


def apportioned(selection: Selection, jobs: list[Job]) -> tuple[list[Job], JsonObject | None]:
    """The first of them, and of those this machine's part, with what names it.

    A part may be empty, when there are more parts than cases: it is a part all the same.

    Raises:
        UsageError: `--shard` names no part.
    """
    jobs = jobs[: selection.limit]
    if selection.shard is None:
        return jobs, None
    from agentctl.evals.shard import parsed, shard  # noqa: PLC0415  reads every recording

    mine, part = shard(jobs, *parsed(selection.shard))
    if not mine:
        note(f"part {selection.shard} is empty: there are {len(jobs)} cases")
    return mine, part.to_json()
