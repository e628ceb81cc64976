"""A project whose tools take effect once or twice, die when they are told to, and can say what they did."""

from __future__ import annotations

from pathlib import Path

AGENT = """
schema: 1
kind: agent
model: claude-sonnet-5-5
tools: clerk-tools@1
retry: {attempts: 1}
system: Be brief.
"""
TOOL = """
  - name: {name}
    description: Does it.
    input_schema: {{type: object, properties: {{n: {{type: integer}}}}, required: [n]}}
    handler: handlers.py:{name}
    effect: {effect}
    {more}
"""
TOOLS = "schema: 1\nkind: tools\ntools:" + "".join(
    TOOL.format(name=name, effect=effect, more=more)
    for name, effect, more in (
        ("reads", "read", ""),
        ("keyed", "write", "idempotency: key"),
        ("looked", "write", "lookup: handlers.py:looked_up"),
        ("plain", "write", ""),
    )
)
HANDLERS = """
import os
import signal
from pathlib import Path

from agentctl import ToolContext

PLACE = Path(__file__).parent


def _done() -> list[str]:
    return (PLACE / "effects").read_text().splitlines() if (PLACE / "effects").exists() else []


def _die(moment: str, name: str) -> None:
    order = PLACE / "die"
    if order.exists() and order.read_text() == f"{moment} {name}":
        order.unlink()
        os.kill(os.getpid(), signal.SIGKILL)


def _act(name: str, line: str) -> str:
    _die("before", name)
    with (PLACE / "effects").open("a") as effects:
        effects.write(line + "\\n")
        effects.flush()
        os.fsync(effects.fileno())
    _die("after", name)
    return f"{name} done"


def reads(n: int, ctx: ToolContext) -> str:
    return _act("reads", "reads")


def keyed(n: int, ctx: ToolContext) -> str:
    return "keyed done" if f"keyed {ctx.idempotency_key}" in _done() else _act("keyed", f"keyed {ctx.idempotency_key}")


def looked(n: int, ctx: ToolContext) -> str:
    return _act("looked", f"looked {ctx.call_id}")


def looked_up(n: int, ctx: ToolContext) -> str | None:
    return "looked done, as found" if f"looked {ctx.call_id}" in _done() else None


def plain(n: int, ctx: ToolContext) -> str:
    return _act("plain", f"plain {ctx.call_id}")
"""
SCRIPT = """
schema: 1
kind: simulator
rules:
  - when: {results: none}
    reply: {tools: [{NAME: {n: 1}}, {reads: {n: 2}}]}
default: {text: All done.}
"""


def lay_down(root: Path, name: str) -> Path:
    """A project whose agent calls the tool `name`, beside one that reads."""
    for path, text in {
        "prompts/clerk/v1.yaml": AGENT,
        "prompts/clerk/simulator.yaml": SCRIPT.replace("NAME", name),
        "prompts/clerk-tools/v1.yaml": TOOLS,
        "prompts/clerk-tools/handlers.py": HANDLERS,
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root / "prompts/clerk-tools"


def effects(place: Path, name: str) -> int:
    """How often the tool took effect."""
    path = place / "effects"
    return sum(line.startswith(name) for line in path.read_text().splitlines()) if path.exists() else 0
