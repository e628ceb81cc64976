"""Which request meets which fault: the first rule that is due, by what the request says and how often it came.

Chance is seeded, and thrown for each request by what it says and how often it was sent, not by when it came in: the
same clients meet the same faults, however their requests interleave.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from agentctl.agent.events import JsonObject
from agentctl.config.check import Many, Part, check
from agentctl.config.faults import Fault, Layer, Unknown, fault_of
from agentctl.config.faulttext import FaultText
from agentctl.config.findings import Invalid
from agentctl.config.texts import shown
from agentctl.config.yamls import read_yaml
from agentctl.simulator.limits import Limit, WrongRate, limit_of

MOST_ASKED: Final = 100_000
"""Requests whose earlier attempts are remembered."""


Share = Annotated[float, Field(ge=0, le=1)]
Nth = Annotated[int, Field(ge=1)]


class FaultRule(Part):
    """A fault and when it is due; every condition that is given must hold."""

    fault: FaultText
    """As in `529`, `429,retry_after=2`, `eof,at=tool`."""
    model: str | None = None
    """Only requests for this model. With `model` or `turn` a fault waits until the body is read, whatever its kind."""
    turn: int | None = None
    """Only requests after so many replies since the user spoke, from 0."""
    nth: Nth | Many[Nth] | None = None
    """Only these of the requests that the conditions above let through, from 1."""
    burst: Nth | None = None
    """When it is due, it stays so until this many requests have met it in a row."""
    times: Nth | None = None
    """At most so often."""
    seconds: Annotated[tuple[float, float], Field(strict=False)] | None = None
    """Only between these moments, counted from the start of the server: an outage is `[0, 60]`."""
    probability: Share = 1.0


def _rate(text: str) -> str:
    try:
        limit_of(text)
    except WrongRate as wrong:
        raise Invalid(str(wrong), hint="as in 50/min; per s, min, h or d") from None
    return text


RateText = Annotated[str, AfterValidator(_rate)]


class LimitsPart(Part):
    """What may come in a time: `50/min`."""

    requests: RateText | None = None
    input: RateText | None = None
    output: RateText | None = None


class FaultsDocument(Part):
    """A file of faults, and of limits."""

    schema_: Literal[1] = Field(alias="schema")
    kind: Literal["faults"]
    description: str = ""
    seed: int = 0
    limits: LimitsPart = Field(default_factory=LimitsPart)
    faults: Many[FaultRule] = ()


class Plan:
    """The rules, and what has happened so far; one fault a request, that of the first rule that is due."""

    def __init__(
        self,
        rules: Sequence[FaultRule] = (),
        seed: int = 0,
        *,
        limits: Mapping[str, Limit] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits or {}
        self._rules = [(rule, fault_of(rule.fault)) for rule in rules]
        self._seed = seed
        self._clock = clock
        self._began = clock()
        self._asked: Counter[str] = Counter()
        self._before: set[Layer] = set()
        self._met: Counter[int] = Counter()
        self._burst: Counter[int] = Counter()
        self._fired: Counter[int] = Counter()

    def due(self, body: JsonObject, digest: str, turn: int) -> Iterator[tuple[int, Fault]]:
        """The faults that are due for this request, with their places in the plan; tell `fired` which one happened."""
        if not self._rules:
            return
        if len(self._asked) > MOST_ASKED:
            self._asked.clear()
        self._asked[digest] += 1
        for index, (rule, fault) in enumerate(self._rules):
            if not (fault.layer in self._before and _is_blind(rule)) and self._is_due(index, rule, body, digest, turn):
                yield index, fault

    def before(self, layer: Layer) -> Fault | None:
        """The fault that is due at this layer before a request can be read; it happens.

        Whoever asks once asks always: from then on such faults are due nowhere else.
        """
        self._before.add(layer)
        self._asked[layer] += 1
        for index, (rule, fault) in enumerate(self._rules):
            if fault.layer is layer and _is_blind(rule) and self._is_due(index, rule, {}, layer, 0):
                self.fired(index)
                return fault
        return None

    def fired(self, index: int) -> None:
        """Counts a fault that happened."""
        self._fired[index] += 1

    def _is_due(self, index: int, rule: FaultRule, body: JsonObject, digest: str, turn: int) -> bool:
        if rule.model not in {None, body.get("model")} or rule.turn not in {None, turn}:
            return False
        self._met[index] += 1
        if self._burst[index] > 0:
            self._burst[index] -= 1
            return True
        if not self._begins(index, rule, digest):
            return False
        self._burst[index] = (rule.burst or 1) - 1
        return True

    def _begins(self, index: int, rule: FaultRule, digest: str) -> bool:
        nths = (rule.nth,) if isinstance(rule.nth, int) else rule.nth
        if nths is not None and self._met[index] not in nths:
            return False
        if rule.times is not None and self._fired[index] >= rule.times:
            return False
        if rule.seconds is not None and not rule.seconds[0] <= self._clock() - self._began < rule.seconds[1]:
            return False
        thrown = Random(f"{self._seed} {index} {digest} {self._asked[digest]}").random()  # noqa: S311  seeded on purpose
        return thrown < rule.probability


def _is_blind(rule: FaultRule) -> bool:
    """Whether it needs nothing of what a body says."""
    return rule.model is None and rule.turn is None


def load_plan(path: Path | None, before: Sequence[FaultRule] = (), seed: int | None = None) -> Plan:
    """The rules `before`, then those in the file at `path`, if any; `seed` takes the place of the file's own.

    Raises:
        ConfigError: with file, line and column of everything that is wrong.
    """
    if path is None:
        return Plan(before, seed or 0)
    document = check(FaultsDocument, read_yaml(path, str(path)))
    limits = {kind: limit_of(rate) for kind, rate in document.limits if rate is not None}
    return Plan([*before, *document.faults], document.seed if seed is None else seed, limits=limits)


def rule_of(text: str) -> FaultRule:
    """The rule that `FAULT[:PROBABILITY[xBURST]]` states: `529:0.1x5` are five in a row, begun by one request in ten.

    Raises:
        Unknown: it states none.
    """
    fault, colon, chance = text.rpartition(":")
    chance, _, burst = chance.partition("x")
    share = _share(chance) if colon else None
    if share is None:
        fault, share, burst = text, 1.0, ""
    fault_of(fault)
    if burst and not (burst.isdecimal() and int(burst)):
        raise Unknown(f"x{shown(burst)} is no burst", "a whole number of requests, as in 529:0.1x5")
    return FaultRule(fault=fault, probability=share, burst=int(burst) if burst else None)


def _share(text: str) -> float | None:
    """The probability, or None when this is no number: then the colon belongs to the fault (a URL, a date)."""
    try:
        share = float(text)
    except ValueError:
        return None
    if not 0 <= share <= 1:
        raise Unknown(f"{text} is no probability", "a number from 0 to 1")
    return share
