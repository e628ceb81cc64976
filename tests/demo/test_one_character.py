"""One character of what is sent makes every recording it shaped stale, by name; what is not sent changes nothing."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from agentctl.config.yamls import load_yaml
from support.desk import agentctl

AGENT, BASE = "prompts/support/v2.yaml", "prompts/support/v1.yaml"
TOOLS, SUITE = "prompts/support-tools/v1.yaml", "evals/support.yaml"


@pytest.fixture
def project(tmp_path: Path, checkout: Path) -> Path:
    """A copy of the demo with its recordings."""
    for folder in ("prompts", "evals", "cassettes"):
        shutil.copytree(checkout / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "support@1"))
    return tmp_path


def change(file: Path, old: str, new: str) -> None:
    """One character of a file, at a place that exists once."""
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    assert sum(a != b for a, b in zip(old, new, strict=True)) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")


def evaluated(project: Path) -> tuple[int, dict[str, list[str]], dict[str, Any]]:
    """The exit code, the stale cases with what changed, and the whole document."""
    done = agentctl(project, "eval", "--json")
    assert done.stderr == ""
    document = json.loads(done.stdout)
    cases = [case for suite in document["suites"] for case in suite["cases"]]
    return done.returncode, {case["id"]: case["stale"] for case in cases if case["status"] == "stale"}, document


@pytest.mark.parametrize(
    ("file", "old", "new", "component"),
    [
        (AGENT, "two to five sentences", "two to nive sentences", "system prompt"),
        (AGENT, "effort: medium", "effort: Medium", None),
        (BASE, "claude-sonnet-5-5", "claude-sonnet-5-6", "model"),
        (BASE, "Northwind Outfitters", "Northwind Outfittery", "system prompt"),
        (TOOLS, "and tracking number", "and tracking numbex", "tool get_order_details"),
        (TOOLS, "maximum: 20", "maximum: 30", "tool search_customers"),
    ],
)
def test_one_character_of_the_definition(project: Path, file: str, old: str, new: str, component: str | None) -> None:
    """Exit 4, every case of the suite listed with this component and no other; a value that cannot be is exit 2."""
    change(project / file, old, new)
    if component is None:
        assert agentctl(project, "eval").returncode == 2
        return
    code, stale, document = evaluated(project)
    assert code == 4
    recorded = [case for suite in document["suites"] for case in suite["cases"] if not case.get("faults")]
    assert len(stale) == len(recorded) >= 40
    assert set(map(tuple, stale.values())) == {(component,)}
    page = agentctl(project, "eval").stdout
    assert all(re.search(rf"^  STALE    {case} +{component}$", page, re.MULTILINE) for case in stale)


def test_one_character_of_a_case(project: Path) -> None:
    """Exit 4, and only that case: the others are scored as before."""
    change(project / SUITE, "Hi, where is my order ORD-1042?", "Hi, where is my order ORD-1042!")
    code, stale, document = evaluated(project)
    assert code == 4
    assert stale == {"order-shipped": ["case input"]}
    assert document["totals"]["pass"] == document["totals"]["cases"] - 1


def test_what_is_not_sent_changes_nothing(project: Path) -> None:
    """Comments, descriptions, blank lines, and another indentation of everything: the same recordings, all passing."""
    for name in (AGENT, BASE, TOOLS, SUITE):
        file = project / name
        text = file.read_text(encoding="utf-8")
        text = re.sub(r"(?m)^(\w+:)", r"# a comment\n\n\1", text)
        head, block, system = text.partition("system: |\n")
        text = f"{head}{block}{re.sub(r'(?m)^  ', ' ' * 7, system)}"
        file.write_text(f"{text}\n# the end\n", encoding="utf-8")
    code, stale, document = evaluated(project)
    assert (code, stale) == (0, {})
    assert document["totals"]["pass"] >= 40


def test_the_order_of_keys_changes_nothing(project: Path) -> None:
    """Every document written anew as JSON, its keys sorted: the same recordings, all passing."""
    for name in (AGENT, BASE, TOOLS, SUITE):
        file = project / name
        value = load_yaml(file.read_text(encoding="utf-8"), name).value
        file.write_text(json.dumps(value, sort_keys=True, indent=5, ensure_ascii=False), encoding="utf-8")
    code, stale, _ = evaluated(project)
    assert (code, stale) == (0, {})


def test_the_document_is_the_same_every_time(project: Path) -> None:
    """Whenever and with however many cases at once: byte for byte, since every time in it is a recorded one."""
    documents = set()
    for concurrency in ("16", "1", "7"):
        done = agentctl(project, "eval", "--json", "-j", concurrency)
        assert done.returncode == 0
        documents.add(done.stdout)
    assert len(documents) == 1
