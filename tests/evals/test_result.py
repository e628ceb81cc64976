"""Results as documents: every key that is promised, sums that add up, files that are whole."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from agentctl.agent.events import ModelReplied, from_json
from agentctl.config.project import Project
from agentctl.errors import StoreError, UsageError
from agentctl.evals import prices as prices_module
from agentctl.evals.history import KEPT, keep
from agentctl.evals.prices import Prices
from agentctl.evals.report import format_of, write_report
from agentctl.evals.report.told import told_of
from agentctl.evals.result import Evaluation, read_result, totals_of
from support.till import edit, lay_down, record, replay


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The till, recorded, with one check that fails and one stale case."""
    project = lay_down(tmp_path)
    record(project)
    edit(project.evals / "till.yaml", 'contains: "3"', 'contains: "4"')
    edit(project.evals / "till.yaml", "[Hello, Bye]", "[Hello, Farewell]")
    return project


@pytest.fixture
def evaluation(project: Project) -> Evaluation:
    """Its replay."""
    return replay(project)


def test_the_document_has_what_is_promised(evaluation: Evaluation) -> None:
    """The keys that other programs rely on; more may come, none goes."""
    document = json.loads(json.dumps(evaluation.to_json(4)))
    assert document.keys() >= {"suites", "network", "tools_executed", "exit", "totals", "interrupted"}
    (suite,) = document["suites"]
    assert suite.keys() >= {"suite", "agent", "bundle", "cases", "totals"}
    assert suite["agent"] == "till@1"
    assert suite["bundle"].startswith("sha256:")
    failed, passed, stale = suite["cases"]
    promised = {"id", "repeat", "status", "stale", "asserts", "turns", "usage", "cost_usd", "seconds"}
    for case in suite["cases"]:
        assert case.keys() >= promised
    assert (failed["status"], passed["status"], stale["status"]) == ("fail", "pass", "stale")
    assert stale["stale"] == ["case input"]
    assert (failed["tags"], passed["tags"]) == (["read"], ["write"])
    first = failed["asserts"][0]
    assert (first["type"], first["value"], first["pass"], first["score"]) == ("contains", "4", False, 0.0)
    assert first["reason"] == 'the answer does not contain "4"'
    assert first["evidence"] == {
        "expected": 'contains "4"',
        "got": "Tea is 3.",
        "at": [{"seq": failed["entries"][-2]["seq"], "turn": 2}],
    }
    assert (passed["turns"], passed["usage"]["input_tokens"]) == (2, 200)
    assert passed["tool_calls"] == ["price", "book"]
    assert document["exit"] == 4


def test_a_case_can_be_read_back(evaluation: Evaluation) -> None:
    """The entries in the document are the run: what a diff or a replay of a result needs."""
    case = evaluation.cases[1]
    assert case.outcome is not None
    stored = json.loads(json.dumps(case.to_json()))["entries"]
    assert [from_json(entry["event"]) for entry in stored] == case.outcome.run.events


def test_totals_add_up(evaluation: Evaluation) -> None:
    """Counts, turns, tokens and cost are sums over the cases; only verdicts are in the pass rate."""
    totals = evaluation.totals
    assert totals.counts == {"pass": 1, "fail": 1, "error": 0, "stale": 1, "missing": 0, "stopped": 0}
    assert (totals.cases, totals.pass_rate) == (3, 0.5)
    assert (totals.turns, totals.tool_calls, totals.usage.all_input) == (4, 3, 400)
    costs = [case.outcome.cost_usd for case in evaluation.cases if case.outcome is not None]
    assert totals.cost_usd == sum(cost for cost in costs if cost is not None)
    assert totals_of([]).pass_rate is None


def test_thresholds_weigh_scores(project: Project) -> None:
    """With a threshold the weighted mean decides; without one every assertion must pass."""
    suite = project.evals / "till.yaml"
    edit(suite, '- contains: "4"', '- {contains: "4", weight: 3}')
    assert replay(project).cases[0].score == 0.25
    edit(suite, "tags: [read]", "tags: [read]\n    threshold: 0.25")
    assert replay(project).cases[0].status == "pass"
    edit(suite, "threshold: 0.25", "threshold: 0.26")
    case = replay(project).cases[0]
    assert case.status == "fail"
    assert case.reason.startswith("score 0.25 is below the threshold 0.26; contains: ")


def test_reports_are_chosen_by_their_ending(tmp_path: Path, evaluation: Evaluation) -> None:
    """A known ending is written whole, folders included; an unknown one is refused with those there are."""
    path = tmp_path / "deep" / "result.JSON"
    write_report(path, told_of(evaluation, 1))
    assert read_result(path) == json.loads(json.dumps(evaluation.to_json(1)))
    assert [left.name for left in path.parent.iterdir()] == ["result.JSON"]
    with pytest.raises(UsageError, match=r"result\.xyz") as caught:
        format_of(tmp_path / "result.xyz")
    assert ".json" in caught.value.hint
    with pytest.raises(StoreError, match="cannot be written"):
        write_report(path / "below-a-file.json", told_of(evaluation, 1))


def test_what_is_no_result_is_refused(tmp_path: Path) -> None:
    """Missing, torn, something else, of a later schema: each is said."""
    path = tmp_path / "r.json"
    with pytest.raises(UsageError, match="cannot be read"):
        read_result(path)
    for text, message in {
        "{": "is no JSON",
        "[]": "is no result",
        '{"kind": "eval", "schema": 2}': "has schema 2",
    }.items():
        path.write_text(text)
        with pytest.raises(UsageError, match=message):
            read_result(path)


def test_results_are_kept_and_the_oldest_go(tmp_path: Path, evaluation: Evaluation) -> None:
    """`last.json` is the newest; there are never more than a fixed number of others."""
    project = Project(tmp_path)
    folder = project.state / "results"
    folder.mkdir(parents=True)
    for number in range(KEPT + 5):
        (folder / f"20200101T0000{number:02}Z-old.json").write_text("{}")
    path = keep(project, evaluation, 1)
    assert path.name.endswith("Z-till.json")
    assert read_result(folder / "last.json")["exit"] == 1
    kept = sorted(each.name for each in folder.glob("2*.json"))
    assert len(kept) == KEPT
    assert kept[-1] == path.name
    assert "20200101T000005Z-old.json" not in kept


REPLY = ModelReplied("m", "claude-sonnet-5-5", [], "end_turn", {"input_tokens": 1000, "output_tokens": 10})


def test_prices_are_kept_between_evaluations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A price that was computed is read back, without asking for it; the sum over replies is exact."""
    path = tmp_path / "prices.json"
    prices = Prices(path)
    one = prices.of([REPLY], "anthropic")
    assert one is not None
    assert one > 0
    assert prices.of([REPLY, REPLY], "anthropic") == 2 * one
    prices.save()

    def never(*_: object) -> Decimal:
        pytest.fail("the price was kept")

    monkeypatch.setattr(prices_module, "price", never)
    assert Prices(path).of([REPLY], "anthropic") == one


def test_kept_prices_go_when_prices_may_have_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another day or another price list: nothing that was kept is used. A damaged file is as good as none."""
    path = tmp_path / "prices.json"
    prices = Prices(path)
    prices.of([REPLY], "anthropic")
    prices.save()
    monkeypatch.setattr(prices_module, "price", lambda *_: Decimal(7))
    assert Prices(path).of([REPLY], "anthropic") != 7
    monkeypatch.setattr(prices_module, "_stamp", lambda: "tomorrow")
    assert Prices(path).of([REPLY], "anthropic") == 7
    path.write_text("{")
    assert Prices(path).of([REPLY], "anthropic") == 7


def test_an_unknown_price_is_not_kept(tmp_path: Path) -> None:
    """It may be known tomorrow, and one unknown price makes the whole sum unknown."""
    path = tmp_path / "prices.json"
    unknown = ModelReplied("m", "nobody-knows-this", [], "end_turn", {"input_tokens": 1})
    prices = Prices(path)
    assert prices.of([REPLY, unknown], "anthropic") is None
    prices.save()
    assert "nobody" not in path.read_text()
