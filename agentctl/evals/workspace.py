"""Every case has a workspace of its own: what one case does to its database, no other case sees.

An agent's `setup` runs once, into a template that nothing else touches; a case gets a copy and throws it away. State is
looked at through connections that can only read.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

from agentctl.agent.events import Json, Observed
from agentctl.agent.handlers import load_function
from agentctl.agent.spec import Agent
from agentctl.errors import AgentctlError, RunError
from agentctl.evals.scorers.state import StateQuery

MAX_ROWS: Final = 1000
SETUP: Final = "template"


class Workspaces:
    """The workspaces of one agent, under a temporary folder; `close` removes them all."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._root: Path | None = None

    @contextmanager
    def copy(self) -> Iterator[Path]:
        """A fresh workspace, gone afterwards.

        Raises:
            RunError: the agent's `setup` failed.
        """
        template = self._template()
        folder = Path(tempfile.mkdtemp(dir=template.parent))
        try:
            yield Path(shutil.copytree(template, folder / "workspace"))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Removes the template."""
        if self._root is not None:
            shutil.rmtree(self._root, ignore_errors=True)
            self._root = None

    def _template(self) -> Path:
        if self._root is None:
            root = Path(tempfile.mkdtemp(prefix="agentctl-eval-"))
            try:
                _fill(root / SETUP, self._agent)
            except BaseException:
                shutil.rmtree(root, ignore_errors=True)
                raise
            self._root = root
        return self._root / SETUP


def _fill(folder: Path, agent: Agent) -> None:
    folder.mkdir()
    if agent.setup is None:
        return
    try:
        load_function(agent.setup)(folder)
    except AgentctlError:
        raise
    except Exception as error:
        raise RunError(f"the setup of {agent.ref} ({agent.setup}) raised {type(error).__name__}: {error}") from error


def observe(workspace: Path, queries: Sequence[StateQuery]) -> list[Observed]:
    """What each query returns now; a query that fails is observed as its error."""
    return [Observed(query.name, _result(workspace, query)) for query in queries]


def _result(workspace: Path, query: StateQuery) -> Json:
    uri = f"file:{quote(str(workspace / query.database))}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            cursor = connection.execute(query.query)
            rows = cursor.fetchmany(MAX_ROWS + 1)
            columns = [column[0] for column in cursor.description or ()]
    except (sqlite3.Error, sqlite3.Warning) as error:
        return {"error": str(error)}
    if len(rows) > MAX_ROWS:
        return {"error": f"more than {MAX_ROWS:,} rows"}
    return {"columns": columns, "rows": [[_json(value) for value in row] for row in rows]}


def _json(value: Json | bytes) -> Json:
    return value.hex() if isinstance(value, bytes) else value
