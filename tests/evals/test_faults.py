"""Cases with faults: played against the simulator, on their own clock, the same each time, and never recorded."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import pytest

from agentctl.agent.events import END_REASONS
from agentctl.cli.eval.faulty import fault_player
from agentctl.config.faults import KINDS
from agentctl.config.project import Project
from agentctl.errors import ConfigError, UsageError
from agentctl.evals.evaluate import evaluate
from agentctl.evals.live import is_due
from agentctl.evals.modes import RecordMode
from agentctl.evals.plan import plan
from agentctl.evals.prices import Prices
from agentctl.evals.result import CaseResult, Evaluation
from agentctl.evals.schema import suite_schema
from agentctl.evals.shard import shard
from agentctl.evals.standings import standings
from support import desk

HEAD = "schema: 1\nkind: suite\nagent: desk@1\napprove: true\ncases:\n"
MORE = """
limits: {max_turns: 3, max_seconds: 300, idle_seconds: 20}
breaker: {window: 4, minimum: 3}
fallbacks: [claude-haiku-5-5]
degrade: {message: Nobody is here.}
"""
ORDER = "Where is ORD-7?"
CANCEL = "cancel ORD-7"
TELLS = "when: {results: [get_order]}"


def lay_down(root: Path, *cases: dict[str, Any]) -> Project:
    """A desk with a policy and a suite of these cases; each asks for an order if it asks for nothing else."""
    desk.lay_down(root)
    agent = root / "prompts/desk/v1.yaml"
    agent.write_text(desk.AGENT.replace("limits: {max_turns: 3}\n", "") + MORE)
    (root / "prompts/desk/simulator.yaml").write_text(
        desk.SCRIPT.replace(TELLS, TELLS.replace("}", ", failed: false}"))
    )
    (root / "evals").mkdir()
    lines = [
        f"  - {orjson.dumps({'id': f'c{at}', 'input': ORDER, **case}).decode()}\n" for at, case in enumerate(cases)
    ]
    (root / "evals/desk.yaml").write_text(HEAD + "".join(lines))
    return Project(root)


def play(project: Project, concurrency: int = 4, **options: Any) -> Evaluation:
    """The evaluation of that project's suites."""
    jobs = plan(project, **options)

    async def run() -> Evaluation:
        async with fault_player(project, jobs) as faulty:
            return await evaluate(jobs, prices=Prices(), faulty=faulty, concurrency=concurrency)

    return asyncio.run(run())


def played(tmp_path: Path, *faults: dict[str, Any], **case: Any) -> CaseResult:
    """The result of a case with these faults."""
    return play(lay_down(tmp_path, {"faults": list(faults), **case})).cases[0]


CASES: list[tuple[list[dict[str, Any]], dict[str, Any]]] = [
    ([{"turn": 2, "api": 529}], {"assert": [{"retries": 1}, {"contains": "ORD-7 is shipped"}, "not-user-told"]}),
    ([{"api": "529", "times": "always"}], {"assert": ["degraded", {"fallback-used": "claude-haiku-5-5"}, "user-told"]}),
    ([{"api": "429,retry_after=9"}], {"assert": [{"retries": {"equals": 1}}, {"not-latency": 9000}]}),
    ([{"turn": 1, "api": "eof,at=tool"}], {"assert": [{"retries": 1}, {"trajectory:step-count": {"equals": 1}}]}),
    ([{"turn": 1, "api": "stall,at=tool"}], {"assert": [{"retries": 1}, {"not-latency": 20000}, {"latency": 21000}]}),
    ([{"api": "spend-cap", "times": "always"}], {"assert": [{"ended": "model_error"}, {"retries": 0}]}),
    ([{"turn": 1, "api": "stop-reason"}], {"assert": ["refusal", {"not-retries": {"min": 1}}]}),
    (
        [{"api": 529, "model": "own", "times": "always"}],
        {
            "input": [ORDER, ORDER, ORDER],
            "assert": [{"breaker": "open"}, {"type": "breaker", "value": "closed", "turn": 1}],
        },
    ),
    ([{"tool": "get_order", "error": "timeout"}], {"assert": [{"not-latency": 29999}, {"latency": 30001}]}),
    (
        [{"tool": "cancel_order", "error": "it is locked"}],
        {"input": CANCEL, "assert": [{"contains": "not canc"}]},
    ),
    ([{"tool": "cancel_order", "error": "raise"}], {"input": CANCEL, "assert": [{"contains": "not canc"}]}),
]


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """All of these, played once."""
    return play(lay_down(tmp_path_factory.mktemp("desk"), *({"faults": faults, **case} for faults, case in CASES)))


@pytest.mark.parametrize("number", range(len(CASES)))
def test_the_policy_holds(evaluation: Evaluation, number: int) -> None:
    """Each fault leads to what the agent's policy says, and each happened."""
    case = evaluation.cases[number]
    assert (case.status, case.reason) == ("pass", "")
    assert all(times for _, times in case.faults)


def test_nothing_is_sent_and_what_ran_is_counted(evaluation: Evaluation) -> None:
    """A call that fails before it runs runs nothing; no connection is made, nothing written."""
    calls = [len(case.outcome.calls) for case in evaluation.cases if case.outcome is not None]
    failing = sum(
        times for case in evaluation.cases for fault, times in case.faults if fault.startswith(("get", "can"))
    )
    assert evaluation.network == 0
    assert evaluation.tools_executed == sum(calls) - failing
    assert evaluation.recorded == ()


def test_the_same_bytes_however_it_is_played(tmp_path: Path) -> None:
    """Side by side or one after the other, once or again: the document is the same."""
    project = lay_down(tmp_path, *({"faults": faults, **case} for faults, case in CASES))
    documents = {orjson.dumps(play(project, concurrency).to_json(0)) for concurrency in (1, 8, 8)}
    assert len(documents) == 1


def test_repeats_have_dice_of_their_own(tmp_path: Path) -> None:
    """Two repeats wait differently, and each as it did before."""
    project = lay_down(tmp_path, {"faults": [{"api": 529}], "repeat": 3})
    waits = [[case.outcome.seconds for case in play(project).cases if case.outcome] for _ in range(2)]
    assert waits[0] == waits[1]
    assert len(set(waits[0])) == 3


def test_a_fault_that_never_happens_is_an_error(tmp_path: Path) -> None:
    """Nothing was put to the test then, so it is no pass; the fault is named."""
    case = played(tmp_path, {"tool": "get_order", "error": "raise", "call": 2}, {"turn": 2, "api": 529})
    assert case.status == "error"
    assert "never happened: get_order, call 2: raise (the run had 2 turns, with the calls get_order)" in case.reason
    assert case.to_json()["faults"] == [
        {"fault": "get_order, call 2: raise", "happened": 0},
        {"fault": "turn 2: 529", "happened": 1},
    ]


def test_a_failure_is_told_before_a_fault_that_never_happened(tmp_path: Path) -> None:
    """What the agent did wrong is a verdict, whatever else did not happen."""
    assert played(tmp_path, {"turn": 3, "api": 529}, **{"assert": [{"contains": "nothing like it"}]}).status == "fail"


def test_a_run_that_no_limit_ends_is_an_error(tmp_path: Path) -> None:
    """Silence for ever is told, with the limit that would end it."""
    project = lay_down(tmp_path, {"faults": [{"turn": 1, "api": "stall"}]})
    agent = tmp_path / "prompts/desk/v1.yaml"
    agent.write_text(
        agent.read_text().replace("max_seconds: 300, idle_seconds: 20", "max_seconds: null, idle_seconds: null")
    )
    case = play(project).cases[0]
    assert (case.status, case.faults) == ("error", (("turn 1: stall", 1),))
    assert "wait for ever" in case.reason
    assert "limits.idle_seconds" in case.hint


def test_a_script_that_fails_is_an_error(tmp_path: Path) -> None:
    """A failure that is no fault of the case is nothing to judge the agent by, whatever its policy made of it."""
    project = lay_down(tmp_path, {"faults": [{"tool": "get_order", "error": "raise"}], "assert": ["degraded"]})
    (tmp_path / "prompts/desk/simulator.yaml").write_text(desk.SCRIPT)
    case = play(project).cases[0]
    assert case.status == "error"
    assert "the simulator refused a request" in case.reason
    assert "simulator.yaml" in case.hint


def test_what_took_effect_before_it_failed(tmp_path: Path) -> None:
    """The work is done, the answer is lost: both show."""
    project = lay_down(tmp_path, {"input": CANCEL})
    handlers = tmp_path / "prompts/desk-tools/handlers.py"
    noted = '    Path("done.txt").write_text(id)\n'.replace('"done.txt"', repr(str(tmp_path / "done.txt")))
    handlers.write_text(
        "from pathlib import Path\n\n\ndef cancel_order(id):\n" + noted + "\n\nget_order = hostile = cancel_order\n"
    )
    suite = tmp_path / "evals/desk.yaml"
    for takes_effect in (False, True):
        fault = {"tool": "cancel_order", "error": "timeout", "takes_effect": takes_effect}
        case = {"id": "c", "input": CANCEL, "faults": [fault], "assert": [{"contains": "not cancelled"}]}
        suite.write_text(f"{HEAD}  - {orjson.dumps(case).decode()}\n")
        assert play(project).cases[0].status == "pass"
        assert (tmp_path / "done.txt").exists() is takes_effect


def test_it_is_never_due_for_recording(tmp_path: Path) -> None:
    """No mode records it, no status misses its recording, and a part of a plan may hold it."""
    jobs = plan(lay_down(tmp_path, {"faults": [{"api": 529}]}, {}))
    assert [[is_due(job, mode) for job in jobs] for mode in RecordMode][1:] == [[False, True]] * 3
    assert [row.case for row in standings(Project(tmp_path))] == ["c1"]
    assert sorted(job.case.id for index in (1, 2) for job in shard(jobs, index, 2)[0]) == ["c0", "c1"]


WRONG: list[tuple[Any, str, str]] = [
    ({"api": "5290"}, "there is no fault", "400 to 599"),
    ({"api": "stal"}, "there is no fault", "stall"),
    ({"api": "stall,at=midle"}, "is no place in a stream", "text"),
    ({"api": 529, "turn": 0}, "turn", ""),
    ({"api": 529, "turn": 4}, "there is no turn 4", "from 1 to 3"),
    ({"api": 529, "model": "claude-haiku-5"}, "never asks", "claude-haiku-5-5"),
    ({"tool": "get_ordr", "error": "raise"}, "no tool", "get_order"),
    ({"tool": "get_order"}, "has an `error`", "timeout"),
    ({"error": "raise"}, "`api` or `tool`", "{turn: 2, api: 529}"),
    ({"api": 529, "tool": "get_order", "error": "raise"}, "`api` or `tool`", ""),
    ({"api": 529, "call": 2}, "`call` belongs to a fault of a tool", ""),
    ({"tool": "get_order", "error": "raise", "turn": 1}, "`turn` belongs to a fault of the API", ""),
    ({"api": 529, "tims": 2}, "tims", "times"),
    ({"api": 529, "times": 0}, "times", ""),
    ({"api": 429, "retry_after=2": None}, "retry_after=2", 'api: "429,retry_after=2"'),
    ("529", "", ""),
]


@pytest.mark.parametrize(("fault", "said", "hint"), WRONG)
def test_what_is_written_wrong_is_named_where_it_stands(tmp_path: Path, fault: Any, said: str, hint: str) -> None:
    """File, line and column of the fault or of the culprit in it, and what was probably meant."""
    project = lay_down(tmp_path, {"faults": [{"api": 529}, fault]})
    with pytest.raises(ConfigError) as caught:
        plan(project)
    problem = caught.value.problems[0]
    line = (tmp_path / "evals/desk.yaml").read_text().splitlines()[problem.line - 1]
    assert problem.line == 6
    assert problem.column > line.index('"faults":[{"api":529},')
    assert said in problem.message
    assert hint in problem.hint


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"transcript": True}, "a transcript is over"),
        ({"user": {"persona": "p@1", "goal": "g"}}, "a simulated user"),
        ({"assert": [{"judge": "tone@1"}]}, "a judge's verdict"),
    ],
)
def test_what_cannot_be_played_with_faults(tmp_path: Path, more: dict[str, Any], said: str) -> None:
    """What needs a recording has no faults, and says why."""
    with pytest.raises(ConfigError, match=said):
        plan(lay_down(tmp_path, {"faults": [{"api": 529}], **more}))


def test_a_missing_agent_is_told_as_ever(tmp_path: Path) -> None:
    """Faults need the agent to be checked; where there is none, that is what is wrong."""
    project = lay_down(tmp_path, {"faults": [{"tool": "x", "error": "raise"}]})
    (tmp_path / "prompts/desk/v1.yaml").rename(tmp_path / "elsewhere.yaml")
    with pytest.raises(UsageError, match="desk"):
        plan(project)


def test_editors_know_faults() -> None:
    """The schema of a suite says what a fault may be."""
    schema = suite_schema()
    suite = {"schema": 1, "kind": "suite", "agent": "a", "cases": [{"id": "c", "input": "x"}]}
    for fault, fits in (({"api": 529}, True), ({"tool": "t", "error": "raise"}, True), ({"apii": 529}, False)):
        suite["cases"] = [{"id": "c", "input": "x", "faults": [fault]}]
        assert jsonschema_rs.is_valid(schema, suite) is fits
    assert schema["$defs"]["CaseDocument"]["properties"]["faults"]["items"] == {"$ref": "#/$defs/Fault"}
    assert {"api", "turn", "model", "tool", "error", "call", "times"} <= schema["$defs"]["Fault"]["properties"].keys()


def test_every_kind_can_happen_to_a_case(tmp_path: Path) -> None:
    """Whatever the simulator can do to a reply, a case can script: it happens once, and the run ends as it may."""
    ends = [{"ended": end} for end in END_REASONS if end not in {"error", "missing_recording", "interrupted"}]
    anyhow = [{"assert-set": {"assert": ends, "threshold": 0.01}}]
    turns = {
        kind: 2 if kind == "unknown-block" else 1 for kind in KINDS
    }  # it takes back no block that it does not know
    kinds = [{"faults": [{"turn": turns[kind], "api": kind}], "assert": anyhow} for kind in KINDS]
    found = play(lay_down(tmp_path, *kinds)).cases
    assert {case.status: (case.faults, case.reason) for case in found if case.status != "pass"} == {}
    assert [case.faults for case in found] == [((f"turn {turns[kind]}: {kind}", 1),) for kind in KINDS]
