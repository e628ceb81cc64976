"""Since when a recording is stale: the commit named is the one that touched what the component is made of."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from agentctl.config.project import Project
from agentctl.evals.since import Change, changes
from agentctl.evals.standings import standings
from support.till import edit, lay_down, record

CHILD = "schema: 1\nkind: agent\nextends: till@1\nparams: {effort: high}\n"
AGENT, TOOLS, CODE = "prompts/till/v1.yaml", "prompts/till-tools/v1.yaml", "prompts/till-tools/till.py"


def git(root: Path, *arguments: str) -> str:
    """What git says."""
    settings = {"GIT_AUTHOR_DATE": "2026-05-04T12:00:00Z", "GIT_COMMITTER_DATE": "2026-05-04T12:00:00Z"}
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b.example", *arguments]
    return subprocess.run(
        command, cwd=root, check=True, capture_output=True, text=True, env={**os.environ, **settings}
    ).stdout.strip()


def commit(root: Path, name: str) -> str:
    """Commits everything; the short name of the commit."""
    git(root, "add", ".")
    git(root, "commit", "-qm", name)
    return git(root, "rev-parse", "--short", "HEAD")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A recorded till whose code imports a file of its own, inside a larger repository."""
    folder = tmp_path / "shop"
    project = lay_down(folder)
    edit(folder / CODE, "import sqlite3\n", "import sqlite3\nimport money\n")
    (folder / "prompts/till-tools/money.py").write_text("RATE = 1\n")
    (folder / "prompts/till/v2.yaml").write_text(CHILD)
    edit(folder / "evals/till.yaml", "agent: till\n", "agent: till@2\n")
    record(project)
    git(tmp_path, "init", "-q")
    commit(tmp_path, "begin")
    return project


def told(project: Project) -> dict[str, Change]:
    """The change of each component of the first recording."""
    found = changes(project, standings(project))["cassettes/till/price-of-tea.yaml"]
    return {each.component: each for each in found}


def test_each_component_by_its_own_commit(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code by its file, an inherited prompt by the version that says it, a tool by its document, words by the suite."""
    monkeypatch.chdir(project.root)
    edits = {
        "money": ("prompts/till-tools/money.py", "RATE = 1", "RATE = 2"),
        "prompt": (AGENT, "You keep", "You guard"),
        "tool": (TOOLS, "Books a sale", "Books one sale"),
        "effort": ("prompts/till/v2.yaml", "high", "low"),
        "input": ("evals/till.yaml", "What is tea?", "What is the tea?"),
    }
    commits = {}
    for name, (file, old, new) in edits.items():
        edit(project.root / file, old, new)
        commits[name] = commit(project.root, name)
    (project.root / "README").write_text("A later commit that touches nothing of it.\n")
    commit(project.root, "later")
    found = told(project)
    assert {name: (each.files, each.commit and each.commit.id) for name, each in found.items()} == {
        "system prompt": ((AGENT,), commits["prompt"]),
        "params": (("prompts/till/v2.yaml",), commits["effort"]),
        "case input": (("evals/till.yaml",), commits["input"]),
        "setup": (("prompts/till-tools/money.py",), commits["money"]),
        "handler book": (("prompts/till-tools/money.py",), commits["money"]),
        "handler empty": (("prompts/till-tools/money.py",), commits["money"]),
        "handler price": (("prompts/till-tools/money.py",), commits["money"]),
        "tool book": ((TOOLS,), commits["tool"]),
    }
    assert str(found["tool book"]) == f"{TOOLS} since {commits['tool']} of 2026-05-04"


def test_what_is_not_committed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed file, a new one and a staged one are named so, whatever was committed before."""
    monkeypatch.chdir(project.root)
    edit(project.root / CODE, "import money\n", "import money\nimport coins\n")
    (project.root / "prompts/till-tools/coins.py").write_text("ONE = 1\n")
    edit(project.root / AGENT, "You keep", "You guard")
    git(project.root, "add", AGENT)
    found = told(project)
    assert found["handler price"].commit is None
    assert set(found["handler price"].files) == {CODE, "prompts/till-tools/coins.py"}
    assert str(found["system prompt"]) == f"{AGENT} is not committed"


def test_where_git_knows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a repository nothing is said and nothing fails; a component that is gone is no reason to fail either."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    project = lay_down(tmp_path)
    record(project)
    text = (tmp_path / TOOLS).read_text()
    (tmp_path / TOOLS).write_text(text[: text.index("  - name: empty")])
    (row, *_) = standings(project)
    assert {"tool empty", "tool order"} <= set(row.components)
    assert changes(project, [row]) == {row.file: ()}
