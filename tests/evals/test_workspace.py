"""Workspaces: one template, a copy for everyone, and queries that can only read."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agentctl.agent.spec import Agent
from agentctl.agent.values import replace
from agentctl.config.load import load_agent
from agentctl.config.project import Project
from agentctl.errors import RunError
from agentctl.evals.scorers.state import StateQuery
from agentctl.evals.workspace import Workspaces, observe
from support.till import edit, lay_down


@pytest.fixture
def till(tmp_path: Path) -> Project:
    """The till's project."""
    return lay_down(tmp_path)


@pytest.fixture
def agent(till: Project) -> Agent:
    """The till's agent."""
    return load_agent("till", till)


def ask(folder: Path, sql: str) -> object:
    """What a query returns."""
    return observe(folder, [StateQuery("till.db", sql, [])])[0].value


def test_copies_do_not_see_each_other(agent: Agent) -> None:
    """What is written in one is not in the other, nor in the template; all is gone in the end."""
    workspaces = Workspaces(agent)
    with workspaces.copy() as one, workspaces.copy() as other:
        with closing(sqlite3.connect(one / "till.db")) as db, db:
            db.execute("delete from sales")
        assert ask(one, "select count(*) as n from sales") == {"columns": ["n"], "rows": [[0]]}
        assert ask(other, "select count(*) as n from sales") == {"columns": ["n"], "rows": [[1]]}
    assert not one.exists()
    with workspaces.copy() as third:
        assert ask(third, "select count(*) from sales") == {"columns": ["count(*)"], "rows": [[1]]}
        root = third.parent.parent
    workspaces.close()
    assert not root.exists()


def test_setup_runs_once(till: Project) -> None:
    """However many copies are made."""
    handlers = till.prompts / "till-tools" / "till.py"
    edit(
        handlers,
        "def create(workspace):",
        "MADE = []\n\n\ndef create(workspace):\n    MADE.append(1)\n    assert len(MADE) == 1",
    )
    workspaces = Workspaces(load_agent("till", till))
    with workspaces.copy(), workspaces.copy():
        pass
    workspaces.close()


def test_a_setup_that_fails_says_whose_it_is(till: Project) -> None:
    """No case can run without it, and nothing is left behind."""
    edit(
        till.prompts / "till-tools" / "till.py",
        "def create(workspace):",
        "def create(workspace):\n    raise OSError('no disk')",
    )
    with (
        pytest.raises(RunError, match=r"the setup of till@1 .* raised OSError: no disk"),
        Workspaces(load_agent("till", till)).copy(),
    ):
        pass


def test_an_agent_without_setup_has_an_empty_workspace(agent: Agent) -> None:
    """A folder to itself all the same."""
    workspaces = Workspaces(replace(agent, setup=None))
    with workspaces.copy() as folder:
        assert list(folder.iterdir()) == []
    workspaces.close()


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("delete from sales", "attempt to write a readonly database"),
        ("select wares from sales", "no such column: wares"),
        ("select 1; select 2", "You can only execute one statement at a time."),
        (
            "with recursive n(i) as (select 1 union all select i + 1 from n limit 1001) select i from n",
            "more than 1,000 rows",
        ),
    ],
)
def test_queries_only_read(agent: Agent, sql: str, error: str) -> None:
    """What cannot be observed is observed as its error."""
    workspaces = Workspaces(agent)
    with workspaces.copy() as folder:
        assert ask(folder, sql) == {"error": error}
    workspaces.close()


def test_a_database_that_is_not_there_is_not_made(agent: Agent) -> None:
    """Looking does not create."""
    workspaces = Workspaces(agent)
    with workspaces.copy() as folder:
        (seen,) = observe(folder, [StateQuery("other.db", "select 1", [])])
        assert seen.value == {"error": "unable to open database file"}
        assert not (folder / "other.db").exists()
    workspaces.close()


def test_bytes_are_shown_in_hexadecimal(agent: Agent) -> None:
    """Rows stand in JSON."""
    workspaces = Workspaces(agent)
    with workspaces.copy() as folder:
        assert ask(folder, "select x'00ff' as b") == {"columns": ["b"], "rows": [["00ff"]]}
    workspaces.close()
