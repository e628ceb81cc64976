"""Cases from life: stored runs, transcripts and foreign recordings become cases that pass offline."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from agentctl.cassette.file import read
from support.desk import agentctl, lay_down

CALL = {"type": "tool_use", "id": "toolu_1", "name": "get_order", "input": {"id": "ORD-1"}}
TALK: list[dict[str, Any]] = [
    {"role": "user", "content": "Where is ORD-1? {{ not a variable }}"},
    {"role": "assistant", "content": [{"type": "text", "text": "Let me look."}, CALL]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "shipped"}]},
    {"role": "assistant", "content": "It is shipped."},
]


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """The desk, with a file of two transcripts beside it."""
    root = lay_down(tmp_path)
    write(
        root / "talks.jsonl",
        {"task_id": 3, "trial": 1, "reward": 0.5, "cost": 0.02, "messages": TALK},
        {"messages": TALK},
    )
    return root


def write(path: Path, *records: Any) -> None:
    """JSON lines."""
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records))


def scored(root: Path, *arguments: str) -> dict[str, Any]:
    """The cases of an evaluation that touched nothing, by id."""
    document = json.loads(agentctl(root, "eval", "--json", *arguments).stdout)
    assert (document["network"], document["tools_executed"]) == (0, 0)
    return {case["id"]: case for suite in document["suites"] for case in suite["cases"]}


def test_a_stored_run_becomes_a_case_that_passes(desk: Path) -> None:
    """With its recording, which says what it was made from; another case of the same name is refused."""
    assert agentctl(desk, "run", "desk", "--simulate", "-q", "Where is ORD-7?", "{{ Thank }} you").returncode == 0
    done = agentctl(desk, "runs", "to-case", "last", "--suite", "desk", "--id", "lookup")
    assert done.returncode == 0, done.stderr
    assert "recorded in cassettes/desk/lookup.yaml\nit passes\n" in done.stdout
    assert scored(desk, "desk", "-k", "lookup")["lookup"]["status"] == "pass"
    header = read(desk / "cassettes/desk/lookup.yaml").header
    assert header is not None
    run = json.loads(agentctl(desk, "runs", "list", "--json").stdout)[0]["run"]
    assert header.source == f"agentctl simulator (rebuilt from run {run})"
    before = (desk / "evals/desk.yaml").read_bytes()
    again = agentctl(desk, "runs", "to-case", run, "--suite", "desk", "--id", "Lookup")
    assert (again.returncode, (desk / "evals/desk.yaml").read_bytes()) == (2, before)


def test_a_run_that_went_wrong_is_a_case_too(desk: Path) -> None:
    """It ended at a limit, and the case says so."""
    agentctl(desk, "run", "desk", "--simulate", "-q", "go on forever")
    done = agentctl(desk, "runs", "to-case", "last", "--suite", "desk", "--id", "loop", "--json")
    assert json.loads(done.stdout)["status"] == "pass"
    assert "ended: max_turns" in (desk / "evals/desk.yaml").read_text()


def test_a_definition_that_changed_is_refused_by_component(desk: Path) -> None:
    """Nothing is written; the revision that still has the definition can be named."""
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com"]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "start"]):
        subprocess.run([*git, *arguments], cwd=desk, check=True)
    agentctl(desk, "run", "desk", "--simulate", "-q", "Hello")
    agent = desk / "prompts/desk/v1.yaml"
    agent.write_text(agent.read_text().replace("Be brief.", "Be long.").replace("1024", "2048"))
    done = agentctl(desk, "runs", "to-case", "last", "--suite", "desk", "--id", "hello")
    assert done.returncode == 2
    assert "differs in: system prompt, params" in done.stderr
    assert "--agent desk@git:REV" in done.stderr
    assert not (desk / "evals").exists()
    assert not (desk / "cassettes").exists()
    done = agentctl(desk, "runs", "to-case", "last", "--suite", "desk", "--id", "hello", "--agent", "desk@git:HEAD")
    assert done.returncode == 0, done.stderr
    assert scored(desk, "desk", "--agent", "desk@git:HEAD")["hello"]["status"] == "pass"


def test_a_run_of_another_version_goes_beside_the_suites_own(desk: Path) -> None:
    """The suite tests version 2; a run of version 1 is kept for `eval --agent desk@1`."""
    agentctl(desk, "run", "desk@1", "--simulate", "-q", "Hello")
    (desk / "prompts/desk/v2.yaml").write_text("schema: 1\nkind: agent\nextends: desk@1\nsystem: Be gruff.\n")
    (desk / "evals").mkdir()
    (desk / "evals/desk.yaml").write_text("schema: 1\nkind: suite\nagent: desk@2\ncases: []\n")
    refused = agentctl(desk, "runs", "to-case", "last", "-s", "desk", "--id", "hello")
    assert "add --agent desk@1" in refused.stderr
    done = agentctl(desk, "runs", "to-case", "last", "-s", "desk", "--id", "hello", "--agent", "desk@1")
    assert "agentctl eval desk --filter hello --agent desk@1" in done.stdout
    assert scored(desk, "desk", "--agent", "desk@1")["hello"]["status"] == "pass"
    assert scored(desk, "desk")["hello"]["status"] == "missing"


def test_a_denied_call_is_denied_in_the_case_too(desk: Path) -> None:
    """A run whose call nobody allowed becomes a case that denies it in the same words, and passes."""
    agentctl(desk, "chat", "desk", "--simulate", stdin="cancel ORD-1\n")
    done = agentctl(desk, "runs", "to-case", "last", "--suite", "desk", "--id", "not-cancelled")
    assert "it passes" in done.stdout, done.stderr
    assert "deny:" in (desk / "evals/desk.yaml").read_text()
    assert scored(desk, "desk")["not-cancelled"]["status"] == "pass"
    agentctl(desk, "chat", "desk", "--simulate", stdin="cancel ORD-1\n/eval denied-in-chat\n")
    assert scored(desk, "desk")["denied-in-chat"]["status"] == "pass"
    assert agentctl(desk, "cassettes", "status").returncode == 0
    suite = desk / "evals/desk.yaml"
    suite.write_text(suite.read_text().replace("nobody is at a terminal", "nobody is here"))
    assert {row["status"] for row in scored(desk, "desk").values()} == {"stale"}
    assert agentctl(desk, "cassettes", "status").returncode == 4


def test_transcripts_become_cases_with_their_metadata(desk: Path) -> None:
    """They are scored as they stand, claim no agent, and stay fresh whatever becomes of one."""
    done = agentctl(desk, "import", "talks.jsonl", "--suite", "logs")
    assert done.returncode == 0, done.stderr
    assert "talks.jsonl  anthropic  8 messages in 2 cases: case-3-trial-1, talks-2" in done.stdout
    cases = scored(desk, "logs")
    case = cases["case-3-trial-1"]
    assert [each["status"] for each in cases.values()] == ["pass", "pass"]
    assert (case["transcript"], case["cost_usd"], case["cost_from"]) == (True, 0.02, "cost")
    assert {key: case["metadata"][key] for key in ("task_id", "trial", "reward", "cost")} == {
        "task_id": 3,
        "trial": 1,
        "reward": 0.5,
        "cost": 0.02,
    }
    header = read(desk / "cassettes/logs/talks-2.yaml").header
    assert header is not None
    assert (header.transcript, header.agent, header.bundle, list(header.components)) == (
        True,
        "imported",
        "",
        ["case input"],
    )
    assert "imported" in agentctl(desk, "eval", "logs").stdout
    assert agentctl(desk, "validate").returncode == 0
    shown = agentctl(desk, "replay", "logs/talks-2").stdout
    assert "It is shipped." in shown
    assert "→ get_order" in shown
    line = json.loads(agentctl(desk, "replay", "cassettes/logs/talks-2.yaml", "--json").stdout)
    assert [reply["text"] for reply in line["replies"]] == ["Let me look.", "It is shipped."]


def test_a_transcript_is_stale_only_for_its_own_words(desk: Path) -> None:
    """Its case says something else: that is named; it is never recorded again, whatever is asked."""
    agentctl(desk, "import", "talks.jsonl", "--suite", "logs")
    suite = desk / "evals/logs.yaml"
    suite.write_text(suite.read_text().replace("Where is ORD-1?", "Where is ORD-2?", 1))
    before = (desk / "cassettes/logs/case-3-trial-1.yaml").read_bytes()
    done = agentctl(desk, "eval", "logs", "--json", "--record-mode", "all", "--simulate")
    assert done.returncode == 4
    first, second = json.loads(done.stdout)["suites"][0]["cases"]
    assert (first["stale"], second["status"]) == (["case input"], "pass")
    assert (desk / "cassettes/logs/case-3-trial-1.yaml").read_bytes() == before
    assert "record again" not in agentctl(desk, "eval", "logs").stdout


def test_transcripts_and_cases_of_an_agent_share_a_suite(desk: Path) -> None:
    """The suite's agent is the one under test; `--agent` and `--repeat` change nothing for a transcript."""
    agentctl(desk, "run", "desk", "--simulate", "-q", "Hello")
    agentctl(desk, "runs", "to-case", "last", "--suite", "desk", "--id", "hello")
    assert agentctl(desk, "import", "talks.jsonl", "--suite", "desk").returncode == 0
    document = json.loads(agentctl(desk, "eval", "desk", "--json").stdout)
    assert document["suites"][0]["agent"] == "desk@1"
    assert document["totals"]["pass"] == 3
    assert len(scored(desk, "desk", "-k", "talks", "--repeat", "3")) == 1


def test_a_suite_without_transcripts_needs_its_agent(desk: Path) -> None:
    """Leaving the agent out is the mistake it always was."""
    (desk / "evals").mkdir()
    (desk / "evals/x.yaml").write_text("schema: 1\nkind: suite\ncases: [{id: a, input: hi}]\n")
    done = agentctl(desk, "eval", "x")
    assert done.returncode == 2
    assert "`agent` is missing" in done.stderr


def test_what_is_left_out_is_named_with_its_place(desk: Path) -> None:
    """Exit 1, everything else is carried; a second import finds the cases taken."""
    with (desk / "talks.jsonl").open("a") as file:
        file.write("nonsense\n")
        file.write(json.dumps({"messages": [*TALK, {"role": "robot", "content": "x"}]}) + "\n")
        file.write(json.dumps({"messages": [{"role": "assistant", "content": "Hi"}]}) + "\n")
    done = agentctl(desk, "import", "talks.jsonl", "--suite", "logs", "--dry-run")
    assert done.returncode == 1
    assert "left out: line 3: is no JSON" in done.stdout
    assert "left out: line 4, message 5: the role 'robot' is not one of the Messages API" in done.stdout
    assert "left out: line 5: the conversation (1 message): the user says nothing in it" in done.stdout
    assert "3 cases would be added" in done.stdout
    assert not (desk / "evals").exists()
    done = agentctl(desk, "import", "talks.jsonl", "--suite", "logs", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["exit"], document["written"]) == (1, 1, True)
    assert [left["place"] for left in document["files"][0]["left_out"]] == ["line 3", "line 4, message 5", "line 5"]
    again = agentctl(desk, "import", "talks.jsonl", "--suite", "logs")
    assert "there is a case case-3-trial-1 already" in again.stdout


@pytest.mark.parametrize("content", [None, b"", b"{torn", b"\x00\xff\xfe", b'{"a": 1}\n'])
def test_unreadable_input_is_exit_2(desk: Path, content: bytes | None) -> None:
    """Said in a sentence, and what could be read is imported all the same."""
    if content is not None:
        (desk / "bad.jsonl").write_bytes(content)
    done = agentctl(desk, "import", "bad.jsonl", "talks.jsonl", "--suite", "logs")
    assert done.returncode == 2
    assert "error: bad.jsonl: " in done.stderr
    assert "Traceback" not in done.stderr
    assert "2 cases added" in done.stdout


def test_an_import_for_an_agent_is_replayed_by_it(desk: Path) -> None:
    """The very conversation of a run of ours comes back as a case of the agent; another prompt's is refused."""
    agentctl(desk, "run", "desk", "--simulate", "-q", "Where is ORD-7?")
    agentctl(desk, "runs", "to-case", "last", "--suite", "desk", "--id", "own")
    cassette = read(desk / "cassettes/desk/own.yaml")
    last = cassette.interactions[-1]
    record = {key: last.asked[key] for key in ("model", "system", "tools")}
    record["messages"] = [*last.asked["messages"], {"role": "assistant", "content": json.loads(last.body)["content"]}]
    write(desk / "mine.jsonl", {"id": "mine", **record}, {"id": "other", **record, "system": "Be rude.", "model": "m"})
    done = agentctl(desk, "import", "mine.jsonl", "--suite", "desk", "--agent", "desk")
    assert done.returncode == 1
    assert "made with another system prompt, model than desk@1 has" in done.stdout
    assert scored(desk, "desk", "-k", "mine")["mine"]["status"] == "pass"
    header = read(desk / "cassettes/desk/mine.yaml").header
    assert header is not None
    assert header.source == "imported from mine.jsonl, line 1, taken for desk@1"
    agent = desk / "prompts/desk/v1.yaml"
    agent.write_text(agent.read_text().replace("Be brief.", "Be long."))
    assert scored(desk, "desk", "-k", "mine")["mine"]["stale"] == ["system prompt"]


def test_secrets_of_a_transcript_stay_out_of_its_recording(desk: Path) -> None:
    """What was written down elsewhere is redacted here, in what the tool said and after the last reply too."""
    token = "ghp_" + "a1B2" * 9
    talk = [*TALK[:2], {**TALK[2], "content": [{**TALK[2]["content"][0], "content": token}]}, TALK[3]]
    write(desk / "talks.jsonl", {"id": "leak", "messages": [*talk, *talk[:3]]})
    done = agentctl(desk, "import", "talks.jsonl", "--suite", "logs")
    assert done.returncode == 0, done.stdout + done.stderr
    assert token not in (desk / "cassettes/logs/leak.yaml").read_text()
    assert scored(desk, "logs")["leak"]["status"] == "pass"


def test_every_real_recording_becomes_cases_that_pass(tmp_path: Path, real_data: Path) -> None:
    """Recordings of six projects: each is carried, or it is said which calls are no messages."""
    (tmp_path / "prompts").mkdir()
    files = sorted(str(path) for path in (real_data / "cassettes").rglob("*.yaml"))
    done = agentctl(tmp_path, "import", *files, "--suite", "real", "--json")
    document = json.loads(done.stdout)
    assert done.returncode in {0, 1}
    assert all(each["cases"] or each["left_out"] for each in document["files"])
    statuses = {case["status"] for case in scored(tmp_path, "real").values()}
    assert statuses == {"pass"}
