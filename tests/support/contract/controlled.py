"""Who decides what happens: scenarios, seeded chance, and a transcript that tells and counts it."""

from __future__ import annotations

import asyncio

from agentctl.agent.ports import Request
from agentctl.evals.faults.clock import VirtualLoop
from agentctl.simulator.api import Api
from agentctl.simulator.faults.plan import FaultRule, Plan
from agentctl.simulator.memory import MemoryWire
from agentctl.simulator.script import load_script
from support.contract.clauses import clause
from support.contract.talk import body, desk

SCRIPTED = load_script(None)


async def statuses(rules: list[FaultRule], asked: int, seed: int = 0) -> list[int]:
    """What so many different requests are answered with."""
    async with desk(rules, seed) as api:
        line = await api.line()
        return [(await line.ask(body(f"Request {number}"))).status for number in range(asked)]


@clause("control")
async def a_header_names_a_scenario() -> None:
    """Any fault, for this one request."""
    async with desk() as api:
        assert (await api.ask(x_simulate_fault="529")).status == 529
        assert (await api.ask()).status == 200
        assert (await api.ask(x_simulate_fault="stal")).status == 400


@clause("control")
async def a_script_names_a_scenario() -> None:
    """In the rule that replies."""
    async with desk() as api:
        assert (await api.ask(body("overloaded"))).status == 529
        assert api.server.served[0].fault == "529"


@clause("control")
async def a_virtual_clock_waits_for_nothing() -> None:
    """Two hours before the first byte, without a socket, are over at once, and took two hours of its time."""
    api = Api(SCRIPTED, Plan([FaultRule(fault="latency,seconds=7200")]))

    async def asked(_loop: VirtualLoop) -> int:
        return (await MemoryWire(api).send(Request(body()))).status

    loop = VirtualLoop()
    assert await asyncio.to_thread(loop.run, asked) == 200
    assert loop.time() == 7200


@clause("control")
async def an_outage_lasts_as_long_as_it_says() -> None:
    """By the plan's own clock."""
    now = 0.0
    plan = Plan([FaultRule(fault="529", seconds=(10, 20))], clock=lambda: now)
    api = Api(SCRIPTED, plan)
    for now, status in {0.0: 200, 9.9: 200, 10.0: 529, 19.9: 529, 20.0: 200}.items():  # noqa: B007  the clock reads it
        assert (await MemoryWire(api).send(Request(body()))).status == status


@clause("control")
async def chance_is_seeded() -> None:
    """The same seed throws the same, another one throws anew, and the share is about right."""
    rules = [FaultRule(fault="529", probability=0.3)]
    one, same, other = [await statuses(rules, 100, seed) for seed in (1, 1, 2)]
    assert one == same != other
    assert 15 <= one.count(529) <= 45


@clause("control")
async def the_nth_request_can_be_named() -> None:
    """One, or several."""
    assert await statuses([FaultRule(fault="529", nth=2)], 4) == [200, 529, 200, 200]
    assert await statuses([FaultRule(fault="529", nth=(1, 3))], 4) == [529, 200, 529, 200]


@clause("control")
async def faults_come_in_bursts() -> None:
    """Once it is due, it stays so for as many requests as it says; between bursts chance decides."""
    assert await statuses([FaultRule(fault="529", nth=2, burst=3)], 6) == [200, 529, 529, 529, 200, 200]
    thrown = await statuses([FaultRule(fault="529", probability=0.05, burst=5)], 100)
    runs = [len(run) for run in "".join("x" if each == 529 else " " for each in thrown).split()]
    assert runs
    assert all(length >= 5 for length in runs[:-1])


@clause("control")
async def every_request_has_a_line_with_its_verdict() -> None:
    """Taken, refused, and gone wrong on purpose; in the order of the answers."""
    async with desk() as api:
        await api.ask()
        await api.ask(anthropic_version="-")
        await api.ask(x_simulate_fault="529")
        told = [(served.status, served.error, served.fault) for served in api.server.served]
        verdicts = [served.verdict for served in api.server.served]
        assert len(api.server.accepted) == 1
    assert told == [(200, "", ""), (400, "invalid_request_error", ""), (529, "", "529")]
    assert verdicts == ["accepted", "refused", "failed"]


@clause("control")
async def double_billing_is_measurable() -> None:
    """A message that was made and lost is billed, an error status is not."""
    async with desk() as api:
        await api.ask(x_simulate_fault="529")
        await api.stream(fault="eof")
        await api.stream()
        assert len(api.server.served) == 3
        assert len(api.server.billed) == len(api.server.accepted) == 2
        assert len({served.request_id for served in api.server.billed}) == 1


@clause("control")
async def requests_at_once_are_served_at_once() -> None:
    """Fifty connections, each held back, none behind another."""
    async with desk() as api, asyncio.timeout(5):
        answers = await asyncio.gather(*(api.ask(x_simulate_fault="latency,seconds=0.2") for _ in range(50)))
    assert {answer.status for answer in answers} == {200}
