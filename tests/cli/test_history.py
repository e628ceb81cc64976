"""`agentctl history`: evaluations leave their figures, changes are marked, and what became worse is named."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agentctl.agent.values import replace
from agentctl.cli.history.chart import ASCII, HEIGHT, UNICODE, bars, chart, columns
from agentctl.cli.history.page import page
from agentctl.cli.sheet import Sheet
from agentctl.config.project import Project
from agentctl.errors import StoreError
from agentctl.evals.places import database, waiting
from agentctl.evals.remember import MOST_WAITING, remember
from agentctl.evals.trend import Trend, open_results, trend
from agentctl.store.found import Found, ResultCase
from agentctl.store.results import Results
from support import till
from support.desk import agentctl

DAY = 86400.0


def case(number: int, verdict: str = "pass", cost: float | None = 0.001) -> ResultCase:
    """A case that ran once."""
    return ResultCase(f"case-{number:02}", verdict, int(verdict == "pass"), 1, 1, cost, 0.5, 100)


def found(fails: int, *, of: int = 12, agent: str = "desk@1", commit: str = "c" * 40, complete: bool = True) -> Found:
    """A result in which the first cases fail."""
    cases = tuple(case(n, "fail" if n < fails else "pass") for n in range(of))
    return Found(
        "desk", agent, f"sha256:{agent[-1] * 8}", "claude", commit, complete, int(fails > 0), "r.json", 0.0, cases
    )


def told(tmp_path: Path, *added: Found, **options: Any) -> Trend:
    """The trend of these, a day between any two."""
    with Results(tmp_path / "agentctl.db") as results:
        for number, each in enumerate(added):
            results.add([replace(each, at=number * DAY)])
        return trend(results, "desk", **options)


def lines(shown: Trend, width: int | None = None, *, marks: Any = UNICODE) -> list[str]:
    """The page."""
    return list(page(shown, Sheet(width), marks))


def test_evaluations_leave_their_figures(tmp_path: Path) -> None:
    """The same replay again is one result seen twice; a part of the suite and a new definition are others."""
    project = till.lay_down(tmp_path)
    for evaluation, code in ((till.record(project), 0), (till.replay(project), 0), (till.replay(project), 0)):
        remember(project, evaluation, code, None)
    remember(project, till.replay(project, filters=["price"]), 0, Path("x/part.json"))
    with open_results(project) as results:
        stored = results.list("till")
    assert [(each.times, each.complete, each.passed, each.file) for each in stored][-2:] == [
        (2, True, 3, ""),
        (1, False, 1, "part.json"),
    ]
    assert all(each.agent == "till@1" and each.cost_usd for each in stored)


def test_regressions_are_named(tmp_path: Path) -> None:
    """A case that fails now and passed when it last had a verdict; one that failed before is none."""
    shown = told(tmp_path, found(1), found(0, of=3, complete=False), found(2, agent="desk@2"))
    assert [flip.now.id for flip in shown.lost] == ["case-00", "case-01"]
    assert [(flip.when.agent, flip.when.complete) for flip in shown.lost] == [("desk@1", False)] * 2
    text = lines(shown)
    assert "  case-00  passed on 1970-01-02 00:00 with desk@1, fails now" in text
    assert "2 lost and 0 won since each last had a verdict: no more than chance (p = 0.500)" in text


def test_a_drop_beyond_chance_is_worse(tmp_path: Path) -> None:
    """Six lost and none won is less likely than 5 %: exact McNemar, 2 / 64."""
    shown = told(tmp_path, found(0), found(6))
    assert (shown.is_worse, shown.p_value) == (True, 2 / 64)
    assert "6 lost and 0 won since each last had a verdict: worse (p = 0.031)" in lines(shown)
    better = told(tmp_path, found(0, agent="desk@2"))
    assert (len(better.won), better.is_worse, better.lost) == (6, False, ())


def test_changes_are_marked(tmp_path: Path) -> None:
    """Versions have letters under the chart and lines in it; commits are marked; both are told below."""
    commits = ["a" * 40, "b" * 40]
    shown = told(
        tmp_path,
        *(found(n, agent=f"desk@{1 + n // 2}", commit=commits[n % 2]) for n in range(4)),
        found(4, agent="desk@1"),
    )
    text = lines(shown)
    assert "      ┤A──B──A" in text
    assert "commit  ^ ^^ ^" in text
    assert "  1970-01-03 00:00  desk@1 → desk@2" in text
    assert "  1970-01-02 00:00  commit aaaaaaa → bbbbbbb" in text
    assert [line[:11] for line in text if line.startswith(("A  ", "B  "))] == ["A  desk@1 1", "B  desk@2 2"]


def test_parts_of_a_suite_are_no_trend(tmp_path: Path) -> None:
    """They are left out and counted; a case has those in which it ran; alone they are shown for what they are."""
    part = found(0, of=2, complete=False)
    assert "no result of the whole suite: these are of some of its cases" in lines(told(tmp_path, part))
    shown = told(tmp_path, found(0), found(1, of=2, complete=False), found(1))
    assert ([len(shown.points), shown.partial], shown.points[-1].result.judged) == ([2, 2], 12)
    assert "2 results of some of its cases not shown; --case ID shows those of a case" in lines(shown)
    one = told(tmp_path, case="case-00")
    assert [point.pass_rate for point in one.points] == [1.0, 1.0, 0.0, 0.0]
    assert [point.pass_rate for point in told(tmp_path, case="case-05", limit=1).points] == [1.0]


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("marks", [UNICODE, ASCII])
def test_the_chart_fits_its_window(tmp_path: Path, width: int, marks: Any) -> None:
    """Any number of results in any width: no line is wider, the newest are drawn, ASCII needs nothing else."""
    many = [found(n % 13, agent=f"desk@{1 + n // 9 % 5}") for n in range(90)]
    text = lines(told(tmp_path, *many), width, marks=marks)
    assert max(map(len, text)) <= width
    assert ("not drawn" in " ".join(text)) == (width < 200)
    if marks is ASCII:
        assert all(ord(character) < 128 for line in text for character in line.replace("→", "->").replace("·", "|"))


def test_a_chart_shows_rate_and_interval(tmp_path: Path) -> None:
    """The dot stands at the rate, on its interval; without a verdict or a price there is a question mark."""
    empty = Found("desk", "desk@1", "b", "m", "", True, 3, "", 0.0, (ResultCase("case-00", "", 0, 0, 1, None, 0.1, 1),))
    shown = columns(told(tmp_path, found(6), empty).points, 80)
    drawn = list(chart(shown, ASCII))
    assert drawn[HEIGHT // 2][5:8] == " +o"
    assert drawn[HEIGHT - 1].endswith("?")
    assert bars("cost", [0.5, None], shown, ASCII) == "cost   @:?"


def test_the_command(tmp_path: Path) -> None:
    """A page and a document; flags that select; nothing stored yet is said on stderr, unknown names are errors."""
    project = till.lay_down(tmp_path)
    nothing = agentctl(tmp_path, "history")
    assert (nothing.returncode, nothing.stdout) == (0, "")
    assert "no result is stored yet" in nothing.stderr
    till.record(project)
    assert agentctl(tmp_path, "eval").returncode == 0
    till.edit(project.evals / "till.yaml", 'contains: "3"', "contains: free")
    assert agentctl(tmp_path, "eval").returncode == 1
    shown = agentctl(tmp_path, "history", "till", PYTHONIOENCODING="ascii")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.isascii()
    assert "  price-of-tea  passed on " in shown.stdout
    document = json.loads(agentctl(tmp_path, "history", "--json", "--limit", "1", "--since", "1d").stdout)
    (suite,) = document["suites"]
    assert [each["id"] for each in suite["regressions"]] == ["price-of-tea"]
    assert (len(suite["results"]), suite["results"][0]["passes"], suite["results"][0]["exit"]) == (1, 2, 1)
    for arguments, words in (
        (("tell",), "there is no suite tell"),
        (("till", "--case", "none"), "no result holds a case none"),
        (("--since", "soon"), "--since soon is no time"),
    ):
        wrong = agentctl(tmp_path, "history", *arguments)
        assert wrong.returncode == 2
        assert words in wrong.stderr


def test_no_evaluation_fails_for_its_history(tmp_path: Path) -> None:
    """An evaluation that cannot leave its figures says so on stderr; page and exit code are what they were."""
    project = till.lay_down(tmp_path)
    till.record(project)
    project.state.mkdir(exist_ok=True)
    waiting(project).write_text("a file where the folder should be")
    done = agentctl(tmp_path, "eval")
    assert done.returncode == 0
    assert "the result is not kept: " in done.stderr


@pytest.mark.parametrize("version", [99, None])
def test_a_database_that_cannot_be_used_loses_nothing(tmp_path: Path, version: int | None) -> None:
    """Of a newer version, or damaged: the history is an error with a way out, and the figures wait."""
    project = till.lay_down(tmp_path)
    remember(project, till.record(project), 0, None)
    with closing(sqlite3.connect(database(project))) as newer:
        newer.execute(f"pragma user_version={version or 1}")
    if version is None:
        (database(project)).write_bytes(b"torn" * 100)
    with pytest.raises(StoreError):
        open_results(project)
    assert agentctl(tmp_path, "history").returncode == 3
    (database(project)).unlink()
    with open_results(project) as results:
        assert len(results.list("till")) == 1


def test_many_that_wait_are_taken_in(tmp_path: Path) -> None:
    """An evaluation after a hundred opens the database itself, so that files do not pile up."""
    project = till.lay_down(tmp_path)
    found = till.record(project)
    for _ in range(MOST_WAITING):
        remember(project, found, 0, None)
    assert (len(list(waiting(project).iterdir())), (database(project)).exists()) == (MOST_WAITING, False)
    remember(project, found, 0, None)
    assert list(waiting(project).iterdir()) == []
    with open_results(project) as results:
        assert [each.times for each in results.list("till")] == [MOST_WAITING + 1]


def test_a_project_without_git_has_no_commit(tmp_path: Path) -> None:
    """Outside a repository the commit is not known, and the document says null."""
    project = till.lay_down(tmp_path)
    remember(Project(project.root), till.record(project), 0, None)
    with open_results(project) as results:
        assert [each.revision for each in results.list("till")] == [""]
