"""The verdict on two results: what counts, what it is called, and what it stands on."""

from __future__ import annotations

from typing import Any

import pytest

from agentctl.diffing.verdict import verdict_of
from agentctl.errors import UsageError


def case(number: int, status: str = "pass", repeat: int = 1, **fields: Any) -> dict[str, Any]:
    """One run of a case, with the figures of a small one."""
    return {
        "id": f"case-{number}",
        "repeat": repeat,
        "status": status,
        "score": float(status == "pass"),
        "turns": 2,
        "usage": {"input_tokens": 100, "output_tokens": 10 + number},
        "cost_usd": 0.001,
        "seconds": 0.5,
        "entries": [],
        "tool_calls": [],
        **fields,
    }


def result(*cases: dict[str, Any], suite: str = "desk") -> dict[str, Any]:
    """The document of an evaluation of one suite."""
    return {"suites": [{"suite": suite, "agent": "desk@1", "cases": list(cases)}]}


def test_better_and_worse() -> None:
    """Ten cases that were mended are better; the same two the other way round are worse, and name what broke."""
    old = result(*(case(number, "fail" if number < 10 else "pass") for number in range(30)))
    new = result(*(case(number, cost_usd=0.001 + number / 1e5) for number in range(30)))
    there, back = verdict_of(old, new), verdict_of(new, old)
    assert (there.word, back.word) == ("better", "worse")
    assert there.passes is not None
    assert there.passes.difference == pytest.approx(1 / 3)
    assert there.passes.test == "exact McNemar"
    assert (len(there.mended), there.broken) == (10, ())
    assert [str(name) for name in back.broken[:2]] == ["desk/case-0", "desk/case-1"]
    words = {each.measure: each.word for each in there.measures}
    assert words == {
        "score": "better",
        "turns": "cannot tell",
        "tokens": "cannot tell",
        "cost_usd": "worse",
        "seconds": "cannot tell",
    }
    document = there.to_json()
    assert document["word"] == "better"
    assert document["measures"]["cost_usd"]["word"] == "worse"
    assert document["pass_rate"]["interval"][0] > 0


def test_repeats_are_one_observation() -> None:
    """Ten repeats of two cases are two cases, of which nothing can be told, and not twenty."""
    old = result(*(case(number, "fail", repeat) for number in range(2) for repeat in range(1, 11)))
    new = result(*(case(number, "pass", repeat) for number in range(2) for repeat in range(1, 11)))
    found = verdict_of(old, new)
    assert (found.word, found.runs) == ("cannot tell", 20)
    assert found.passes is not None
    assert (found.passes.cases, found.passes.p) == (2, 0.5)
    assert found.to_json()["pass_rate"]["enough"] == {"repeats": None, "cases": 6}
    assert "6 cases would" in found.sentences[-1]


def test_only_verdicts_count() -> None:
    """Errors, missing and stale runs, answers to something else, and runs that only one result has are left out."""
    old = result(case(1), case(2, "error"), case(3), case(4), case(5))
    new = result(case(1, "fail"), case(2), case(3, "stale"), case(4, stale_matched=True), case(6))
    found = verdict_of(old, new)
    assert (found.runs, found.left_out) == (1, 3)
    assert [str(name) for name in found.broken] == ["desk/case-1"]
    assert found.word == "cannot tell"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (result(case(1)), result(case(2))),
        (result(case(1)), result(case(1), suite="till")),
        (result(case(1, "missing")), result(case(1, "missing"))),
        (result(), {"suites": []}),
    ],
)
def test_nothing_in_common(old: dict[str, Any], new: dict[str, Any]) -> None:
    """Without a case that both have a verdict on there is none on the versions, and it says so."""
    found = verdict_of(old, new)
    assert (found.word, found.passes, found.measures, found.runs) == ("cannot tell", None, (), 0)
    assert found.sentences == ["No case has a verdict in both: there is nothing to compare."]
    assert found.to_json()["pass_rate"] is None


def test_one_case_and_identical_results() -> None:
    """One case tells nothing; results that are the same tell what would have been seen."""
    one = verdict_of(result(case(1)), result(case(1, "fail")))
    assert one.word == "cannot tell"
    assert "could not have shown any" in one.sentences[1]
    same = result(*(case(number) for number in range(40)))
    found = verdict_of(same, same)
    assert found.word == "cannot tell"
    assert found.sentences[-1].startswith("No difference was seen")
    assert found.passes is not None
    assert found.passes.smallest is not None
    assert 0.1 < found.passes.smallest < 0.25


def test_costs_that_are_not_known_are_left_out() -> None:
    """A case without a price in one result has no part in the comparison of costs; without any there is none."""
    old = result(case(1, cost_usd=None), case(2))
    new = result(case(1), case(2, cost_usd=0.003))
    measures = {each.measure: each for each in verdict_of(old, new).measures}
    assert (measures["cost_usd"].cases, measures["tokens"].cases) == (1, 2)
    assert measures["cost_usd"].difference == pytest.approx(0.002)
    unknown = result(case(1, cost_usd=None))
    assert "cost_usd" not in {each.measure for each in verdict_of(unknown, unknown).measures}


@pytest.mark.parametrize(
    "damage", [{"status": "odd"}, {"repeat": "x"}, {"usage": 3}, {"turns": "many"}, {"cost_usd": {}}]
)
def test_a_damaged_result_is_an_error(damage: dict[str, Any]) -> None:
    """What is not the document of an evaluation is named as damaged, whatever is wrong with it."""
    with pytest.raises(UsageError, match="damaged"):
        verdict_of(result(case(1)), result({**case(1), **damage}))
    with pytest.raises(UsageError, match="damaged"):
        verdict_of({"suites": 3}, result())
