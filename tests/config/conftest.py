"""Small projects on disk, made for one test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from agentctl.config.project import Project

AGENT = """\
# the first version
schema: 1
kind: agent
description: A desk
model: claude-sonnet-5-5
vars:
  shop: Acme
system: |
  You work for {{ shop }}.
  Be kind.
tools: desk-tools@1
params:
  max_tokens: 512
"""

TOOLS = """\
schema: 1
kind: tools
setup: database.py:create
tools:
  - name: look_up
    description: Looks an order up.
    input_schema:
      type: object
      properties:
        order: {type: string, minLength: 1}
        limit: {type: integer}
      required: [order]
      additionalProperties: false
    handler: handlers.py:look_up
    timeout: 5
  - name: cancel
    description: Cancels an order.
    input_schema: {type: object, properties: {order: {type: string}}, required: [order]}
    handler: handlers.py:cancel
    effect: write
    approve: always
    idempotency: key
"""

HANDLERS = """\
from agentctl import ToolContext


def look_up(order: str, limit: int = 5) -> str:
    return order


async def cancel(order: str, context: ToolContext) -> str:
    return order
"""

DATABASE = """\
from pathlib import Path


def create(workspace: Path) -> None:
    (workspace / "orders.txt").write_text("ORD-1")
"""

FILES = {
    "prompts/desk/v1.yaml": AGENT,
    "prompts/desk-tools/v1.yaml": TOOLS,
    "prompts/desk-tools/handlers.py": HANDLERS,
    "prompts/desk-tools/database.py": DATABASE,
}

Make = Callable[..., Project]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes a project of the usual files, changed and added to by `{path: text}`; None leaves a file out."""

    def made(changes: dict[str, str | None] | None = None) -> Project:
        for path, text in {**FILES, **(changes or {})}.items():
            file = tmp_path / path
            if text is None:
                file.unlink(missing_ok=True)
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return Project(tmp_path)

    return made
