"""The API without a socket, on a clock of its own: a client meets what it would meet through a socket, at once."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Sequence
from typing import NoReturn

import pytest

from agentctl.agent.ports import Request
from agentctl.agent.spec import Limits, Retry
from agentctl.errors import RunError, Unreachable
from agentctl.evals.faults.clock import VirtualLoop
from agentctl.model.client import WireModel
from agentctl.simulator.api import Api
from agentctl.simulator.faults.plan import FaultRule, Plan
from agentctl.simulator.limits import Buckets, Limit
from agentctl.simulator.memory import MemoryWire
from support.faulty import ENDLESS, ENDS, body, end_of, script


def met(text: str, patience: float = 100.0) -> tuple[list[str], Sequence[str], float]:
    """How two requests end, the first of which meets the fault; the faults served; seconds of the loop's clock."""
    api = Api(script(), Plan([FaultRule(fault=text, times=1)]))
    loop = VirtualLoop()

    async def run(_loop: VirtualLoop) -> list[str]:
        model = WireModel(MemoryWire(api), Retry(attempts=1))
        return [await end_of(model, body(), patience) for _ in range(2)]

    ends = loop.run(run)
    return ends, [served.fault.partition(",")[0] for served in api.served], loop.time()


@pytest.mark.parametrize("text", ENDS)
def test_each_kind_ends_as_it_does_over_a_socket(text: str) -> None:
    """The same typed error or the same whole reply, for every kind there is."""
    ends, faults, _ = met(text)
    assert ends == [ENDS[text], "tool_use"]
    assert faults == [text.partition(",")[0], ""]


@pytest.mark.parametrize("text", ENDLESS)
def test_what_never_ends_is_cut_off_on_time(text: str) -> None:
    """Patience is over after its time on the loop's clock, which takes none of ours."""
    ends, _, took = met(text, patience=300.0)
    assert ends == ["deadline", "tool_use"]
    assert took == pytest.approx(300.0)


def test_nothing_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """No connection is made for it."""

    def refuse(*_arguments: object) -> NoReturn:
        raise AssertionError

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "bind", refuse)
    assert met("529")[0] == ["overloaded_error!", "tool_use"]


def test_a_whole_reply_that_breaks_is_no_reply() -> None:
    """What is no stream comes in one piece or not at all: sending is what fails."""
    wire = MemoryWire(Api(script(), Plan([FaultRule(fault="rst")])))

    async def run(_loop: VirtualLoop) -> None:
        await wire.send(Request(body()))

    with pytest.raises(Unreachable):
        VirtualLoop().run(run)
    assert wire.sent == 1


def test_a_request_that_the_api_refuses_is_refused() -> None:
    """Nothing is let through for being in the same process."""

    async def run(_loop: VirtualLoop) -> str:
        wrong = {**body(), "temperature": "hot"}
        return await end_of(WireModel(MemoryWire(Api(script()))), wrong, 10.0)

    assert VirtualLoop().run(run) == "invalid_request_error"


def test_silence_is_given_up_by_the_loop_s_clock() -> None:
    """Two stalls of the watchdog's time and the waits between the attempts are all the time there is."""
    wire = MemoryWire(Api(script(), Plan([FaultRule(fault="stall", times=2)])))
    loop = VirtualLoop()

    async def run(_loop: VirtualLoop) -> str:
        model = WireModel(wire, Retry(attempts=3, base=0.001), limits=Limits(idle_seconds=120.0))
        return await end_of(model, body(), 10_000.0)

    assert loop.run(run) == "tool_use"
    assert wire.sent == 3
    assert loop.time() == pytest.approx(240.0, abs=0.1)


def test_sleeps_end_in_the_order_of_their_moments() -> None:
    """Time that takes none still passes in order."""
    woken: list[float] = []

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds)
        woken.append(asyncio.get_running_loop().time())

    async def run(_loop: VirtualLoop) -> None:
        await asyncio.gather(*(sleep(each) for each in (3600.0, 1.0, 86_400.0, 0.5)))

    VirtualLoop().run(run)
    assert woken == pytest.approx([0.5, 1.0, 3600.0, 86_400.0])


def test_real_work_is_waited_for_and_takes_no_time() -> None:
    """A thread that is at work holds the clock: the timeout that waits beside it does not go off."""
    go = threading.Event()

    async def run(loop: VirtualLoop) -> str:
        loop.call_later(0.0, go.set)
        with loop.working():
            async with asyncio.timeout(0.5):
                done = await asyncio.to_thread(go.wait, 5.0)
        return f"{done} after {loop.time():.1f} s"

    assert VirtualLoop().run(run) == "True after 0.0 s"


def test_what_would_wait_for_ever_is_an_error() -> None:
    """A wait that nothing can end is told, not sat out; so is one that goes round for ever."""

    async def silence(_loop: VirtualLoop) -> None:
        await asyncio.Event().wait()

    async def pings(_loop: VirtualLoop) -> None:
        while True:
            await asyncio.sleep(1)

    for body_ in (silence, pings):
        with pytest.raises(RunError, match="wait for ever"):
            VirtualLoop().run(body_)


def test_what_is_raised_goes_through() -> None:
    """An error of the run is the run's own."""

    async def run(_loop: VirtualLoop) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        VirtualLoop().run(run)


def test_a_client_waits_for_its_place() -> None:
    """Six requests at two a minute: the client waits as long as it is told and no request is lost."""
    loop = VirtualLoop()
    api = Api(script(), buckets=Buckets({"requests": Limit(2, "min")}, clock=loop.time))

    async def run(_loop: VirtualLoop) -> list[str]:
        model = WireModel(MemoryWire(api), Retry(attempts=3))
        return [await end_of(model, body(), 100.0) for _ in range(6)]

    assert loop.run(run) == ["tool_use"] * 6
    assert [served.status for served in api.served].count(200) == 6
    assert loop.time() >= 4 * 30
    assert len(api.served) <= 6 + 4


def asked(fault: str, times: int | None) -> tuple[str, int]:
    """How a client with three attempts ends, and how many requests it took."""
    api = Api(script(), Plan([FaultRule(fault=fault, times=times)]))

    async def run(_loop: VirtualLoop) -> str:
        return await end_of(WireModel(MemoryWire(api), Retry(attempts=3)), body(), 100.0)

    return VirtualLoop().run(run), len(api.served)


@pytest.mark.parametrize("fault", [text for text, end in ENDS.items() if end.endswith("!")])
def test_what_passes_by_itself_is_asked_again_and_no_more_often(fault: str) -> None:
    """Two of three attempts meet the fault, the third is the reply; what never passes is asked three times."""
    assert asked(fault, 2) == ("tool_use", 3)
    assert asked(fault, None) == (ENDS[fault], 3)


@pytest.mark.parametrize("fault", [text for text, end in ENDS.items() if end.endswith("_error")])
def test_what_does_not_pass_is_asked_once(fault: str) -> None:
    """However many attempts there are."""
    assert asked(fault, None) == (ENDS[fault], 1)
