"""Rate limits, on a clock of the clause's own: what is let through, what is not, and what the headers say of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from agentctl.simulator.limits import Buckets, limits_of
from support.contract.clauses import clause
from support.contract.streamed import LONG
from support.contract.talk import Answer, body, desk

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC).timestamp()
LIMITED = (429, "rate_limit_error")


class Clock:
    """Seconds since it was made, as many as it is told."""

    passed = 0.0

    def limited(self, text: str) -> dict[str, Any]:
        """What `desk` takes to keep these limits by this clock."""
        buckets = Buckets(limits_of(text), clock=lambda: self.passed, now=lambda: NOW + self.passed)
        return {"buckets": buckets}


def told(answer: Answer, kind: str) -> tuple[int, int, datetime]:
    """Limit, remaining and reset of a kind."""
    limit, remaining, reset = [
        answer.headers[f"anthropic-ratelimit-{kind}-{field}"] for field in ("limit", "remaining", "reset")
    ]
    assert reset.endswith("z")  # the socket client lowers all headers
    return int(limit), int(remaining), datetime.fromisoformat(reset.upper())


@clause("limits")
async def requests_over_the_limit_are_refused() -> None:
    """Two of two are let through; the third waits as long as it is told, and not a second less."""
    clock = Clock()
    async with desk(**clock.limited("requests=2/min")) as api:
        line = await api.line()
        assert [told(await line.ask(), "requests")[1] for _ in range(2)] == [1, 0]
        refused = await api.ask()
        assert refused.error == LIMITED
        assert "2 requests per minute" in refused.json["error"]["message"]
        assert (refused.headers["retry-after"], refused.headers["x-should-retry"]) == ("30", "true")
        clock.passed = 29.0
        assert (await api.ask()).headers["retry-after"] == "1"
        clock.passed = 30.0
        assert (await api.ask()).status == 200
        assert (await api.ask()).error == LIMITED


@clause("limits")
async def the_limit_of_requests_is_told_before_the_body_is_read() -> None:
    """Not a byte of it was sent."""
    async with desk(**Clock().limited("requests=1/h")) as api:
        assert (await api.ask()).status == 200
        refused = await api.ask(b"", content_length="1000", expect="100-continue")
        assert (refused.error, refused.interim, refused.headers["retry-after"]) == (LIMITED, (), "3600")


@clause("limits")
async def a_reset_is_when_the_bucket_is_full() -> None:
    """In RFC 3339; one that is full is so now."""
    clock = Clock()
    async with desk(**clock.limited("requests=4/min")) as api:
        for _ in range(2):
            answer = await api.ask()
        assert (told(answer, "requests")[2].timestamp() - NOW) == 30
        clock.passed = 15.0
        assert told(await api.ask(path="/v1/messages/count_tokens", asked=body(max_tokens=None)), "requests") == (
            4,
            3,
            datetime.fromtimestamp(NOW + 30, UTC),
        )


@clause("limits")
async def input_tokens_over_the_limit_are_refused() -> None:
    """As many as a message is billed are taken; what can never fit is not worth another try."""
    clock = Clock()
    async with desk() as api:
        cost = (await api.ask()).json["usage"]["input_tokens"]
    async with desk(**clock.limited(f"input={2 * cost}/min")) as api:
        assert [told(await api.ask(), "input-tokens")[1] for _ in range(2)] == [cost, 0]
        refused = await api.ask()
        assert (refused.error, refused.headers["retry-after"]) == (LIMITED, "30")
        assert "input tokens per minute" in refused.json["error"]["message"]
        clock.passed = 30.0
        assert (await api.ask()).status == 200
        never = await api.ask(body("word " * 1000))
        assert (never.error, never.headers["x-should-retry"]) == (LIMITED, "false")
        assert "retry-after" not in never.headers


@clause("limits")
async def what_is_read_from_the_cache_is_not_limited() -> None:
    """A long prefix counts once, when it is written."""
    async with desk() as api:
        usage = (await api.ask(body(system=LONG))).json["usage"]
    cost = usage["input_tokens"] + usage["cache_creation_input_tokens"]
    async with desk(**Clock().limited(f"input={cost + 100}/h")) as api:
        assert [(await api.ask(body(system=LONG))).status for _ in range(3)] == [200, 200, 200]
        assert (await api.ask(body(system=[{**LONG[0], "text": "B" + LONG[0]["text"]}]))).error == LIMITED


@clause("limits")
async def output_tokens_may_leave_a_debt() -> None:
    """A reply is never cut for the limit; the next request waits until the debt is paid off."""
    clock = Clock()
    async with desk() as api:
        made = (await api.ask()).json["usage"]["output_tokens"]
    async with desk(**clock.limited("output=2/s")) as api:
        answer = await api.ask()
        assert answer.json["usage"]["output_tokens"] == made > 2
        assert told(answer, "output-tokens")[1] == 0
        wait = int((await api.ask()).headers["retry-after"])
        assert wait == -(-(made - 2 + 1) // 2)
        clock.passed = wait - 1.0
        assert (await api.ask()).error == LIMITED
        clock.passed = float(wait)
        assert (await api.ask()).status == 200


@clause("limits")
async def tokens_are_both_kinds_together() -> None:
    """Limit and remainder are sums, the reset is the later one."""
    async with desk(**Clock().limited("input=10000/min,output=5000/h")) as api:
        answer = await api.ask()
    (ins, left_in, reset_in), (outs, left_out, reset_out) = told(answer, "input-tokens"), told(answer, "output-tokens")
    assert (ins, outs) == (10_000, 5_000)
    assert told(answer, "tokens") == (15_000, left_in + left_out, max(reset_in, reset_out))


@clause("limits")
async def what_is_refused_takes_nothing_of_the_tokens() -> None:
    """Nor does a wrong key take a request; counting tokens is not limited."""
    async with desk(**Clock().limited("requests=1/min,input=1000/min")) as api:
        assert (await api.ask(x_api_key="invalid")).status == 401
        assert (await api.ask(body(max_tokens=None), path="/v1/messages/count_tokens")).status == 200
        answer = await api.ask(body(max_tokens=0))
        assert (answer.status, told(answer, "requests")[1], told(answer, "input-tokens")[1]) == (400, 0, 1000)


@clause("limits")
async def no_more_than_the_limit_come_through_at_once() -> None:
    """Fifty connections, ten places."""
    async with desk(**Clock().limited("requests=10/min")) as api:
        answers = await asyncio.gather(*(api.ask() for _ in range(50)))
    assert [answer.status for answer in answers].count(200) == 10
