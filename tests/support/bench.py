"""The till with a judge: a rubric, and a wire that gives the verdicts it is told to give."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentctl.agent.ports import Request, WireReply
from agentctl.config.project import Project
from agentctl.evals.evaluate import evaluate
from agentctl.evals.judge.bench import LiveBench, Policy
from agentctl.evals.modes import RecordMode
from agentctl.evals.plan import Job, plan
from agentctl.evals.prices import Prices
from agentctl.evals.result import Evaluation
from support import till

RUBRIC = """\
schema: 1
kind: rubric
model: claude-sonnet-5-5
sees: answer
instructions: Judge the tone of {{ who }}.
vars: {who: the till}
criteria:
  - {name: kind, says: It is kind.}
scale: {min: 1, max: 5}
threshold: 0.75
params: {max_tokens: 300}
retry: {attempts: 2, base: 0.001, cap: 0.001}
"""


def verdict(score: int = 5, *, passed: bool | None = None, evidence: str = "", **more: Any) -> dict[str, Any]:
    """The input of a verdict by `RUBRIC`; `more` replaces fields."""
    met = score > 3 if passed is None else passed
    return {
        "criteria": [{"criterion": "kind", "evidence": evidence, "met": met}],
        "reason": f"It is a {score}.",
        "score": score,
        "pass": met,
        **more,
    }


def given(input_: Any, stop: str = "tool_use") -> dict[str, Any]:
    """A message that calls `verdict`."""
    return message({"type": "tool_use", "id": "toolu_v", "name": "verdict", "input": input_}, stop=stop)


def message(*content: dict[str, Any], stop: str = "end_turn") -> dict[str, Any]:
    """A whole reply of a judge."""
    return {
        "id": "msg_v",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5-5",
        "content": list(content),
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {"input_tokens": 200, "output_tokens": 20},
    }


@dataclass
class Judging:
    """A wire that answers with these messages in turn, then with a five; a number is an error's HTTP status."""

    says: list[dict[str, Any] | int] = field(default_factory=list)
    sent: int = 0
    gate: Callable[[], Any] | None = None
    asked: list[Request] = field(default_factory=list)
    evaluation: asyncio.Task[Evaluation] | None = None
    """The one that asks: what Ctrl-C cancels."""

    async def send(self, request: Request) -> WireReply:
        """The next reply."""
        self.sent += 1
        self.asked.append(request)
        if self.gate is not None:
            await self.gate()
        said = self.says.pop(0) if self.says else given(verdict())
        if isinstance(said, int):
            error = {"type": "error", "error": {"type": "api_error", "message": "out of order"}}
            return WireReply(said, {"content-type": "application/json"}, _body(error))
        return WireReply(200, {"content-type": "application/json"}, _body(said))


async def _body(value: dict[str, Any]) -> AsyncIterator[bytes]:
    yield json.dumps(value).encode()


def lay_down(root: Path, *asserts: str) -> Project:
    """The till, recorded, its first case judged as these assertions say."""
    project = till.lay_down(root)
    rubric = root / "prompts/tone/v1.yaml"
    rubric.parent.mkdir(parents=True)
    rubric.write_text(RUBRIC)
    till.record(project)
    wanted = asserts or ("judge: tone@1",)
    lines = "".join(f"\n      - {each}" for each in wanted)
    till.edit(project.evals / "till.yaml", '      - contains: "3"', f'      - contains: "3"{lines}')
    return project


def judge(
    project: Project,
    wire: Judging | None = None,
    policy: Policy | None = None,
    jobs: Sequence[Job] | None = None,
    concurrency: int = 4,
) -> Evaluation:
    """One evaluation on recordings, with judges that answer now."""
    wire = wire or Judging()

    @asynccontextmanager
    async def go_live(_agent: Any) -> AsyncIterator[till.Live]:
        yield till.Live(wire)  # type: ignore[arg-type]  another canned wire

    async def body() -> Evaluation:
        wire.evaluation = asyncio.current_task()
        bench = LiveBench(policy or Policy(RecordMode.NEW_EPISODES), go_live)
        try:
            planned = plan(project) if jobs is None else jobs
            return await evaluate(planned, prices=Prices(), bench=bench, concurrency=concurrency)
        finally:
            await bench.aclose()

    return asyncio.run(body())
