"""The one retry loop: how often, how long it waits, what it tells, and that the deadline holds over all of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from agentctl.agent.events import ModelFailed, ModelReplied
from agentctl.agent.ports import Request, WireReply
from agentctl.agent.spec import Retry
from agentctl.errors import ApiError, DeadlineExceeded, ModelError, ProtocolError, RecordingMiss, Unreachable
from agentctl.model import client
from agentctl.model.client import JITTER_ON_TOP, LONGEST_WAIT, WireModel
from support.scripted import text
from support.wire import SSE, ScriptedWire, error_event, events_of, message, sse, wire_reply

REQUEST = Request({"model": "m", "messages": []})
GOOD = sse(events_of(message(text("Hi."))))


def good() -> WireReply:
    """A reply."""
    return wire_reply(GOOD)


def busy(status: int = 529, **headers: str) -> WireReply:
    """A refusal, by default one that passes by itself."""
    return wire_reply(b"", status=status, headers={key.replace("_", "-"): value for key, value in headers.items()})


class Asked:
    """One call of a model over a scripted wire: what it slept, told and showed."""

    def __init__(self, *steps: WireReply | Exception, retry: Retry | None = None, seed: int = 1) -> None:
        self.wire = ScriptedWire(*steps)
        self.slept: list[float] = []
        self.failures: list[ModelFailed] = []
        self.shown: list[tuple[str, str]] = []
        self.model = WireModel(self.wire, retry, sleep=self._sleep, rng=random.Random(seed))

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def reply(self, time_left: float | None = None) -> ModelReplied:
        """Asks, to the end."""
        asking = self.model.ask(
            REQUEST,
            on_failure=self.failures.append,
            on_delta=lambda kind, piece: self.shown.append((kind, piece)),
            time_left=time_left,
        )
        return asyncio.run(asking)

    def error(self, time_left: float | None = None) -> ModelError:
        """Asks, and hands back the error."""
        with pytest.raises(ModelError) as caught:
            self.reply(time_left)
        return caught.value

    @property
    def sent(self) -> int:
        """How many requests left."""
        return len(self.wire.requests)


def test_success_at_once() -> None:
    """A reply that comes is handed back, and nobody waited."""
    asked = Asked(good())
    assert asked.reply().content == [text("Hi.")]
    assert (asked.sent, asked.slept, asked.failures) == (1, [], [])


@pytest.mark.parametrize(
    "failing",
    [
        busy,
        lambda: busy(500),
        lambda: busy(429),
        lambda: busy(408),
        lambda: Unreachable("gone", type="connection_error", retryable=True),
        lambda: wire_reply(GOOD[:-40]),
        lambda: wire_reply(b""),
        lambda: wire_reply(b"data: {\n\n"),
        lambda: wire_reply(sse([error_event("overloaded_error")])),
    ],
)
def test_what_passes_by_itself_is_asked_again(failing: Any) -> None:
    """Two failures and a success are three requests, and each failure was told before the next attempt."""
    asked = Asked(failing(), failing(), good())
    assert asked.reply().content == [text("Hi.")]
    assert asked.sent == 3
    assert [failure.attempt for failure in asked.failures] == [1, 2]
    assert all(failure.retryable for failure in asked.failures)
    assert len(asked.slept) == 2


@pytest.mark.parametrize(
    "failing",
    [
        lambda: busy(400),
        lambda: busy(401),
        lambda: busy(403),
        lambda: busy(404),
        lambda: busy(413),
        lambda: busy(529, x_should_retry="false"),
        lambda: wire_reply(
            b'{"error": {"type": "rate_limit_error", "details": {"error_code": "enforced_spend_limit_reached"}}}',
            status=429,
            headers={},
        ),
        lambda: wire_reply(b"<html>", headers={"content-type": "text/html"}),
        lambda: wire_reply(sse([error_event("invalid_request_error")])),
    ],
)
def test_what_does_not_pass_is_asked_once(failing: Any) -> None:
    """An error in the request, the key or the account costs one request."""
    asked = Asked(failing(), good())
    error = asked.error()
    assert not error.retryable
    assert (asked.sent, asked.slept) == (1, [])
    assert [failure.error_type for failure in asked.failures] == [error.type]


@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_attempts_are_counted(attempts: int) -> None:
    """So many attempts and no more, and the last error comes out as it is."""
    asked = Asked(*[busy() for _ in range(10)], retry=Retry(attempts=attempts))
    error = asked.error()
    assert type(error) is ApiError
    assert error.status == 529
    assert asked.sent == attempts
    assert len(asked.failures) == attempts
    assert len(asked.slept) == attempts - 1


def test_failure_is_told_in_full() -> None:
    """A failed attempt says what it was and how long the server wants us to wait."""
    refused = wire_reply(
        b'{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}',
        status=429,
        headers={"retry-after": "2", "request-id": "req_9"},
    )
    asked = Asked(refused, good())
    asked.reply()
    assert asked.failures == [
        ModelFailed(
            attempt=1,
            error_type="rate_limit_error",
            message="HTTP 429 rate_limit_error: slow down",
            status=429,
            retryable=True,
            retry_after=2.0,
            request_id="req_9",
        )
    ]


def test_full_jitter() -> None:
    """Waits are uniform from nothing to base times two to the n, and never above the cap."""
    retry = Retry(attempts=9, base=0.5, cap=4.0)
    waits = [Asked(*[busy() for _ in range(9)], retry=retry, seed=seed) for seed in range(200)]
    for asked in waits:
        asked.error()
    for place, ceiling in enumerate([0.5, 1.0, 2.0, 4.0, 4.0, 4.0, 4.0, 4.0]):
        slept = sorted(asked.slept[place] for asked in waits)
        assert slept[0] >= 0
        assert slept[-1] <= ceiling
        distance = max(abs(wait / ceiling - rank / len(slept)) for rank, wait in enumerate(slept))
        assert distance < 1.63 / len(slept) ** 0.5  # Kolmogorov and Smirnov, one in a hundred


def test_many_attempts_do_not_overflow() -> None:
    """Doubling stops to matter at the cap, long before a float ends."""
    model = WireModel(ScriptedWire(), Retry(cap=30.0))
    assert 0 <= model.jitter(10_000) <= 30.0


@pytest.mark.parametrize("told", ["2", "0.5", "30"])
def test_servers_wait_is_a_floor_with_jitter_on_top(told: str) -> None:
    """We wait what the server asked for and a little more, so that not everybody comes back at once."""
    waits = set()
    for seed in range(20):
        asked = Asked(busy(429, retry_after=told), good(), seed=seed)
        asked.reply()
        (wait,) = asked.slept
        assert float(told) <= wait <= float(told) + max(0.5, float(told) * JITTER_ON_TOP)
        waits.add(wait)
    assert len(waits) == 20


@pytest.mark.parametrize("told", ["0", "NaN", "inf", "-5", "soon", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_no_wait_of_the_server_is_ours(told: str) -> None:
    """A wait that is none leaves our own backoff: nobody comes back without jitter."""
    waits = set()
    for seed in range(20):
        asked = Asked(busy(429, retry_after=told), good(), retry=Retry(base=1.0), seed=seed)
        asked.reply(time_left=30)
        waits.update(asked.slept)
    assert len(waits) == 20
    assert all(0 <= wait <= 1.0 for wait in waits)


@pytest.mark.parametrize("told", ["3600", "31", "1e9", "Wed, 21 Oct 2099 07:28:00 GMT"])
def test_wait_that_does_not_fit_fails_at_once(told: str) -> None:
    """A wait beyond the time left is not begun: the error says how long the server wanted and what is left."""
    asked = Asked(busy(429, retry_after=told), good())
    error = asked.error(time_left=30)
    assert type(error) is DeadlineExceeded
    assert error.exit_code == 6
    assert (asked.sent, asked.slept) == (1, [])
    assert "the server asked to wait" in str(error)
    assert "29." in str(error) or "30.0 s are left" in str(error)
    assert error.retry_after is not None
    assert isinstance(error.__cause__, ApiError)
    assert len(asked.failures) == 1


def test_wait_of_3600_says_so() -> None:
    """The number the server sent stands in the error."""
    assert "asked to wait 3600 s" in str(Asked(busy(429, retry_after="3600")).error(time_left=30))


def test_no_sleep_goes_beyond_the_deadline() -> None:
    """Not even the jitter on top of a wait that just fits."""
    for seed in range(50):
        asked = Asked(busy(429, retry_after="9.5"), good(), retry=Retry(base=60, cap=60), seed=seed)
        asked.reply(time_left=10)
        assert asked.slept[0] < 10


def test_own_wait_that_does_not_fit_fails_at_once() -> None:
    """Our backoff is not begun either when the deadline comes first."""
    asked = Asked(busy(), good(), retry=Retry(base=1e6, cap=1e6))
    error = asked.error(time_left=5)
    assert type(error) is DeadlineExceeded
    assert "the next attempt is in" in str(error)
    assert asked.slept == []


def test_absurd_wait_without_a_deadline() -> None:
    """A run without a deadline waits an hour when asked to, and not until 2099."""
    asked = Asked(busy(429, retry_after="3600"), good())
    asked.reply()
    assert asked.slept[0] >= LONGEST_WAIT
    asked = Asked(busy(429, retry_after="Wed, 21 Oct 2099 07:28:00 GMT"), good())
    assert type(asked.error()) is DeadlineExceeded
    assert asked.slept == []


def test_last_attempts_wait_does_not_matter() -> None:
    """When no attempt is left, the API's error comes out, however long it asked us to wait."""
    asked = Asked(busy(429, retry_after="3600"), retry=Retry(attempts=1))
    assert type(asked.error(time_left=30)) is ApiError


def test_shown_text_is_voided_before_it_is_shown_again() -> None:
    """Two replies are never spliced: a restart stands between what was shown and what is shown next."""
    half = sse(events_of(message(text("Hello there.")), piece=5)[:4])
    asked = Asked(wire_reply(half + sse([error_event("overloaded_error")])), good())
    asked.reply()
    assert asked.shown == [("text", "Hello"), ("restart", ""), ("text", "Hi.")]


def test_nothing_shown_is_nothing_voided() -> None:
    """Without text before the failure there is no restart."""
    asked = Asked(busy(), good())
    asked.reply()
    assert asked.shown == [("text", "Hi.")]


def test_restart_after_each_failure_that_showed() -> None:
    """Every attempt that showed something is voided by itself."""
    half = sse(events_of(message(text("Hello"))))[:-60]
    asked = Asked(wire_reply(half), busy(), wire_reply(half), good(), retry=Retry(attempts=4))
    asked.reply()
    assert asked.shown == [("text", "Hello"), ("restart", ""), ("text", "Hello"), ("restart", ""), ("text", "Hi.")]


async def stalling(*chunks: bytes, every: float = 0.0) -> AsyncIterator[bytes]:
    """A body that gives these chunks and then nothing, or the last one for ever."""
    for chunk in chunks:
        yield chunk
    while True:
        await asyncio.sleep(every or 3600)
        yield chunks[-1]


@pytest.mark.parametrize(
    ("chunks", "every"), [([b""], 0.0), ([GOOD[:200]], 0.0), ([b'event: ping\ndata: {"type": "ping"}\n\n'], 0.01)]
)
def test_deadline_holds_over_a_wire_that_stalls(chunks: list[bytes], every: float) -> None:
    """No first byte, silence in the middle, pings for ever: the time is up when it is up."""
    asked = Asked(WireReply(200, SSE, stalling(*chunks, every=every)))
    error = asked.error(time_left=0.1)
    assert type(error) is DeadlineExceeded
    assert "within 0.1 s" in str(error)
    assert [(failure.attempt, failure.error_type) for failure in asked.failures] == [(1, "deadline")]


def test_deadline_during_a_wait_has_no_attempt_to_tell_of() -> None:
    """An attempt is told as failed once: time that runs out while waiting fails none."""

    async def ask() -> None:
        model = WireModel(ScriptedWire(busy()), Retry(base=0.0), sleep=lambda _seconds: asyncio.sleep(3600))
        await model.ask(REQUEST, on_failure=failures.append, time_left=0.1)

    failures: list[ModelFailed] = []
    with pytest.raises(DeadlineExceeded):
        asyncio.run(ask())
    assert [failure.error_type for failure in failures] == ["overloaded_error"]


@pytest.mark.parametrize("time_left", [0.0, -5.0])
def test_no_time_left_sends_nothing(time_left: float) -> None:
    """A deadline that has passed costs no request."""
    asked = Asked(good())
    assert type(asked.error(time_left=time_left)) is DeadlineExceeded
    assert (asked.sent, asked.failures) == (0, [])


def test_somebody_elses_timeout_is_not_the_deadline() -> None:
    """A TimeoutError that comes from below is passed on as what it is."""
    asked = Asked(TimeoutError("the socket's"))
    with pytest.raises(TimeoutError, match="the socket's"):
        asked.reply()
    with pytest.raises(TimeoutError, match="the socket's"):
        Asked(TimeoutError("the socket's")).reply(time_left=30)


def test_missing_recording_is_not_asked_again() -> None:
    """A replay that has no answer has none the second time."""
    asked = Asked(RecordingMiss("nothing recorded"), good())
    with pytest.raises(RecordingMiss):
        asked.reply()
    assert (asked.sent, asked.failures) == (1, [])


def test_cancelling_is_not_swallowed() -> None:
    """Ctrl-C during a wait ends the wait."""

    async def ask() -> None:
        model = WireModel(ScriptedWire(busy(429, retry_after="60"), good()))
        asking = asyncio.create_task(model.ask(REQUEST, on_failure=lambda _failure: None))
        await asyncio.sleep(0.05)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    asyncio.run(ask())


def test_same_request_every_time() -> None:
    """A repeated attempt sends the very same request."""
    asked = Asked(busy(), busy(), good())
    asked.reply()
    assert asked.wire.requests == [REQUEST] * 3


def test_retry_loop_is_not_loaded_for_a_success(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that succeeds at once never enters the loop."""
    monkeypatch.setattr(client.WireModel, "_again", None)
    assert Asked(good()).reply().content == [text("Hi.")]


def test_truncation_is_the_error_that_comes_out() -> None:
    """When every attempt is cut short, the error says so."""
    error = Asked(*[wire_reply(GOOD[:-40]) for _ in range(3)]).error()
    assert type(error) is ProtocolError
    assert error.type == "stream_truncated"
