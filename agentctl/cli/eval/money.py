"""`--estimate` and `--max-cost`: what going live would cost, and the purse that live calls are paid from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from agentctl.agent.spec import Agent
from agentctl.cli.console import json_document, say
from agentctl.cli.eval.flags import Money, Playing
from agentctl.cli.eval.screen import STYLES, Screen
from agentctl.config.project import Project
from agentctl.errors import UsageError
from agentctl.evals.evaluate import Player
from agentctl.evals.modes import OnDivergence
from agentctl.evals.plan import Job
from agentctl.evals.prices import Prices
from agentctl.evals.result import Evaluation
from agentctl.observe.clean import clean
from agentctl.observe.figures import count, dollars

LOOKED_AT: Final = 50
"""Recordings that say how long a reply of an agent gets."""

NAMED: Final = 10
"""Unplayed cases that the page names; every document names all."""

GoLive = Callable[[Agent], AbstractAsyncContextManager[Any]]


async def tell_estimate(project: Project, jobs: Sequence[Job], playing: Playing, *, as_json: bool) -> None:
    """Prints what would go live and what that costs."""
    from agentctl.evals.estimate import estimate, known, likely  # noqa: PLC0415  nothing else needs it

    prices = Prices(project.state / "prices.json")
    found = await estimate(
        jobs,
        prices,
        mode=playing.record_mode,
        on_divergence=playing.on_divergence,
        match=playing.match,
    )
    total, unknown = known(found), sum(each.cost_usd is None for each in found)
    judges: list[Any] = []
    judged = [job for job in (jobs if playing.rejudge else [each.job for each in found]) if job.is_judged]
    if judged and playing.judges_live:
        from agentctl.evals.judge.estimate import judging  # noqa: PLC0415  few suites have judges

        judges = judging(judged, prices)
    if as_json:
        cases = [each.to_json() for each in found]
        sums = {"cases": len(found), "runs": sum(each.job.repeats for each in found), **total.to_json()}
        about = likely(found)
        sums |= {"unknown": unknown, "likely_usd": None if about is None else float(about)}
        votes = {"judges": [each.to_json() for each in judges]} if judges else {}
        json_document({"kind": "estimate", "planned": len(jobs), "cases": cases, "total": sums, **votes, "exit": 0})
        return
    rows = [(f"{each.job.suite.name}/{each.job.case.id}", each) for each in found]
    room = max((len(name) for name, _ in rows), default=0)
    for name, each in rows:
        takes = each.takes
        figures = "" if takes is None else f"{count(takes.turns, 'turn'):>8}  {takes.tokens:>9,} tokens  "
        cost = "unknown" if each.cost_usd is None else dollars(each.cost_usd)
        say(f"{clean(name):<{room}}  {figures}{cost:>9}  {each.about}")
    for line in _sums(len(jobs), found, total.cost_usd, likely(found), judged=bool(judges)):
        say(line)
    for each in judges:
        cost = "unknown: no vote of it is recorded, or its model has no price"
        if each.cost_usd is not None:
            cost = f"{dollars(each.cost_usd)} more, as {count(each.recorded, 'recorded vote')} went"
        say(f"judge {clean(each.rubric)}, at most {count(each.votes, 'vote')}: {cost}")


def _sums(
    planned: int, found: Sequence[Any], cost: Decimal | None, about: Decimal | None, *, judged: bool
) -> Iterator[str]:
    unknown = sum(each.cost_usd is None for each in found)
    if not found and judged:
        yield f"{count(planned, 'case')}: no agent would go live"
        return
    if not found:
        yield f"{count(planned, 'case')}: none would go live, so nothing would be spent"
        yield "(--record-mode all, or new-episodes, or --on-divergence live beside --estimate: what that would cost)"
        return
    yield ""
    known = f"{dollars(cost)} at list prices" if unknown < len(found) else "cost unknown"
    yield f"{len(found):,} of {count(planned, 'case')} would go live: {known}"
    if unknown:
        guess = f"; if they go as the others, {dollars(about)} in all" if about is not None else ""
        yield f"not in it: {count(unknown, 'case')} of unknown cost{guess}"


@dataclass(frozen=True, slots=True)
class Paid:
    """A live wire whose calls are paid for."""

    wire: Any
    source: str


@dataclass(frozen=True, slots=True)
class Payment:
    """How an evaluation with a cap goes live, and how its cases are played."""

    purse: Any
    go_live: GoLive
    player: Callable[[Player], Player]


def payment(jobs: Sequence[Job], playing: Playing, money: Money, go_live: GoLive) -> Payment | None:
    """The purse of this evaluation and what is paid from it; None without a cap.

    Raises:
        UsageError: a model that may be asked has no known price.
    """
    cap = money.cap
    if cap is None:
        return None
    from agentctl.evals.live import is_due  # noqa: PLC0415  a replay costs nothing
    from agentctl.evals.purse import CappedPlayer, CappedWire, Habits, Purse  # noqa: PLC0415

    purse = Purse(cap)
    due = {job.recording for job in jobs if is_due(job, playing.record_mode)}
    habits: dict[str, Habits] = {}
    for agent in _asked(jobs, playing, due):
        habits[agent.ref] = Habits(agent.provider.name, _longest(jobs, agent))

    @asynccontextmanager
    async def paid(agent: Agent) -> AsyncIterator[Paid]:
        async with go_live(agent) as live:
            mine = habits.setdefault(agent.ref, Habits(agent.provider.name))
            yield Paid(CappedWire(live.wire, purse, mine), live.source)

    return Payment(purse, paid, lambda player: CappedPlayer(player, purse, lambda job: job.recording in due))


def _asked(jobs: Sequence[Job], playing: Playing, due: set[Any]) -> Iterator[Agent]:
    """The agents that may go live, each once.

    Raises:
        UsageError: the price of one's model is not known.
    """
    from agentctl.model.pricing import price  # noqa: PLC0415

    live = playing.on_divergence is OnDivergence.LIVE
    agents = {job.agent.ref: job.agent for job in jobs if job.recording in due or (live and job.case.is_recorded)}
    for agent in agents.values():
        if price(agent.model, {"input_tokens": 1, "output_tokens": 1}, agent.provider.name) is None:
            message = f"--max-cost cannot be kept: the price of {agent.model} is not known"
            raise UsageError(message, hint="leave out --max-cost, or limit the tokens of each run in the agent")
        yield agent


def _longest(jobs: Sequence[Job], agent: Agent) -> int:
    from agentctl.evals.estimate import longest_reply  # noqa: PLC0415

    return longest_reply([job for job in jobs if job.agent.ref == agent.ref and job.case.is_recorded][:LOOKED_AT])


def spent_lines(evaluation: Evaluation, screen: Screen) -> Iterator[str]:
    """What a page says of a cap, and of cases that were not played."""
    spending, unplayed = evaluation.spending, evaluation.unplayed
    if spending is not None:
        text = f"spent {dollars(spending.spent)} of {dollars(spending.cap)}"
        text += ", and the next call would have cost too much: raise --max-cost" if spending.reached else ""
        yield from (screen.paint(line, STYLES["error"] if spending.reached else "2") for line in screen.fold(text, 0))
    if unplayed and (spending is not None or not evaluation.interrupted):
        names = ", ".join(f"{each.suite}/{each.id}" for each in unplayed[:NAMED])
        more = f" and {len(unplayed) - NAMED:,} more" if len(unplayed) > NAMED else ""
        yield from screen.fold(f"not played: {names}{more}", 0)
