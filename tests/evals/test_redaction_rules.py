"""What a suite and its project choose to redact: recorded without it, replayed all the same; wrong choices named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agentctl.config.project import Project
from agentctl.errors import ConfigError
from agentctl.evals.modes import RecordMode
from agentctl.evals.plan import plan
from agentctl.evals.redaction import project_rules
from support.desk import agentctl
from support.planted import PERSONS, made
from support.till import TURNS, Canned, edit, lay_down, play, replay, statuses, text, use

SECRET = made()["github"]
MAIL = PERSONS["email"]()
ASKED = f"I am CUST-123456, {MAIL}, my login is {SECRET} and tea costs?"
REPLIES = {
    ASKED: [[text(f"So, {SECRET}:"), use("price", "toolu_1", thing=f"CUST-123456 {SECRET}")], [text("Tea is 3.")]],
    "Hello": TURNS["Hello"],
    "I take cake": TURNS["I take cake"],
}
RULES = """\
redact:
  pii: true
  patterns: [{name: customer, regex: 'CUST-[0-9]{6}'}]
  literals_from_env: [SHOP_LOGIN]
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The till, with a customer who says too much."""
    project = lay_down(tmp_path)
    edit(project.evals / "till.yaml", "input: What is tea?", f"input: '{ASKED}'")
    return project


def recorded_text(project: Project) -> str:
    """Records every case; what was written of the one."""
    assert set(statuses(play(plan(project), Canned(REPLIES), RecordMode.ALL)).values()) == {"pass"}
    return (project.cassettes / "till" / "price-of-tea.yaml").read_text("utf-8")


def test_without_rules_credentials_go_and_persons_stay(project: Project) -> None:
    """The tool, its input and the next request hold no key; the replay finds every request again and passes."""
    found = recorded_text(project)
    assert SECRET not in found
    assert found.count("[redacted:github-token]") >= 4
    assert MAIL in found
    assert "CUST-123456" in found
    assert set(statuses(replay(project)).values()) == {"pass"}


@pytest.mark.parametrize("place", ["suite", "project"])
def test_rules_of_the_suite_and_of_the_project(project: Project, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pattern, a variable's value and persons go from the file; what was said with them is known in a replay."""
    if place == "suite":
        edit(project.evals / "till.yaml", "agent: till\n", f"agent: till\n{RULES}")
    else:
        (project.root / "agentctl.yaml").write_text(f"schema: 1\nkind: project\n{RULES}", "utf-8")
    monkeypatch.setenv("SHOP_LOGIN", "You keep the till")
    found = recorded_text(project)
    for secret in (SECRET, MAIL, "CUST-123456", "You keep the till"):
        assert secret not in found
    assert "I am [redacted:customer], [redacted:email], my login is [redacted:github-token]" in found
    assert "[redacted:SHOP_LOGIN]." in found
    assert set(statuses(replay(project)).values()) == {"pass"}
    monkeypatch.delenv("SHOP_LOGIN")
    assert set(statuses(replay(project)).values()) == {"stale"}, "the prompt holds a value that is not known any more"


def test_settings_are_validated_and_have_a_schema(project: Project) -> None:
    """`agentctl validate` looks at agentctl.yaml, and editors get its keys."""
    settings = project.root / "agentctl.yaml"
    settings.write_text("redact: {pii: true}\n", "utf-8")
    done = agentctl(project.root, "validate", "--json")
    assert {"file": "agentctl.yaml", "kind": "project", "ref": "agentctl"} in json.loads(done.stdout)["documents"]
    settings.write_text("redacted: {}\n", "utf-8")
    done = agentctl(project.root, "validate")
    assert done.returncode == 2
    assert "error: agentctl.yaml:1:1: unknown key `redacted`" in done.stderr
    schema = json.loads(agentctl(project.root, "schema", "--print", "project").stdout)
    assert set(schema["$defs"]["RedactDocument"]["properties"]) == {"builtin", "patterns", "literals_from_env", "pii"}


@pytest.mark.parametrize(
    ("written", "line", "message", "hint"),
    [
        ("builtin: [secrets, emial]", 2, "there is no kind of secret emial", "did you mean `email`?"),
        ("patterns: [{name: 'a b', regex: x}]", 2, "a b cannot name a kind of secret", "[redacted:name]"),
        ("patterns: [{name: a, regex: '('}]", 2, "is no regular expression", ""),
        ("patterns: [{name: a, regex: 'x*'}]", 2, "matches the empty text", ""),
        ("pattern: []", 2, "unknown key `pattern`", "did you mean `patterns`?"),
        ("pii: yes please", 2, "true or false", ""),
    ],
)
def test_wrong_choices(project: Project, written: str, line: int, message: str, hint: str) -> None:
    """Each is named at its place, in the project's settings as in a suite, before anything is recorded."""
    (project.root / "agentctl.yaml").write_text(f"redact:\n  {written}\n", "utf-8")
    with pytest.raises(ConfigError) as caught:
        project_rules(project)
    (problem,) = caught.value.problems
    assert (Path(problem.file).name, problem.line) == ("agentctl.yaml", line)
    assert message in problem.message
    assert hint in problem.hint
    edit(project.evals / "till.yaml", "agent: till\n", f"agent: till\nredact:\n  {written}\n")
    (project.root / "agentctl.yaml").unlink()
    with pytest.raises(ConfigError):
        plan(project)
