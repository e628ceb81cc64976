"""Journals: a record gives back the very result, and a torn or damaged line is seen and left out."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.agent.values import replace
from agentctl.cassette.nearest import ABSENT, Difference
from agentctl.config.project import Project
from agentctl.errors import UsageError
from agentctl.evals.journal.identity import identity
from agentctl.evals.journal.journal import begin, open_
from agentctl.evals.journal.lines import Lines
from agentctl.evals.journal.record import Unreadable, record_of, results_of
from agentctl.evals.marks import Again, Parted, Reused
from agentctl.evals.plan import plan
from agentctl.evals.prices import Prices
from agentctl.evals.replay import replay as replay_job
from agentctl.evals.scorers.outcome import Outcome, Seen
from support.till import edit, lay_down, record, replay

FIGURES = [name for name in Outcome.__struct_fields__ if name != "seen"]
SEEN = [name for name in Seen.__struct_fields__ if name != "run"]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The till, recorded, with a check that fails, one that breaks and a stale case."""
    project = lay_down(tmp_path)
    record(project)
    suite = project.evals / "till.yaml"
    edit(suite, 'contains: "3"', 'contains: "4"')
    edit(suite, "icontains: sold", "python: checks.py:raises")
    edit(suite, "[Hello, Bye]", "[Hello, Farewell]")
    return project


def test_a_record_gives_back_the_result(project: Project) -> None:
    """Every field, whatever came of the case, through the bytes of a file."""
    for job in plan(project):
        results = asyncio.run(replay_job(job, Prices()))
        read = orjson.loads(orjson.dumps(record_of(job, results)))
        for before, after in zip(results, results_of(job, read), strict=True):
            for name in before.__struct_fields__:
                if name != "outcome":
                    assert getattr(after, name) == getattr(before, name), name
            assert (before.outcome is None) == (after.outcome is None)
            if before.outcome is not None:
                assert after.outcome is not None
                assert after.outcome.run.entries == before.outcome.run.entries
                for name in (*FIGURES, *SEEN):
                    assert getattr(after.outcome, name) == getattr(before.outcome, name), name
            assert after.to_bytes() == before.to_bytes()


def test_rare_marks_are_carried(project: Project) -> None:
    """Where a run left its recording, and what recording again takes, to the last digit of a price."""
    job = plan(project)[0]
    (result,) = asyncio.run(replay_job(job, Prices()))
    difference = Difference(1, "messages[0].content", None, ABSENT, "system prompt", "the system prompt")
    reused = Reused(2, 10, 20, Decimal("0.1234567890123456789"))
    marked = replace(
        result,
        status="stopped",
        holds=True,
        stale_matched=True,
        stale=("system prompt",),
        parted=Parted(2, "stop", "why", (difference,)),
        again=Again("agentctl eval", reused),
        reused=reused,
    )
    (after,) = results_of(job, orjson.loads(orjson.dumps(record_of(job, [marked]))))
    assert replace(after, outcome=None) == replace(marked, outcome=None)


def test_no_record_is_said_to_be_none(project: Project) -> None:
    """Whatever stands there instead."""
    job = plan(project)[0]
    for wrong in ({}, {"fields": {}}, {"fields": {"id": []}, "verdicts": [], "run": None}):
        with pytest.raises(Unreadable):
            results_of(job, [wrong])


@given(st.lists(st.text(max_size=20), min_size=1, max_size=5), st.data())
def test_a_torn_file_keeps_its_whole_lines(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], data: st.DataObject
) -> None:
    """Cut anywhere, it has every line before the cut, and takes new ones."""
    path = tmp_path_factory.mktemp("journal") / "20260101.jsonl"
    lines = Lines(path)
    for text in texts:
        lines.add({"text": text})
    lines.close()
    whole = path.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    left = whole[:cut].count(b"\n")
    torn = Lines(path)
    assert [value["text"] for _, value in torn.read()] == texts[:left]
    torn.add({"text": "more"})
    assert [value["text"] for _, value in torn.read()] == [*texts[:left], "more"]
    assert torn.damaged == 0
    torn.close()


def test_a_damaged_line_is_left_out_and_counted(tmp_path: Path) -> None:
    """A changed byte is seen by the checksum."""
    path = tmp_path / "20260101.jsonl"
    lines = Lines(path)
    for number in range(3):
        lines.add({"number": number})
    lines.close()
    path.write_bytes(path.read_bytes().replace(b'"number":1', b'"number":7'))
    again = Lines(path)
    assert [value["number"] for _, value in again.read()] == [0, 2]
    assert again.damaged == 1
    with pytest.raises(UsageError, match="still running"):
        Lines(path)
    again.close()


@pytest.mark.parametrize(
    ("file", "old", "new", "others"),
    [
        ("evals/till.yaml", "What is tea?", "What is the tea?", 2),
        ("evals/till.yaml", 'contains: "4"', 'contains: "5"', 2),
        ("evals/till.yaml", "schema: 1\n", "schema: 1\n# a comment moves every line\n", 3),
        ("evals/checks.py", "broken check", "another", 2),
        ("prompts/till/v1.yaml", "keep the till", "keep a till", 0),
        ("prompts/till-tools/till.py", "booked", "noted", 0),
        ("cassettes/till/price-of-tea.yaml", "Tea is 3", "Tea is 4", 2),
    ],
)
def test_what_changed_is_played_again(project: Project, file: str, old: str, new: str, others: int) -> None:
    """Case, check, the check's code, agent, tool code, recording: each makes just what it shapes be played again."""
    journal = begin(project, {})
    jobs = plan(project)
    assert journal.plan(jobs).results == {}
    for result in replay(project).cases:
        journal.add([result])
    journal.close()
    edit(project.root / file, old, new)
    again = open_(project, "latest")
    found = again.plan(plan(project))
    again.close()
    assert len(found.results) == others
    assert len(found.changed) == 3 - others


def test_identities_differ_by_repeats_and_agree_with_themselves(project: Project) -> None:
    """The same plan twice is the same; another number of repeats is not."""
    one, two, more = plan(project), plan(project), plan(project, repeat=2)
    assert [identity(job) for job in one] == [identity(job) for job in two]
    assert not {identity(job) for job in one} & {identity(job) for job in more}
