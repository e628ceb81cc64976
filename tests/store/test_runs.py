"""Runs in an SQLite file."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.agent.events import Entry, Event, RunEnded, RunStarted, ToolCalled, ToolReturned, UserSaid
from agentctl.errors import StoreError, UsageError
from agentctl.store.connection import SCHEMA, STEPS, WAIT_SECONDS
from agentctl.store.runs import Runs
from support.scripted import call, reply, text

EVENTS: list[Event] = [
    RunStarted("support@2", "sha256:0", "claude-sonnet-5-5", {"model": "sha256:1"}),
    UserSaid("Where is ORD-1042?"),
    reply(text("I look it up."), call("get_order", "a", id="ORD-1042")),
    ToolCalled("a", "get_order", {"id": "ORD-1042"}),
    ToolReturned("a", "get_order", [{"type": "text", "text": "shipped"}]),
    RunEnded("completed"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store will be."""
    return tmp_path / "state" / "agentctl.db"


@pytest.fixture
def runs(path: Path) -> Iterator[Runs]:
    """A store whose clock makes a run a second."""
    ticks = iter(range(1_795_400_000, 1_795_500_000))
    with Runs(path, clock=lambda: next(ticks)) as store:
        yield store


def filled(runs: Runs, agent: str = "support@2", events: list[Event] = EVENTS) -> str:
    """The id of a run with these events."""
    run_id = runs.create(agent, "sha256:0")
    sink = runs.sink(run_id)
    for i, event in enumerate(events):
        sink(Entry(i, 1000.25 + i, event))
    return run_id


def test_what_was_stored_comes_back_equal(runs: Runs, path: Path) -> None:
    """Entries survive the process: another one reads the same values."""
    run_id = filled(runs)
    with Runs(path) as other:
        assert other.entries(run_id) == tuple(Entry(i, 1000.25 + i, event) for i, event in enumerate(EVENTS))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.text(st.characters(exclude_categories=())), JSON), max_size=4))
def test_any_tool_input_comes_back_equal(tmp_path_factory: Any, inputs: list[dict[str, Any]]) -> None:
    """For all JSON: huge integers, lone surrogates and control characters included."""
    with Runs(tmp_path_factory.mktemp("store") / "runs.db") as store:
        run_id = filled(store, events=[ToolCalled("a", "f", each) for each in inputs])
        assert [entry.event for entry in store.entries(run_id)] == [ToolCalled("a", "f", each) for each in inputs]


def test_ids_sort_by_time_and_read_as_one(runs: Runs) -> None:
    """An id is the moment and a little chance."""
    ids = [filled(runs) for _ in range(3)]
    assert ids == sorted(ids)
    assert ids[0].startswith("20261123-0")
    assert len(ids[0]) == len("20261123-021152-ab12")


def test_many_runs_in_one_second_have_ids_of_their_own(path: Path) -> None:
    """The chance part is drawn again when it was drawn before."""
    with Runs(path, clock=lambda: 0.0) as store:
        assert len({store.create("a@1", "") for _ in range(800)}) == 800


def test_the_list_shows_the_newest_first(runs: Runs) -> None:
    """With the agent, the first words, and how it ended; open runs have no end."""
    first = filled(runs, "billing@1")
    second = filled(runs, events=EVENTS[:-1])
    third = filled(runs, events=[*EVENTS, UserSaid("and?")])
    listed = runs.list()
    assert [run.id for run in listed] == [third, second, first]
    assert [run.ended for run in listed] == [None, None, "completed"]
    assert [run.entries for run in listed] == [7, 5, 6]
    assert {run.said for run in listed} == {"Where is ORD-1042?"}
    assert [run.id for run in runs.list("support")] == [third, second]
    assert [run.id for run in runs.list("billing@1")] == [first]
    assert runs.list("support@1") == []
    newest = runs.latest("billing")
    assert newest is not None
    assert newest.id == first


def test_a_run_is_found_by_part_of_its_id(runs: Runs) -> None:
    """The start or the end is enough when only one fits; `latest` is the newest."""
    first, second = filled(runs), filled(runs)
    assert runs.resolve(second) == second
    assert runs.resolve(second[:15]) == second
    assert runs.resolve("latest") == second
    if first[-4:] != second[-4:]:
        assert runs.resolve(first[-4:]) == first


def test_an_ambiguous_prefix_lists_what_fits(runs: Runs) -> None:
    """The message is the choice."""
    first, second = filled(runs), filled(runs)
    with pytest.raises(UsageError, match="fits 2 runs") as caught:
        runs.resolve("2026")
    assert first in str(caught.value)
    assert second in str(caught.value)


@pytest.mark.parametrize("wanted", ["", "nope", "%", "_", "2026'; drop table runs; --"])
def test_an_unknown_run_is_a_usage_error(runs: Runs, wanted: str) -> None:
    """Nothing in an id is a pattern or SQL."""
    filled(runs)
    with pytest.raises(UsageError, match="there is no run"):
        runs.resolve(wanted)
    with pytest.raises(UsageError):
        runs.entries(wanted)
    with pytest.raises(UsageError):
        runs.get(wanted)


def test_reading_makes_no_file(path: Path) -> None:
    """A look at a project without runs leaves nothing behind."""
    with Runs(path) as store:
        assert store.list() == []
        assert store.latest() is None
        with pytest.raises(UsageError, match="no run is stored yet"):
            store.resolve("latest")
    assert not path.parent.exists()


def test_the_file_says_its_version(runs: Runs, path: Path) -> None:
    """WAL, and the schema's number in `user_version`."""
    filled(runs)
    other = sqlite3.connect(path)
    assert other.execute("pragma user_version").fetchone() == (SCHEMA,)
    assert other.execute("pragma journal_mode").fetchone() == ("wal",)
    other.close()


def test_a_clock_that_is_set_back_does_not_change_which_run_is_the_last(path: Path) -> None:
    """The day before, an hour on, a year back: the list is in the order the runs were made in."""
    days = iter([1e9, 1e9 - 86_400, 1e9 + 3_600, 1e9 - 3e7])
    with Runs(path, clock=lambda: next(days)) as store:
        made = [store.create("desk@1", "b") for _ in range(4)]
        assert [run.id for run in store.list()] == made[::-1]
        assert store.resolve("last") == made[-1]
        assert store.latest("desk") == store.get(made[-1])


def test_runs_of_an_older_version_stand_before_those_of_today_by_their_time(path: Path) -> None:
    """What was never written down is taken from the clock of then."""
    path.parent.mkdir()
    old = sqlite3.connect(path)
    for step in STEPS[:5]:
        old.executescript(step)
    rows = [(name, "desk@1", "b", at, None, "{}", None) for name, at in (("b", 2.0), ("c", 9.0), ("a", 2.0))]
    old.executemany("insert into runs values (?, ?, ?, ?, ?, ?, ?)", rows)
    old.execute("pragma user_version=5")
    old.commit()
    old.close()
    with Runs(path, clock=lambda: 1.0) as store:
        made = store.create("desk@1", "b")
        assert [run.id for run in store.list()] == [made, "c", "b", "a"]


def test_an_id_that_is_no_text_is_the_id_of_no_run(runs: Runs) -> None:
    """A command line may hold any bytes; they are a sentence's matter, not a traceback's."""
    filled(runs)
    for ask in (runs.get, runs.resolve, runs.entries):
        with pytest.raises(UsageError, match="there is no run"):
            ask("\udcff")
    assert runs.list("desk\udcff@1") == []


def test_a_newer_store_is_refused(runs: Runs, path: Path) -> None:
    """It may mean something else by the same table."""
    filled(runs)
    runs.close()
    other = sqlite3.connect(path)
    other.execute(f"pragma user_version={SCHEMA + 1}")
    other.close()
    with Runs(path) as store, pytest.raises(StoreError, match="newer agentctl"):
        store.list()


@pytest.mark.parametrize("content", [b"not a database " * 100, b"SQLite format 3\x00" + b"\xff" * 4000])
def test_a_file_that_is_no_database_is_a_sentence(path: Path, content: bytes) -> None:
    """The error names the file and the way out."""
    path.parent.mkdir()
    path.write_bytes(content)
    with Runs(path) as store, pytest.raises(StoreError, match=r"no database|damaged") as caught:
        store.list()
    assert str(path) in str(caught.value)
    assert "move it away" in caught.value.hint


@pytest.mark.parametrize("cut", [1, 512, 4096, 9000])
def test_a_torn_store_is_never_read_as_less(runs: Runs, path: Path, cut: int) -> None:
    """With its end cut off, every run reads as it was, or as an error."""
    ids = [filled(runs, events=[*EVENTS, UserSaid("x" * 500)]) for _ in range(20)]
    whole = [runs.entries(run_id) for run_id in ids]
    runs._writable().execute("pragma wal_checkpoint(truncate)")
    runs.close()
    path.write_bytes(path.read_bytes()[:-cut])
    with Runs(path) as store:
        for run_id, entries in zip(ids, whole, strict=True):
            try:
                assert store.entries(run_id) == entries
            except StoreError as error:
                assert str(path) in str(error)  # noqa: PT017  either outcome is right


def test_an_entry_that_cannot_be_read_is_named(runs: Runs, path: Path) -> None:
    """A kind of event this version does not know is not skipped."""
    run_id = filled(runs)
    runs.close()
    other = sqlite3.connect(path)
    other.execute("""update entries set event = '{"kind":"teleported"}', crc = null where seq = 3""")
    other.commit()
    other.close()
    with Runs(path) as store, pytest.raises(StoreError, match=r"entry 3 of run .*unknown event kind 'teleported'"):
        store.entries(run_id)


def test_a_missing_entry_is_an_error(runs: Runs, path: Path) -> None:
    """A run with a hole is not the run that happened."""
    run_id = filled(runs)
    runs.close()
    other = sqlite3.connect(path)
    other.execute("delete from entries where seq = 2")
    other.commit()
    other.close()
    with Runs(path) as store, pytest.raises(StoreError, match=r"entry 2 of run .* is missing"):
        store.entries(run_id)


def test_two_processes_cannot_write_the_same_entry(runs: Runs) -> None:
    """Whoever comes second is told that someone else goes on with the run."""
    run_id = filled(runs)
    with pytest.raises(StoreError, match="already has this entry") as caught:
        runs.append(run_id, Entry(0, 0.0, UserSaid("me too")))
    assert "another process" in caught.value.hint


def test_a_locked_store_is_a_sentence(runs: Runs, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that never lets go is reported after a wait."""
    assert WAIT_SECONDS >= 1
    monkeypatch.setattr("agentctl.store.connection.WAIT_SECONDS", 0.01)
    run_id = filled(runs)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin immediate")
    with Runs(path) as store, pytest.raises(StoreError, match="locked by another process"):
        store.append(run_id, Entry(6, 0.0, UserSaid("hi")))
    other.close()


def test_a_full_disk_is_a_sentence_and_loses_nothing(runs: Runs) -> None:
    """What was stored before can still be read."""
    run_id = filled(runs)
    connection = runs._writable()
    pages = connection.execute("pragma page_count").fetchone()[0]
    connection.execute(f"pragma max_page_count={pages}")
    with pytest.raises(StoreError, match="the disk is full"):
        runs.append(run_id, Entry(6, 0.0, UserSaid("x" * 100_000)))
    assert len(runs.entries(run_id)) == 6


def test_nothing_is_stored_behind_an_entry_that_is_not(runs: Runs) -> None:
    """The disk is well again at once, and still the run ends there, as if its process had: its entries have no hole."""
    run_id, other = filled(runs), filled(runs)
    runs._writable().execute(
        "create temp trigger broken before insert on entries when new.seq = 6 begin select raise(abort, 'full'); end"
    )
    with pytest.raises(StoreError, match="the disk is full"):
        runs.append(run_id, Entry(6, 0.0, UserSaid("hi")))
    runs._writable().execute("drop trigger broken")
    with pytest.raises(StoreError, match="the disk is full"):
        runs.append(run_id, Entry(7, 0.0, RunEnded("error")))
    runs.append(other, Entry(6, 0.0, UserSaid("hi")))
    assert [len(runs.entries(each)) for each in (run_id, other)] == [6, 7]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only to root")
def test_a_read_only_directory_is_a_sentence(tmp_path: Path) -> None:
    """The error says where it wanted to write."""
    tmp_path.chmod(0o500)
    with Runs(tmp_path / "state" / "runs.db") as store, pytest.raises(StoreError, match="cannot"):
        store.create("a@1", "")


def test_a_file_in_place_of_the_directory_is_a_sentence(tmp_path: Path) -> None:
    """As for any other path that cannot be made."""
    (tmp_path / "state").write_text("")
    with Runs(tmp_path / "state" / "runs.db") as store, pytest.raises(StoreError, match="cannot make"):
        store.create("a@1", "")


WRITER = """
import sys
from pathlib import Path
from agentctl.agent.events import Entry, UserSaid
from agentctl.store.runs import Runs
store = Runs(Path(sys.argv[1]))
run_id = store.create("a@1", "")
for i in range(int(sys.argv[2])):
    store.append(run_id, Entry(i, 0.0, UserSaid(str(i))))
    print(i, flush=True)
"""


def writer(path: Path, count: int) -> subprocess.Popen[str]:
    """A process that stores that many entries in a new run and reports each."""
    command = [sys.executable, "-c", WRITER, str(path), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_processes_write_side_by_side(path: Path) -> None:
    """Three at once, from the moment the file does not exist: no entry is lost, none is refused."""
    writers = [writer(path, 50) for _ in range(3)]
    for each in writers:
        assert each.communicate()[0].split()[-1] == "49"
    with Runs(path) as store:
        assert [run.entries for run in store.list()] == [50] * 3


def test_a_killed_process_keeps_what_it_stored(path: Path) -> None:
    """After kill -9 every entry that was reported is there, in order, and the run counts as not ended."""
    process = writer(path, 10**9)
    assert process.stdout is not None
    for line in process.stdout:
        if line == "20\n":
            break
    process.send_signal(signal.SIGKILL)
    reported = 21 + len(process.stdout.read().splitlines())
    process.wait()
    process.stdout.close()
    with Runs(path) as store:
        newest = store.latest()
        assert newest is not None
        assert newest.ended is None
        assert reported <= len(store.entries(newest.id)) <= reported + 1
