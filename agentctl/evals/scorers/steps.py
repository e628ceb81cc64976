"""What the trajectory checks take: names, counts, arguments; each is checked once, when the suite is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from agentctl.agent.events import Json, JsonObject
from agentctl.evals.scorers.score import Fields, Misfit, named

MODES: Final = ("any_order", "in_order", "exact")
MATCHES: Final = ("subset", "exact", "ignore")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many there must be, both ends included; None is no bound."""

    low: int | None = None
    high: int | None = None

    def hold(self, count: int) -> bool:
        """Whether `count` lies within."""
        return (self.low is None or count >= self.low) and (self.high is None or count <= self.high)

    def __str__(self) -> str:
        if self.low == self.high:
            return f"exactly {self.low}"
        if self.high is None:
            return f"at least {self.low}"
        return f"{self.low} to {self.high}" if self.low else f"at most {self.high}"


@dataclass(frozen=True, slots=True)
class Args:
    """A call that is looked for: the tool, and how its input is compared."""

    name: str
    args: JsonObject
    match: str


ONCE_OR_MORE: Final = Bounds(low=1)


def used(fields: Fields) -> list[tuple[str, Bounds]]:
    """A name, a list of names, or `{name, min, max}`; at least once, unless `min` or `max: 0` says otherwise."""
    value = fields["value"]
    if isinstance(value, list) and value:
        return [(_name(name, "value", index), ONCE_OR_MORE) for index, name in enumerate(value)]
    if isinstance(value, dict):
        name = _name(_only(value, ("name", "min", "max")).get("name"), "value", "name")
        bounds = _bounds({"min": 0 if value.get("max") == 0 else 1, **value})
        return [(name, bounds)]
    if isinstance(value, str) and value:
        return [(value, ONCE_OR_MORE)]
    message = f"takes a tool's name, a list of names, or {{name, min, max}}, not {named(value)}"
    raise Misfit(message, "value", hint="trajectory:tool-used: get_order_details")


def args(fields: Fields) -> Args:
    """`{name, args, match}`."""
    value = fields["value"]
    if not isinstance(value, dict):
        hint = "{name: get_order_details, args: {order_id: ORD-1042}, match: subset}"
        raise Misfit(f"takes {{name, args, match}}, not {named(value)}", "value", hint=hint)
    _only(value, ("name", "args", "match"))
    wanted, match = value.get("args", {}), value.get("match", "subset")
    if not isinstance(wanted, dict):
        raise Misfit(f"args is a mapping, not {named(wanted)}", "value", "args")
    return Args(_name(value.get("name"), "value", "name"), wanted, _word(match, MATCHES, "match", "value", "match"))


def sequence(fields: Fields) -> tuple[list[str], str]:
    """A list of names and `mode` beside it; or both as `{steps, mode}`, as promptfoo writes it."""
    value, mode = fields["value"], fields.get("mode", "any_order")
    path: tuple[str, ...] = ("value",)
    if isinstance(value, dict):
        both = _only(value, ("steps", "mode"))
        value, mode, path = both.get("steps"), both.get("mode", mode), ("value", "steps")
    if not isinstance(value, list):
        hint = "[search_customers, get_order_details]"
        raise Misfit(f"takes a list of tool names, not {named(value)}", "value", hint=hint)
    names = [_name(name, *path, index) for index, name in enumerate(value)]
    if not names and mode != "exact":
        raise Misfit("an empty list is always there; with `mode: exact` it means no call at all", *path)
    return names, _word(mode, MODES, "mode", "mode")


def steps(fields: Fields) -> Bounds:
    """`{min, max}` or `{equals}`."""
    return within(fields["value"])


def within(value: Json) -> Bounds:
    """The bounds that `{min, max}` or `{equals}` are.

    Raises:
        Misfit: it is something else.
    """
    if not isinstance(value, dict) or not value:
        raise Misfit(f"takes {{min, max}} or {{equals}}, not {named(value)}", "value", hint="{max: 3}")
    return _bounds(_only(value, ("min", "max", "equals")))


def _bounds(value: JsonObject) -> Bounds:
    for key in ("min", "max", "equals"):
        number = value.get(key)
        if number is not None and (not isinstance(number, int) or isinstance(number, bool) or number < 0):
            raise Misfit(f"{key} is a whole number from 0, not {number!r}", "value", key)
    low, high = value.get("min", value.get("equals")), value.get("max", value.get("equals"))
    if low is not None and high is not None and low > high:
        raise Misfit(f"min {low} is more than max {high}", "value", "min")
    return Bounds(low, high)


def _only(value: JsonObject, known: tuple[str, ...]) -> JsonObject:
    for key in value:
        if key not in known:
            raise Misfit(f"unknown key {key!r}", "value", key, hint=f"the keys are {', '.join(known)}", on_key=True)
    return value


def _word(value: Any, words: tuple[str, ...], key: str, *path: str) -> str:
    if value in words:
        return str(value)
    raise Misfit(f"{key} is one of {', '.join(words)}, not {value!r}", *path)


def _name(value: Any, *path: str | int) -> str:
    if isinstance(value, str) and value:
        return value
    raise Misfit(f"a tool's name is text, not {named(value)}", *path)
