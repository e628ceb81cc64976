"""A cap on cost holds whatever calls cost, however many of them are under way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentctl.agent.ports import Request, WireReply
from agentctl.agent.spec import Provider
from agentctl.errors import CapReached
from agentctl.evals.evaluate import evaluate
from agentctl.evals.live import live_player
from agentctl.evals.modes import RecordMode
from agentctl.evals.plan import plan
from agentctl.evals.prices import Prices
from agentctl.evals.purse import CappedPlayer, CappedWire, Habits, Purse
from agentctl.evals.result import Evaluation
from agentctl.model.claude import ClaudeWire
from agentctl.simulator.script import load_script
from agentctl.simulator.server import Simulator
from support.till import Canned, Live, edit, lay_down

CALLS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 3)), max_size=25)


@settings(max_examples=60)
@given(cap=st.integers(0, 200), calls=CALLS, side_by_side=st.integers(1, 6))
def test_no_cap_is_exceeded_by_more_than_what_is_under_way(
    cap: int, calls: list[tuple[int, int, int]], side_by_side: int
) -> None:
    """Spent <= cap + what the calls under way cost beyond what was expected; nothing waits for ever."""

    async def body() -> None:
        purse, waiting = Purse(Decimal(cap)), list(calls)

        async def work() -> None:
            while waiting:
                expected, cost, turns = waiting.pop()
                try:
                    await purse.take(Decimal(expected))
                except CapReached:
                    return
                assert purse.spent < purse.cap
                for _ in range(turns):
                    await asyncio.sleep(0)
                purse.settle(Decimal(expected), Decimal(cost))

        async with asyncio.timeout(10), asyncio.TaskGroup() as workers:
            for _ in range(side_by_side):
                workers.create_task(work())
        assert purse.given == 0
        beyond = sorted((max(cost - expected, 0) for expected, cost, _ in calls), reverse=True)
        assert purse.spent <= cap + sum(beyond[:side_by_side])

    asyncio.run(body())


def test_crumbs_of_fractions_keep_nobody_waiting() -> None:
    """What is given and taken back in another order leaves nothing behind: a call that does not fit is refused."""

    async def body() -> None:
        purse, parts = Purse(Decimal(1)), [Decimal(1) / each for each in (7, 9, 11)]
        for part in parts:
            await purse.take(part)
        for part in parts[::-1]:
            purse.settle(part, part)
        async with asyncio.timeout(10):
            with pytest.raises(CapReached):
                await purse.take(Decimal(1))

    asyncio.run(body())


def test_calls_that_cost_what_is_expected_never_exceed_the_cap() -> None:
    """Then there is no overshoot at all, and the money is used as far as it goes."""

    async def body() -> Purse:
        purse = Purse(Decimal(10))

        async def work() -> None:
            while True:
                await purse.take(Decimal(3))
                await asyncio.sleep(0)
                purse.settle(Decimal(3), Decimal(3))

        outcomes = await asyncio.gather(*(work() for _ in range(5)), return_exceptions=True)
        assert all(isinstance(each, CapReached) for each in outcomes)
        return purse

    purse = asyncio.run(body())
    assert (purse.spent, purse.closed) == (Decimal(9), True)


async def _pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


@pytest.mark.parametrize(
    ("status", "body", "spent"),
    [
        (529, b'{"type":"error","error":{"type":"overloaded_error","message":"busy"}}', "0"),
        (200, b'event: message_start\ndata: {"type":"mess', "expected"),
    ],
)
def test_what_a_broken_call_costs(status: int, body: bytes, spent: str) -> None:
    """An error is free; a reply that breaks off may have been billed, so it counts as what was expected."""

    class Broken:
        sent = 0

        async def send(self, request: Request) -> WireReply:
            return WireReply(status, {"content-type": "text/event-stream"}, _pieces(body))

    async def ask() -> Purse:
        purse = Purse(Decimal(1))
        request = Request({"model": "claude-sonnet-5-5", "max_tokens": 100, "messages": []})
        expected = Habits("anthropic").expect(request, 66)
        reply = await CappedWire(Broken(), purse, Habits("anthropic")).send(request)
        assert [piece async for piece in reply.body] == [body]
        assert purse.given == 0
        assert purse.spent == (Decimal(0) if spent == "0" else pytest.approx(expected, rel=Decimal("0.2")))
        return purse

    assert not asyncio.run(ask()).closed


def capped(root: Path, wire: Any, cap: str, concurrency: int) -> tuple[Evaluation, Purse]:
    """Records the project's cases with a cap."""
    jobs, purse = plan(lay_down(root)), Purse(Decimal(cap))

    @asynccontextmanager
    async def go_live(_agent: Any) -> AsyncIterator[Live]:
        yield Live(CappedWire(wire, purse, Habits("anthropic", 10)))  # type: ignore[arg-type]

    async def body() -> Evaluation:
        async with live_player(jobs, mode=RecordMode.ALL, live_tools=False, go_live=go_live) as player:
            live = CappedPlayer(player, purse, lambda _: True)
            return await evaluate(jobs, prices=Prices(), live=live, concurrency=concurrency)

    return asyncio.run(body()), purse


def test_cases_the_money_does_not_last_for_have_no_verdict(tmp_path: Path) -> None:
    """A case that is cut off is no failure: it is unplayed, and its turns wait for the next attempt."""
    evaluation, purse = capped(tmp_path, Canned(), "0.0009", 1)
    assert purse.closed
    assert [case.id for case in evaluation.cases] == ["price-of-tea"]
    assert [each.id for each in evaluation.unplayed] == ["sell-cake", "two-turns"]
    assert sorted(path.name for path in (tmp_path / "cassettes" / "till").iterdir()) == [
        "price-of-tea.yaml",
        "sell-cake.yaml.partial",
    ]
    assert evaluation.to_json(6)["unplayed"][0]["line"] == 11


def test_enough_money_changes_nothing(tmp_path: Path) -> None:
    """Every case is played, and what was spent is what the cases cost."""
    evaluation, purse = capped(tmp_path, Canned(), "1", 4)
    assert (evaluation.unplayed, purse.closed) == ((), False)
    assert evaluation.totals.counts["pass"] == 3
    assert purse.spent == evaluation.totals.cost_usd


def test_the_cap_holds_over_a_real_socket(tmp_path: Path) -> None:
    """Sixty-four cases at once against the simulator: never more than the cap and what was under way beyond it."""
    project = lay_down(tmp_path)
    cases = "".join(f"  - {{id: c{n}, input: 'Hello {n}', assert: []}}\n" for n in range(64))
    head = (project.evals / "till.yaml").read_text().partition("cases:\n")[0]
    (project.evals / "till.yaml").write_text(f"{head}cases:\n{cases}")
    edit(project.prompts / "till" / "v1.yaml", "max_tokens: 256", "max_tokens: 64")
    jobs, cap = plan(project), Decimal("0.005")

    async def body() -> tuple[Evaluation, Purse]:
        purse = Purse(cap)
        async with Simulator(load_script(None)) as simulator:
            wire = ClaudeWire(Provider(base_url=simulator.base_url), api_key="simulated")

            @asynccontextmanager
            async def go_live(_agent: Any) -> AsyncIterator[Live]:
                yield Live(CappedWire(wire, purse, Habits("anthropic")))  # type: ignore[arg-type]

            async with live_player(jobs, mode=RecordMode.ALL, live_tools=False, go_live=go_live) as player:
                live = CappedPlayer(player, purse, lambda _: True)
                evaluation = await evaluate(jobs, prices=Prices(), live=live, concurrency=64)
            await wire.aclose()
        return evaluation, purse

    evaluation, purse = asyncio.run(body())
    assert purse.closed
    assert 0 < len(evaluation.cases) < 64
    assert len(evaluation.cases) + len(evaluation.unplayed) == 64
    longest = max(case.outcome.cost_usd or 0 for case in evaluation.cases if case.outcome is not None)
    assert cap / 2 < purse.spent <= cap + 64 * longest
    assert purse.spent >= (evaluation.totals.cost_usd or 0)
