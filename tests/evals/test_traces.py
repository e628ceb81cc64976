"""Published runs, scored again: nothing is lost on the way, trials are repeats, and figures are the published ones."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from math import comb
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentctl.agent.events import ModelReplied, RunStarted, ToolCalled, ToolReturned
from agentctl.agent.values import replace
from agentctl.cassette.imports.talk import Left
from agentctl.cassette.imports.walk import walk
from agentctl.cli.score.sources import traces_of
from agentctl.config.project import Project
from agentctl.errors import CassetteError, UsageError
from agentctl.evals.importing import read as read_drafts
from agentctl.evals.prices import Prices
from agentctl.evals.result import Evaluation
from agentctl.evals.stats.tries import mean_over_cases, pass_hat_k
from agentctl.evals.suite import load_suite
from agentctl.evals.traces.basis import Basis, label_of, loaded
from agentctl.evals.traces.read import traces_in
from agentctl.evals.traces.score import evaluation_of, score
from agentctl.evals.traces.trace import Trace
from support.benchmark import Run, json_lines, tau2_bench, tau_bench

LAYOUTS: list[Callable[[Path, list[Run]], Path]] = [tau_bench, tau2_bench, json_lines]
REWARD = (label_of("reward=1"),)

RUNS = st.lists(
    st.tuples(st.lists(st.sampled_from([0.0, 1.0]), min_size=3, max_size=3), st.integers(0, 99)),
    min_size=1,
    max_size=4,
).map(
    lambda tasks: [
        Run(task, trial, rewards[trial], cents / 1000 + trial / 7)
        for trial in range(3)
        for task, (rewards, cents) in enumerate(tasks)
    ]
)


def scored(*paths: Path, basis: Basis | None = None, merged: bool = False, cost: str = "") -> Evaluation:
    """The evaluation of these files, by their rewards unless something else is asked."""
    basis = basis or Basis(labels=REWARD)
    tally = score((each for path in paths for each in traces_in(path, cost_key=cost)), basis, Prices())
    return evaluation_of(tally, basis, merged=merged)


def trace_in(path: Path) -> Trace:
    """The one trace of a file."""
    (found,) = traces_in(path)
    assert isinstance(found, Trace)
    return found


@pytest.mark.parametrize("layout", LAYOUTS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(runs=RUNS)
def test_the_figures_are_the_published_ones(tmp_path: Path, layout: Any, runs: list[Run]) -> None:
    """For any rewards and costs: pass^k as the benchmark computes it, trials as repeats, and the sum of the costs."""
    evaluation = scored(layout(tmp_path / "model.json", runs))
    (suite,) = evaluation.suites
    assert [(case.id, case.repeat) for case in suite.cases] == sorted((str(run.task), run.trial + 1) for run in runs)
    passes = Counter(case.id for case in suite.cases if case.status == "pass")
    counts = [(3, passes[str(task)]) for task in {run.task for run in runs}]
    solved = Counter(run.task for run in runs if abs(run.reward - 1) <= 1e-6)
    for k in (1, 2, 3):
        published = sum(comb(solved[task], k) / comb(3, k) for task in {run.task for run in runs}) / len(counts)
        assert mean_over_cases(pass_hat_k, counts, k) == pytest.approx(published)
    about = evaluation.traces
    assert about is not None
    if layout is tau_bench:  # which tells what its users cost, and not its agents
        assert about["cost"]["known"] == 0
        return
    total = sum(Decimal(str(run.cost)) for run in runs)
    assert evaluation.totals.cost_usd == total
    assert about["cost"]["mean_usd"] == pytest.approx(float(total) / len(runs))


def test_a_crashed_run_is_a_failed_trial(tmp_path: Path) -> None:
    """Its log is empty but for the reward, and leaving it out would make the agent better than it is."""
    evaluation = scored(tau_bench(tmp_path / "x.json", [Run(0, 0, 1.0), Run(0, 1, -1.0)]))
    assert [case.status for case in evaluation.cases] == ["pass", "fail"]


def test_what_nobody_rewarded_is_no_verdict(tmp_path: Path) -> None:
    """An error, which leaves the denominator; the labels that there are stand beside it."""
    path = json_lines(tmp_path / "x.jsonl", [Run(0, 0, 1.0), Run(1, 0, 1.0)])
    path.write_text(path.read_text().replace('"reward": 1.0, ', "", 1))
    evaluation = scored(path)
    assert [case.status for case in evaluation.cases] == ["error", "pass"]
    assert "no label reward" in evaluation.cases[0].reason
    assert evaluation.totals.pass_rate == 1


def test_a_cost_key_may_be_named(tmp_path: Path) -> None:
    """By its dotted path; what is told goes before what tokens would cost."""
    runs = [Run(0, 0, 1.0, 0.5), Run(1, 0, 1.0, 0.25)]
    assert scored(tau_bench(tmp_path / "a.json", runs), cost="info.user_cost").totals.cost_usd == 1
    found = scored(tau2_bench(tmp_path / "b.json", runs))
    assert (found.traces or {})["cost"]["from"] == {"agent_cost": 2}
    assert found.totals.cost_usd == Decimal("0.75")


def test_what_tau2_bench_tells(tmp_path: Path) -> None:
    """The model and the domain, seconds, calls and their errors; the user's own tools are none of the agent's."""
    trace = trace_in(tau2_bench(tmp_path / "x.json", [Run(7, 2, 1.0, 0.5)]))
    assert (trace.case, trace.trial, trace.model, trace.domain) == ("7", 2, "claude-sonnet-4-5", "telecom")
    assert (trace.seconds, trace.left, trace.place) == (12.5, 0, "simulations[0]")
    events = trace.run.events
    assert [each.input for each in events if isinstance(each, ToolCalled)] == [{"id": "R7"}]
    assert [each.error_type for each in events if isinstance(each, ToolReturned)] == ["reported"]
    assert trace.run.usage.input_tokens == 100
    assert sum(isinstance(each, ModelReplied) for each in events) == 3


def test_a_trace_says_what_its_recording_would(tmp_path: Path) -> None:
    """The short way to the events and the way through a cassette lead to the same facts."""
    for layout in LAYOUTS:
        path = layout(tmp_path / f"{layout.__name__}.jsonl", [Run(1, 0, 1.0)])
        if layout is not json_lines:
            document = json.loads(path.read_text())
            path.write_text(json.dumps(document["simulations"][0] if isinstance(document, dict) else document[0]))
        (draft,) = read_drafts(path).drafts
        ours = [replace(e, model="") if isinstance(e, RunStarted) else e for e in trace_in(path).run.events]
        theirs = [replace(e, model="") if isinstance(e, RunStarted) else e for e in draft.events]
        assert [type(each) for each in ours] == [type(each) for each in theirs]
        assert [e.content for e in ours if isinstance(e, ModelReplied)] == [
            e.content for e in theirs if isinstance(e, ModelReplied)
        ]
        assert ours[-1] == theirs[-1]


def test_several_models_are_several_results(tmp_path: Path) -> None:
    """In files of their own or in one; together only when that is asked for, and then every trial counts."""
    runs = [Run(0, 0, 1.0), Run(0, 1, 0.0)]
    one, other = json_lines(tmp_path / "a.jsonl", runs, model="m1"), json_lines(tmp_path / "b.jsonl", runs, model="m2")
    assert [(each.suite, each.model) for each in scored(one, other).suites] == [("a", "m1"), ("b", "m2")]
    both = tmp_path / "both.jsonl"
    both.write_text(one.read_text() + other.read_text())
    assert [each.suite for each in scored(both).suites] == ["both-m1", "both-m2"]
    (merged,) = scored(one, other, merged=True).suites
    assert [(case.id, case.repeat) for case in merged.cases] == [("0", 1), ("0", 2), ("0", 3), ("0", 4)]


def test_a_trial_told_twice_is_counted_twice(tmp_path: Path) -> None:
    """And that is told: somebody may have put two logs into one."""
    evaluation = scored(json_lines(tmp_path / "x.jsonl", [Run(0, 0, 1.0), Run(0, 0, 0.0), Run(1, 0, 1.0)]))
    assert [(case.id, case.repeat) for case in evaluation.cases] == [("0", 1), ("0", 2), ("1", 1)]
    assert (evaluation.traces or {})["same_trial"] == 1


def test_a_result_is_small(tmp_path: Path) -> None:
    """It holds figures and labels, not the messages that stand in the file."""
    evaluation = scored(tau_bench(tmp_path / "x.json", [Run(0, 0, 1.0)]))
    (case,) = evaluation.cases
    document = case.to_json()
    assert document["entries"] == []
    assert (document["turns"], document["tool_calls"]) == (2, ["get_reservation"])
    assert document["metadata"]["trace"] == f"{tmp_path}/x.json, item 1"
    assert document["metadata"]["reward"] == 1.0
    assert document["metadata"]["info"] == {"user_cost": 0.5}
    assert evaluation.to_json(0)["traces"]["read"] == 1


SUITE = """\
schema: 1
kind: suite
assert:
  - not-contains: robot
cases:
  - {id: case-0, input: Hi, transcript: true, assert: [contains: cancelled, {trajectory:tool-used: cancel}]}
  - {id: other, input: Hi, transcript: true}
"""


def test_a_suite_scores_what_it_knows_and_all(tmp_path: Path) -> None:
    """A trace is of the case it names; of one that names none, what the suite asks of all must be true."""
    path = tmp_path / "desk.yaml"
    path.write_text(SUITE)
    suite = load_suite(path, Project(tmp_path))
    basis = Basis({"desk": suite}, "desk")
    evaluation = scored(json_lines(tmp_path / "x.jsonl", [Run(0, 0, 1.0), Run(5, 0, 1.0)]), basis=basis)
    assert [(each.id, each.status, len(each.verdicts)) for each in evaluation.cases] == [
        ("5", "pass", 1),
        ("case-0", "pass", 3),
    ]
    assert (evaluation.traces or {})["without_trace"] == ["desk/other"]
    bare = replace(suite, asserts=(), cases=tuple(replace(each, asserts=()) for each in suite.cases))
    basis = Basis({"desk": bare}, "desk")
    evaluation = scored(json_lines(tmp_path / "x.jsonl", [Run(5, 0, 1.0)]), basis=basis)
    assert [(each.status, each.reason) for each in evaluation.cases] == [
        ("error", "it names the case 5, and suite desk has none like it")
    ]
    basis = Basis({"desk": suite}, "desk", case="case-0")
    assert [each.id for each in scored(tmp_path / "x.jsonl", basis=basis).cases] == ["case-0"]


def test_recordings_and_recorded_judges_are_scored_again(checkout: Path) -> None:
    """The example's suite passes on what was recorded, judges included, and no agent is needed for it."""
    project = Project(checkout)
    suite = loaded(project.evals / "support.yaml", project)
    names = [str(each) for each in sorted((project.cassettes / "support").glob("*.yaml"))]
    tally = score(traces_of(names, project), Basis({"support": suite}, "support"), Prices())
    (found,) = evaluation_of(tally, Basis({"support": suite}, "support")).suites
    assert {each.status for each in found.cases} == {"pass"}
    assert len(found.cases) == len(suite.cases)
    assert any(verdict.assertion.name == "judge" for each in found.cases for verdict in each.verdicts)
    assert list(traces_of([str(project.cassettes / "support" / "judge")], project)) == []


def test_nothing_to_score_by_is_told(tmp_path: Path) -> None:
    """Neither a suite nor a label."""
    with pytest.raises(UsageError, match="nothing says what to score it by"):
        scored(json_lines(tmp_path / "x.jsonl", [Run(0, 0, 1.0)]), basis=Basis())


@pytest.mark.parametrize(
    ("text", "key", "how"),
    [
        ("reward=1", "reward", {"equals": 1}),
        ("info.kind = retail", "info.kind", {"equals": "retail"}),
        ("cost<=0.5", "cost", {"high": 0.5}),
        ("reward>=0.5", "reward", {"low": 0.5}),
        ("done==true", "done", {"equals": True}),
    ],
)
def test_labels_on_the_command_line(text: str, key: str, how: dict[str, Any]) -> None:
    """A key, a sign, and JSON or a text."""
    wanted = label_of(text).ready
    assert wanted.key == key
    assert {name: getattr(wanted, name) for name in how} == how


@pytest.mark.parametrize("text", ["reward", "=1", "reward<=high", "reward>1"])
def test_labels_that_are_none(text: str) -> None:
    """Refused in words."""
    with pytest.raises(UsageError, match="--label"):
        label_of(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"messages": [1]}\n\n{"messages": []}\n', [("line 1", 1), ("line 3", 3)]),
        ('\n[{"a": 1},\n {"b": "]"}]', [("item 1", 2), ("item 2", 3)]),
        ('{\n "data": [\n  {"messages": []}, {"messages": []}\n ], "x": 1}', [("data[0]", 3), ("data[1]", 3)]),
        ('{"x": 1, "results": [{"messages": []}]}', [("line 1, results[0]", 1)]),
        ('{\n "messages": [{"data": []}]}', [("line 1", 1)]),
        ("[]", []),
        ('[{"messages": []}]', [("item 1", 1)]),
        ('[{"x": NaN}]', [("item 1", 1)]),
    ],
)
def test_a_file_is_walked(tmp_path: Path, text: str, found: list[tuple[str, int]]) -> None:
    """Lines, lists, and documents that hold a list: each value with its place and its line."""
    path = tmp_path / "x.json"
    path.write_text(text)
    assert [(place, line) for place, line, _ in walk(path)] == found


@pytest.mark.parametrize(
    ("text", "why"), [("", "is empty"), ("[{}", "is no JSON"), ("{\n", "is no JSON"), ("hi", "is no")]
)
def test_files_that_are_none(tmp_path: Path, text: str, why: str) -> None:
    """Named with the file."""
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(CassetteError, match=why):
        list(walk(path))


WHOLE = st.integers(-(2**63), 2**64 - 1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=9) | WHOLE | st.none(), max_size=3)))
def test_lists_are_taken_apart_as_they_are(tmp_path: Path, values: list[Any]) -> None:
    """For all values: what is walked over is what was written (whole numbers of over 64 bits are read as floats)."""
    path = tmp_path / "x.json"
    path.write_text(json.dumps(values, indent=1, ensure_ascii=False), encoding="utf-8", errors="surrogatepass")
    assert [value for _, _, value in walk(path)] == values


def test_what_is_no_trace_is_named(tmp_path: Path) -> None:
    """A broken line, a line of something else, a message that cannot be carried: nothing goes without a word."""
    path = json_lines(tmp_path / "x.jsonl", [Run(0, 0, 1.0)])
    path.write_text(path.read_text() + '{"torn": \n{"config": 1}\n[1]\n')
    found = list(traces_in(path))
    assert [each.reason.partition(" (")[0] for each in found if isinstance(each, Left)] == [
        "is no JSON",
        "holds no messages",
        "is no JSON object",
    ]
    path.write_text('{"task_id": 1, "reward": 1, "messages": [{"role": "robot", "content": "beep"}]}')
    assert trace_in(path).left == 1
    assert [each.status for each in scored(path).cases] == ["pass"]


@pytest.mark.parametrize(
    ("record", "case", "trial", "cost"),
    [
        ({"task_id": 3, "trial": 0, "cost": 0.25}, "3", 0, "0.25"),
        ({"metadata": {"task_id": "retail/3", "trial_id": "trial-2", "total_cost": "$0.5"}}, "retail/3", 2, "0.5"),
        ({"id": "airline_7_trial_1", "agent_cost": None, "cost": None}, "airline_7", 1, None),
        ({"case_id": "x", "info": {"run": 4, "agent_cost": 1}, "user_cost": 9}, "x", 4, "1"),
        ({"name": "x", "run": "4f0c12"}, "x", None, None),
        ({"task": {"goal": "y"}, "instance_id": "z", "cost": True}, "z", None, None),
    ],
)
@pytest.mark.parametrize("key", ["messages", "traj", "trace", "history", "text"])
def test_the_names_that_logs_use(
    tmp_path: Path, key: str, record: dict[str, Any], case: str, trial: int | None, cost: str | None
) -> None:
    """Task, trial and cost by any of their names, beside the messages or in a mapping; messages as text too."""
    messages: Any = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]
    held = {"messages": json.dumps(messages)} if key == "text" else {key: messages}
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps({**record, **held}) + "\n")
    trace = trace_in(path)
    assert (trace.case, trace.trial, trace.run.text) == (case, trial, "Hello!")
    assert trace.cost == (None if cost is None else Decimal(cost))
    assert not set(held) & set(trace.metadata)


def test_a_benchmarks_file_can_be_imported(tmp_path: Path) -> None:
    """Each run a draft with its case, trial, reward and cost; of what is too large, what is small stays."""
    runs = [Run(0, 0, 1.0, 0.5), Run(0, 1, 0.0, 0.25)]
    found = read_drafts(tau2_bench(tmp_path / "x.json", runs))
    assert [(each.name, each.metadata["agent_cost"], each.metadata["reward_info"]) for each in found.drafts] == [
        ("0-trial-0", 0.5, {"reward": 1.0, "db_check": None}),
        ("0-trial-1", 0.25, {"reward": 0.0, "db_check": None}),
    ]
    (draft, _) = read_drafts(tau_bench(tmp_path / "y.json", runs)).drafts
    assert (draft.metadata["reward"], draft.metadata["info"]) == (1.0, {"user_cost": 0.5})
    (draft,) = read_drafts(json_lines(tmp_path / "z.jsonl", runs[:1])).drafts
    assert draft.name == "case-0-trial-0"


scalars = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=4)
anything = st.recursive(
    scalars | st.sampled_from(["user", "assistant", "tool", "system", "text", "tool_use", "tool_result", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
blocks = st.dictionaries(
    st.sampled_from(["type", "text", "id", "name", "input", "tool_use_id", "content", "is_error"]), anything, max_size=5
)
roles = st.sampled_from(["user", "assistant", "tool"])
message = st.dictionaries(
    st.sampled_from(["role", "content", "tool_calls", "tool_call_id", "usage", "model", "requestor", "stop_reason"]),
    anything | st.lists(blocks, max_size=2),
    max_size=4,
) | st.fixed_dictionaries({"role": roles, "content": st.lists(blocks, max_size=2)})
record = st.dictionaries(
    st.sampled_from(["messages", "traj", "metadata", "info", "task_id", "trial", "reward", "cost", "seconds", "model"]),
    anything | st.lists(message, max_size=4),
    max_size=6,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.lists(record | anything, max_size=3), st.booleans())
def test_any_log_is_scored_or_named(tmp_path: Path, records: list[Any], lines: bool) -> None:  # noqa: FBT001
    """Whatever stands in a file: traces, or things that are named as left out, and a document of them."""
    path = tmp_path / ("x.jsonl" if lines else "x.json")
    path.write_text("".join(f"{json.dumps(each)}\n" for each in records) if lines else json.dumps(records))
    try:
        found = list(traces_in(path))
    except CassetteError:
        assert not records
        return
    assert bool(found) is bool(records)
    evaluation = evaluation_of(score(found, Basis(labels=REWARD), Prices()), Basis(labels=REWARD))
    assert orjson.dumps(evaluation.to_json(0))


def test_one_message_on_each_line_is_one_conversation(tmp_path: Path) -> None:
    """As loggers of a single session write it."""
    path = tmp_path / "chat-7.jsonl"
    path.write_text('{"role": "user", "content": "Hi"}\n{"role": "assistant", "content": "Hello!"}\n')
    trace = trace_in(path)
    assert (trace.run.text, trace.case, trace.said) == ("Hello!", "", ("Hi",))
