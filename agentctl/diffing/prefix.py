"""Where the prompt cache of one version stops being of use to another, and what that costs.

A request is cached as a prefix of bytes, in the order tools, system prompt, messages, for one model; a cached prefix is
read only if all of it is the same. So the first byte that differs decides: nothing behind it is read back, and since
the one breakpoint stands at the end of the system prompt, nothing before it either. Parameters such as `thinking` come
after it and leave it alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import fmean, median
from typing import Final

import orjson

from agentctl.agent.events import JsonObject, ModelReplied
from agentctl.agent.request import stable_part
from agentctl.agent.run import Usage
from agentctl.agent.spec import Agent
from agentctl.diffing.paths import differences, step
from agentctl.model.pricing import price

RUNS: Final = 1000
"""Runs that costs are told for."""
BYTES_PER_TOKEN: Final = 4
"""Of English text, about; used where nothing was recorded."""
MARK: Final = "cache_control"
SYSTEM: Final = "system prompt"
CACHE: Final = "cache"
NOTHING: Final = {"input_tokens": 0, "output_tokens": 0}


@dataclass(frozen=True, slots=True)
class Break:
    """The first difference of two cached prefixes."""

    component: str
    """`model`, `tool NAME`, `system prompt`, or `cache`: the prefix is no longer marked to be cached."""
    path: str
    """Where in the request: `tools[2].description`, `system[0].text`; empty where all of it is concerned."""
    byte: int
    """Of the prefix, from 0: bytes before it are the same in both."""
    line: int | None
    """Of the system prompt, from 1."""
    bytes: tuple[int, int]
    """The length of each prefix: the JSON of its tools, and the text of its system prompt."""

    def to_json(self) -> JsonObject:
        """As `diff --json` prints it."""
        return {
            "component": self.component,
            "path": self.path,
            "byte": self.byte,
            "line": self.line,
            "bytes": {"old": self.bytes[0], "new": self.bytes[1]},
        }


@dataclass(frozen=True, slots=True)
class Recorded:
    """What recordings say of a version's prefix: tokens of it that were written or read, and replies in a run."""

    tokens: int
    turns: float


@dataclass(frozen=True, slots=True)
class PrefixCost:
    """What a break costs. USD are for `RUNS` runs of the new version; None: the price is not known."""

    tokens: tuple[int, int]
    """Tokens of each prefix."""
    turns: float
    """Replies in a run of the new version."""
    estimated: bool
    """Whether tokens come from the length in bytes, since nothing was recorded."""
    write: Decimal | None
    """To write the prefix once for each run: when none of them finds it in the cache."""
    read: Decimal | None
    """To read it instead: what these runs would pay had the prefix not changed."""
    length: Decimal | None
    """What its other length changes for runs that do find it, in all their turns."""
    once: Decimal | None
    """To write it a single time: all there is to pay when the runs follow each other closely."""

    def to_json(self) -> JsonObject:
        """As `diff --json` prints it."""
        usd = {name: getattr(self, name) for name in ("write", "read", "length")}
        return {
            "tokens": {"old": self.tokens[0], "new": self.tokens[1]},
            "estimated": self.estimated,
            "turns_per_run": round(self.turns, 3),
            "usd_once": _float(self.once),
            "usd_per_1000_runs": {
                **{name: _float(value) for name, value in usd.items()},
                "break": None if self.write is None or self.read is None else _float(self.write - self.read),
            },
        }


def prefix_break(old: Agent, new: Agent) -> Break | None:
    """Where the prefix of `old` stops being that of `new`; None when it stays whole, or there was none to lose."""
    if not old.cache:
        return None
    before, after = list(_parts(old)), list(_parts(new))
    if not before:
        return None
    sizes = (sum(len(part[2]) for part in before), sum(len(part[2]) for part in after))
    if (old.model, old.provider.name) != (new.model, new.provider.name):
        return Break("model", "model", 0, None, sizes)
    at = 0
    for index, (component, path, data) in enumerate(before):
        other = after[index] if index < len(after) else ("", "", b"")
        if (component, data) == (other[0], other[2]):
            at += len(data)
            continue
        same = _common(data, other[2])
        line = data[:same].count(b"\n") + 1 if component == SYSTEM == other[0] else None
        return Break(component, _inside(path, data, other), at + same, line, sizes)
    if len(after) > len(before):  # a tool or a system prompt was added behind it: the breakpoint moved
        return Break(after[len(before)][0], after[len(before)][1], at, None, sizes)
    return None if new.cache else Break(CACHE, "", at, None, sizes)


def recorded_of(runs: Sequence[Sequence[ModelReplied]]) -> Recorded | None:
    """What the replies of these runs say of the prefix, which may be that none of it was cached; None without any."""
    known = [replies for replies in runs if replies and replies[0].usage]
    sizes = [Usage.of(replies[0].usage) for replies in known]
    tokens = [each.cache_creation_input_tokens + each.cache_read_input_tokens for each in sizes]
    if not known:
        return None
    return Recorded(round(median(list(filter(None, tokens)) or [0])), fmean(map(len, known)))


def prefix_cost(
    found: Break, new: Agent, recorded: tuple[Recorded | None, Recorded | None], *, priced: bool = True
) -> PrefixCost:
    """What the break costs, by the recordings of both versions; without one, tokens are estimated.

    `priced` False leaves the prices out, and the price package unloaded.
    """
    before, after = (
        each.tokens if each is not None else size // BYTES_PER_TOKEN
        for each, size in zip(recorded, found.bytes, strict=True)
    )
    turns = recorded[1].turns if recorded[1] is not None else recorded[0].turns if recorded[0] is not None else 1.0

    def usd(count: str, tokens: int) -> Decimal | None:
        return price(new.model, {**NOTHING, count: tokens}, new.provider.name) if priced else None

    unmarked = found.component == CACHE  # then every turn pays for it in full
    times = RUNS * (Decimal(str(round(turns, 3))) if unmarked else 1)
    write = usd("input_tokens" if unmarked else "cache_creation_input_tokens", after)
    read = usd("cache_read_input_tokens", after)
    longer = usd("cache_read_input_tokens", abs(after - before))
    sign = 1 if after >= before else -1
    return PrefixCost(
        tokens=(before, after),
        turns=turns,
        estimated=None in recorded,
        write=None if write is None else write * times,
        read=None if read is None else read * times,
        length=None if longer is None else longer * sign * RUNS * Decimal(str(round(turns, 3))),
        once=write,
    )


def _parts(agent: Agent) -> Iterator[tuple[str, str, bytes]]:
    """(component, path, bytes) of what is cached, as requests carry it, without the marks of the cache itself."""
    body = stable_part(agent)
    for index, tool in enumerate(body.get("tools", ())):
        sent = {key: value for key, value in tool.items() if key != MARK}
        yield f"tool {tool.get('name', '')}", step("tools", index), orjson.dumps(sent)
    if agent.system:
        yield SYSTEM, "system[0].text", agent.system.encode("utf-8", "surrogatepass")


def _common(one: bytes, other: bytes) -> int:
    """Bytes that both begin with."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low


def _inside(path: str, data: bytes, other: tuple[str, str, bytes]) -> str:
    """The path of the first difference inside a tool that both have; of all of it where it is another one."""
    component, _, instead = other
    if path.startswith("system") or not component.startswith("tool ") or not instead:
        return path
    before, after = orjson.loads(data), orjson.loads(instead)
    if before.get("name") != after.get("name"):
        return path
    return next((where for where, _, _ in differences(before, after, path)), path)


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
