"""`agentctl score` as a program: what happened is judged again, and nothing is asked, run or sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.benchmark import Run, json_lines, tau2_bench, tau_bench
from support.desk import agentctl, lay_down

SUITE = """\
schema: 1
kind: suite
agent: desk@1
assert:
  - ended: completed
cases:
  - {id: lookup, input: "Where is ORD-7?", assert: [{trajectory:tool-used: get_order}, {contains: nowhere}]}
"""


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """The desk, with one suite beside its own."""
    root = lay_down(tmp_path)
    (root / "evals").mkdir(exist_ok=True)
    (root / "evals/again.yaml").write_text(SUITE)
    return root


def scored(root: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """The exit code and the document; nothing was sent and no tool ran."""
    done = agentctl(root, "score", "--json", *arguments)
    document = json.loads(done.stdout)
    assert (document["network"], document["tools_executed"], document["exit"]) == (0, 0, done.returncode)
    return done.returncode, document


def test_published_runs_are_counted_again(desk: Path) -> None:
    """Two models in two files, without a suite: a result for each, in every format that eval writes."""
    json_lines(desk / "one.jsonl", [Run(0, 0, 1.0, 0.1), Run(0, 1, 0.0, 0.2)])
    tau_bench(desk / "two.json", [Run(0, 0, 1.0), Run(0, 1, 1.0)])
    code, document = scored(desk, "one.jsonl", "two.json", "--label", "reward=1", "-o", "out.json")
    assert code == 1
    assert [each["suite"] for each in document["suites"]] == ["one", "two"]
    assert [each["totals"]["pass"] for each in document["suites"]] == [1, 2]
    cost = document["traces"]["cost"]
    assert (cost["total_usd"], cost["by_suite"]["one"]["mean_usd"], cost["by_suite"]["two"]["known"]) == (0.3, 0.15, 0)
    assert json.loads((desk / "out.json").read_text())["traces"] == document["traces"]
    assert all(not case["entries"] for each in document["suites"] for case in each["cases"])
    done = agentctl(desk, "score", "two.json", "--label", "reward=1", "--with-runs", "-o", "kept.json")
    assert done.returncode == 0
    assert "two  imported" in done.stdout
    (kept,) = json.loads((desk / "kept.json").read_text())["suites"]
    assert [len(case["entries"]) for case in kept["cases"]] == [10, 10]
    json_lines(desk / "again.jsonl", [Run(0, 0, 1.0, 0.1), Run(0, 1, 1.0, 0.1)])
    for name in ("one", "again"):
        agentctl(desk, "score", f"{name}.jsonl", "--label", "reward=1", "-o", f"{name}.json")
    told = json.loads(agentctl(desk, "diff", "one.json", "again.json", "--json").stdout)
    assert told["totals"]["cost_usd"]["old"] == pytest.approx(0.3)


def test_a_stored_run_and_its_result_are_scored_again(desk: Path) -> None:
    """By the case it is said to be of; the run is named for a replay, and its result can be scored once more."""
    assert agentctl(desk, "run", "desk", "--simulate", "-q", "Where is ORD-7?").returncode == 0
    code, document = scored(desk, "last", "--suite", "again", "--case", "lookup", "-o", "first.json")
    (case,) = document["suites"][0]["cases"]
    assert (code, case["id"], case["status"], case["tool_calls"]) == (1, "lookup", "fail", ["get_order"])
    assert [each["pass"] for each in case["asserts"]] == [True, True, False]
    (desk / "evals/again.yaml").write_text(SUITE.replace(", {contains: nowhere}", ""))
    code, document = scored(desk, "first.json")
    assert (code, document["suites"][0]["suite"]) == (0, "again")
    done = agentctl(desk, "score", "last", "--suite", "again", "--case", "lokup")
    assert (done.returncode, "did you mean `lookup`?" in done.stderr) == (2, True)


def test_imported_trials_count_together(desk: Path) -> None:
    """Cases of their own, each with its recording, and repeats of one task in the figures; the log tells the cost."""
    tau2_bench(desk / "log.json", [Run(4, 0, 1.0, 0.5), Run(4, 1, 0.0, 0.25), Run(4, 2, 1.0, 0.25)])
    assert agentctl(desk, "import", "log.json", "--suite", "logs").returncode == 0
    suite = desk / "evals/logs.yaml"
    suite.write_text(suite.read_text().replace("cases:", "assert: [{label: {key: reward, equals: 1}}]\ncases:", 1))
    document = json.loads(agentctl(desk, "eval", "logs", "--json").stdout)
    (found,) = document["suites"]
    assert [each["id"] for each in found["cases"]] == ["4-trial-0", "4-trial-1", "4-trial-2"]
    assert {(each["trial_of"], each["cost_from"]) for each in found["cases"]} == {("4", "agent_cost")}
    assert [each["pass_hat"] for each in found["statistics"]["tries"]] == [0.666667, 0.333333, 0]
    assert found["totals"]["cost_usd"] == 1
    code, again = scored(desk, "cassettes/logs")
    assert code == 1
    assert again["suites"][0]["statistics"]["tries"] == found["statistics"]["tries"]
    assert again["traces"]["cost"]["from"] == {"agent_cost": 3}


def test_what_cannot_be_scored_is_named(desk: Path) -> None:
    """An exit code that no build takes for a pass, and the place of each."""
    json_lines(desk / "one.jsonl", [Run(3, 0, 1.0)])
    (desk / "evals/again.yaml").write_text(SUITE.replace("assert:\n  - ended: completed\n", ""))
    (desk / "one.jsonl").write_text((desk / "one.jsonl").read_text() + "{torn\n")
    code, document = scored(desk, "one.jsonl", "--suite", "again")
    assert code == 3
    assert document["traces"]["unmatched"] == ["one.jsonl, line 1"]
    assert document["traces"]["without_trace"] == ["again/lookup"]
    assert [each["place"] for each in document["traces"]["left_out"]] == ["one.jsonl, line 2"]
