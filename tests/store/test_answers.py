"""Answers that are kept: found while they are young, bounded, and never in anyone's way."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.agent.events import Entry, RunStarted, UserSaid
from agentctl.agent.spec import CachedAnswers
from agentctl.agent.values import replace
from agentctl.errors import StoreError
from agentctl.store.answers import Answers
from agentctl.store.connection import RESULTS, RUNS, SCHEMA
from agentctl.store.runs import Runs
from support.scripted import agent, reply, text

DESK = agent()
RULES = CachedAnswers(max_age_seconds=60.0, max_entries=3)
NOON = 1_795_400_000.0


class Hand:
    """A clock that stands where it was put."""

    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> float:
        """Now."""
        return self.at


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store will be."""
    return tmp_path / "state" / "agentctl.db"


def test_an_answer_is_found_by_its_key_alone(path: Path) -> None:
    """It comes back as its text, with its age and the run it is of; another key finds nothing."""
    hand = Hand()
    answers = Answers(path, clock=hand)
    thought = reply({"type": "thinking", "thinking": "Hm.", "signature": "x"}, text("Open"), text(" till six."))
    thought = replace(thought, stop_reason="stop_sequence", stop_sequence="END")
    assert answers.keep("k", DESK, "run-1", thought, RULES)
    hand.at += 12.5
    found = answers.recall("k", RULES)
    assert found is not None
    assert (found.run, found.model, found.stop_reason, found.age_seconds) == (
        "run-1",
        thought.model,
        "stop_sequence",
        12.5,
    )
    assert found.stop_sequence == "END"
    assert found.content == [text("Open"), text(" till six.")]
    assert answers.recall("other", RULES) is None


@given(st.floats(-1e6, 1e6), st.floats(0.001, 1e5))
def test_only_what_is_young_and_of_the_past_is_given(shift: float, most: float) -> None:
    """Whatever the clock does: an answer from the future, or older than the limit, is none."""
    rules = replace(RULES, max_age_seconds=most)
    hand = Hand()
    answers = Answers(shared("ages"), clock=hand)
    assert answers.keep("k", DESK, "run-1", reply(text("Yes.")), rules)
    hand.at += shift
    found = answers.recall("k", rules)
    assert (found is not None) == (0 <= hand.at - NOON <= most)
    if hand.at < NOON:  # asked again, the answer is of today
        assert answers.keep("k", DESK, "run-2", reply(text("Yes.")), rules)
        assert answers.recall("k", rules) is not None


_folder: dict[str, Path] = {}


@pytest.fixture(autouse=True, scope="module")
def _shared_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    _folder["it"] = tmp_path_factory.mktemp("answers")


def shared(name: str) -> Path:
    """A file that all examples of one property use: to make one costs more than what is tested."""
    return _folder["it"] / f"{name}.db"


def test_the_one_not_used_for_longest_goes(path: Path) -> None:
    """The bound holds for all versions of an agent together, and for nobody else's answers."""
    answers = Answers(path)
    other = replace(DESK, name="other")
    assert answers.keep("theirs", other, "r", reply(text("Theirs.")), RULES)
    for key in "abc":
        assert answers.keep(key, DESK, "r", reply(text(key)), RULES)
    assert answers.recall("a", RULES) is not None
    assert answers.keep("d", replace(DESK, version="2"), "r", reply(text("d")), RULES)
    assert {key for key in "abcd" if answers.recall(key, RULES)} == {"a", "c", "d"}
    assert answers.recall("theirs", RULES) is not None


def test_what_is_too_old_is_removed(path: Path) -> None:
    """At the next answer that is kept, be there room or not."""
    hand = Hand()
    answers = Answers(path, clock=hand)
    for key in "ab":
        assert answers.keep(key, DESK, "r", reply(text(key)), RULES)
        hand.at += 40
    assert answers.keep("c", DESK, "r", reply(text("c")), RULES)
    assert [each.key for each in answers.list()] == ["c", "b"]


def test_the_list_says_what_was_asked(path: Path) -> None:
    """The question is read from the run, while that is stored; it is not stored twice."""
    with Runs(path) as runs:
        run_id = runs.create("test@1", "sha256:0")
        runs.append(run_id, Entry(0, NOON, RunStarted("test@1", "sha256:0", "m")))
        runs.append(run_id, Entry(1, NOON, UserSaid("Are you open?")))
    answers = Answers(path, clock=Hand())
    assert answers.keep("a", DESK, run_id, reply(text("Till six.")), RULES)
    assert answers.keep("b", replace(DESK, version="2"), "gone", reply(text("No.")), RULES)
    answers.recall("a", RULES)
    first, second = answers.list("test")
    assert (first.agent, first.question, first.answer, first.served) == ("test@1", "Are you open?", "Till six.", 1)
    assert (second.agent, second.question, second.answer, second.served) == ("test@2", "", "No.", 0)
    assert [each.key for each in answers.list("test@2")] == ["b"]
    assert answers.clear("test@2") == 1
    assert answers.clear("nobody") == 0
    assert answers.clear() == 1
    assert answers.list() == []


def test_nothing_is_made_by_looking(path: Path) -> None:
    """Without a store there is nothing to see, nothing to clear, and still no store."""
    assert (Answers(path).list(), Answers(path).clear()) == ([], 0)
    assert not path.exists()


def test_a_store_of_the_second_version_is_upgraded(path: Path) -> None:
    """The runs in it stay."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as old:
        old.executescript(RUNS + RESULTS)
        old.execute("insert into runs values ('r1', 'desk@1', 'b', 1.0, null, '{}')")
        old.execute("pragma user_version=2")
        old.commit()
    assert Answers(path).keep("k", DESK, "r1", reply(text("Yes.")), RULES)
    with Runs(path) as runs:
        assert [run.id for run in runs.list()] == ["r1"]
    with closing(sqlite3.connect(path)) as now:
        assert now.execute("pragma user_version").fetchone() == (SCHEMA,)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "{",
        "[]",
        "null",
        '{"content": []}',
        '{"content": [{"type": "tool_use", "id": "x"}], "stop_reason": "tool_use"}',
        '{"content": [{"type": "text", "text": "a"}, {"type": "tool_use"}], "stop_reason": "end_turn"}',
        '{"content": [{"type": "text", "text": "a"}]}',
        '{"content": [{"type": "text", "text": "a"}], "stop_reason": "max_tokens"}',
        '{"content": [{"type": "text", "text": 3}], "stop_reason": "end_turn"}',
        '{"content": ["a"], "stop_reason": "end_turn"}',
    ],
)
def test_a_damaged_answer_is_none(path: Path, answer: str) -> None:
    """What nobody can have kept is not given, can be listed, and is replaced by the next answer."""
    answers = Answers(path)
    assert answers.keep("k", DESK, "r", reply(text("Yes.")), RULES)
    with closing(sqlite3.connect(path)) as other:
        other.execute("update answers set answer = ?, crc = null", (answer,))
        other.commit()
    assert answers.recall("k", RULES) is None
    assert len(answers.list()) == 1
    assert answers.keep("k", DESK, "r", reply(text("Yes.")), RULES)
    assert answers.recall("k", RULES) is not None


def test_an_answer_of_other_words_than_were_kept_is_none(path: Path) -> None:
    """A bit that turned over makes a good sentence of another meaning: it is not given."""
    answers = Answers(path)
    assert answers.keep("k", DESK, "r", reply(text("Yes.")), RULES)
    with closing(sqlite3.connect(path)) as other:
        other.execute("update answers set answer = replace(answer, 'Yes.', 'No!.')")
        other.commit()
    assert answers.recall("k", RULES) is None
    assert answers.keep("k", DESK, "r", reply(text("Yes.")), RULES)
    assert answers.recall("k", RULES) is not None


def test_a_store_that_is_no_database_only_costs_the_question(path: Path) -> None:
    """A run is not told; whoever asks to see the answers is."""
    path.parent.mkdir()
    path.write_bytes(b"not a database, but long enough to be read as one" * 30)
    answers = Answers(path)
    assert answers.recall("k", RULES) is None
    assert not answers.keep("k", DESK, "r", reply(text("Yes.")), RULES)
    with pytest.raises(StoreError, match="no database"):
        answers.list()
    with pytest.raises(StoreError, match="no database"):
        answers.clear()


def test_a_locked_store_still_answers(path: Path) -> None:
    """While another process writes, what is there is read, and nothing new is kept."""
    answers = Answers(path)
    assert answers.keep("k", DESK, "r", reply(text("Yes.")), RULES)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin immediate")
        assert answers.recall("k", RULES) is not None
        assert not answers.keep("l", DESK, "r", reply(text("No.")), RULES)
        other.execute("rollback")
    assert [(each.key, each.served) for each in answers.list()] == [("k", 0)]


def test_a_store_that_cannot_be_written_still_answers(path: Path) -> None:
    """A database that refuses to be written: what is in it is read, and nothing new is kept."""
    answers = Answers(path)
    assert answers.keep("k", DESK, "r", reply(text("Yes.")), RULES)
    with closing(sqlite3.connect(path)) as other:
        for what in ("insert", "update"):
            other.execute(f"create trigger no_{what} before {what} on answers begin select raise(abort, 'no'); end")
        other.commit()
    assert answers.recall("k", RULES) is not None
    assert not answers.keep("l", DESK, "r", reply(text("No.")), RULES)


MANY = """
import sys
from pathlib import Path
sys.path.insert(0, "tests")
from agentctl.agent.spec import CachedAnswers
from agentctl.store.answers import Answers
from support.scripted import agent, reply, text

answers, rules = Answers(Path(sys.argv[1])), CachedAnswers(max_entries=7)
kept = 0
for i in range(60):
    key = f"{i % 10}"
    kept += answers.keep(key, agent(), sys.argv[2], reply(text(key)), rules)
    found = answers.recall(f"{(i * 7) % 10}", rules)
    assert found is None or found.content == [text(f"{(i * 7) % 10}")], found
print(kept)
"""


def test_two_processes_at_once(path: Path) -> None:
    """They keep and find answers in one file: each key has its own answer, and the bound holds."""
    Answers(path).clear()
    working = [
        subprocess.Popen([sys.executable, "-c", MANY, str(path), name], stdout=subprocess.PIPE, text=True)
        for name in ("one", "two")
    ]
    said = [each.communicate(timeout=60)[0] for each in working]
    assert [each.returncode for each in working] == [0, 0]
    assert all(int(each) > 0 for each in said)
    listed = Answers(path).list()
    assert len(listed) == 7
    assert all(each.answer == each.key for each in listed)
    assert len(listed) == len({each.key for each in listed})
