"""A shop whose tools are called as a run calls them: by name, with JSON."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from agentctl import ToolContext
from agentctl.agent.handlers import load_handler

DESK = Path(__file__).parents[2] / "prompts" / "support-tools"


@dataclass
class Shop:
    """A workspace with its database; each call has a key of its own unless one is given."""

    workspace: Path
    numbers: Callable[[], int] = field(default_factory=lambda: count(1).__next__)

    def call(self, tool: str, *, key: str | None = None, **input_: Any) -> Any:
        """The result of one tool call."""
        number = self.numbers()
        context = ToolContext(self.workspace, f"toolu_{number}", key or f"key-{number}")
        return load_handler(f"{DESK / 'handlers.py'}:{tool}").bind(input_, context)()

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What the database holds now."""
        with closing(sqlite3.connect(self.workspace / "shop.db")) as db:
            return db.execute(query, parameters).fetchall()

    def write(self, statement: str, *parameters: Any) -> None:
        """Changes the database behind the tools' back."""
        with closing(sqlite3.connect(self.workspace / "shop.db")) as db, db:
            db.execute(statement, parameters)
