"""`agentctl validate` and `agentctl schema` as they are typed: what they print where, and how they exit."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agentctl.cli.main import main
from agentctl.config.project import Project

Make = Callable[..., Project]

SUITE = """\
schema: 1
kind: suite
agent: desk@1
cases:
  - id: first
    input: Where is ORD-1?
    assert:
      - contains: shipped
"""

AGENT = "prompts/desk/v1.yaml"


class Typed:
    """What a command printed, and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err


Run = Callable[..., Typed]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Runs `agentctl` with these arguments in the project's directory."""
    monkeypatch.chdir(tmp_path)

    def typed(*arguments: str) -> Typed:
        monkeypatch.setattr(sys, "argv", ["agentctl", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capfdbinary.readouterr()
        return Typed(int(left.value.code or 0), out.decode(), err.decode())

    return typed


def test_validate_a_sound_project(make: Make, run: Run) -> None:
    """Documents and a count go to stdout, nothing to stderr, exit 0."""
    make({"evals/desk.yaml": SUITE})
    done = run("validate")
    assert (done.code, done.err) == (0, "")
    assert [line.split()[:3] for line in done.out.splitlines()] == [
        ["agent", "desk@1", AGENT],
        ["tools", "desk-tools@1", "prompts/desk-tools/v1.yaml"],
        ["suite", "desk", "evals/desk.yaml"],
        ["3", "documents,", "no"],
    ]


def test_validate_names_every_problem(make: Make, run: Run) -> None:
    """Each problem is an error line with file, line and column, and a hint where there is one; exit 2."""
    make(
        {
            "evals/desk.yaml": SUITE.replace("desk@1", "dsk@1").replace("contains", "contians"),
            "evals/other.yaml": SUITE.replace("desk@1", "dsk@1"),
            "prompts/desk/v2.yaml": "extends: desk@1\nparams: {temperature: 0}\n",
        }
    )
    done = run("validate")
    assert done.code == 2
    assert done.err.splitlines() == [
        "error: prompts/desk/v2.yaml:2:10: `temperature` is gone from the Messages API: the model answers 400 to it",
        "hint: delete it; `effort` says how much work an answer is worth",
        "error: evals/desk.yaml:8:9: unknown assertion type 'contians'",
        "hint: did you mean `contains`?",
        "error: evals/desk.yaml:3:8: there is no document dsk in prompts/",
        "hint: did you mean `desk`?",
        "error: evals/other.yaml:3:8: there is no document dsk in prompts/",
        "hint: did you mean `desk`?",
    ]
    assert done.out.splitlines()[-1] == "5 documents, 4 problems"


def test_validate_json(make: Make, run: Run) -> None:
    """With --json there is one JSON document on stdout and nothing else anywhere."""
    make({"evals/desk.yaml": SUITE + "    nope: 1\n"})
    done = run("validate", "--json")
    found = json.loads(done.out)
    assert (done.code, done.err, found["ok"]) == (2, "", False)
    (problem,) = found["problems"]
    assert problem.pop("hint").startswith("the keys are: approve, assert, ")
    assert problem == {
        "file": "evals/desk.yaml",
        "line": 9,
        "column": 5,
        "message": "unknown key `nope` in `cases[0]`",
    }
    assert {document["kind"] for document in found["documents"]} == {"agent", "tools", "suite"}


def test_validate_warns(make: Make, run: Run) -> None:
    """What is there for nothing is a warning and does not fail: unused variables, tools that no agent has."""
    suite = SUITE + '      - {type: "trajectory:tool-used", value: lookup}\n'
    make({"evals/desk.yaml": suite, AGENT: "schema: 1\nkind: agent\nmodel: m\nvars: {a: x}\ntools: desk-tools\n"})
    done = run("validate")
    assert done.code == 0
    assert done.err.splitlines() == [
        "warning: prompts/desk/v1.yaml:4:8: the system prompt does not use `a`",
        "warning: evals/desk.yaml:9:1: desk@1 has no tool lookup",
        "hint: did you mean `look_up`?",
    ]


def test_validate_checks_functions_of_suites(make: Make, run: Run) -> None:
    """A Python assertion whose function is missing or does not import is a problem."""
    asserts = "      - python: checks.py:polite\n      - python: broken.py:f\n      - python: checks.py:good\n"
    files = {"evals/checks.py": "def good(output, context): return True\n", "evals/broken.py": "1 / 0\n"}
    make({"evals/desk.yaml": SUITE + asserts, **files})
    done = run("validate", "evals/desk.yaml")
    errors = [line for line in done.err.splitlines() if line.startswith("error")]
    assert done.code == 2
    assert len(errors) == 2
    assert errors[0].startswith("error: evals/desk.yaml:9:1: checks.py:polite: ")
    assert errors[1].startswith("error: evals/desk.yaml:10:1: broken.py:f cannot be imported: ZeroDivisionError")


def test_validate_paths(make: Make, run: Run, tmp_path: Path) -> None:
    """Arguments choose files and directories; what is not there or not of the project is a usage error."""
    make({"evals/desk.yaml": SUITE, "prompts/desk/v2.yaml": "a: [\n", "README.md": "x"})
    assert run("validate", AGENT).out.splitlines()[-1] == "1 document, no problems"
    assert run("validate", "prompts/desk-tools", "evals").out.splitlines()[-1] == "2 documents, no problems"
    assert run("validate", "prompts").code == 2
    assert "error: there is no file nope" in run("validate", "nope").err
    assert "is not in the project" in run("validate", AGENT, str(tmp_path.parent)).err
    assert run("validate", "README.md").code == 5


def test_validate_released(make: Make, run: Run, tmp_path: Path) -> None:
    """A released version that changed is exit 1; an unknown revision is a usage error."""
    make()
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "x"]):
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", str(tmp_path), *identity, *arguments], check=True)
    assert run("validate", "--released", "git:main").code == 0
    file = tmp_path / AGENT
    file.write_text(file.read_text().replace("Be kind", "Be short"))
    done = run("validate", "--released", "git:main")
    assert done.code == 1
    assert done.err.splitlines() == [
        "error: prompts/desk/v1.yaml:9:1: desk@1 was released in git:main with another `system`",
        "hint: write the change as the next version, and restore this one",
    ]
    assert json.loads(run("validate", "--released", "git:main", "--json").out)["ok"] is False
    assert run("validate", "--released", "main").code == 2
    assert "there is no git revision nope here" in run("validate", "--released", "git:nope").err


def test_schema(make: Make, run: Run, tmp_path: Path) -> None:
    """Schemas are written where documents look for them, or one is printed."""
    make()
    done = run("schema", "--json")
    folder = tmp_path / ".agentctl" / "schemas"
    kinds = ("agent", "tools", "rubric", "persona", "suite", "project", "simulator")
    assert json.loads(done.out)["written"] == [str(folder / f"{kind}.json") for kind in kinds]
    assert json.loads((folder / "agent.json").read_text())["title"] == "agentctl agent"
    assert run("schema", "--dir", "here").out.splitlines()[0] == "here/agent.json"
    assert json.loads(run("schema", "--print", "suite").out)["title"] == "agentctl suite"
    assert run("schema", "--print", "nope").code == 2


def test_start_up() -> None:
    """Neither command loads the SDK, the recorder or a template engine."""
    script = (
        "import sys; import agentctl.cli.validate, agentctl.cli.schema; "
        "print([name for name in ('anthropic', 'vcr', 'jinja2', 'rich', 'jsonschema_rs') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_hostile_text_stays_text(make: Make, run: Run) -> None:
    """What a document holds cannot steer the terminal through a message."""
    make({"prompts/desk/v2.yaml": 'extends: desk@1\n"\\e]0;x\\a\\u202e": 1\n'})
    done = run("validate")
    assert done.code == 2
    assert all(character.isprintable() or character == "\n" for character in done.err)
