"""The breaker's rules, against a model of them and at the edge where only one may go."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.agent.spec import Breaker
from agentctl.errors import ApiError, ModelError, ProtocolError, Unreachable
from agentctl.model.breaker import LOST_AFTER, Breakers, InMemory, Pass, counts

RULES = Breaker(window=4, minimum=2, share=0.5, open_seconds=10.0)


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """The time it shows."""
        return self.now


class Steady(random.Random):
    """No jitter."""

    def random(self) -> float:
        """Always nothing."""
        return 0.0


def breakers() -> tuple[Breakers, Hands]:
    """Breakers and their clock."""
    clock = Hands()
    return Breakers(InMemory(clock), Steady()), clock


def is_open(on: Breakers) -> bool:
    """Whether a call is refused now; a leave that was given is given back."""
    try:
        leave = on.ask("x")
    except ModelError:
        return True
    on.tell("x", leave, RULES, failed=None)
    return False


def fail(on: Breakers, times: int = 1) -> None:
    """Calls that fail."""
    for _ in range(times):
        on.tell("x", on.ask("x"), RULES, failed=True)


def test_it_opens_when_enough_failed_and_closes_when_a_probe_went_well() -> None:
    """Too few calls open nothing; open, it says how long; after that one call decides."""
    on, clock = breakers()
    fail(on)
    assert not is_open(on)
    fail(on)
    with pytest.raises(ModelError, match="another 10 s") as caught:
        on.ask("x")
    assert (caught.value.type, caught.value.retry_after, caught.value.retryable) == ("breaker_open", 10.0, False)
    clock.now = 10.0
    probe = on.ask("x")
    assert probe == Pass(probe=True)
    assert is_open(on)
    on.tell("x", probe, RULES, failed=False)
    assert on.ask("x") == Pass()


def test_a_probe_that_fails_doubles_the_time() -> None:
    """10, 20, 40 seconds and so on, up to ten minutes."""
    on, clock = breakers()
    fail(on, 2)
    waits = []
    for _ in range(9):
        clock.now += 10_000
        fail(on)
        with pytest.raises(ModelError) as caught:
            on.ask("x")
        waits.append(caught.value.retry_after)
    assert waits == [20, 40, 80, 160, 320, 600, 600, 600, 600]


def test_a_probe_that_was_cancelled_or_lost_is_no_verdict() -> None:
    """Another one may go: at once after a cancelled one, in time after one whose process died."""
    on, clock = breakers()
    fail(on, 2)
    clock.now = 10.0
    on.tell("x", on.ask("x"), RULES, failed=None)
    on.ask("x")
    assert is_open(on)
    clock.now += LOST_AFTER
    assert not is_open(on)


def test_calls_from_before_it_opened_change_nothing() -> None:
    """A late answer neither closes it nor opens it for longer."""
    on, clock = breakers()
    early = [on.ask("x") for _ in range(4)]
    fail(on, 2)
    for leave, failed in zip(early, (False, True, False, True), strict=True):
        on.tell("x", leave, RULES, failed=failed)
    clock.now = 9.9
    assert is_open(on)
    clock.now = 10.0
    assert not is_open(on)


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (ApiError("", type="overloaded_error", status=529), True),
        (ApiError("", type="api_error", status=500), True),
        (ApiError("", type="overloaded_error", status=200), True),
        (ApiError("", type="rate_limit_error", status=429), False),
        (ApiError("", type="invalid_request_error", status=400), False),
        (ApiError("", type="timeout_error", status=408), False),
        (Unreachable("", type="connection_error"), True),
        (Unreachable("", type="timeout_error"), True),
        (ProtocolError("", type="stream_truncated", status=200), True),
        (ProtocolError("", type="protocol_error", status=200), True),
        (ModelError("", type="deadline"), False),
    ],
)
def test_what_counts(error: ModelError, failure: object) -> None:
    """What says that the other side is broken, and nothing else."""
    assert counts(error) is failure


EVENTS = st.lists(st.sampled_from(["ask", "ok", "fail", "cancel", "time", "long"]), max_size=200)


class Model:
    """The same breaker, written as plainly as can be: mutable, one state at a time."""

    def __init__(self) -> None:
        self.name, self.last, self.until, self.open_for, self.probing = "closed", list[bool](), 0.0, 0.0, False

    def ask(self, now: float) -> bool | None:
        """None when refused, else whether it is a probe."""
        if self.name == "closed":
            return False
        if now < self.until or self.probing:
            return None
        self.probing = True
        return True

    def tell(self, now: float, leave: Pass, failed: object) -> None:
        """How a call went; None is not known."""
        if self.name == "open":
            if not leave.probe:
                return
            self.probing = False
            if failed:
                self.open(now, min(self.open_for * 2, 600.0))
            elif failed is False:
                self.__init__()  # type: ignore[misc]
        elif failed is not None:
            self.last = [*self.last, not failed][-RULES.window :]
            if failed and len(self.last) >= RULES.minimum and self.last.count(False) >= RULES.share * len(self.last):
                self.open(now, RULES.open_seconds)

    def open(self, now: float, seconds: float) -> None:
        """Refuses from now on."""
        self.name, self.last, self.open_for, self.until = "open", [], seconds, now + seconds


@given(EVENTS)
def test_it_does_what_the_model_does(events: list[str]) -> None:
    """Any order of calls, outcomes and time gives the same answers."""
    on, clock = breakers()
    model, under_way = Model(), list[Pass]()
    for event in events:
        if event in {"time", "long"}:
            clock.now += 3.0 if event == "time" else 50.0
        elif event == "ask":
            try:
                given_ = on.ask("x")
            except ModelError:
                assert model.ask(clock.now) is None
            else:
                assert model.ask(clock.now) is given_.probe
                under_way.append(given_)
        elif under_way:
            leave = under_way.pop(0)
            failed = {"ok": False, "fail": True, "cancel": None}[event]
            model.tell(clock.now, leave, failed)
            on.tell("x", leave, RULES, failed=failed)


def test_one_probe_whoever_asks() -> None:
    """Thirty-two threads at the half-open edge, round after round: exactly one may go."""
    on, clock = breakers()
    fail(on, 2)
    gate = threading.Barrier(32)

    def try_it() -> Pass | None:
        gate.wait()
        try:
            return on.ask("x")
        except ModelError:
            return None

    with ThreadPoolExecutor(32) as pool:
        for _ in range(50):
            clock.now += 1000.0
            leaves = [leave for leave in pool.map(lambda _: try_it(), range(32)) if leave is not None]
            assert len(leaves) == 1
            on.tell("x", leaves[0], RULES, failed=True)
