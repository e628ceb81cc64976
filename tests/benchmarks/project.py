"""The same work as a project of ours: agent, tools, suite, and recordings made through the real recorder.

The model that is recorded answers from memory; everything from the wire up is what `agentctl eval --record-mode all`
runs. Call it as `python project.py CASES FOLDER [json]`. With `json` replies come as JSON bodies and cases stand in a
file of JSON lines: what the floor and the SDK's loop without streams read. Else replies are streams, cases a document.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workload import CARD, E_MAIL, MODEL, SECURITY_NUMBER, SYSTEM, TOOLS, build, message, sse

from agentctl.agent.ports import Request, WireReply
from agentctl.config.project import Project
from agentctl.evals.evaluate import evaluate
from agentctl.evals.live import live_player
from agentctl.evals.modes import RecordMode
from agentctl.evals.plan import plan
from agentctl.evals.prices import Prices

A_SUITE = 1000
HANDLERS = """
import json
from pathlib import Path

RESULTS = json.loads((Path(__file__).parent / "results.json").read_text())

def search_customers(query, limit=5):
    return RESULTS[query]

def get_order_details(order_id):
    return RESULTS[order_id]
"""


def documents(cases: list[dict[str, Any]], folder: Path, *, as_json: bool) -> None:
    """Writes the agent, its tools and the suites, of a thousand cases at most (JSON is YAML)."""
    for number, start in enumerate(range(0, len(cases), A_SUITE)):
        name = f"bench-{number + 1}" if number else "bench"
        suite = suite_of(cases[start : start + A_SUITE])
        if as_json:
            lines, suite["cases"] = suite["cases"], f"{name}.jsonl"
            write(folder / f"evals/{name}.yaml", suite)
            (folder / f"evals/{name}.jsonl").write_text("\n".join(map(json.dumps, lines)))
        else:
            write(folder / f"evals/{name}.yaml", suite)
    agent = {"schema": 1, "kind": "agent", "model": MODEL, "params": {"max_tokens": 1024}, "tools": "bench-tools"}
    tools = [{**tool, "handler": f"handlers.py:{tool['name']}"} for tool in TOOLS]
    write(folder / "prompts/bench/v1.yaml", {**agent, "system": SYSTEM})
    write(folder / "prompts/bench-tools/v1.yaml", {"schema": 1, "kind": "tools", "tools": tools})
    (folder / "prompts/bench-tools/handlers.py").write_text(HANDLERS)
    results = {}
    for case in cases:
        for turn, result in zip(case["turns"], case["results"], strict=False):
            results[next(iter(turn[1]["input"].values()))] = result
    write(folder / "prompts/bench-tools/results.json", results)


def suite_of(cases: list[dict[str, Any]]) -> dict[str, Any]:
    """The document of a suite of these cases."""
    return {
        "schema": 1,
        "kind": "suite",
        "agent": "bench",
        "cases": [
            {
                "id": case["id"],
                "input": case["input"],
                "assert": [
                    {"type": "contains", "value": case["contains"]},
                    {"type": "trajectory:tool-sequence", "value": case["sequence"], "mode": "exact"},
                    {"type": "max-turns", "value": case["max_turns"]},
                    {"type": "not-regex", "value": f"{E_MAIL}|{CARD}|{SECURITY_NUMBER}"},
                ],
            }
            for case in cases
        ],
    }


def write(path: Path, value: Any) -> None:
    """A JSON file and its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2))


class Canned:
    """A wire that answers each case's turns from memory."""

    def __init__(self, cases: list[dict[str, Any]], *, as_json: bool) -> None:
        self._by_input = {case["input"]: case for case in cases}
        self._as_json = as_json
        self.sent = 0

    async def send(self, request: Request) -> WireReply:
        """The reply to the case's next turn."""
        self.sent += 1
        messages = request.body["messages"]
        case = self._by_input[messages[0]["content"]]
        said = message(case, len(messages) // 2)
        data = json.dumps(said).encode() if self._as_json else sse(said)

        async def body() -> AsyncIterator[bytes]:
            yield data

        kind = "application/json" if self._as_json else "text/event-stream"
        return WireReply(200, {"content-type": kind}, body())


@dataclass(frozen=True)
class Live:
    """What a recording asks of a live wire."""

    wire: Canned
    source: str = "memory"


async def record(cases: list[dict[str, Any]], folder: Path, *, as_json: bool) -> None:
    """Records every case."""

    @asynccontextmanager
    async def go_live(_agent: Any) -> AsyncIterator[Live]:
        yield Live(Canned(cases, as_json=as_json))

    project = Project(folder)
    jobs = plan(project)
    async with live_player(jobs, mode=RecordMode.ALL, live_tools=False, go_live=go_live) as player:
        done = await evaluate(jobs, prices=Prices(project.state / "prices.json"), live=player)
    assert len(done.recorded) == len(cases), done.recorded


def make(count: int, folder: Path, *, as_json: bool = False) -> None:
    """The whole project with `count` cases, and the plain files that the other variants read."""
    cases = build(count)
    documents(cases, folder, as_json=as_json)
    write(folder / "cases.json", cases)
    bodies = (json.dumps(message(case, turn)) for case in cases for turn in range(3))
    (folder / "bodies.jsonl").write_text("\n".join(bodies))
    write(folder / "streams.json", [sse(message(case, turn)).decode() for case in cases for turn in range(3)])
    asyncio.run(record(cases, folder, as_json=as_json))


if __name__ == "__main__":
    make(int(sys.argv[1]), Path(sys.argv[2]), as_json=sys.argv[3:] == ["json"])
