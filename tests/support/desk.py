"""A small project with an agent, tools that behave and misbehave, a script for the simulator, and a way to run it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import IO

from support import forked

CHECKOUT = Path(__file__).resolve().parents[2]

AGENT = """
schema: 1
kind: agent
model: claude-sonnet-5-5
tools: desk-tools@1
params: {max_tokens: 1024, thinking: {type: adaptive}}
limits: {max_turns: 3}
retry: {attempts: 2, base: 0.001}
system: Be brief.
"""

TOOLS = """
schema: 1
kind: tools
tools:
  - name: get_order
    description: Looks an order up.
    input_schema: {type: object, properties: {id: {type: string}}, required: [id], additionalProperties: false}
    handler: handlers.py:get_order
  - name: cancel_order
    description: Cancels an order for good.
    input_schema: {type: object, properties: {id: {type: string}}, required: [id], additionalProperties: false}
    handler: handlers.py:cancel_order
    effect: write
    approve: always
  - name: hostile
    description: Returns hostile text.
    input_schema: {type: object}
    handler: handlers.py:hostile
"""

HANDLERS = """
def get_order(id):
    return {"id": id, "status": "shipped"}


def cancel_order(id):
    return {"id": id, "status": "cancelled"}


def hostile(**_given):
    return "tool\\x1b]0;owned\\x07 \\x1b[31mred \\x9b2J\\x9d0;x\\x9c [bold red]x[/bold red] \\u202eevil\\r\\n"
"""

SCRIPT = r"""
schema: 1
kind: simulator
rules:
  - name: never
    when: {said: 'wait for it\Z', results: none}
    reply: {text: "Done at last.", delay: 60}
  - name: hostile
    when: {said: hostile, results: none}
    reply:
      thinking: "th\e[2Jink \e]8;;https://evil.example\e\\"
      text: "text \e]52;c;cm0=\a \e[31mred\ec\e[6n [link=https://evil.example]x[/link] \u202eevil\rover \u009b31m"
      tools: [{hostile: {"\e[1m": "\e[2m"}}]
  - name: round and round
    when: {recall: forever}
    reply: {tools: [{get_order: {id: ORD-0}}]}
  - name: cancel
    when: {said: 'cancel (?P<order>ORD-\d+)', results: none}
    reply: {tools: [{cancel_order: {id: "{{ order }}"}}]}
  - name: look
    when: {said: '(?P<order>ORD-\d+)', results: none}
    reply:
      thinking: The customer asks for an order.
      text: Let me look.
      tools: [{get_order: {id: "{{ order }}"}}]
  - name: tell
    when: {results: [get_order]}
    reply: {text: "Order {{ results.get_order.id }} is {{ results.get_order.status }}."}
  - name: cancelled
    when: {results: [cancel_order], failed: false}
    reply: {text: It is cancelled.}
  - name: not cancelled
    when: {results: [cancel_order], failed: true}
    reply: {text: It was not cancelled.}
  - name: after
    when: {results: [hostile]}
    reply: {text: "That was hostile."}
default: {text: "You said: {{ said }}"}
"""


def lay_down(root: Path) -> Path:
    """Writes the project into `root` and returns it."""
    for name, text in {
        "prompts/desk/v1.yaml": AGENT,
        "prompts/desk/simulator.yaml": SCRIPT,
        "prompts/desk-tools/v1.yaml": TOOLS,
        "prompts/desk-tools/handlers.py": HANDLERS,
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


SHAPES = ("LC_", "LANG", "PYTHON", "PATH")


def command(*arguments: str) -> list[str]:
    """The command line of this checkout's agentctl."""
    return [sys.executable, "-m", "agentctl", *arguments]


def environment(**more: str) -> dict[str, str]:
    """An environment that finds this checkout, and nothing of the person who runs the tests."""
    theirs = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**theirs, "PYTHONPATH": str(CHECKOUT), "COLUMNS": "100", **more}


def agentctl(root: Path, *arguments: str, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """Runs agentctl in `root` to its end; in an interpreter of its own where the environment shapes how one starts."""
    if not any(name.startswith(SHAPES) for name in more):
        return forked.run(arguments, root, environment(**more), stdin)
    return subprocess.run(
        command(*arguments),
        cwd=root,
        env=environment(**more),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=forked.TIMEOUT,
        check=False,
    )


def wait_for_line(stream: IO[str], text: str) -> None:
    """Reads lines until one holds `text`; fails when the stream ends before."""
    for line in stream:
        if text in line:
            return
    message = f"the process ended without writing {text!r}"
    raise AssertionError(message)
