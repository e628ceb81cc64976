"""Cases with something live behind them: what is recorded when, and what live tools find out."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentctl.config.project import Project
from agentctl.evals.modes import RecordMode
from agentctl.evals.plan import plan
from support.till import SUITE, TURNS, Canned, case_of, edit, lay_down, play, record, replay, statuses, text, use

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


def test_record_modes(recorded: Project) -> None:
    """What has no file is recorded by once, what is stale by new-episodes too, everything by all."""
    (recorded.cassettes / "till" / "two-turns.yaml").unlink()
    edit(suite_of(recorded), "vars: {thing: cake}", "vars: {thing: tea}")
    wire = Canned({**TURNS, "I take tea": TURNS["I take cake"]})
    once = play(plan(recorded), wire, RecordMode.ONCE)
    assert [path.stem for path in once.recorded] == ["two-turns"]
    assert case_of(once, "sell-cake").status == "stale"
    new = play(plan(recorded), wire, RecordMode.NEW_EPISODES)
    assert [path.stem for path in new.recorded] == ["sell-cake"]
    everything = play(plan(recorded), wire, RecordMode.ALL)
    assert sorted(path.stem for path in everything.recorded) == sorted(ALL_PASS)


def test_a_failed_run_is_not_recorded(recorded: Project) -> None:
    """An outage is an error, and the recording that was there stays."""
    before = {path: path.read_bytes() for path in recorded.cassettes.rglob("*.yaml")}
    down = play(plan(recorded), Canned(fail=529), RecordMode.ALL)
    assert set(statuses(down).values()) == {"error"}
    assert down.recorded == ()
    assert {path: path.read_bytes() for path in recorded.cassettes.rglob("*.yaml")} == before


def test_an_outage_is_none_of_the_ends_that_a_case_asks_for(recorded: Project) -> None:
    """A case that wants a run to be completed is not about an outage; one that wants `model_error` is."""
    edit(suite_of(recorded), "- max-turns: 2", "- ended: completed")
    down = play(plan(recorded), Canned(fail=529), RecordMode.ALL)
    assert (set(statuses(down).values()), down.recorded) == ({"error"}, ())
    edit(suite_of(recorded), "- ended: completed", "- ended: model_error")
    down = play(plan(recorded), Canned(fail=529), RecordMode.ALL)
    assert len(down.recorded) == 1


def test_a_broken_check_does_not_cost_the_recording(project: Project) -> None:
    """The model was paid for: the take is kept, and the case is an error until the check is mended."""
    edit(suite_of(project), "- max-turns: 2", "- python: checks.py:raises")
    live = record(project)
    assert case_of(live, "two-turns").status == "error"
    assert "RuntimeError: broken check" in case_of(live, "two-turns").reason
    assert len(live.recorded) == 3
    edit(suite_of(project), "checks.py:raises", "checks.py:explained")
    assert case_of(replay(project), "two-turns").status == "fail"


def test_repeats_are_takes(project: Project) -> None:
    """Each repeat replays its own take; one that was not recorded is missing and is recorded by new-episodes."""
    edit(suite_of(project), "  - id: two-turns", "  - id: two-turns\n    repeat: 2")
    assert statuses(record(project)) == {**ALL_PASS, "two-turns #2": "pass"}
    assert statuses(replay(project)) == {**ALL_PASS, "two-turns #2": "pass"}
    edit(suite_of(project), "repeat: 2", "repeat: 3")
    again = replay(project)
    assert statuses(again) == {**ALL_PASS, "two-turns #2": "pass", "two-turns #3": "missing"}
    more = play(plan(project), mode=RecordMode.NEW_EPISODES)
    assert [path.stem for path in more.recorded] == ["two-turns"]
    assert "missing" not in statuses(replay(project)).values()


def test_live_tools_that_answer_otherwise_are_named(recorded: Project) -> None:
    """The code behind a tool changed what it returns: the recorded model cannot have seen that."""
    edit(recorded.root / "prompts/till-tools/till.py", '"tea": 3', '"tea": 4')
    tools = play(plan(recorded), live_tools=True)
    case = case_of(tools, "price-of-tea")
    assert (case.status, case.stale) == ("stale", ("result of price",))
    assert '"price":3' in case.reason
    assert '"price":4' in case.reason
    assert case_of(tools, "sell-cake").status == "pass"
    assert set(statuses(replay(recorded)).values()) == {"stale"}  # without running it, that it changed is all one knows


def test_live_tools_see_their_own_state(recorded: Project) -> None:
    """State is taken anew: a handler that writes something else fails the check, though it says the same."""
    edit(recorded.root / "prompts/till-tools/till.py", "(thing, PRICES[thing])", "(thing, 1)")
    case = case_of(play(plan(recorded), live_tools=True), "sell-cake")
    assert case.status == "fail"
    assert case.failures[0].score.got == '["bread",2], ["cake",1]'


def test_every_case_has_its_own_workspace(project: Project) -> None:
    """Three sales at the same time: each database holds its own sale only."""
    sale = SUITE[SUITE.index("  - id: sell-cake") : SUITE.index("  - id: two-turns")]
    more = "".join(sale.replace("sell-cake", f"sell-{name}") for name in "abc")
    suite_of(project).write_text(SUITE + more)
    assert set(statuses(record(project)).values()) == {"pass"}


def test_calls_that_need_a_person_are_denied_unless_the_case_approves(project: Project) -> None:
    """Nobody is there; a case can say that somebody would have said yes."""
    extra = """\
  - id: empty-it
    input: Empty the till
    assert:
      - {type: state, database: till.db, query: "select count(*) from sales", rows: [[1]]}
"""
    suite_of(project).write_text(SUITE + extra)
    wire = Canned({**TURNS, "Empty the till": [[use("empty", "toolu_9")], [text("Well.")]]})
    assert case_of(record(project, wire), "empty-it").status == "pass"
    edit(suite_of(project), "rows: [[1]]", "rows: [[0]]")
    edit(suite_of(project), "input: Empty the till", "input: Empty the till\n    approve: true")
    assert case_of(record(project, wire), "empty-it").status == "pass"
