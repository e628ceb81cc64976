"""Cached answers from the command line: given to `run` and `chat`, told of everywhere, shown and cleared."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agentctl.config.check import check
from agentctl.config.yamls import load_yaml
from agentctl.simulator.faults.plan import FaultRule, Plan
from agentctl.simulator.script import Script
from agentctl.simulator.server import Simulator
from support.desk import agentctl, lay_down

DOCUMENT = "prompts/desk/v1.yaml"


def desk_that_caches(root: Path, says: str = "cached_answers: true") -> Path:
    """The desk's project, with what its agent says of cached answers."""
    lay_down(root)
    with (root / DOCUMENT).open("a") as document:
        document.write(f"{says}\n")
    return root


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which `hello` was answered once."""
    root = desk_that_caches(tmp_path_factory.mktemp("warm"))
    assert run(root, "hello")["attempts"] == 1
    return root


@pytest.fixture
def desk(warm: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(warm, tmp_path / "desk")


def run(root: Path, *arguments: str, code: int = 0, **env: str) -> Any:
    """The document of `agentctl run desk ... --json`."""
    done = agentctl(root, "run", "desk", *arguments, "--simulate", "--json", **env)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def listed(root: Path) -> Sequence[Any]:
    """What `agentctl cache show --json` prints."""
    found: Sequence[Any] = json.loads(agentctl(root, "cache", "show", "--json").stdout)
    return found


def test_a_cached_answer_is_told_everywhere(desk: Path) -> None:
    """On the screen, in the document, in the stored run and its export; it costs nothing and asks nobody."""
    done = agentctl(desk, "run", "desk", "hello", "Where is ORD-7?", "--simulate")
    assert done.stdout == "You said: hello\nOrder ORD-7 is shipped.\n"
    assert re.search(r"^  cached answer, \d+ s old · from run \S+ · claude-sonnet-5-5$", done.stderr, re.MULTILINE)
    assert "2 turns · 1 cached answer · 1 tool call" in done.stderr
    document = run(desk, "hello")
    assert (document["ended"], document["text"]) == ("completed", "You said: hello")
    assert (document["attempts"], document["turns"], document["cost_usd"]) == (0, 0, 0.0)
    assert set(document["usage"].values()) == {0}
    kept = listed(desk)[0]
    told = document["cached_answer"]
    assert (told["run"], told["model"], told["age_seconds"] >= 0) == (kept["run"], "claude-sonnet-5-5", True)
    assert "cached answer, " in agentctl(desk, "runs", "show", document["run"]).stdout
    assert agentctl(desk, "runs", "export", "last", "-o", "run.md").returncode == 0
    text = (desk / "run.md").read_text()
    assert "You said: hello" in text
    assert f"*Cached answer of run {kept['run']}, " in text


def test_whoever_wants_the_model_asks_it(desk: Path) -> None:
    """`--no-cache` neither gives nor keeps; other words, another model and another version are other questions."""
    assert run(desk, "hello", "--no-cache")["attempts"] == 1
    assert run(desk, "hello", AGENTCTL_RUN_NO_CACHE="1")["attempts"] == 1
    assert run(desk, "goodbye", "--no-cache")["cached_answer"] is None
    assert [each["question"] for each in listed(desk)] == ["hello"]
    assert run(desk, "hello", "--model", "claude-opus-5-5")["attempts"] == 1
    script = desk / "prompts/desk/simulator.yaml"
    script.write_text(script.read_text().replace("You said: ", "I heard: "))
    assert run(desk, "hello")["text"] == "I heard: hello"


def test_the_cache_is_shown_and_cleared(desk: Path) -> None:
    """By agent or as a whole; the runs stay."""
    run(desk, "hello")
    shown = agentctl(desk, "cache", "show").stdout
    assert re.fullmatch(r"desk@1  \S+  \d+ s old +served 1  hello\n  → You said: hello\n", shown)
    assert json.loads(agentctl(desk, "cache", "clear", "other", "--json").stdout) == {"removed": 0}
    assert agentctl(desk, "cache", "clear", "desk").stdout == "removed 1 cached answer\n"
    done = agentctl(desk, "cache", "show")
    assert (done.returncode, done.stdout) == (0, "")
    assert "no answer is cached" in done.stderr
    assert run(desk, "hello")["attempts"] == 1


def test_a_chat_begins_with_a_cached_answer(desk: Path) -> None:
    """It says so, goes on with the model, and is no recording of a case."""
    done = agentctl(desk, "chat", "desk", "--simulate", stdin="hello\n/cost\nwell\n/eval first\n")
    assert "  You said: hello\n  cached answer, " in done.stdout
    assert "1 cached answer: $0\n" in done.stdout
    assert "You said: well" in done.stdout
    assert "not recorded: an answer of this session was a cached one (chat with --no-cache)" in done.stdout
    refused = agentctl(desk, "runs", "to-case", "last", "-s", "other")
    assert refused.returncode == 2
    assert "an answer in it was a cached one: run it again with --no-cache" in refused.stderr
    assert "cached answer" not in agentctl(desk, "chat", "desk", "--simulate", "--no-cache", stdin="hello\n").stdout


def test_an_evaluation_asks_and_keeps_nothing(desk: Path) -> None:
    """Recording, it asks the model that answers now; what it is told is nobody's first question."""
    (desk / "evals").mkdir()
    suite = "schema: 1\nkind: suite\nagent: desk\ncases:\n  - {id: hi, input: hello, assert: [contains: hello]}\n"
    (desk / "evals/desk.yaml").write_text(suite + "  - {id: ho, input: goodbye, assert: [contains: goodbye]}\n")
    before = listed(desk)
    done = agentctl(desk, "eval", "--record-mode", "all", "--simulate", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["network"] > 0
    assert listed(desk) == before


def test_an_answer_with_a_secret_in_it_is_not_kept(desk: Path) -> None:
    """Redacted it would be another answer, and as it is it must not be kept."""
    assert run(desk, "my key is sk-ant-api03-" + "Ab3_" * 24)["attempts"] == 1
    assert len(listed(desk)) == 1
    (desk / "agentctl.yaml").write_text("redact: {patterns: [{name: badge, regex: 'B-[0-9]+'}]}\n")
    assert run(desk, "I am B-12")["attempts"] == 1
    assert run(desk, "I am nobody")["attempts"] == 1
    assert [each["question"] for each in listed(desk)] == ["I am nobody", "hello"]


def test_a_store_without_the_table_only_costs_the_question(desk: Path) -> None:
    """What is damaged there is asked again, without a word; whoever looks is told."""
    with closing(sqlite3.connect(desk / ".agentctl/agentctl.db")) as store:
        store.execute("drop table answers")
        store.commit()
    assert run(desk, "hello")["attempts"] == 1
    done = agentctl(desk, "cache", "show")
    assert done.returncode != 0
    assert "is damaged: a table is missing" in done.stderr


def test_when_nobody_answers(tmp_path: Path) -> None:
    """`when: unavailable` asks the model each time, and gives the answer from before when it is out.

    The model is one behind an address: it is never given what was cached of the simulator.
    """
    desk = desk_that_caches(tmp_path, "cached_answers: {when: unavailable}\ndegrade: {message: Please call.}")
    run(desk, "hello")

    async def asked(*messages: str) -> list[Any]:
        plan = Plan([FaultRule(fault="529", nth=tuple(range(3, 100)))])
        script = check(Script, load_yaml("schema: 1\nkind: simulator\ndefault: {text: I am real.}", "s"))
        async with Simulator(script, faults=plan) as server:
            env = {"ANTHROPIC_BASE_URL": server.base_url, "ANTHROPIC_API_KEY": "x"}
            told = []
            for message in messages:
                done = await asyncio.to_thread(agentctl, desk, "run", "desk", message, "--json", **env)
                told.append((done.returncode, json.loads(done.stdout)))
        return told

    first, second, third, other = asyncio.run(asked("hello", "hello", "hello", "goodbye"))
    for code, document in (first, second):
        assert (code, document["text"], document["attempts"]) == (0, "I am real.", 1)
        assert document["cached_answer"] is None
    code, document = third
    assert (code, document["ended"], document["text"], document["attempts"]) == (0, "completed", "I am real.", 2)
    assert document["cached_answer"]["run"] == second[1]["run"]
    assert (other[0], other[1]["ended"], other[1]["text"]) == (3, "degraded", "Please call.")
