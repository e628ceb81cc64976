"""Suites, recorded and replayed: what is served, what is refused, what is counted."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path

import pytest

from agentctl.config.project import Project
from agentctl.errors import NothingSelected, UsageError
from agentctl.evals.evaluate import evaluate
from agentctl.evals.modes import RecordMode
from agentctl.evals.plan import plan
from agentctl.evals.prices import Prices
from support.till import Canned, case_of, edit, lay_down, play, record, replay, statuses

ALL_PASS = {"price-of-tea": "pass", "sell-cake": "pass", "two-turns": "pass"}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The till, not recorded."""
    return lay_down(tmp_path)


@pytest.fixture
def recorded(project: Project) -> Project:
    """The till with a recording of every case."""
    assert statuses(record(project)) == ALL_PASS
    return project


def suite_of(project: Project) -> Path:
    """The suite's file."""
    return project.evals / "till.yaml"


def test_a_recording_replays_to_the_same_events(project: Project) -> None:
    """What a replay did is, event for event, what the live run did."""
    live, again = record(project), replay(project)
    assert statuses(live) == statuses(again) == ALL_PASS
    for one, other in zip(live.cases, again.cases, strict=True):
        assert one.outcome is not None
        assert other.outcome is not None
        assert one.outcome.run.events == other.outcome.run.events
        assert one.outcome.observed == other.outcome.observed


def test_counts_come_from_what_happened(project: Project) -> None:
    """A recording sends and executes; a replay does neither; live tools execute and send nothing."""
    live = record(project)
    assert (live.network, live.tools_executed, len(live.recorded)) == (6, 3, 3)
    again = replay(project)
    assert (again.network, again.tools_executed, again.recorded) == (0, 0, ())
    tools = play(plan(project), live_tools=True)
    assert statuses(tools) == ALL_PASS
    assert (tools.network, tools.tools_executed, tools.recorded) == (0, 3, ())


def test_a_replay_opens_no_socket(recorded: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even a local one: the event loop's own pair is all there is."""

    def refuse(*_: object) -> None:
        pytest.fail("a replay tried to connect")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert statuses(replay(recorded)) == ALL_PASS


def test_who_connects_all_the_same_is_seen(recorded: Project) -> None:
    """A scorer of the user's that asks somebody on the network is in the count of a replay."""
    edit(suite_of(recorded), '- contains: "3"', "- python: calls.py:home")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        (recorded.evals / "calls.py").write_text(
            "import socket\n\ndef home(output, context):\n"
            f"    socket.create_connection({listener.getsockname()!r}).close()\n    return True\n"
        )
        evaluation = replay(recorded)
    assert statuses(evaluation) == ALL_PASS
    assert evaluation.network > 0


def test_what_is_not_recorded_is_missing(project: Project) -> None:
    """Nothing is made up: the case has no run, and the command that records it is named."""
    case = case_of(replay(project), "price-of-tea")
    assert (case.status, case.outcome) == ("missing", None)
    assert "till/price-of-tea.yaml" in case.reason
    assert "--record-mode new-episodes" in case.hint


@pytest.mark.parametrize(
    ("file", "old", "new", "component"),
    [
        ("prompts/till/v1.yaml", "keep the till", "keep a till", "system prompt"),
        ("prompts/till/v1.yaml", "claude-sonnet-5-5", "claude-opus-5-5", "model"),
        ("prompts/till/v1.yaml", "max_tokens: 256", "max_tokens: 257", "params"),
        ("prompts/till-tools/v1.yaml", "The price of a thing.", "A price.", "tool price"),
    ],
)
def test_a_changed_component_makes_every_case_stale(
    recorded: Project, file: str, old: str, new: str, component: str
) -> None:
    """One change to the definition: every case is named with the component, and none is played."""
    edit(recorded.root / file, old, new)
    for case in replay(recorded).cases:
        assert (case.status, case.stale, case.outcome) == ("stale", (component,), None)


def test_changed_code_makes_stale_what_it_may_have_answered(recorded: Project) -> None:
    """A handler's code is a component of its own; run live, it is what is put to the test, and no objection."""
    edit(recorded.prompts / "till-tools" / "till.py", "there is no {thing}", "no {thing}")
    assert {case.stale for case in replay(recorded).cases} == {("handler price",)}
    assert statuses(play(plan(recorded), live_tools=True)) == ALL_PASS


@pytest.mark.parametrize("text", [None, "def price(:\n"])
def test_code_that_is_gone_or_broken_is_changed_code(recorded: Project, text: str | None) -> None:
    """Nothing is played with tools that could not have answered."""
    file = recorded.prompts / "till-tools" / "till.py"
    file.unlink() if text is None else file.write_text(text)
    assert {case.status for case in replay(recorded).cases} == {"stale"}


def test_a_changed_setup_makes_every_case_stale(recorded: Project) -> None:
    """What fills the workspace shapes what tools find in it; without one, there is nothing to find."""
    edit(recorded.prompts / "till-tools" / "till.py", "'bread', 2.0", "'bread', 3.0")
    assert {case.stale for case in replay(recorded).cases} == {("setup",)}
    edit(recorded.prompts / "till-tools" / "v1.yaml", "setup: till.py:create\n", "")
    assert all("setup" in case.stale for case in replay(recorded).cases)


def test_a_changed_input_makes_its_case_stale(recorded: Project) -> None:
    """A variable of one case changes what is said in that case, and only there."""
    edit(suite_of(recorded), "vars: {thing: cake}", "vars: {thing: tea}")
    again = replay(recorded)
    assert case_of(again, "sell-cake").stale == ("case input",)
    assert statuses(again) == {**ALL_PASS, "sell-cake": "stale"}


def test_a_new_state_query_makes_its_case_stale(recorded: Project) -> None:
    """What was not looked at when it was recorded cannot be known now."""
    edit(suite_of(recorded), "select thing, price from sales", "select price, thing from sales")
    assert case_of(replay(recorded), "sell-cake").stale == ("state query",)


def test_layout_and_checks_do_not_make_stale(recorded: Project) -> None:
    """Comments, layout, and what is asserted are not what was recorded."""
    edit(recorded.root / "prompts/till/v1.yaml", "kind: agent", "# a comment\nkind:   agent")
    edit(suite_of(recorded), 'contains: "3"', "not-contains: four")
    assert statuses(replay(recorded)) == ALL_PASS


def test_a_torn_recording_is_an_error(recorded: Project) -> None:
    """Half a file is neither missing nor recorded anew, unless everything is."""
    path = recorded.cassettes / "till" / "two-turns.yaml"
    path.write_bytes(path.read_bytes()[:200])
    assert statuses(replay(recorded)) == {**ALL_PASS, "two-turns": "error"}
    again = play(plan(recorded), mode=RecordMode.NEW_EPISODES)
    assert case_of(again, "two-turns").status == "error"
    assert again.network == 0


def test_a_recording_without_a_header_is_missing(recorded: Project) -> None:
    """Somebody else's recording is not a recording of this case."""
    path = recorded.cassettes / "till" / "two-turns.yaml"
    document = json.loads(path.read_text())
    del document["agentctl"]
    path.write_text(json.dumps(document))
    assert case_of(replay(recorded), "two-turns").status == "missing"


def test_an_edited_recording_is_a_miss(recorded: Project) -> None:
    """The header says fresh, the requests say otherwise: the first difference is shown."""
    path = recorded.cassettes / "till" / "two-turns.yaml"
    document = json.loads(path.read_text())
    asked = document["interactions"][1]["request"]
    asked["body"] = asked["body"].replace("Hello, please.", "Hello!")
    path.write_text(json.dumps(document))
    case = case_of(replay(recorded), "two-turns")
    assert case.status == "missing"
    assert "messages[1]" in case.reason
    assert case.outcome is not None


def test_a_run_that_did_not_complete_does_not_pass(project: Project) -> None:
    """A vacuous check is no pass: the end of the run is asserted even if the case does not."""
    edit(suite_of(project), '- contains: "3"\n      - trajectory:tool-used: price', "- not-contains: x")
    edit(project.root / "prompts/till/v1.yaml", "kind: agent", "kind: agent\nlimits: {max_turns: 1}")
    case = case_of(record(project), "price-of-tea")
    assert (case.status, [verdict.assertion.type for verdict in case.failures]) == ("fail", ["ended"])
    edit(suite_of(project), "- not-contains: x", "- ended: max_turns")
    assert case_of(replay(project), "price-of-tea").status == "pass"


def test_results_stand_in_the_order_of_the_suite(project: Project) -> None:
    """Whoever is done first: the slow first case stays first."""
    order = iter([0.05, 0.0, 0.0, 0.0, 0.0, 0.0])

    async def gate() -> None:
        await asyncio.sleep(next(order))

    live = play(plan(project), Canned(gate=gate), RecordMode.ALL)
    assert list(statuses(live)) == list(ALL_PASS)


def test_no_more_cases_at_once_than_asked(project: Project) -> None:
    """`concurrency` is a ceiling."""
    inside = 0
    most = 0

    async def gate() -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.005)
        inside -= 1

    play(plan(project), Canned(gate=gate), RecordMode.ALL, concurrency=1)
    assert most == 1
    play(plan(project), Canned(gate=gate), RecordMode.ALL, concurrency=3)
    assert most > 1


def test_an_interruption_keeps_what_is_finished(recorded: Project) -> None:
    """Cancelled after the first case, the evaluation says so and holds that case."""

    async def body() -> None:
        task = asyncio.current_task()
        assert task is not None
        jobs = plan(recorded)
        found = await evaluate(jobs, prices=Prices(), concurrency=1, on_job=lambda _: task.cancel())
        assert found.interrupted
        assert (len(found.cases), found.planned) == (1, 3)
        assert found.to_json(130)["interrupted"] is True
        await asyncio.sleep(0)  # the interruption was answered; nothing is left of it

    asyncio.run(body())


def test_the_price_is_the_list_price(recorded: Project) -> None:
    """Cost comes from the recorded usage; an unknown model has no price, and no verdict on it."""
    case = case_of(replay(recorded), "two-turns")
    assert case.outcome is not None
    assert case.outcome.cost_usd is not None
    assert float(case.outcome.cost_usd) > 0
    for path in recorded.cassettes.rglob("two-turns.yaml"):
        edit(path, '\\"model\\": \\"claude-sonnet-5-5\\"', '\\"model\\": \\"nobody-knows-this\\"')
    edit(suite_of(recorded), "- max-turns: 2", "- max-cost: 1")
    case = case_of(replay(recorded), "two-turns")
    assert case.status == "error"
    assert "price" in case.reason
    assert replay(recorded).totals.cost_usd is None


def test_selection(recorded: Project) -> None:
    """By substring, by glob, by suite and id, by tag; what is not there is said."""
    assert [job.case.id for job in plan(recorded, filters=["tea"])] == ["price-of-tea"]
    assert [job.case.id for job in plan(recorded, filters=["*-t*s", "till/sell"])] == ["sell-cake", "two-turns"]
    assert [job.case.id for job in plan(recorded, tags=["read", "write"])] == ["price-of-tea", "sell-cake"]


def test_nothing_selected_is_said(recorded: Project) -> None:
    """With the tags there are; a suite that is not there is another error."""
    with pytest.raises(NothingSelected, match="none of 3 cases fits --tag nope") as caught:
        plan(recorded, tags=["nope"])
    assert caught.value.hint == "the tags are read, write"
    with pytest.raises(UsageError, match="there is no suite tell") as refused:
        plan(recorded, ["tell"])
    assert "`till`" in refused.value.hint


def test_another_agent_can_be_put_to_the_test(recorded: Project) -> None:
    """It has recordings of its own, beside those of the suite's agent, so neither is stale by the other."""
    other = (recorded.prompts / "till" / "v1.yaml").read_text().replace("keep the till", "guard the till")
    (recorded.prompts / "till" / "v2.yaml").write_text(other)
    edit(suite_of(recorded), "agent: till", "agent: till@1")
    assert statuses(replay(recorded)) == ALL_PASS
    assert set(statuses(replay(recorded, agent="till@2")).values()) == {"missing"}
    assert plan(recorded, agent="till@2")[0].recording.parent == recorded.cassettes / "till" / "till@2"
    assert plan(recorded, agent="till@1")[0].recording.parent == recorded.cassettes / "till"
