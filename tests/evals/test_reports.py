"""Every format says the same of a result, whatever a model has said in it."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.errors import StoreError
from agentctl.evals.report import csv_, format_of, markdown, render_of, write_report
from agentctl.evals.report.told import Told, told, told_of
from agentctl.evals.result import Evaluation
from support import junit
from support.till import edit, lay_down, record, replay

HOSTILE = [
    "]]> <script>alert(1)</script> & \" '",
    "\x00\x01\x08\x0b\x1b[31m\x7f\x85\ufffe\uffff\ud800",
    "a | b\n| c |\r\n```\n</details>\n# head\n![x](http://evil.example/x.png) @everyone www.evil.example #1 $x$",
    '=HYPERLINK("http://evil.example","x")',
    "  +1+1|cmd",
    '@SUM(A1)\t"quoted", and, commas\nnext line',
    "``` ````` ```",
    "\u202egnp.exe",
]


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """One case fails, one is stale, one passes."""
    project = lay_down(tmp_path_factory.mktemp("till"))
    record(project)
    edit(project.evals / "till.yaml", 'contains: "3"', 'contains: "4"')
    edit(project.evals / "till.yaml", "[Hello, Bye]", "[Hello, Farewell]")
    return replay(project)


def document(evaluation: Evaluation, text: str = "") -> dict[str, Any]:
    """The result as a document; with `text`, that is what everybody says in it."""
    whole: dict[str, Any] = evaluation.to_json(1)
    for suite in whole["suites"]:
        for case in suite["cases"] if text else ():
            case["text"] = case["reason"] = case["hint"] = text
            for each in case["asserts"]:
                each["reason"] = text
                each["evidence"] = {"expected": text, "got": text, "at": []}
    return whole


def rendered(ending: str, of: Told) -> bytes:
    """A report."""
    return b"".join(render_of(Path(f"r{ending}"))(of))


def test_every_format_has_every_case_and_its_cost(evaluation: Evaluation) -> None:
    """Nothing is lost on the way into a format, and a result that is read back makes the same report."""
    for ending in (".json", ".jsonl", ".csv", ".md", ".junit.xml"):
        report = rendered(ending, told_of(evaluation, 1))
        assert report == rendered(ending, told(json.loads(json.dumps(evaluation.to_json(1)))))
        text = unescape(report.decode())
        assert all(case.id in text for case in evaluation.cases)
        assert "0.0006" in text


def test_json_is_the_document(evaluation: Evaluation) -> None:
    """`.json` is what `eval --json` prints."""
    assert json.loads(rendered(".json", told_of(evaluation, 4))) == json.loads(json.dumps(evaluation.to_json(4)))


def test_jsonl_has_a_line_for_each_case(evaluation: Evaluation) -> None:
    """Each line is the case with its suite and agent."""
    lines = [json.loads(line) for line in rendered(".jsonl", told_of(evaluation, 1)).splitlines()]
    assert [(line["suite"], line["id"], line["status"]) for line in lines] == [
        ("till", case.id, case.status) for case in evaluation.cases
    ]
    assert lines[0]["agent"] == "till@1"
    assert lines[0]["cost_usd"] == float(evaluation.cases[0].outcome.cost_usd)  # type: ignore[union-attr,arg-type]


def test_csv_leaves_an_unknown_cost_empty(evaluation: Evaluation) -> None:
    """A case that was not played cost nothing that is known: an empty cell, not 0."""
    table = list(csv.DictReader(io.StringIO(rendered(".csv", told_of(evaluation, 1)).decode(), newline="")))
    by_id = {row["id"]: row for row in table}
    assert float(by_id["price-of-tea"]["cost_usd"]) > 0
    assert by_id["two-turns"]["cost_usd"] == ""
    assert (by_id["two-turns"]["status"], by_id["two-turns"]["stale"]) == ("stale", "case input")
    assert by_id["price-of-tea"]["failed"] == "contains"


def test_junit_is_what_jenkins_and_gitlab_read(evaluation: Evaluation) -> None:
    """It fits the schema; a failed case is a failure with its place, one without a verdict an error."""
    report = rendered(".junit.xml", told_of(evaluation, 1))
    assert list(junit.faults(report)) == []
    root = ET.fromstring(report)
    assert {case.get("name"): [child.tag for child in case] for case in root.iter("testcase")} == {
        "price-of-tea": ["failure", "system-out"],
        "sell-cake": ["system-out"],
        "two-turns": ["error"],
    }
    failure = next(root.iter("failure"))
    assert failure.get("type") == "contains"
    assert (failure.text or "").startswith(f"{evaluation.suites[0].file}:5\ncontains: the answer does not contain")


def test_cases_that_were_not_played_are_named(evaluation: Evaluation) -> None:
    """In JUnit as skipped, in Markdown in a list."""
    whole = document(evaluation)
    whole["unplayed"] = [{"suite": "till", "file": whole["suites"][0]["file"], "id": "left-over", "line": 3}]
    report = rendered(".junit.xml", told(whole))
    assert list(junit.faults(report)) == []
    assert [
        case.get("name") for case in ET.fromstring(report).iter("testcase") if case.find("skipped") is not None
    ] == ["left-over"]
    assert "### Not played (1)\n\n- till/left-over\n" in rendered(".md", told(whole)).decode()
    assert b"- till/left-over\n" in markdown.within(told(whole), 60_000)


@pytest.mark.parametrize("text", ["\u200b=1+1", "\ufeff@SUM(A1)", "\u00ad\u2060 -2+3|cmd", "\u3000\uff1d1"])
def test_a_formula_behind_what_nobody_sees_is_text_in_a_sheet(evaluation: Evaluation, text: str) -> None:
    """An import may drop characters of no width from the front of a cell, and then it begins with the sign."""
    of = told(document(evaluation, text))
    cells = [cell for row in csv.reader(io.StringIO(rendered(".csv", of).decode(), newline="")) for cell in row]
    assert f"'{text}" in cells
    assert text not in cells


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(evaluation: Evaluation, text: str) -> None:
    """No format lets what a model said act: no markup, no formula, no control character, no second row."""
    of = told(document(evaluation, text))
    assert list(junit.faults(rendered(".junit.xml", of))) == []
    table = list(csv.reader(io.StringIO(rendered(".csv", of).decode(), newline="")))
    assert {len(row) for row in table} == {len(csv_.COLUMNS)}
    assert [row for row in table[1:] for cell in row if cell.lstrip().startswith(csv_.FORMULA)] == []
    assert len(rendered(".jsonl", of).splitlines()) == 3
    assert json.loads(rendered(".json", of))["suites"][0]["cases"][0]["text"] == text
    outside = "\n".join(unfenced(rendered(".md", of).decode()))
    assert "evil" not in outside
    assert "alert" not in outside
    assert outside.count("<details>") == outside.count("</details>") == 2


@given(st.text())
def test_a_table_cell_means_itself(text: str) -> None:
    """Whatever is put into a row of Markdown stays on one line, in one cell, and reads as it is."""
    cell = markdown.plain(text)
    assert not set(cell) & set("\n\r|<>`*_[]@\\\x00\x1b")
    assert "://" not in cell
    spaced = re.sub(r"\s+", " ", unescape(cell))
    assert len(spaced) >= len(re.sub(r"\s", "", text).replace("\x1f", ""))


@given(st.text(alphabet="`a\n ", max_size=60))
def test_a_fence_holds_what_is_inside(text: str) -> None:
    """No run of backticks closes the block before its end."""
    lines = markdown.fenced(text).splitlines()
    fence = lines[0].removesuffix("text")
    assert lines[-1] == fence
    assert not any(line.lstrip().startswith(fence) for line in lines[1:-1])


@given(st.integers(min_value=0, max_value=4000))
def test_a_limit_is_kept(evaluation: Evaluation, room: int) -> None:
    """However little room there is, it is kept, and what is left out is counted."""
    text = markdown.within(told(document(evaluation, "long " * 100)), room)
    assert len(text) <= room
    text.decode()


def unfenced(text: str) -> Iterator[str]:
    """The lines of Markdown that are not inside of a fence."""
    fence = ""
    for line in text.splitlines():
        if fence:
            fence = "" if line == fence else fence
        elif line.startswith("```"):
            fence = line.removesuffix("text")
        else:
            yield line


def test_a_report_is_whole_or_not_there(tmp_path: Path, evaluation: Evaluation) -> None:
    """A folder in its place, or one that is a file, is an error that names it; nothing half-written stays."""
    (tmp_path / "r.csv").mkdir()
    for path in (tmp_path / "r.csv", Path("/dev/null/r.md")):
        with pytest.raises(StoreError, match=re.escape(str(path))):
            write_report(path, told_of(evaluation, 1))
    assert [path.name for path in tmp_path.iterdir()] == ["r.csv"]


def test_the_longest_ending_counts() -> None:
    """`x.junit.xml` is JUnit, however it is spelt."""
    assert format_of(Path("a.b.JUnit.XML")).endswith("junit")
