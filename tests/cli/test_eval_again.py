"""`agentctl eval --resume`, `--retry-errors` and `--filter-failing` as processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from agentctl.config.project import Project
from agentctl.evals.journal.journal import open_
from support import desk, till
from support.desk import agentctl, command, environment

CASES = 24
HEAD = "schema: 1\nkind: suite\nagent: desk\ncases:\n"
CASE = "  - {{id: c{0:02}, input: Where is ORD-{0}?, assert: [{{contains: shipped}}]}}\n"
RECORDING = ("eval", "--simulate", "--record-mode", "all", "-j", "2", "--no-progress-bar")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The desk with two dozen cases and a tool that writes down each time it runs."""
    root = desk.lay_down(tmp_path)
    (root / "evals").mkdir()
    (root / "evals" / "desk.yaml").write_text(HEAD + "".join(CASE.format(number) for number in range(CASES)))
    handlers = root / "prompts" / "desk-tools" / "handlers.py"
    note = f"    import time\n    time.sleep(0.05)\n    open({str(root / 'ran')!r}, 'a').write(id + '\\n')\n    return"
    handlers.write_text(handlers.read_text().replace("    return", note, 1))
    return root


def ran(root: Path) -> Counter[str]:
    """How often the tool ran for each case."""
    path = root / "ran"
    return Counter(path.read_text().split() if path.exists() else [])


def killed_half_way(root: Path) -> set[str]:
    """Kills a recording outright when half of it is done; the orders of the cases that its journal has."""
    process = subprocess.Popen(command(*RECORDING), cwd=root, env=environment(), stdout=-1, stderr=-1)
    until = time.monotonic() + 30
    while ran(root).total() < CASES // 2 and time.monotonic() < until:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    (path,) = (root / ".agentctl" / "journals").iterdir()
    with path.open("a") as file:
        file.write('{"suite":"desk","case":"c23","recor')  # a line that the crash tore
    journal = open_(Project(root), "latest")
    journal.close()
    return {f"ORD-{int(case[1:])}" for _, case in journal._records}


def test_nothing_is_lost_and_nothing_runs_twice_after_a_kill(project: Path) -> None:
    """What was finished before kill -9 is in the one result at the end and was not run again; all else was."""
    finished = killed_half_way(project)
    assert CASES // 4 < len(finished) < CASES
    before = ran(project)
    done = agentctl(project, "eval", "--resume", "--json")
    assert done.returncode == 0, done.stderr
    assert f"{len(finished)} of {CASES} runs made before" in done.stderr
    document = json.loads(done.stdout)
    assert document["totals"]["pass"] == document["planned"] == CASES
    assert document["resumed"] == len(finished)
    assert [case["id"] for case in document["suites"][0]["cases"]] == [f"c{number:02}" for number in range(CASES)]
    after = ran(project)
    assert set(after) == {f"ORD-{number}" for number in range(CASES)}
    assert {order for order, times in after.items() if times > 1} <= set(before) - finished, "it was under way"
    plain = json.loads(agentctl(project, "eval", "--json").stdout)
    strip = {"seconds", "cost_usd", "reused", "entries"}
    shown = [
        [{key: case[key] for key in case.keys() - strip} for case in each["suites"][0]["cases"]]
        for each in (document, plain)
    ]
    assert shown[0] == shown[1]


def test_an_edited_case_alone_is_played_again(project: Path) -> None:
    """It is named; the others stand; flags that ask for something else are refused."""
    assert agentctl(project, *RECORDING).returncode == 0
    till.edit(project / "evals" / "desk.yaml", "Where is ORD-7?", "Where is my ORD-7?")
    done = agentctl(project, "eval", "--resume", "latest", "--json")
    assert done.returncode == 0, done.stderr
    assert "changed since, so played again: 1 case (desk/c07)" in done.stderr
    assert ran(project) == Counter({f"ORD-{number}": 1 + (number == 7) for number in range(CASES)})
    document = json.loads(done.stdout)
    assert (document["resumed"], document["tools_executed"], document["totals"]["pass"]) == (CASES - 1, 1, CASES)
    refused = agentctl(project, "eval", "--resume", "latest", "-k", "c01")
    assert refused.returncode == 2
    assert "plays what that evaluation was asked for" in refused.stderr


def test_a_signal_says_how_to_go_on(project: Path) -> None:
    """Ctrl-C: exit 130, and the command that plays the rest."""
    process = subprocess.Popen(
        command(*RECORDING), cwd=project, env=environment(), stdout=-1, stderr=subprocess.PIPE, text=True
    )
    until = time.monotonic() + 30
    while not ran(project) and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    last = stderr.splitlines()[-1]
    assert last.startswith("go on with it: agentctl eval --resume 2")
    done = agentctl(project, *last.removeprefix("go on with it: agentctl ").split())
    assert done.returncode == 0, done.stderr
    assert f"{CASES} cases: {CASES} passed" in done.stdout


def test_there_may_be_nothing_to_resume(tmp_path: Path) -> None:
    """Exit 2: a small replay leaves no journal, and is not missed."""
    till.record(till.lay_down(tmp_path))
    assert agentctl(tmp_path, "eval").returncode == 0
    done = agentctl(tmp_path, "eval", "--resume")
    assert done.returncode == 2
    assert "there is no evaluation to resume" in done.stderr


def test_a_journal_that_cannot_be_written_costs_no_result(tmp_path: Path) -> None:
    """The evaluation runs all the same, and says what it lacks."""
    till.record(till.lay_down(tmp_path))
    (tmp_path / ".agentctl").mkdir(exist_ok=True)
    (tmp_path / ".agentctl" / "journals").write_text("in the way")
    done = agentctl(tmp_path, "eval", "--tools", "live")
    assert done.returncode == 0
    assert "3 cases: 3 passed" in done.stdout
    assert done.stderr.startswith("finished cases are not kept for --resume: ")


def test_only_what_failed_or_errored(tmp_path: Path) -> None:
    """Each flag alone takes the last result, with a name that one; exit 5 when there is none."""
    till.record(till.lay_down(tmp_path))
    suite = tmp_path / "evals" / "till.yaml"
    till.edit(suite, 'contains: "3"', "contains: free")
    till.edit(suite, "icontains: sold", "python: checks.py:raises")

    def cases(*flags: str) -> list[str]:
        done = agentctl(tmp_path, "eval", "--json", *flags)
        assert done.returncode in {1, 3}, done.stderr
        return [case["id"] for case in json.loads(done.stdout)["suites"][0]["cases"]]

    assert cases("-o", "all.json") == ["price-of-tea", "sell-cake", "two-turns"]
    assert cases("--filter-failing") == ["price-of-tea"]
    assert cases("--retry-errors", "all.json") == ["sell-cake"]
    assert cases("--retry-errors", "all.json", "--filter-failing", "all.json") == ["price-of-tea", "sell-cake"]
    assert agentctl(tmp_path, "eval", "--retry-errors", "nope.json").returncode == 2
    till.edit(suite, "contains: free", 'contains: "3"')
    till.edit(suite, "python: checks.py:raises", "icontains: sold")
    assert agentctl(tmp_path, "eval", "-o", "good.json").returncode == 0
    none = agentctl(tmp_path, "eval", "--filter-failing")
    assert (none.returncode, none.stderr) == (5, "error: no case failed in last\n")
