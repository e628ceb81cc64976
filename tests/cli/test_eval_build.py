"""`agentctl eval` in a build: one exit code for each thing a build must know, files that tools read, GitHub's signs."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from agentctl.cli.eval.github import commands, harmless, mark_of, write_comment
from agentctl.config.project import Project
from agentctl.evals.report.told import told
from support import desk, till
from support.desk import agentctl, command, environment

SLOW = """
schema: 1
kind: suite
agent: desk
cases:
  - {id: quick, input: Where is ORD-7?}
  - {id: patient, input: [Where is ORD-7?, wait for it]}
"""


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """The till with a recording of every case."""
    till.record(till.lay_down(tmp_path))
    return tmp_path


def suite_of(root: Path) -> Path:
    """The suite's file."""
    return root / "evals" / "till.yaml"


ROWS = [
    (0, None, ["-k", "price"]),
    (1, ('contains: "3"', "contains: free"), []),
    (2, None, ["--min-pass-rate", "2"]),
    (3, ('contains: "3"', "python: checks.py:raises"), []),
    (4, ("[Hello, Bye]", "[Hello, Farewell]"), []),
    (5, None, ["--tag", "nobody"]),
    (5, None, ["--limit", "1", "--shard", "2/2"]),
    (6, None, ["--record-mode", "all", "--simulate", "--max-cost", "0"]),
]


@pytest.mark.parametrize(("code", "change", "flags"), ROWS, ids=[f"{row[0]} {' '.join(row[2])}" for row in ROWS])
def test_every_row_of_the_table(recorded: Path, code: int, change: tuple[str, str] | None, flags: list[str]) -> None:
    """What the process exits with is what its document says, and no traceback is shown."""
    if change is not None:
        till.edit(suite_of(recorded), *change)
    done = agentctl(recorded, "eval", *flags, "--json")
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    if done.stdout:
        assert json.loads(done.stdout)["exit"] == code
    else:
        assert done.stderr.startswith("error: ")


@pytest.mark.parametrize(("sign", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_build_has_its_results(tmp_path: Path, sign: signal.Signals, code: int) -> None:
    """Every file that was asked for is written, and names the case that was not played."""
    root = desk.lay_down(tmp_path)
    (root / "evals").mkdir()
    (root / "evals" / "desk.yaml").write_text(SLOW)
    words = ("eval", "--simulate", "--record-mode", "all", "-o", "r.json", "-o", "r.junit.xml")
    process = subprocess.Popen(
        command(*words), cwd=root, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    until = time.monotonic() + 30
    while not (root / "cassettes" / "desk" / "quick.yaml").exists() and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.2)
    process.send_signal(sign)
    process.communicate(timeout=30)
    assert process.returncode == code
    document = json.loads((root / "r.json").read_text())
    assert (document["exit"], document["interrupted"]) == (code, True)
    assert [each["id"] for each in document["unplayed"]] == ["patient"]
    assert "not played" in (root / "r.junit.xml").read_text()


def test_a_cap_names_what_was_not_played(recorded: Path) -> None:
    """On the page and in the document; recordings that were there stay."""
    before = sorted((path.name, path.read_bytes()) for path in (recorded / "cassettes" / "till").iterdir())
    done = agentctl(recorded, "eval", "--record-mode", "all", "--simulate", "--max-cost", "0")
    assert done.returncode == 6
    assert "not played: till/price-of-tea, till/sell-cake, till/two-turns\n" in done.stdout
    assert sorted((path.name, path.read_bytes()) for path in (recorded / "cassettes" / "till").iterdir()) == before


def test_a_cap_needs_prices(recorded: Path) -> None:
    """A model without a price is refused before anything is sent; so is what is no amount."""
    till.edit(recorded / "prompts/till/v1.yaml", "claude-sonnet-5-5", "house-model-1")
    done = agentctl(recorded, "eval", "--record-mode", "all", "--simulate", "--max-cost", "1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "the price of house-model-1 is not known" in done.stderr
    assert agentctl(recorded, "eval", "--max-cost", "nan").returncode == 2


def test_an_estimate_touches_nothing(recorded: Path) -> None:
    """Exit 0, figures per case and in all, and not one file that was not there."""
    before = sorted(path for path in recorded.rglob("*") if "__pycache__" not in path.parts)
    done = agentctl(recorded, "eval", "--estimate", "--record-mode", "all", "--json")
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert [case["id"] for case in document["cases"]] == ["price-of-tea", "sell-cake", "two-turns"]
    assert document["total"]["cost_usd"] == pytest.approx(sum(case["cost_usd"] for case in document["cases"]))
    assert "none would go live" in agentctl(recorded, "eval", "--estimate").stdout
    assert sorted(path for path in recorded.rglob("*") if "__pycache__" not in path.parts) == before


def test_files_that_cannot_be_written(recorded: Path) -> None:
    """The one that fails is named, the others are written, and the page is shown; twice the same is refused."""
    (recorded / "taken.csv").mkdir()
    done = agentctl(recorded, "eval", "-o", "taken.csv", "-o", "deep/er/r.md", "-o", "r.jsonl")
    assert done.returncode == 3
    assert "error: taken.csv: cannot be written" in done.stderr
    assert "3 cases: 3 passed" in done.stdout
    assert (recorded / "deep/er/r.md").read_text().startswith("## agentctl eval: passed\n")
    assert len((recorded / "r.jsonl").read_text().splitlines()) == 3
    assert agentctl(recorded, "eval", "-o", "r.md", "-o", "./r.md").returncode == 2


def test_shards_and_their_merge(recorded: Path) -> None:
    """The whole exits as it would have at once; a part that is missing is exit 2."""
    till.edit(suite_of(recorded), 'contains: "3"', "contains: free")
    codes = [agentctl(recorded, "eval", "--shard", f"{n}/2", "-o", f"{n}.json").returncode for n in (1, 2)]
    assert sorted(codes) == [0, 1]
    done = agentctl(recorded, "report", "merge", "1.json", "2.json", "-o", "all.junit.xml")
    assert (done.returncode, done.stdout.splitlines()[0]) == (1, "## agentctl eval: failed")
    assert 'tests="3" failures="1"' in (recorded / "all.junit.xml").read_text()
    assert agentctl(recorded, "report", "merge", "1.json", "2.json", "--min-pass-rate", "0.5").returncode == 0
    assert agentctl(recorded, "report", "merge", "2.json").returncode == 2


def test_github_sees_the_failing_case(recorded: Path) -> None:
    """An annotation at the case's line from the root of the checkout, a summary, and a comment with its mark."""
    till.edit(suite_of(recorded), 'contains: "3"', "contains: free")
    about = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(recorded / "s.md")}
    done = agentctl(recorded, "eval", "--pr-comment", "c.md", "--json", **about, GITHUB_WORKSPACE=str(recorded.parent))
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("::")]
    place = f"{recorded.name}/evals/till.yaml"
    assert line.startswith(f"::error file={place},line=5,title=fail%3A till/price-of-tea::contains: the answer")
    assert json.loads(done.stdout)["exit"] == 1
    assert (recorded / "s.md").read_text().startswith("## agentctl eval: failed\n")
    assert (recorded / "c.md").read_text().startswith("<!-- agentctl-eval till -->\n## agentctl eval: failed\n")


def test_annotations_are_few_and_escaped(recorded: Path, tmp_path: Path) -> None:
    """At most fifty, each on one line, whatever was said; a comment fits into what GitHub takes."""
    document = till.replay(Project(recorded)).to_json(1)
    suite = document["suites"][0]
    case = {**suite["cases"][0], "status": "error", "reason": "100%\n::set-env name=x::y\r, a:b \x1b[2J" * 50}
    suite["cases"] = [{**case, "id": f"c{number}"} for number in range(2000)]
    lines = list(commands(recorded, told(document)))
    assert len(lines) == 50
    assert all(line.startswith("::error file=") and "\n" not in line and "\x1b" not in line for line in lines)
    assert "100%25%0A::set-env" in lines[0]
    write_comment(tmp_path / "c.md", told(document))
    text = (tmp_path / "c.md").read_text()
    assert len(text) <= 65_536
    assert text.startswith(mark_of(document))
    assert "more that did not pass" in text


@pytest.mark.parametrize("text", ["::add-mask::x", "  ::stop-commands::x", "a\n\t::error::x", "so ##[add-mask]x"])
def test_a_page_holds_no_commands(text: str) -> None:
    """What a model says is no workflow command, wherever it stands."""
    for line in harmless(text).splitlines():
        assert not line.lstrip().startswith("::")
        assert "##[" not in line


def test_workflows_and_hooks_are_sound() -> None:
    """They parse, they install the distribution by its name, and no input is pasted into a script."""
    root = desk.CHECKOUT
    action = (root / ".github/actions/agentctl/action.yml").read_text()
    workflow = (root / "agentctl/cli/starter/github/workflows/agentctl.yml").read_text()
    for text in (action, workflow):
        assert "agentctl-cli" in text
        assert "install agentctl\n" not in text
    steps = [*yaml.safe_load(action)["runs"]["steps"], *yaml.safe_load(workflow)["jobs"]["eval"]["steps"]]
    assert not [step for step in steps if "${{" in step.get("run", "")]
    hooks = yaml.safe_load((root / ".pre-commit-hooks.yaml").read_text())
    assert [hook["entry"] for hook in hooks] == [
        "agentctl cassettes scan",
        "agentctl validate",
        "agentctl cassettes status",
    ]
