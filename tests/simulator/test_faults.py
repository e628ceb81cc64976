"""Faults over a real socket: each kind as a client meets it, when it is due, and what it costs."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anthropic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.agent.spec import Provider, Retry
from agentctl.config.faults import KINDS, Unknown, fault_of
from agentctl.errors import ConfigError
from agentctl.model.claude import ClaudeWire
from agentctl.model.client import WireModel
from agentctl.simulator.faults.plan import FaultRule, Plan, load_plan, rule_of
from agentctl.simulator.script import load_script
from agentctl.simulator.server import Simulator
from support.faulty import ENDLESS, ENDS, at_once, body, end_of, script


def met(
    rules: Sequence[FaultRule], *bodies: dict[str, Any], patience: float = 5.0, seed: int = 0, attempts: int = 1
) -> tuple[list[str], Simulator]:
    """How each request ended, one after the other, as a text; and the simulator that answered them.

    `patience` is how long the first one may take; on a busy machine, the others have all the time they need.
    """

    async def run() -> tuple[list[str], Simulator]:
        ends: list[str] = []
        async with Simulator(script(), faults=Plan(rules, seed)) as server:
            wire = ClaudeWire(Provider(base_url=server.base_url), api_key="simulated")
            model = WireModel(wire, Retry(attempts=attempts), sleep=at_once)
            try:
                ends += [await end_of(model, each, 30.0 if number else patience) for number, each in enumerate(bodies)]
            finally:
                await wire.aclose()
        return ends, server

    return asyncio.run(run())


@pytest.mark.parametrize("text", ENDS)
def test_each_kind(text: str) -> None:
    """A client of ours sees a typed error, or the whole reply; the request after it is answered as ever."""
    ends, server = met([FaultRule(fault=text, times=1)], body(), body())
    assert ends == [ENDS[text], "tool_use"]
    assert [served.fault for served in server.served] == [str(fault_of(text)), ""]


@pytest.mark.parametrize("text", ENDLESS)
def test_what_never_ends_is_cut_off(text: str) -> None:
    """A deadline over the whole call ends it, and the server lets go of the connection."""
    ends, _ = met([FaultRule(fault=text, times=1)], body(), body(), patience=0.4)
    assert ends == ["deadline", "tool_use"]


def test_every_kind_is_tried() -> None:
    """The tables above hold every kind that there is."""
    assert {text.partition(",")[0] for text in (*ENDS, *ENDLESS)} >= KINDS.keys()


@given(st.sampled_from(sorted([*KINDS, "429", "529"])), st.data())
def test_a_fault_is_read_back_from_its_text(kind: str, data: st.DataObject) -> None:
    """`str` of a fault names the same fault."""
    fault = fault_of(kind)
    numbers = [name for name, value in fault.values.items() if isinstance(value, float)]
    if numbers:
        name = data.draw(st.sampled_from(numbers))
        fault = fault_of(f"{kind},{name}={data.draw(st.floats(0, 1e6))}")
    assert fault_of(str(fault)) == fault


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stal", "there is no fault stal"),
        ("399", "there is no fault 399"),
        ("", "there is no fault without a name"),
        ("529,after=2", "after=2 is no value of the fault 529"),
        ("eof,at=middle", "middle is no place in a stream"),
        ("latency,seconds=long", "seconds is a number"),
        ("latency,seconds=-1", "must not be negative"),
        ("latency,seconds=nan", "must not be negative or endless"),
        ("html,status=999", "there is no status 999"),
        ("529:2", "2 is no probability"),
        ("529:2x2", "2 is no probability"),
        ("529:0.1x0", "x0 is no burst"),
        ("529:0.1xmany", "xmany is no burst"),
        ("interim,status=101", "101 is no status of an interim reply"),
        ("interim,status=200", "200 is no status of an interim reply"),
        ("tls,alert=nope", "nope is no alert of TLS"),
    ],
)
def test_what_is_no_fault(text: str, said: str) -> None:
    """A mistake is told in words."""
    with pytest.raises(Unknown, match=said):
        rule_of(text)


def test_an_early_answer_reaches_a_client_that_is_still_sending() -> None:
    """Neither a reset nor a broken pipe takes it away, however large the body."""
    large = body("word " * 1_000_000)
    ends, server = met([FaultRule(fault="early,status=413", nth=1), FaultRule(fault="early", nth=1)], large, large)
    assert ends == ["request_too_large", "rate_limit_error!"]
    assert server.billed == []


def test_a_burst_is_stated_behind_the_probability() -> None:
    """And only there."""
    assert rule_of("eof,at=tool:0.25x3") == FaultRule(fault="eof,at=tool", probability=0.25, burst=3)
    assert rule_of("529:1").burst is None


def test_a_date_may_hold_commas() -> None:
    """Only a comma before `name=` parts values."""
    date = "Wed, 21 Oct 2026 07:28:00 GMT"
    assert fault_of(f"429,retry_after={date},should_retry=true").values["retry_after"] == date


def test_what_was_made_is_billed_whether_or_not_it_arrives() -> None:
    """Double billing can be counted: an error status costs nothing, a broken stream all of the message."""
    rules = [FaultRule(fault="529", nth=1), FaultRule(fault="rst", nth=1)]
    ends, server = met(rules, body(), attempts=3)
    assert ends == ["tool_use"]
    assert len(server.served) == 3
    assert len(server.billed) == 2


def test_a_place_that_is_not_there_is_waited_for() -> None:
    """A fault inside a tool's input happens to the next reply that has one."""
    after_tool = body()
    use = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "x"}
    after_tool["messages"] += [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
    ends, _ = met([FaultRule(fault="eof,at=tool", times=1)], after_tool, body(), body())
    assert ends == ["end_turn", "stream_truncated!", "tool_use"]


@pytest.mark.parametrize(
    ("rule", "ends"),
    [
        (FaultRule(fault="529", nth=2), "ok 529 ok ok"),
        (FaultRule(fault="529", nth=(1, 3)), "529 ok 529 ok"),
        (FaultRule(fault="529", times=2), "529 529 ok ok"),
        (FaultRule(fault="529", probability=0.0), "ok ok ok ok"),
        (FaultRule(fault="529", model="claude-opus-5"), "ok 529 ok 529"),
        (FaultRule(fault="529", model="claude-opus-5", nth=2), "ok ok ok 529"),
        (FaultRule(fault="529", turn=1), "ok ok ok ok"),
        (FaultRule(fault="529", seconds=(3600, 7200)), "ok ok ok ok"),
        (FaultRule(fault="529", seconds=(0, 3600)), "529 529 529 529"),
    ],
)
def test_when_a_rule_is_due(rule: FaultRule, ends: str) -> None:
    """Every condition that is given must hold."""
    asked = [body(model=model) for model in ("claude-sonnet-5-5", "claude-opus-5") * 2]
    words = {"tool_use": "ok", "overloaded_error!": "529"}
    assert " ".join(words[end] for end in met([rule], *asked)[0]) == ends


@given(st.permutations(range(12)), st.integers(0, 1000))
def test_chance_does_not_depend_on_who_comes_first(order: list[int], seed: int) -> None:
    """The same requests meet the same faults, in whatever order they come."""

    def fates(order: Sequence[int]) -> dict[int, list[int]]:
        plan = Plan([FaultRule(fault="529", probability=0.5)], seed)
        return {each: [index for index, _ in plan.due({"model": "m"}, f"digest {each}", 0)] for each in order}

    assert fates(order) == fates(sorted(order))


def test_the_share_of_faults_is_the_probability() -> None:
    """One in ten, over many requests, and again for each attempt of one request."""
    plan = Plan([FaultRule(fault="529", probability=0.1)], seed=7)
    fired = sum(len(list(plan.due({}, f"digest {number % 500}", 0))) for number in range(5000))
    assert 430 < fired < 570


def test_the_script_and_the_request_can_ask_for_faults() -> None:
    """A rule's `fault`, and the header of a request, which is refused when it names none."""
    assert met([], body("this is broken"))[0] == ["overloaded_error!"]

    async def asked(text: str) -> int:
        async with (
            Simulator(script()) as server,
            anthropic.AsyncAnthropic(base_url=server.base_url, api_key="x", max_retries=0) as client,
        ):
            with pytest.raises(anthropic.APIStatusError) as caught:
                await client.messages.create(**body(), extra_headers={"x-simulate-fault": text})
            return caught.value.status_code

    assert asyncio.run(asked("503")) == 503
    assert asyncio.run(asked("nonsense")) == 400


FILE = """
schema: 1
kind: faults
seed: 3
faults:
  - fault: 529
    nth: [1, 2]
  - {fault: "eof,at=tool", probability: 0.5}
"""


def test_a_file_of_faults(tmp_path: Path) -> None:
    """Statuses may be numbers; what is wrong is named with its place."""
    path = tmp_path / "faults.yaml"
    path.write_text(FILE)
    first = load_plan(path)
    assert next(str(fault) for _, fault in first.due({}, "x", 0)) == "529"
    path.write_text(textwrap.dedent(FILE).replace("at=tool", "at=tol").replace("nth", "nht"))
    with pytest.raises(ConfigError) as caught:
        load_plan(path)
    assert [(problem.line, problem.column) for problem in caught.value.problems] == [(7, 5), (8, 13)]


def test_the_echo_script_has_faults_too() -> None:
    """Without a script every message is echoed, and the plan still holds."""

    async def run() -> list[str]:
        async with Simulator(load_script(None), faults=Plan([rule_of("529")])) as server:
            wire = ClaudeWire(Provider(base_url=server.base_url), api_key="simulated")
            try:
                await end_of(WireModel(wire, Retry(attempts=1)), body(), 5.0)
            finally:
                await wire.aclose()
            return [served.fault for served in server.served]

    assert asyncio.run(run()) == ["529"]
