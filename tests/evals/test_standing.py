"""What `cassettes status` says of a recording is what `eval` does with it, however it came to be unfit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentctl.config.project import Project
from agentctl.evals.standings import Standing, standings
from support.till import SUITE, TURNS, Canned, edit, lay_down, record, replay, text, use

CASES = """\
  - id: emptied
    input: Empty it
    approve: true
    assert: [{contains: Done}]
  - id: kept
    input: Empty it, stranger
    assert: [{contains: No}]
"""

MODEL_SAYS = {
    **TURNS,
    "Empty it": [[use("empty", "toolu_1")], [text("Done.")]],
    "Empty it, stranger": [[use("empty", "toolu_1")], [text("No.")]],
}
VERDICTS = {"pass": "fresh", "stale": "stale", "missing": "missing", "error": "damaged"}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The till with five cases, one that needs approval and gets it, one that does not; recorded."""
    root = tmp_path_factory.mktemp("till")
    project = lay_down(root, SUITE + CASES)
    done = record(project, Canned(dict(MODEL_SAYS)))
    assert {case.status for case in done.cases} == {"pass"}
    return root


@pytest.fixture
def project(recorded: Path, tmp_path: Path) -> Project:
    """A copy that a test may change."""
    return Project(Path(shutil.copytree(recorded, tmp_path / "till")))


AGENT = "prompts/till/v1.yaml"
TOOLS = "prompts/till-tools/v1.yaml"
CODE = "prompts/till-tools/till.py"
EVALS = "evals/till.yaml"
TEA = "cassettes/till/price-of-tea.yaml"


def in_json(change: Callable[[Any], None]) -> Callable[[str], str]:
    """A change of what a recording says."""

    def changed(text: str) -> str:
        document = json.loads(text)
        change(document)
        return json.dumps(document, indent=2)

    return changed


def header(**values: Any) -> Callable[[str], str]:
    """Other values in a recording's header."""
    return in_json(lambda document: document["agentctl"].update(values))


def replaced(old: str, new: str) -> Callable[[str], str]:
    """A text that must be there, replaced."""

    def changed(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return changed


CHANGES: dict[str, tuple[str, Callable[[str], str], dict[str, tuple[str, ...]]]] = {
    "nothing": (AGENT, str, {}),
    "system prompt": (AGENT, replaced("You keep", "You guard"), {"price-of-tea": ("system prompt",)}),
    "model": (AGENT, replaced("sonnet-5-5", "opus-5"), {"price-of-tea": ("model",)}),
    "params": (AGENT, replaced("256", "512"), {"price-of-tea": ("params",)}),
    "betas": (AGENT, replaced("params:", "betas: [files-api-2026-01-01]\nparams:"), {"two-turns": ("betas",)}),
    "tool": (TOOLS, replaced("Books a sale", "Books one sale"), {"price-of-tea": ("tool book",)}),
    "a tool less": (
        TOOLS,
        lambda text: text[: text.index("  - name: empty")],
        {"price-of-tea": ("tool order", "tool empty")},
    ),
    "handler": (CODE, replaced('"cake": 5', '"cake": 6'), {"price-of-tea": ("handler price",)}),
    "setup": (CODE, replaced("'bread', 2.0", "'bread', 2.5"), {"sell-cake": ("setup",)}),
    "case input": (EVALS, replaced("What is tea?", "What is the tea?"), {"price-of-tea": ("case input",)}),
    "variable": (EVALS, replaced("thing: cake", "thing: tea"), {"sell-cake": ("case input",)}),
    "state query": (EVALS, replaced("select thing, price", "select price, thing"), {"sell-cake": ("state query",)}),
    "more takes": (EVALS, replaced("    tags: [read]", "    tags: [read]\n    repeat: 2"), {}),
    "a case approved": (EVALS, replaced("stranger\n", "stranger\n    approve: true\n"), {"kept": ("approval",)}),
    "a case not approved": (EVALS, replaced("    approve: true\n", ""), {"emptied": ("approval",)}),
    "a tool that asks": (TOOLS, replaced("till.py:price", "till.py:price\n    approve: always"), {}),
    "a tool that asks no more": (TOOLS, replaced("    approve: always\n", ""), {"kept": ("approval",)}),
    "another version of the API": (
        TEA,
        in_json(lambda it: it["agentctl"]["components"].update({"api version": "x"})),
        {"price-of-tea": ("api version",)},
    ),
    "redaction": (EVALS, replaced("agent: till\n", "agent: till\nredact: {pii: true}\n"), {}),
    "empty": (TEA, lambda _: "", {}),
    "torn": (TEA, lambda text: text[: len(text) // 2], {}),
    "torn at the end": (TEA, lambda text: text.rstrip()[:-1], {}),
    "a damaged interaction": (TEA, in_json(lambda it: it["interactions"][1].pop("response")), {}),
    "a damaged header": (TEA, header(takes=7), {}),
    "no number of seconds": (TEA, in_json(lambda it: it["agentctl"]["takes"][0].update(seconds=["x"])), {}),
    "no digest": (TEA, in_json(lambda it: it["agentctl"]["components"].update({"model": None})), {}),
    "no result": (TEA, in_json(lambda it: it["agentctl"]["takes"][0]["tools"][0].update(content=7)), {}),
    "nothing observed": (TEA, in_json(lambda it: it["agentctl"]["takes"][0].update(observed=[{"name": "x"}])), {}),
    "half a break": (TEA, in_json(lambda it: it["agentctl"]["takes"][0].update(breaks=[{"interaction": 0}])), {}),
    "of a newer agentctl": (TEA, header(schema=99), {}),
    "interrupted": (TEA, header(partial=True), {}),
    "no take": (TEA, header(takes=[]), {}),
    "foreign": (TEA, in_json(lambda it: it.pop("agentctl")), {}),
    "foreign, in YAML": (TEA, lambda _: "interactions: []\nversion: 1\n", {}),
    "a transcript in its place": (TEA, header(transcript=True), {}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_status_and_eval_agree(project: Project, change: str) -> None:
    """The verdict of each recording is the status of its case, with the same components in the same order."""
    file, edited, expected = CHANGES[change]
    path = project.root / file
    path.write_text(edited(path.read_text()))
    agree(project, expected)


def test_without_a_recording(project: Project) -> None:
    """A file that went is missing for both."""
    (project.root / TEA).unlink()
    assert agree(project, {})["price-of-tea"].verdict == "missing"


def test_an_imported_helper(project: Project) -> None:
    """Code that a handler imports counts, in a file of its own."""
    edit(project.root / CODE, "import sqlite3\n", "import sqlite3\nimport prices\n")
    (project.root / "prompts/till-tools/prices.py").write_text("TEA = 3\n")
    assert agree(project, {})["price-of-tea"].components == ("setup", "handler book", "handler empty", "handler price")


MAIL = """\
schema: 1
kind: suite
agent: till
redact: {pii: true}
cases:
  - {id: price-of-tea, input: "I am a.b@example.com", assert: [{contains: Hello}]}
  - {id: plain, input: Hello, assert: [{contains: Hello}]}
"""


def test_rules_of_redaction(tmp_path: Path) -> None:
    """What was redacted and would not be now is stale for both; a rule more makes nothing stale."""
    project = lay_down(tmp_path, MAIL)
    says = {"I am a.b@example.com": [[text("Hello")]], "Hello": [[text("Hello")]]}
    record(project, Canned(dict(says)))
    assert "[redacted:email]" in (tmp_path / TEA).read_text()
    edit(tmp_path / EVALS, "pii: true", "pii: true, patterns: [{name: more, regex: 'ABC-[0-9]+'}]")
    assert {row.verdict for row in agree(project, {}).values()} == {"fresh"}
    edit(tmp_path / EVALS, "pii: true, ", "")
    rows = agree(project, {"price-of-tea": ("redaction",)})
    assert rows["plain"].verdict == "fresh"


def agree(project: Project, expected: dict[str, tuple[str, ...]]) -> dict[str, Standing]:
    """The rows by case, which are what a replay says (of repeats, the last one)."""
    rows = {row.case: row for row in standings(project)}
    results = {case.id: case for case in replay(project).cases}
    assert {name: row.verdict for name, row in rows.items()} == {
        name: VERDICTS[result.status] for name, result in results.items()
    }
    for name, result in results.items():
        assert rows[name].components == result.stale
    for name, components in expected.items():
        assert set(components) <= set(rows[name].components)
    assert bool(expected) <= any(row.verdict == "stale" for row in rows.values())
    return rows
