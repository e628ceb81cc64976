"""The history of results: what is stored once, what is counted up, and what other versions and processes do to it."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.agent.values import replace
from agentctl.errors import StoreError
from agentctl.store.connection import RUNS, SCHEMA
from agentctl.store.found import Found, ResultCase, found_of
from agentctl.store.results import Results
from agentctl.store.runs import Runs

PASSES = ResultCase("one", "pass", 1, 1, 1, 0.25, 1.5, 100)
FAILS = ResultCase("two", "fail", 1, 3, 3, 0.5, 3.0, 300)
FOUND = Found("desk", "desk@1", "b1", "claude", "c1", True, 1, "a.json", 10.0, (PASSES, FAILS))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store is."""
    return tmp_path / "state" / "agentctl.db"


def test_figures_are_sums_over_cases(path: Path) -> None:
    """A result comes back with the sums of its cases, and its cases as they were."""
    with Results(path) as results:
        results.add([FOUND])
        (stored,) = results.list("desk")
        assert (stored.cases, stored.passed, stored.judged, stored.played) == (2, 2, 4, 4)
        assert (stored.cost_usd, stored.seconds, stored.tokens, stored.complete) == (0.75, 4.5, 400, True)
        assert results.cases(stored.id) == [PASSES, FAILS]
        (one,) = results.list("desk", case="two")
        assert (one.passed, one.judged, one.cost_usd) == (1, 3, 0.5)


def test_a_price_that_is_not_known_makes_the_sum_unknown(path: Path) -> None:
    """Unless the case was not played at all: then there is nothing to be paid."""
    with Results(path) as results:
        results.add([replace(FOUND, cases=(PASSES, replace(FAILS, cost_usd=None)))])
        results.add([replace(FOUND, cases=(PASSES, ResultCase("two", "", 0, 0, 0, None, 0.0, 0)))])
        assert [each.cost_usd for each in results.list("desk")] == [None, 0.25]


def test_the_same_result_again_is_counted(path: Path) -> None:
    """The same figures at the same commit are one result; others, and the same after others, are their own."""
    with Results(path) as results:
        for at, found in enumerate((FOUND, replace(FOUND, file="b.json"), replace(FOUND, revision="c2"), FOUND)):
            results.add([replace(found, at=float(at))])
        stored = results.list("desk")
        assert [(each.times, each.first_at, each.last_at, each.file) for each in stored] == [
            (2, 0.0, 1.0, "b.json"),
            (1, 2.0, 2.0, "a.json"),
            (1, 3.0, 3.0, "a.json"),
        ]


def test_results_are_selected(path: Path) -> None:
    """By suite, by time and by number, the oldest of the newest first."""
    with Results(path) as results:
        for at in range(5):
            results.add([replace(FOUND, bundle=f"b{at}", at=float(at)), replace(FOUND, suite="other")])
        assert results.suites() == ["desk", "other"]
        assert [each.bundle for each in results.list("desk", limit=2)] == ["b3", "b4"]
        assert [each.bundle for each in results.list("desk", since=4.0)] == ["b4"]
        assert [each.times for each in results.list("other")] == [5]


def test_the_last_verdict_of_each_case(path: Path) -> None:
    """What a case was before a result: the newest time it had a verdict, in whichever result of the suite."""
    gone = replace(FAILS, verdict="", passed=0, judged=0)
    with Results(path) as results:
        for number, cases in enumerate(((PASSES, FAILS), (gone,), (PASSES, FAILS))):
            results.add([replace(FOUND, cases=cases), replace(FOUND, suite="other", bundle=str(number))])
        first, _, newest = results.list("desk")
        assert results.before(newest) == {"one": (first.id, PASSES), "two": (first.id, FAILS)}
        assert results.before(first) == {}


def test_reading_makes_no_file(path: Path) -> None:
    """Asking for results where none were stored leaves nothing behind."""
    with Results(path) as results:
        assert (results.suites(), results.list("desk")) == ([], [])
    assert not path.exists()


def test_a_store_of_the_first_version_is_upgraded(path: Path) -> None:
    """The runs in it stay, and results can be added."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as old:
        old.executescript(RUNS)
        old.execute("insert into runs values ('r1', 'desk@1', 'b', 1.0, null, '{}')")
        old.execute("pragma user_version=1")
        old.commit()
    with Results(path) as results, Runs(path) as runs:
        results.add([FOUND])
        assert [run.id for run in runs.list()] == ["r1"]
    with closing(sqlite3.connect(path)) as now:
        assert now.execute("pragma user_version").fetchone() == (SCHEMA,)


@pytest.mark.parametrize(
    "content", [b"not a database, but long enough to be read as one" * 30, b"SQLite format 3\0" * 64]
)
def test_a_damaged_store_is_a_sentence(path: Path, content: bytes) -> None:
    """What is no database is named, with a way out, for writing and for reading."""
    path.parent.mkdir()
    path.write_bytes(content)
    with Results(path) as results, pytest.raises(StoreError, match=r"agentctl\.db"):
        results.add([FOUND])
    with Results(path) as results, pytest.raises(StoreError, match=r"agentctl\.db"):
        results.list("desk")


@given(
    st.lists(st.tuples(st.text(), st.integers(0, 9), st.none() | st.floats(0, 9)), max_size=4),
    st.text(st.characters(exclude_categories=["Cs"])),
)
def test_what_waits_in_a_file_comes_back_equal(cases: list[tuple[str, int, float | None]], text: str) -> None:
    """A result is the same after a way through JSON, whatever its cases are called."""
    rows = tuple(ResultCase(id_.encode(errors="replace").decode(), "", n, n, n, cost, 0.5, n) for id_, n, cost in cases)
    found = replace(FOUND, suite=text, cases=rows)
    assert found_of(orjson.loads(orjson.dumps(found.to_json()))) == found


def left(folder: Path, name: str, *found: Found) -> Path:
    """A file that an evaluation left."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(orjson.dumps([each.to_json() for each in found]))
    return path


def test_what_waits_is_taken_in_once(path: Path, tmp_path: Path) -> None:
    """In the order of the names; a file that was taken in before its process died only goes."""
    folder = tmp_path / "waiting"
    left(folder, "2.json", replace(FOUND, bundle="b2"))
    first = left(folder, "1.json", FOUND)
    with Results(path) as results:
        results.absorb(folder)
        assert [each.bundle for each in results.list("desk")] == ["b1", "b2"]
        assert list(folder.iterdir()) == []
        left(folder, first.name, FOUND)
    with closing(sqlite3.connect(path)) as died:
        died.execute("insert into absorbed values (?)", (first.name,))
        died.commit()
    with Results(path) as results:
        results.absorb(folder)
        results.absorb(folder)
        assert [each.times for each in results.list("desk")] == [1, 1]
        assert list(folder.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"[{}]", b'[{"cases": 1}]', b"7"])
def test_a_damaged_file_waits_aside(path: Path, tmp_path: Path, content: bytes) -> None:
    """It keeps nothing from being taken in, and is left for a person to look at."""
    folder = tmp_path / "waiting"
    left(folder, "2.json", FOUND)
    (folder / "1.json").write_bytes(content)
    with Results(path) as results:
        results.absorb(folder)
        assert len(results.list("desk")) == 1
    assert [each.name for each in folder.iterdir()] == ["1.damaged"]


def _absorb(path: Path, folder: Path) -> None:
    with Results(path) as results:
        results.absorb(folder)


def test_processes_take_in_side_by_side(path: Path, tmp_path: Path) -> None:
    """Four at once take in forty files: each once."""
    for number in range(40):
        left(tmp_path / "waiting", f"{number:02}.json", replace(FOUND, bundle=str(number)))
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        for future in [pool.submit(_absorb, path, tmp_path / "waiting") for _ in range(4)]:
            future.result()
    with Results(path) as results:
        assert [(each.bundle, each.times) for each in results.list("desk")] == [(str(n), 1) for n in range(40)]


def _add_some(path: Path, number: int) -> None:
    for at in range(10):
        with Results(path) as results:
            results.add([replace(FOUND, suite=f"s{number}"), replace(FOUND, bundle=f"{number}-{at}")])


def test_processes_write_side_by_side(path: Path) -> None:
    """Four processes begin with an empty place and add at once: nothing is lost, nothing is refused."""
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        for future in [pool.submit(_add_some, path, number) for number in range(4)]:
            future.result()
    with Results(path) as results:
        assert len(results.list("desk")) == 40
        assert [results.list(f"s{number}")[0].times for number in range(4)] == [10] * 4
