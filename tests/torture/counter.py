"""A small agent whose every session takes three turns and two tools, and a script that plays its model."""

from __future__ import annotations

from pathlib import Path
from typing import Final

KEY: Final = "sk-ant-torture-0123456789"

AGENT: Final = """
schema: 1
kind: agent
model: claude-sonnet-5-5
tools: counter-tools@1
params: {max_tokens: 1024}
system: You stand at the counter of a shop. Look the order up, and then when it arrives.
"""

TOOLS: Final = """
schema: 1
kind: tools
tools:
  - name: get_order
    description: Looks an order up.
    input_schema: {type: object, properties: {id: {type: string}, note: {type: string}}, required: [id]}
    handler: handlers.py:get_order
  - name: get_day
    description: Tells the day on which an order arrives.
    input_schema: {type: object, properties: {id: {type: string}}, required: [id]}
    handler: handlers.py:get_day
"""

HANDLERS: Final = """
def get_order(id, note=""):
    return {"id": id, "status": "shipped", "noted": len(note)}


async def get_day(id):
    return {"id": id, "day": int(id.removeprefix("ORD-")) % 28}
"""

SCRIPT: Final = r"""
schema: 1
kind: simulator
rules:
  - when: {said: '(?P<order>ORD-\d+)', results: none}
    reply: {text: Let me look that up., tools: [{get_order: {id: "{{ order }}"}}], delay: SECONDS}
  - when: {results: [get_order]}
    reply: {text: And now the day., tools: [{get_day: {id: "{{ results.get_order.id }}"}}], delay: SECONDS}
  - when: {results: [get_day]}
    reply:
      text: "{{ earlier.get_order.id }} is {{ earlier.get_order.status }} and arrives on day {{ results.get_day.day }}."
      delay: SECONDS
default: {text: Which order?}
"""


def lay_down(root: Path, latency: float) -> None:
    """Writes the project into `root`; its model takes `latency` seconds for each reply."""
    for name, text in {
        "prompts/counter/v1.yaml": AGENT,
        "prompts/counter/simulator.yaml": SCRIPT.replace("SECONDS", str(latency)),
        "prompts/counter-tools/v1.yaml": TOOLS,
        "prompts/counter-tools/handlers.py": HANDLERS,
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def answer(number: int) -> str:
    """What a session that asks for this order is told at its end."""
    return f"ORD-{number} is shipped and arrives on day {number % 28}."
