"""Where a recording ends: what is served until then, what is scored, what runs live, and what the world is then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agentctl.config.project import Project
from agentctl.evals.evaluate import evaluate
from agentctl.evals.modes import Match, OnDivergence
from agentctl.evals.onward import OnwardPlayer, Policy
from agentctl.evals.plan import plan
from agentctl.evals.prices import Prices
from agentctl.evals.result import CaseResult, Evaluation
from support.till import Canned, Live, case_of, edit, lay_down, record, replay, statuses, text, use

ALL_PASS = {"price-of-tea": "pass", "sell-cake": "pass", "two-turns": "pass"}

SALE = """\
schema: 1
kind: suite
agent: till
cases:
  - id: sale
    input: [I take cake, What is tea?]
    assert:
      - trajectory:tool-used: book
      - contains: Tea
      - {type: state, database: till.db, query: select thing from sales, rows: [[bread], [cake]]}
"""
SOLD = [[use("price", "toolu_1", thing="cake"), use("book", "toolu_2", thing="cake")], [text("Sold.")]]
SALE_TURNS = {"I take cake": [*SOLD, [use("price", "toolu_3", thing="tea")], [text("Tea is 3.")]]}


@pytest.fixture
def recorded(tmp_path: Path) -> Project:
    """The till with a recording of every case."""
    project = lay_down(tmp_path)
    assert statuses(record(project)) == ALL_PASS
    return project


@pytest.fixture
def sale(tmp_path: Path) -> Project:
    """A case whose first exchange writes, recorded."""
    project = lay_down(tmp_path, SALE)
    assert statuses(record(project, Canned(dict(SALE_TURNS)))) == {"sale": "pass"}
    return project


def onward(
    project: Project,
    on: str = "fail",
    match: str = "strict",
    wire: Canned | None = None,
    *,
    live_tools: bool = False,
    **planned: Any,
) -> Evaluation:
    """One evaluation that plays recordings as far as they hold."""

    @asynccontextmanager
    async def go_live(_agent: Any) -> AsyncIterator[Live]:
        yield Live(wire or Canned())

    async def body() -> Evaluation:
        player = OnwardPlayer(Policy(OnDivergence(on), Match(match), live_tools=live_tools), go_live)
        try:
            return await evaluate(plan(project, **planned), prices=Prices(), live=player, concurrency=4)
        finally:
            await player.close()

    return asyncio.run(body())


def say(project: Project, old: str, new: str) -> None:
    """Changes what a user says."""
    edit(project.evals / "till.yaml", old, new)


def reword(project: Project) -> None:
    """Changes the system prompt by a word."""
    edit(project.root / "prompts/till/v1.yaml", "keep the till", "keep that till")


def turns_of(case: CaseResult) -> int:
    """Turns that were reused."""
    assert case.reused is not None
    return case.reused.turns


@pytest.mark.parametrize("on", list(OnDivergence))
@pytest.mark.parametrize("match", list(Match))
def test_what_is_fresh_is_replayed(recorded: Project, on: OnDivergence, match: Match) -> None:
    """The same events as a plain replay, nothing sent, nothing executed, nothing marked, everything reused."""
    plain, again = replay(recorded), onward(recorded, on, match)
    assert statuses(again) == ALL_PASS
    assert (again.network, again.tools_executed) == (0, 0)
    for one, other in zip(plain.cases, again.cases, strict=True):
        assert one.outcome is not None
        assert other.outcome is not None
        assert one.outcome.run.events == other.outcome.run.events
        assert (other.parted, other.stale_matched, other.reused) == (None, False, one.reused)
    assert again.totals.reused.to_json() == {
        "turns": 6,
        "input_tokens": 600,
        "output_tokens": 60,
        "cost_usd": float(again.totals.cost_usd or Decimal(-1)),
    }


def test_a_stale_case_says_where_it_would_leave_the_recording(recorded: Project) -> None:
    """No verdict, and yet: the turn, the words, the command, and what that takes."""
    reword(recorded)
    case = case_of(replay(recorded), "price-of-tea")
    assert (case.status, case.stale, case.outcome) == ("stale", ("system prompt",), None)
    assert case.parted is not None
    assert case.again is not None
    assert (case.parted.turn, case.parted.action, case.parted.about) == (1, "fail", "system prompt")
    assert case.again.command == "agentctl eval till --filter price-of-tea --record-mode all"
    assert (case.again.recorded.turns, case.again.recorded.tokens) == (2, 220)
    assert case.again.recorded.cost_usd is not None


def test_recording_again_costs_what_the_model_of_now_costs(recorded: Project) -> None:
    """The usage of then at the price of now; what has no price is not free."""
    edit(recorded.root / "prompts/till/v1.yaml", "claude-sonnet-5-5", "model-nobody-knows")
    case = case_of(replay(recorded), "price-of-tea")
    assert case.again is not None
    assert (case.again.recorded.tokens, case.again.recorded.cost_usd) == (220, None)


def test_stopped_runs_are_scored_as_far_as_they_went(recorded: Project) -> None:
    """Neither pass nor fail; what holds so far is counted, and what was not reached does not hold."""
    say(recorded, "[Hello, Bye]", "[Hello, Farewell]")
    evaluation = onward(recorded, "stop")
    assert statuses(evaluation) == {**ALL_PASS, "two-turns": "stopped"}
    assert (evaluation.network, evaluation.tools_executed) == (0, 0)
    case = case_of(evaluation, "two-turns")
    assert case.parted is not None
    assert (case.parted.turn, case.parted.action, turns_of(case)) == (2, "stop", 1)
    assert case.parted.differences[0].path == "messages[2].content"
    assert [(each.assertion.type, each.score.passed) for each in case.verdicts] == [
        ("equals", False),
        ("max-turns", True),
    ]
    assert (case.holds, case.score) == (False, 0.5)
    assert evaluation.totals.pass_rate == 1


def test_a_stopped_run_is_not_judged_by_what_it_left_behind(sale: Project) -> None:
    """The recorded state is that of the whole run: it says nothing about half of it."""
    say(sale, "What is tea?", "What is milk?")
    case = case_of(onward(sale, "stop"), "sale")
    assert [each.assertion.type for each in case.verdicts] == ["trajectory:tool-used", "contains"]
    assert case.outcome is not None
    assert case.outcome.ended == "missing_recording"


def test_nothing_reused_is_nothing_to_score(recorded: Project) -> None:
    """A changed prompt differs in the first request: stopping there leaves the case as stale as it was."""
    reword(recorded)
    for case in onward(recorded, "stop").cases:
        assert (case.status, case.stale, case.outcome, turns_of(case)) == ("stale", ("system prompt",), None, 0)


def test_old_answers_to_the_same_conversation_count_marked(recorded: Project) -> None:
    """Another prompt, tool description, model and parameter: all is played, and every score is marked."""
    reword(recorded)
    for old, new in (("claude-sonnet-5-5", "claude-opus-5-5"), ("max_tokens: 256", "max_tokens: 300")):
        edit(recorded.root / "prompts/till/v1.yaml", old, new)
    edit(recorded.root / "prompts/till-tools/v1.yaml", "The price of a thing.", "A price.")
    evaluation = onward(recorded, match="lenient")
    assert statuses(evaluation) == ALL_PASS
    assert all(case.stale_matched for case in evaluation.cases)
    assert evaluation.totals.stale_matched == 3
    assert {case["stale_matched"] for case in evaluation.to_json(0)["suites"][0]["cases"]} == {True}
    assert case_of(evaluation, "price-of-tea").stale == ("system prompt", "model", "params", "tool price")


def test_another_conversation_matches_no_old_answer(recorded: Project) -> None:
    """What the user says is the conversation: only that much is served, and then it differs there and nowhere else."""
    reword(recorded)
    say(recorded, "[Hello, Bye]", "[Hello, Farewell]")
    case = case_of(onward(recorded, "stop", "lenient"), "two-turns")
    assert (case.status, case.stale_matched, turns_of(case)) == ("stopped", True, 1)
    assert case.parted is not None
    assert [each.path for each in case.parted.differences] == ["messages[2].content"]
    failed = case_of(onward(recorded, "fail", "lenient"), "two-turns")
    assert failed.status == "stale"


def test_a_component_that_no_request_shows_marks_the_score(recorded: Project) -> None:
    """Every request is the same, but a beta is sent beside it: a strict match does not prove that."""
    edit(recorded.root / "prompts/till/v1.yaml", "max_tokens: 256}", "max_tokens: 256}\nbetas: [new-thing-2026-11-01]")
    case = case_of(onward(recorded, "stop"), "price-of-tea")
    assert (case.status, case.stale, case.stale_matched) == ("pass", ("betas",), True)


def test_a_run_goes_on_live(recorded: Project) -> None:
    """One turn is served, one is asked for; the score is the run's, marked with where it left."""
    say(recorded, "[Hello, Bye]", "[Hello, Farewell]")
    wire = Canned()
    evaluation = onward(recorded, "live", wire=wire)
    assert statuses(evaluation) == ALL_PASS
    assert (evaluation.network, evaluation.tools_executed, wire.sent) == (1, 0, 1)
    case = case_of(evaluation, "two-turns")
    assert case.parted is not None
    assert (case.parted.turn, case.parted.action, case.stale_matched, turns_of(case)) == (2, "live", False, 1)
    assert evaluation.totals.reused.turns == 5


def test_a_changed_prompt_runs_live_on_recorded_results(recorded: Project) -> None:
    """The first request differs; tools that read answer from the recording, the one that writes is executed."""
    reword(recorded)
    wire = Canned()
    evaluation = onward(recorded, "live", wire=wire)
    assert statuses(evaluation) == ALL_PASS
    assert (wire.sent, evaluation.tools_executed) == (6, 2)  # of sell-cake: beside a write, a read is no sure thing
    assert evaluation.totals.reused.turns == 0


def test_the_world_is_made_before_anything_live(sale: Project) -> None:
    """The recorded sale is booked in the workspace before the first live turn, so that the state is the run's."""
    say(sale, "What is tea?", "What is milk?")
    turns = {"I take cake": [*SOLD, [use("book", "toolu_9", thing="tea")], [text("Tea it is.")]]}
    say(sale, "[[bread], [cake]]", "[[bread], [cake], [tea]]")
    evaluation = onward(sale, "live", wire=Canned(dict(turns)))
    assert statuses(evaluation) == {"sale": "pass"}
    assert evaluation.tools_executed == 2


def test_a_recorded_read_is_used_after_the_same_writes_only(sale: Project) -> None:
    """The same call after the same sale: recorded. After one more sale, it is asked again."""
    say(sale, "What is tea?", "What is milk?")
    same = {"I take cake": [*SOLD, [use("price", "toolu_8", thing="tea")], [text("Tea is 3.")]]}
    evaluation = onward(sale, "live", wire=Canned(dict(same)))
    assert (statuses(evaluation), evaluation.tools_executed) == ({"sale": "pass"}, 1)
    say(sale, "[[bread], [cake]]", "[[bread], [cake], [tea]]")
    more = {"I take cake": [*SOLD, [use("book", "toolu_8", thing="tea")], [use("price", "toolu_9", thing="tea")]]}
    more["I take cake"].append([text("Tea is 3.")])
    evaluation = onward(sale, "live", wire=Canned(dict(more)))
    assert (statuses(evaluation), evaluation.tools_executed) == ({"sale": "pass"}, 3)


def test_another_answer_of_a_write_ends_it_before_anything_is_paid(sale: Project) -> None:
    """The model was told `booked`; a world in which the tool says otherwise is not the one of the conversation."""
    words = sale.root / "prompts/till-tools/words.txt"
    words.write_text("booked")
    edit(words.parent / "till.py", 'return "booked"', f'return __import__("pathlib").Path({str(words)!r}).read_text()')
    assert statuses(record(sale, Canned(dict(SALE_TURNS)))) == {"sale": "pass"}
    words.write_text("on the list")  # no code has changed, and yet
    say(sale, "What is tea?", "What is milk?")
    wire = Canned()
    case = case_of(onward(sale, "live", wire=wire), "sale")
    assert (case.status, wire.sent) == ("stale", 0)
    assert "result of book" in case.stale
    assert "--tools live" in case.hint
    assert "recorded: booked" in case.reason


def test_a_tool_with_other_code_runs_and_the_run_goes_on_from_what_it_says(sale: Project) -> None:
    """Its recorded result is not used; what it returns now makes the next request another one."""
    edit(sale.root / "prompts/till-tools/till.py", 'return "booked"', 'return "on the list"')
    wire = Canned(dict(SALE_TURNS))
    evaluation = onward(sale, "live", wire=wire)
    assert (statuses(evaluation), wire.sent) == ({"sale": "pass"}, 3)
    case = case_of(evaluation, "sale")
    assert case.parted is not None
    assert (case.parted.turn, case.parted.about) == (2, "the result of book")
    stopped = case_of(onward(sale, "stop"), "sale")
    assert (stopped.status, turns_of(stopped)) == ("stopped", 1)


def test_with_live_tools_every_tool_runs_from_the_start(sale: Project) -> None:
    """A tool that answers otherwise is where the run goes on live; the workspace is the run's own all along."""
    edit(sale.root / "prompts/till-tools/till.py", 'return "booked"', 'return "on the list"')
    wire = Canned(dict(SALE_TURNS))
    evaluation = onward(sale, "live", wire=wire, live_tools=True)
    assert statuses(evaluation) == {"sale": "pass"}
    assert (wire.sent, evaluation.tools_executed) == (3, 3)
    case = case_of(evaluation, "sale")
    assert case.parted is not None
    assert case.parted.about == "the result of book"


def test_results_of_a_changed_tool_are_not_reused(recorded: Project) -> None:
    """Stopped at its first call, since nobody knows what it would say; live, it is run."""
    before = {case.id: case for case in onward(recorded, "live", match="lenient").cases}
    assert all(not case.stale_matched for case in before.values())
    edit(recorded.root / "prompts/till-tools/v1.yaml", "The price of a thing.", "A price.")
    assert set(statuses(onward(recorded, "stop")).values()) == {"stale"}
    evaluation = onward(recorded, "live")
    assert statuses(evaluation) == ALL_PASS
    assert evaluation.tools_executed == 3


def test_a_missing_recording_is_no_divergence(recorded: Project) -> None:
    """There is nothing to leave: the case is missing, whatever is to be done where recordings end."""
    (recorded.cassettes / "till/two-turns.yaml").unlink()
    for on in OnDivergence:
        wire = Canned()
        assert statuses(onward(recorded, on, wire=wire)) == {**ALL_PASS, "two-turns": "missing"}
        assert wire.sent == 0


def test_a_take_that_was_not_recorded_is_missing(recorded: Project) -> None:
    """Of two repeats the recorded one is played."""
    found = statuses(onward(recorded, "live", repeat=2))
    assert found == {**ALL_PASS, **{f"{name} #2": "missing" for name in ALL_PASS}}


def test_a_live_model_that_fails_is_an_error(recorded: Project) -> None:
    """What goes wrong live is neither the agent's doing nor the recording's."""
    say(recorded, "[Hello, Bye]", "[Hello, Farewell]")
    assert case_of(onward(recorded, "live", wire=Canned(fail=500)), "two-turns").status == "error"
