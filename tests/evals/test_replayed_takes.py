"""Takes: each repeat replays what it recorded, whoever is first, and a retry is part of its take."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agentctl.agent.events import ModelFailed, ModelReplied
from agentctl.agent.ports import Request, WireReply
from agentctl.cassette.file import read
from agentctl.config.project import Project
from agentctl.evals.evaluate import evaluate
from agentctl.evals.modes import RecordMode
from agentctl.evals.plan import Job, plan
from agentctl.evals.prices import Prices
from agentctl.evals.result import CaseResult
from support import desk
from support.server import RawServer, http
from support.till import Canned, case_of, edit, lay_down, play, replay, text, use

CASE = """\
  - id: same-{number}
    repeat: 4
    input: [What is tea?, What is tea?, What is tea?]
    assert: [{{max-turns: 6}}]
"""
SUITE = "schema: 1\nkind: suite\nagent: till\ncases:\n" + "".join(CASE.format(number=number) for number in range(6))


@dataclass
class Numbered(Canned):
    """Says another thing each time, calls a tool with the same id and arguments, and answers in no order."""

    said: list[str] = field(default_factory=list)
    rng: random.Random = field(default_factory=lambda: random.Random(5))

    async def send(self, request: Request) -> WireReply:
        """The next number; before it, once in an exchange, a call of a tool."""
        self.sent += 1
        number = self.sent
        for _ in range(self.rng.randrange(4)):
            await asyncio.sleep(0)
        last = request.body["messages"][-1]["content"]
        asks = isinstance(last, str)
        content = [use("price", f"toolu_{len(request.body['messages'])}", thing="tea")] if asks else [text(f"{number}")]
        message = {
            "id": f"msg_{number}",
            "type": "message",
            "role": "assistant",
            "model": "claude-sonnet-5-5",
            "content": content,
            "stop_reason": "tool_use" if asks else "end_turn",
            "usage": {"input_tokens": 1, "output_tokens": number},
        }

        async def body() -> AsyncIterator[bytes]:
            yield json.dumps(message).encode()

        return WireReply(200, {"content-type": "application/json"}, body())


def facts(results: list[CaseResult]) -> dict[tuple[str, int], list[Any]]:
    """What happened in each repeat of each case."""
    return {(each.id, each.repeat): each.outcome.run.events for each in results if each.outcome is not None}


def replayed(jobs: list[Job], concurrency: int) -> list[CaseResult]:
    """The results of a replay of these jobs, so many at a time."""
    return list(asyncio.run(evaluate(jobs, prices=Prices(), concurrency=concurrency)).cases)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, dict[tuple[str, int], list[Any]]]:
    """Six cases that ask the same, four times each, recorded side by side; and what happened."""
    project = lay_down(tmp_path_factory.mktemp("till"), SUITE)
    done = play(plan(project), Numbered(), RecordMode.ALL, concurrency=16)
    assert {each.status for each in done.cases} == {"pass"}
    return project, facts(list(done.cases))


@pytest.mark.parametrize("concurrency", [1, 4, 16])
def test_takes_do_not_depend_on_concurrency_or_order(
    recorded: tuple[Project, dict[tuple[str, int], list[Any]]], concurrency: int
) -> None:
    """Each repeat does again what it did, at any concurrency and in any order; no two cases share an answer."""
    project, happened = recorded
    assert len(happened) == 24
    jobs = plan(project)
    for seed in range(4):
        shuffled = random.Random(seed).sample(jobs, len(jobs)) if seed else jobs
        assert facts(replayed(shuffled, concurrency)) == happened
    said = [event.id for events in happened.values() for event in events if isinstance(event, ModelReplied)]
    assert len(set(said)) == len(said) == 24 * 6


def test_requests_of_all_takes_are_the_same(recorded: tuple[Project, Any]) -> None:
    """What is told apart by its take alone: the first request of every take of every case has one body."""
    project, _ = recorded
    bodies = set()
    for job in plan(project):
        cassette = read(job.recording)
        bodies |= {cassette.interactions[take.interactions[0]].request for take in cassette.takes}
        assert len({index for take in cassette.takes for index in take.interactions}) == 24
    assert len(bodies) == 1


ONE = "schema: 1\nkind: suite\nagent: till\ncases: [{id: tea, input: Tea?, assert: [{contains: Three}]}]\n"


def test_a_retry_sequence_is_one_take(tmp_path: Path) -> None:
    """429, 429, 200 from a real socket: recorded as one take, replayed through the retry loop without a wait."""
    project = lay_down(tmp_path, ONE)
    edit(tmp_path / "prompts/till/v1.yaml", "attempts: 2", "attempts: 3")
    error = b'{"type":"error","error":{"type":"rate_limit_error","message":"Slow down"}}'
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5-5",
        "content": [text("Three.")],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
    limited = http(error, "429 Too Many Requests", content_type="application/json", retry_after="0")
    answer = http(json.dumps(message).encode(), content_type="application/json")
    asyncio.run(recorded_from(tmp_path, RawServer(limited, limited, answer)))
    cassette = read(tmp_path / "cassettes/till/tea.yaml")
    assert [each.status for each in cassette.interactions] == [429, 429, 200]
    assert [take.interactions for take in cassette.takes] == [(0, 1, 2)]
    assert len({each.request for each in cassette.interactions}) == 1
    first = case_of(replay(project), "tea")
    # Two hours of waiting: if one of them were waited for, this test would not end.
    for each in cassette.interactions[:2]:
        assert each.headers["retry-after"] == "0"
    mark = '"retry-after": [\n            "'
    edit(tmp_path / "cassettes/till/tea.yaml", f'{mark}0"', f'{mark}3600"')
    second = case_of(replay(project), "tea")
    for result, wait in ((first, 0), (second, 3600)):
        assert (result.status, result.outcome is not None) == ("pass", True)
        events = result.outcome.run.events if result.outcome is not None else []
        failed = [event for event in events if isinstance(event, ModelFailed)]
        assert [(each.attempt, each.status, each.retry_after) for each in failed] == [(1, 429, wait), (2, 429, wait)]
        assert sum(isinstance(event, ModelReplied) for event in events) == 1


async def recorded_from(root: Path, server: RawServer) -> None:
    """Records the project's cases from that server, as a user would."""
    async with server:
        env = desk.environment(ANTHROPIC_API_KEY="sk-ant-test", ANTHROPIC_BASE_URL=server.base_url)
        process = await asyncio.create_subprocess_exec(
            *desk.command("eval", "--record-mode", "all"), cwd=root, env=env, stdout=sys.stderr, stderr=sys.stderr
        )
        assert await process.wait() == 0
    assert server.connections == 3
