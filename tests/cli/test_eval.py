"""`agentctl eval` as a process: what goes where, and which exit code means what."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from agentctl.config.project import Project
from agentctl.evals.result import read_result
from support import desk, till
from support.desk import agentctl, command, environment


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """The till with a recording of every case."""
    project = till.lay_down(tmp_path)
    till.record(project)
    return tmp_path


def suite_of(root: Path) -> Path:
    """The suite's file."""
    return root / "evals" / "till.yaml"


def documented(done: subprocess.CompletedProcess[str]) -> Any:
    """The one JSON document on stdout."""
    return json.loads(done.stdout)


def test_every_case_passes(recorded: Path) -> None:
    """Exit 0, a row for each case, the sums, and the counted footer; nothing on stderr."""
    done = agentctl(recorded, "eval")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "till  till@1 · claude-sonnet-5-5 · 3 cases"
    assert [line.split()[:2] for line in lines[2:5]] == [
        ["pass", "price-of-tea"],
        ["pass", "sell-cake"],
        ["pass", "two-turns"],
    ]
    assert "3 cases: 3 passed" in lines
    assert lines[-1].startswith("network 0, tools executed 0 · ")


def test_a_failure_is_explained(recorded: Path) -> None:
    """Exit 1: expected, got, where in the trace, the suite's line, and the command that shows it."""
    till.edit(suite_of(recorded), 'contains: "3"', "contains: free")
    done = agentctl(recorded, "eval", "-k", "price")
    assert done.returncode == 1
    explained = done.stdout[done.stdout.index("FAIL  till/") :]
    assert explained.splitlines()[:7] == [
        "FAIL  till/price-of-tea  evals/till.yaml:5",
        '  contains: the answer does not contain "free"',
        '    expected  contains "free"',
        "    got       Tea is 3.",
        "    where     turn 2, entry 7",
        "  agentctl replay cassettes/till/price-of-tea.yaml --turn 2",
        "",
    ]
    assert "1 case: 1 failed · pass rate 0.0%" in done.stdout


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (["--tag", "nope"], 5),
        (["-k", "nope"], 5),
        (["nope"], 2),
        (["-o", "result.nope"], 2),
        (["--simulate"], 2),
        (["--record-mode", "sometimes"], 2),
        (["--repeat", "0"], 2),
        (["--agent", "nope@1"], 2),
        (["--record-mode", "all"], 2),
        (["--repeat", "2"], 4),
    ],
)
def test_codes_of_what_was_asked(recorded: Path, flags: list[str], code: int) -> None:
    """A wrong flag is 2 with an error and a hint, nothing selected is 5, a take that is not there is 4."""
    done = agentctl(recorded, "eval", *flags)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert code == 4 or done.stderr.startswith("error: ")


def test_no_key_says_how_to_go_on(recorded: Path) -> None:
    """Recording needs a key or the simulator."""
    done = agentctl(recorded, "eval", "--record-mode", "new-episodes", "--repeat", "2")
    assert done.returncode == 2
    assert "ANTHROPIC_API_KEY is not set" in done.stderr
    assert "--simulate" in done.stderr


def test_a_stale_recording_is_named(recorded: Path) -> None:
    """Exit 4: every case with its component, and the one command that records them again."""
    till.edit(recorded / "prompts/till/v1.yaml", "keep the till", "keep that till")
    done = agentctl(recorded, "eval")
    assert done.returncode == 4
    assert done.stdout.count("  system prompt\n") == 3
    assert "STALE    system prompt changed: 3 recordings\n" in done.stdout
    assert "agentctl eval till --record-mode new-episodes\n" in done.stdout
    assert "3 cases: 3 stale" in done.stdout


def test_a_missing_recording_is_named(tmp_path: Path) -> None:
    """Exit 4 too."""
    till.lay_down(tmp_path)
    done = agentctl(tmp_path, "eval", "-k", "two")
    assert done.returncode == 4
    assert "there is no recording cassettes/till/two-turns.yaml" in done.stdout
    assert "--filter two-turns --record-mode new-episodes" in done.stdout


def test_errors_come_before_everything_else(recorded: Path) -> None:
    """A check that breaks is 3, beside a stale case and a failed one: there is no verdict to trust."""
    till.edit(suite_of(recorded), 'contains: "3"', "python: checks.py:raises")
    till.edit(suite_of(recorded), "[Hello, Bye]", "[Hello, Farewell]")
    till.edit(suite_of(recorded), "icontains: sold", "icontains: bought")
    done = agentctl(recorded, "eval")
    assert done.returncode == 3
    assert "1 failed, 1 errored, 1 stale" in done.stdout
    assert "RuntimeError: broken check" in done.stdout


def test_a_wrong_suite_is_a_line_and_a_column(recorded: Path) -> None:
    """Exit 2, with the word that was probably meant."""
    till.edit(suite_of(recorded), "icontains: sold", "icontians: sold")
    done = agentctl(recorded, "eval", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "error: evals/till.yaml:16:9: unknown assertion type 'icontians'",
        "hint: did you mean `icontains`?",
    ]


def test_a_pass_rate_can_be_enough(recorded: Path) -> None:
    """Two of three verdicts: enough for 0.6, not for 0.7. What gave no verdict still is no pass."""
    till.edit(suite_of(recorded), 'contains: "3"', "contains: free")
    assert agentctl(recorded, "eval", "--min-pass-rate", "0.6").returncode == 0
    assert agentctl(recorded, "eval", "--min-pass-rate", "0.7").returncode == 1
    till.edit(suite_of(recorded), "[Hello, Bye]", "[Hello, Farewell]")
    assert agentctl(recorded, "eval", "--min-pass-rate", "0.1").returncode == 4


def test_json_is_alone_on_stdout(recorded: Path) -> None:
    """The document says the code that the process exits with."""
    till.edit(suite_of(recorded), 'contains: "3"', "contains: free")
    done = agentctl(recorded, "eval", "--json")
    document = documented(done)
    assert (done.returncode, document["exit"], done.stderr) == (1, 1, "")
    assert [case["status"] for case in document["suites"][0]["cases"]] == ["fail", "pass", "pass"]
    assert (document["network"], document["tools_executed"]) == (0, 0)


def test_results_are_written_and_kept(recorded: Path) -> None:
    """To every file that was asked for, and to the project's own folder."""
    done = agentctl(recorded, "eval", "-o", "one.json", "-o", "sub/two.json")
    assert done.returncode == 0
    one = read_result(recorded / "one.json")
    assert one == read_result(recorded / "sub" / "two.json") == read_result(recorded / ".agentctl/results/last.json")


def test_a_file_that_cannot_be_written_is_told_after_the_page(recorded: Path) -> None:
    """Exit 3; what was found is not lost."""
    done = agentctl(recorded, "eval", "-o", "evals/till.yaml/result.json")
    assert done.returncode == 3
    assert "3 cases: 3 passed" in done.stdout
    assert done.stderr.startswith("error: evals/till.yaml/result.json: cannot be written")


def test_flags_can_be_set_in_the_environment(recorded: Path) -> None:
    """AGENTCTL_EVAL_<FLAG>."""
    done = agentctl(recorded, "eval", AGENTCTL_EVAL_TAG="read", AGENTCTL_EVAL_JSON="1")
    assert [case["id"] for case in documented(done)["suites"][0]["cases"]] == ["price-of-tea"]


def test_another_directory(recorded: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """-C runs as if started there; a path names a suite as well."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    assert agentctl(elsewhere, "-C", str(recorded), "eval", "evals/till.yaml").returncode == 0
    assert agentctl(elsewhere, "eval").returncode == 2


def test_tools_can_be_live(recorded: Path) -> None:
    """Executed, counted, and nothing sent."""
    done = agentctl(recorded, "eval", "--tools", "live")
    assert done.returncode == 0
    assert "\nnetwork 0, tools executed 3 · " in done.stdout


def test_recording_from_the_simulator(tmp_path: Path) -> None:
    """Labelled, counted, and replayed the same."""
    desk.lay_down(tmp_path)
    suite = tmp_path / "evals" / "desk.yaml"
    suite.parent.mkdir()
    suite.write_text(
        "schema: 1\nkind: suite\nagent: desk\ncases:\n"
        "  - {id: where, input: 'Where is ORD-7?', assert: [{equals: 'Order ORD-7 is shipped.'}]}\n"
        "  - {id: cancel, input: 'cancel ORD-7', assert: [{contains: not cancelled}]}\n"
    )
    live = agentctl(tmp_path, "eval", "--record-mode", "once", "--simulate")
    assert live.returncode == 0, live.stdout
    assert "simulated model" in live.stderr
    assert "network 4, tools executed 1, 2 recordings written" in live.stdout
    recording = json.loads((tmp_path / "cassettes/desk/where.yaml").read_text())
    assert recording["agentctl"]["recorded"]["source"] == "agentctl simulator"
    assert agentctl(tmp_path, "eval").returncode == 0
    again = agentctl(tmp_path, "eval", "--record-mode", "once", "--simulate")
    assert "network 0, tools executed 0 · " in again.stdout


def test_hostile_text_does_not_reach_the_terminal(tmp_path: Path) -> None:
    """What a model or a tool said is shown with its control characters made visible."""
    evil = "\x1b[31mred\x1b]0;owned\x07\u202e"
    project = till.lay_down(tmp_path)
    till.edit(project.evals / "till.yaml", 'contains: "3"', "contains: free")
    wire = till.Canned({**till.TURNS, "What is tea?": [[till.text(evil)]]})
    till.record(project, wire)
    done = agentctl(tmp_path, "eval", "-k", "tea", FORCE_COLOR="1", NO_COLOR="")
    assert done.returncode == 1
    assert "␛[31mred" in done.stdout
    for active in ("\x1b[31mred", "\x07", "\u202e", "\x1b]"):
        assert active not in done.stdout


def test_colours_only_where_they_are_wanted(recorded: Path) -> None:
    """Not in a pipe; NO_COLOR goes before FORCE_COLOR."""
    assert "\x1b" not in agentctl(recorded, "eval", NO_COLOR="").stdout
    assert "\x1b[32m" in agentctl(recorded, "eval", NO_COLOR="", FORCE_COLOR="1").stdout
    assert "\x1b" not in agentctl(recorded, "eval", NO_COLOR="1", FORCE_COLOR="1").stdout


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_writes_what_is_finished(recorded: Path, number: signal.Signals, code: int) -> None:
    """The case that hangs is given up when the time for that is over, the one before it stands in the document."""
    hang = (
        "def book(thing, context: ToolContext):\n    import time\n    open('hanging', 'w').close()\n    time.sleep(60)"
    )
    till.edit(recorded / "prompts/till-tools/till.py", "def book(thing, context: ToolContext):", hang)
    process = subprocess.Popen(
        command("eval", "--tools", "live", "-j", "1", "--json"),
        cwd=recorded,
        env=environment(AGENTCTL_DRAIN_SECONDS="0.1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for _ in range(1000):
        if (recorded / "hanging").exists():
            break
        time.sleep(0.02)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr[:40]) == (code, "go on with it: agentctl eval --resume 20")
    document = json.loads(stdout)
    assert (document["interrupted"], document["planned"], document["exit"]) == (True, 3, code)
    assert [case["id"] for case in document["suites"][0]["cases"]] == ["price-of-tea"]


def test_a_replay_loads_nothing_that_could_go_live(recorded: Path) -> None:
    """No SDK, no recorder's patches, no price list once prices are known, and no Rich in a pipe."""
    assert agentctl(recorded, "eval").returncode == 0
    probe = (
        "import sys\nfrom agentctl.__main__ import main\nsys.argv = ['agentctl', 'eval']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "loaded = {'anthropic', 'vcr', 'httpx2', 'rich', 'genai_prices', 'jsonschema_rs', 'sqlite3', 'tenacity'}\n"
        "print(sorted(loaded & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=recorded, env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stderr == "[]\n"


def test_several_suites_are_one_evaluation(recorded: Path) -> None:
    """Each with its own table and totals, all in one document and one exit code."""
    project = Project(recorded)
    (recorded / "evals/second.yaml").write_text(
        "schema: 1\nkind: suite\nagent: till@1\ncases:\n  - {id: tea, input: What is tea?, assert: [{contains: tea}]}\n"
    )
    till.record(project)
    done = agentctl(recorded, "eval", "second", "till", "--json")
    document = documented(done)
    assert done.returncode == 1
    assert [suite["suite"] for suite in document["suites"]] == ["second", "till"]
    assert [suite["totals"]["cases"] for suite in document["suites"]] == [1, 3]
    assert document["totals"]["cases"] == 4
