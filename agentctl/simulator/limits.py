"""Rate limits as the API keeps them: a bucket each for requests, input and output tokens, refilled all the time.

A bucket holds one period's worth and begins full. A request takes one from the first before its body is read; its input
tokens, those read from the cache left out, are taken when it is found in order; its output tokens when they are made,
which may leave a debt that the refill pays off first. Source: the documentation's "Rate limits" (a token bucket; input
from the cache is not limited).
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from agentctl.agent.events import JsonObject
from agentctl.config.texts import shown
from agentctl.simulator.errors import Refusal

UNITS: Final = {"s": ("second", 1), "min": ("minute", 60), "h": ("hour", 3600), "d": ("day", 86_400)}
RATE: Final = re.compile(r"([1-9][0-9]{0,11})/(s|min|h|d)")
HINT: Final = "as in requests=50/min, input=30000/min or output=8000/min; per s, min, h or d"

KINDS: Final = {"requests": "requests", "input": "input-tokens", "output": "output-tokens"}
"""What can be limited, and what its headers call it."""
UNLIMITED: Final = {"requests": 4_000, "input": 2_000_000, "output": 400_000}
"""What the headers say of a kind that is not limited: it is always full."""
NO_RESET: Final = "2026-01-01T00:00:00Z"
"""When that was so: one moment, so that two recordings of one conversation are equal byte for byte."""

RATE_LIMITED: Final = 429
ROUNDING: Final = 1e-9
"""What a level of a bucket may be off by, being a sum of fractions."""


class WrongRate(ValueError):
    """A text that states no rate limit."""


@dataclass(frozen=True, slots=True)
class Limit:
    """So much in such a time."""

    amount: int
    unit: str

    @property
    def seconds(self) -> int:
        """The time."""
        return UNITS[self.unit][1]


def limit_of(text: str) -> Limit:
    """The limit that `50/min` states.

    Raises:
        WrongRate: it states none.
    """
    found = RATE.fullmatch(text.strip())
    if found is None:
        raise WrongRate(f"{shown(text)} is no rate limit")
    return Limit(int(found[1]), found[2])


def limits_of(text: str) -> dict[str, Limit]:
    """The limits that `requests=50/min,input=30000/min` states.

    Raises:
        WrongRate: one of them is none, or of a kind that there is not.
    """
    limits = {}
    for part in text.split(","):
        kind, _, rate = part.partition("=")
        if kind.strip() not in KINDS:
            raise WrongRate(f"{shown(kind)} cannot be limited")
        limits[kind.strip()] = limit_of(rate)
    return limits


class Buckets:
    """The limits, and what is left of them; `clock` counts seconds, `now` says what time it is."""

    def __init__(
        self,
        limits: Mapping[str, Limit] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._limits = dict(limits or {})
        self._levels = {kind: float(limit.amount) for kind, limit in self._limits.items()}
        self._clock, self._now = clock, now
        self._filled = clock()
        self._full = None if self._limits else self._headers()

    def __bool__(self) -> bool:
        return bool(self._limits)

    def take(self, kind: str, wanted: int) -> None:
        """Takes `wanted` from a bucket.

        Raises:
            Refusal: 429, with the wait in seconds; without one when the bucket can never hold as much.
        """
        self.require(kind, wanted)
        self.owe(kind, wanted)

    def require(self, kind: str, wanted: int) -> None:
        """Sees that a bucket holds as much; see `take`."""
        limit = self._limits.get(kind)
        if limit is None:
            return
        self._fill()
        missing = wanted - self._levels[kind]
        if missing > ROUNDING:
            raise _refusal(kind, limit, None if wanted > limit.amount else missing * limit.seconds / limit.amount)

    def owe(self, kind: str, made: int) -> None:
        """Takes what was made, be it there or not."""
        if kind in self._limits:
            self._fill()
            self._levels[kind] -= made

    def headers(self) -> Mapping[str, str]:
        """What every answer says of the limits. `tokens` stands for both kinds of them together."""
        return self._headers() if self._full is None else self._full

    def _headers(self) -> dict[str, str]:
        self._fill()
        told = {kind: self._told(kind) for kind in KINDS}
        (ins, left_in, reset_in), (outs, left_out, reset_out) = told["input"], told["output"]
        both = (ins + outs, left_in + left_out, max(reset_in, reset_out))
        return {
            f"anthropic-ratelimit-{name}-{field}": str(value)
            for name, values in (
                ("requests", told["requests"]),
                ("tokens", both),
                ("input-tokens", told["input"]),
                ("output-tokens", told["output"]),
            )
            for field, value in zip(("limit", "remaining", "reset"), values, strict=True)
        }

    def _fill(self) -> None:
        now = self._clock()
        for kind, limit in self._limits.items():
            gained = (now - self._filled) * limit.amount / limit.seconds
            self._levels[kind] = min(self._levels[kind] + gained, limit.amount)
        self._filled = now

    def _told(self, kind: str) -> tuple[int, int, str]:
        """Limit, what remains, and when it is whole again (RFC 3339)."""
        limit = self._limits.get(kind)
        if limit is None:
            return UNLIMITED[kind], UNLIMITED[kind], NO_RESET
        level = self._levels[kind]
        whole = self._now() + (limit.amount - level) * limit.seconds / limit.amount
        reset = datetime.fromtimestamp(math.ceil(whole - ROUNDING), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return limit.amount, max(math.floor(level + ROUNDING), 0), reset


def _refusal(kind: str, limit: Limit, wait: float | None) -> Refusal:
    headers = {"x-should-retry": "false"}
    if wait is not None:
        headers = {"x-should-retry": "true", "retry-after": str(max(math.ceil(wait - ROUNDING), 1))}
    rate = f"{limit.amount:,} {KINDS[kind].replace('-', ' ')} per {UNITS[limit.unit][0]}"
    message = f"This request would exceed your organization's rate limit of {rate}."
    return Refusal(RATE_LIMITED, "rate_limit_error", message, headers)


def billable(usage: JsonObject) -> int:
    """Input tokens that count towards the limit: what was read from the cache does not."""
    return int(usage["input_tokens"] + usage["cache_creation_input_tokens"])
