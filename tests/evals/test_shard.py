"""Parts of a plan: disjoint, complete, balanced, the same everywhere; and put together they are the whole."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.agent.values import replace
from agentctl.config.project import Project
from agentctl.errors import UsageError
from agentctl.evals.merge import merged
from agentctl.evals.plan import plan
from agentctl.evals.shard import deal, parsed, shard
from support.till import edit, lay_down, play, record

Part = tuple[Path, dict[str, Any]]


@given(st.lists(st.integers(1, 1000), max_size=60), st.integers(1, 9))
def test_every_case_is_in_one_part_and_parts_weigh_about_the_same(weights: list[int], of: int) -> None:
    """No part is heavier than its share and the heaviest case together (Graham's bound)."""
    parts = deal(weights, of)
    assert len(parts) == len(weights)
    assert set(parts) <= set(range(1, of + 1))
    loads = Counter[int]()
    for part, weight in zip(parts, weights, strict=True):
        loads[part] += weight
    assert max(loads.values(), default=0) <= sum(weights) / of + max(weights, default=0)


@pytest.mark.parametrize("text", ["0/3", "4/3", "1/0", "x", "1", "-1/2", "1/2/3", " 1/2", "1.0/2", "\u0661/\u0662"])
def test_what_is_no_part_is_refused(text: str) -> None:
    """With what it should look like."""
    with pytest.raises(UsageError) as caught:
        parsed(text)
    assert "1/3" in caught.value.hint
    assert parsed("2/3") == (2, 3)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Three recorded cases."""
    project = lay_down(tmp_path)
    record(project)
    return project


def part(project: Project, index: int, of: int, **options: Any) -> Part:
    """The result of one part, as its file holds it."""
    jobs, mine = shard(plan(project, **options), index, of)
    document = replace(play(jobs), shard=mine.to_json()).to_json(0)
    return Path(f"{index}.json"), json.loads(json.dumps(document))


def whole(project: Project) -> dict[str, Any]:
    """The result of all cases at once."""
    document: dict[str, Any] = json.loads(json.dumps(play(plan(project)).to_json(0)))
    return document


def test_weights_come_from_recordings_alone(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same parts on another day, in another order of calls, and wherever the project lies."""
    first = [shard(plan(project), index, 2)[1] for index in (1, 2)]
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert [shard(plan(project), index, 2)[1] for index in (2, 1)][::-1] == first
    assert sorted(job[0] for each in first for job in each.jobs) == [0, 1, 2]


@pytest.mark.parametrize("of", [1, 2, 3, 5])
def test_the_parts_together_are_the_whole(project: Project, of: int) -> None:
    """Cases, totals and statistics are those of one evaluation; empty parts are parts."""
    edit(project.evals / "till.yaml", 'contains: "3"', 'contains: "4"')
    document = merged([part(project, index, of) for index in range(of, 0, -1)]).document
    expected = whole(project)
    assert document["suites"][0]["cases"] == expected["suites"][0]["cases"]
    assert document["suites"][0]["statistics"] == expected["suites"][0]["statistics"]
    for totals, those in (
        (document["totals"], expected["totals"]),
        (document["suites"][0]["totals"], expected["suites"][0]["totals"]),
    ):
        assert totals.pop("seconds") == pytest.approx(those.pop("seconds"), abs=0.01)
        assert totals == those
    assert document["planned"] == 3
    assert document["merged"]["of"] == of
    assert "shard" not in document


def test_a_missing_part_is_named(project: Project) -> None:
    """All that are missing."""
    with pytest.raises(UsageError, match=r"parts are missing: 1/4, 3/4"):
        merged([part(project, 4, 4), part(project, 2, 4)])


def test_a_part_is_taken_once(project: Project) -> None:
    """Twice the same file is an error that names both."""
    with pytest.raises(UsageError, match=r"1\.json: is part 1/2, and so is 1\.json"):
        merged([part(project, 1, 2), part(project, 1, 2)])


def test_parts_of_another_plan_are_refused(project: Project) -> None:
    """Another division, another selection, an edited suite, another prompt: none fits."""
    first = part(project, 1, 2)
    others = [part(project, 2, 3), part(project, 2, 2, filters=["price", "two"])]
    edit(project.evals / "till.yaml", "max-turns: 2", "max-turns: 3")
    others.append(part(project, 2, 2))
    for other in others:
        with pytest.raises(UsageError, match="of another plan than"):
            merged([first, other])
    with pytest.raises(UsageError, match="no part of one"):
        merged([first, (Path("whole.json"), whole(project))])


def test_a_damaged_part_is_said(project: Project) -> None:
    """No traceback for a file that somebody edited."""
    path, document = part(project, 1, 1)
    del document["suites"][0]["statistics"]
    with pytest.raises(UsageError, match="damaged"):
        merged([(path, document)])
    with pytest.raises(UsageError, match="damaged"):
        merged([(path, {**document, "shard": {"index": 1}})])


def test_what_is_unknown_in_one_part_is_unknown_in_all(project: Project) -> None:
    """A cost that is not known is not left out of the sum."""
    edit(project.prompts / "till" / "v1.yaml", "claude-sonnet-5-5", "house-model-1")
    parts = [part(project, index, 2) for index in (1, 2)]
    parts[0][1]["suites"][0]["totals"]["cost_usd"] = None
    assert merged(parts).document["totals"]["cost_usd"] is None
