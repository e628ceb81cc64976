"""A small project whose agent books sales in a database, and a model for it that says what it is told to say."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentctl.agent import handlers
from agentctl.agent.ports import Request, WireReply
from agentctl.config.project import Project
from agentctl.evals.evaluate import evaluate
from agentctl.evals.live import live_player
from agentctl.evals.modes import RecordMode
from agentctl.evals.plan import Job, plan
from agentctl.evals.prices import Prices
from agentctl.evals.result import CaseResult, Evaluation

AGENT = """\
schema: 1
kind: agent
model: claude-sonnet-5-5
system: You keep the till.
tools: till-tools@1
params: {max_tokens: 256}
retry: {attempts: 2, base: 0.001, cap: 0.001}
"""

TOOLS = """\
schema: 1
kind: tools
setup: till.py:create
tools:
  - name: price
    description: The price of a thing.
    input_schema: {type: object, properties: {thing: {type: string}}, required: [thing], additionalProperties: false}
    handler: till.py:price
  - name: book
    description: Books a sale.
    input_schema: {type: object, properties: {thing: {type: string}}, required: [thing], additionalProperties: false}
    handler: till.py:book
    effect: write
  - name: empty
    description: Empties the till.
    input_schema: {type: object, properties: {}}
    handler: till.py:empty
    effect: write
    approve: always
"""

HANDLERS = """\
import sqlite3
from contextlib import closing

from agentctl import ToolContext, ToolFailure

PRICES = {"tea": 3, "cake": 5}


def create(workspace):
    with closing(sqlite3.connect(workspace / "till.db")) as db, db:
        db.execute("create table sales (thing text, price real)")
        db.execute("insert into sales values ('bread', 2.0)")


def price(thing):
    if thing not in PRICES:
        raise ToolFailure(f"there is no {thing}")
    return {"thing": thing, "price": PRICES[thing]}


def book(thing, context: ToolContext):
    with closing(sqlite3.connect(context.workspace / "till.db")) as db, db:
        db.execute("insert into sales values (?, ?)", (thing, PRICES[thing]))
    return "booked"


def empty(context: ToolContext):
    with closing(sqlite3.connect(context.workspace / "till.db")) as db, db:
        db.execute("delete from sales")
    return "emptied"
"""

CHECKS = """\
def polite(output, context):
    return "please" in output


def raises(output, context):
    raise RuntimeError("broken check")


def half(output, context):
    return 0.5


def explained(output, context):
    return {"pass": context.turns == 3, "score": 0.25, "reason": f"{context.turns} turns, {context.case}"}
"""

SUITE = """\
schema: 1
kind: suite
agent: till
cases:
  - id: price-of-tea
    input: What is tea?
    tags: [read]
    assert:
      - contains: "3"
      - trajectory:tool-used: price
  - id: sell-cake
    input: "I take {{ thing }}"
    vars: {thing: cake}
    tags: [write]
    assert:
      - icontains: sold
      - {type: state, database: till.db, query: "select thing, price from sales", rows: [[cake, 5], [bread, 2]]}
  - id: two-turns
    input: [Hello, Bye]
    assert:
      - equals: Good bye.
      - max-turns: 2
"""


def text(value: str) -> dict[str, Any]:
    """A text block."""
    return {"type": "text", "text": value}


def use(name: str, call_id: str, **input_: Any) -> dict[str, Any]:
    """A tool_use block."""
    return {"type": "tool_use", "id": call_id, "name": name, "input": input_}


Turns = dict[str, list[list[dict[str, Any]]]]

TURNS: Turns = {
    "What is tea?": [[use("price", "toolu_1", thing="tea")], [text("Tea is 3.")]],
    "I take cake": [
        [use("price", "toolu_1", thing="cake"), use("book", "toolu_2", thing="cake")],
        [text("Sold.")],
    ],
    "Hello": [[text("Hello, please.")], [text("Good bye.")]],
}
"""What the model says, reply by reply, to a conversation that begins with the key."""


@dataclass
class Canned:
    """A wire whose n-th reply to a conversation is the n-th of its turns; `fail` is an HTTP status instead."""

    turns: Turns = field(default_factory=lambda: dict(TURNS))
    fail: int = 0
    sent: int = 0
    gate: Callable[[], Any] | None = None

    async def send(self, request: Request) -> WireReply:
        """The next reply."""
        self.sent += 1
        if self.gate is not None:
            await self.gate()
        if self.fail:
            error = {"type": "error", "error": {"type": "api_error", "message": "out of order"}}
            return WireReply(self.fail, {"content-type": "application/json"}, _body(error))
        messages = request.body["messages"]
        first = messages[0]["content"]
        turn = sum(message["role"] == "assistant" for message in messages)
        content = self.turns[first if isinstance(first, str) else first[0]["text"]][turn]
        uses = any(block["type"] == "tool_use" for block in content)
        message = {
            "id": f"msg_{turn}",
            "type": "message",
            "role": "assistant",
            "model": "claude-sonnet-5-5",
            "content": content,
            "stop_reason": "tool_use" if uses else "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 100, "output_tokens": 10},
        }
        return WireReply(200, {"content-type": "application/json"}, _body(message))


async def _body(message: dict[str, Any]) -> AsyncIterator[bytes]:
    yield json.dumps(message).encode()


@dataclass(frozen=True)
class Live:
    """What a recording asks of a live wire."""

    wire: Canned
    source: str = "memory"


def lay_down(root: Path, suite: str = SUITE) -> Project:
    """Writes the project into `root`."""
    for name, content in {
        "prompts/till/v1.yaml": AGENT,
        "prompts/till-tools/v1.yaml": TOOLS,
        "prompts/till-tools/till.py": HANDLERS,
        "evals/till.yaml": suite,
        "evals/checks.py": CHECKS,
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return Project(root)


def edit(path: Path, old: str, new: str) -> None:
    """Replaces text that must be there; Python is read anew, as a new process would."""
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new))
    if path.suffix == ".py":
        shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)
        handlers._module.cache_clear()


def play(
    jobs: Sequence[Job],
    wire: Canned | None = None,
    mode: RecordMode = RecordMode.NONE,
    *,
    live_tools: bool = False,
    concurrency: int = 4,
) -> Evaluation:
    """One evaluation, with something live behind it."""

    @asynccontextmanager
    async def go_live(_agent: Any) -> AsyncIterator[Live]:
        yield Live(wire or Canned())

    async def body() -> Evaluation:
        async with live_player(jobs, mode=mode, live_tools=live_tools, go_live=go_live) as player:
            return await evaluate(jobs, prices=Prices(), live=player, concurrency=concurrency)

    return asyncio.run(body())


def record(project: Project, wire: Canned | None = None) -> Evaluation:
    """Records every case of the project."""
    return play(plan(project), wire, RecordMode.ALL)


def replay(project: Project, **options: Any) -> Evaluation:
    """Replays every case; nothing is live."""
    return asyncio.run(evaluate(plan(project, **options), prices=Prices()))


def statuses(evaluation: Evaluation) -> dict[str, str]:
    """The status of each case, `#2` for its second take."""
    return {_name(case): case.status for case in evaluation.cases}


def case_of(evaluation: Evaluation, id_: str) -> CaseResult:
    """The result of one case."""
    return next(case for case in evaluation.cases if case.id == id_)


def _name(case: CaseResult) -> str:
    return case.id if case.repeat == 1 else f"{case.id} #{case.repeat}"
