"""Runs that have left memory: nothing that can be asked of them changes, and the document is the same bytes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.agent.events import ModelReplied
from agentctl.agent.run import Run
from agentctl.agent.values import replace
from agentctl.config.project import Project
from agentctl.evals import kept as kept_module
from agentctl.evals.document import document
from agentctl.evals.kept import Shelf, Shelved, kept
from agentctl.evals.plan import plan
from agentctl.evals.prices import Prices
from agentctl.evals.replay import replay as replay_job
from agentctl.evals.report.json_ import render
from agentctl.evals.report.told import told_of
from agentctl.evals.result import Evaluation
from agentctl.evals.scorers.outcome import Outcome, Seen, outcome_of
from support.till import edit, lay_down, record, replay

FIGURES = [name for name in Outcome.__struct_fields__ if name != "seen"]
SEEN = [name for name in Seen.__struct_fields__ if name != "run"]
HALF = {"type": "text", "text": "\ud83d"}


@given(st.lists(st.binary(min_size=1, max_size=40)), st.integers(0, 200))
def test_a_shelf_gives_back_what_was_put(data: list[bytes], room: int) -> None:
    """Whatever fits into memory and whatever does not."""
    shelf = Shelf(room)
    places = [shelf.put(each) for each in data]
    assert [shelf.get(at, len(each)) for at, each in zip(places, data, strict=True)] == data


def test_what_no_file_takes_stays_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk costs memory, and loses nothing."""

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept_module.os, "pwrite", full)
    shelf = Shelf(room=0)
    assert shelf.get(shelf.put(b"run"), 3) == b"run"


async def _outcomes(project: Project, room: int) -> list[tuple[Outcome, Outcome]]:
    """Each run of a project, before and after it was kept."""
    shelf = Shelf(room)
    pairs: list[tuple[Outcome, Outcome]] = []
    for job in plan(project):
        for result in await replay_job(job, Prices()):
            assert result.outcome is not None
            before, told = replace(result.outcome), result.to_json()
            after = kept(result, shelf)
            assert after.outcome is not None
            assert (after.to_json(), after.to_bytes()) == (told, orjson.dumps(told))
            pairs.append((before, after.outcome))
    return pairs


@pytest.mark.parametrize("room", [0, 1 << 20])
def test_a_kept_outcome_answers_as_before(tmp_path: Path, room: int) -> None:
    """Every field, every figure, every event, from memory and from the file."""
    project = lay_down(tmp_path)
    record(project)
    pairs = asyncio.run(_outcomes(project, room))
    assert len(pairs) == 3
    for before, after in pairs:
        assert isinstance(before.seen, Seen)
        assert isinstance(after.seen, Shelved)
        assert after.run.entries == before.run.entries
        for name in (*FIGURES, *SEEN):
            assert getattr(after, name) == getattr(before, name), name


@pytest.fixture
def evaluation(tmp_path: Path) -> Evaluation:
    """A pass, a fail and a stale case, in two suites; one says in words what is looked for in the layout."""
    project = lay_down(tmp_path)
    record(project)
    suite = project.evals / "till.yaml"
    edit(suite, 'contains: "3"', 'contains: "\\"cases\\": [] \\"cases\\":[]\\n  x"')
    edit(suite, "[Hello, Bye]", "[Hello, Farewell]")
    (project.evals / "other.yaml").write_text(suite.read_text())
    return replay(project)


def test_the_pieces_are_the_document(evaluation: Evaluation) -> None:
    """Byte for byte, compact and indented; also of suites and evaluations without a case."""
    assert len(evaluation.suites) == 2
    empty = replace(evaluation, suites=(evaluation.suites[0], replace(evaluation.suites[0], cases=())))
    for each in (evaluation, empty, Evaluation(suites=(), at=None)):
        whole = each.to_json(4)
        assert b"".join(document(each, 4)) == orjson.dumps(whole)
        indented = orjson.dumps(whole, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        assert b"".join(render(told_of(each, 4))) == indented


def test_what_strict_json_cannot_say_is_written_all_the_same(evaluation: Evaluation) -> None:
    """Half an emoji in a text: the case keeps its run, and the document is JSON."""
    suite = evaluation.suites[1]
    case = next(each for each in suite.cases if each.outcome is not None)
    outcome = outcome_of(Run.of([*case.outcome.run.events, ModelReplied("m", "m", [HALF], "end_turn", {})]))
    odd = kept(replace(case, outcome=outcome), Shelf())
    assert odd.outcome is outcome
    assert isinstance(outcome.seen, Seen)
    whole = json.loads(b"".join(document(replace(evaluation, suites=(replace(suite, cases=(odd,)),)), 0)))
    assert whole["suites"][0]["cases"][0]["text"] == "\ud83d"
