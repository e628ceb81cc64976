"""Two versions of an agent -> what changed, each change once, under the component whose digest it changes.

Only what the two definitions say is compared: no handler is imported, nothing is asked of a network. The code behind a
handler is not part of a definition; where it is found is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from agentctl.agent.events import Json, JsonObject
from agentctl.agent.spec import Agent, ToolSpec
from agentctl.diffing.paths import ABSENT, differences, same, step
from agentctl.diffing.schemas import BREAKING, COMPATIBLE, SchemaChange, compare, is_breaking
from agentctl.diffing.texts import Line, diff_lines
from agentctl.evals.marks import Reused

SAME: Final = "same"
CHANGED: Final = "changed"
ADDED: Final = "added"
REMOVED: Final = "removed"

SHORT: Final = 12
"""Hexadecimal digits of a digest that are enough to tell two apart."""


@dataclass(frozen=True, slots=True)
class Change:
    """A value at `path` that was `old` and is `new`; ABSENT when it was or is not there."""

    path: str
    old: Json
    new: Json

    def to_json(self) -> JsonObject:
        """The change; a side that is absent has no key."""
        return {"path": self.path, **sides(self.old, self.new)}


@dataclass(frozen=True, slots=True)
class ToolChange:
    """What became of one tool. `fields` are all but the schema and the description: wire fields, handler, effect."""

    name: str
    status: str
    """`changed`, `added` or `removed`."""
    schema: tuple[SchemaChange, ...] = ()
    description: tuple[Line, ...] = ()
    fields: tuple[Change, ...] = ()

    @property
    def verdict(self) -> str:
        """`breaking` when a call that used to be allowed may now be refused, else `compatible`."""
        return BREAKING if self.status == REMOVED or is_breaking(self.schema) else COMPATIBLE

    def to_json(self) -> JsonObject:
        """The change as `diff --json` prints it."""
        return {
            "name": self.name,
            "status": self.status,
            "verdict": self.verdict,
            "schema": [
                {"path": each.path, **sides(each.old, each.new), "verdict": each.verdict} for each in self.schema
            ],
            "description": [str(line) for line in self.description],
            "fields": [each.to_json() for each in self.fields],
        }


@dataclass(frozen=True, slots=True)
class StaleCase:
    """A recorded case that the new definition makes stale, and by which components."""

    suite: str
    case: str
    components: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Staleness:
    """The cases recorded with the old definition: how many there are, and those that are stale for the new one."""

    recordings: int = 0
    fresh: int = 0
    """Recordings that fit the new definition and not the old one: made with it already."""
    cases: tuple[StaleCase, ...] = ()
    unreadable: tuple[str, ...] = ()
    """Files that hold no recording that can be read, and why."""
    again: Reused | None = None
    """What recording the stale ones again takes, if it goes as it went; its price is not always asked for."""

    @property
    def by_component(self) -> dict[str, list[str]]:
        """`suite/case` of every stale case under each component that makes it so."""
        found: dict[str, list[str]] = {}
        for each in self.cases:
            for component in each.components:
                found.setdefault(component, []).append(f"{each.suite}/{each.case}")
        return found

    def to_json(self) -> JsonObject:
        """The stale cases as `diff --json` prints them."""
        return {
            "recordings": self.recordings,
            "fresh": self.fresh,
            "cases": [asdict(each) for each in self.cases],
            "by_component": self.by_component,
            "unreadable": list(self.unreadable),
            "rerecord": None if self.again is None else self.again.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Diff:
    """What changed from one definition to another."""

    old: Agent
    new: Agent
    components: Mapping[str, str]
    """Each component of either: `same`, `changed`, `added` or `removed`."""
    prompt: tuple[Line, ...]
    tools: tuple[ToolChange, ...]
    settings: tuple[Change, ...]
    """All that is neither prompt nor tool: model, params, limits, provider, what is done in an outage, ..."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed."""
        return not (self.prompt or self.tools or self.settings) and set(self.components.values()) <= {SAME}

    def to_json(self) -> JsonObject:
        """The diff as `diff --json` prints it."""
        return {
            "kind": "definitions",
            "a": {"agent": self.old.ref, "bundle": self.old.bundle},
            "b": {"agent": self.new.ref, "bundle": self.new.bundle},
            "components": dict(self.components),
            "digests": {
                name: sides(short(self.old.components.get(name)), short(self.new.components.get(name)))
                for name in self.components
            },
            "prompt": [str(line) for line in self.prompt],
            "tools": [tool.to_json() for tool in self.tools],
            "settings": [change.to_json() for change in self.settings],
        }


def diff(old: Agent, new: Agent) -> Diff:
    """What changed from `old` to `new`."""
    return Diff(
        old=old,
        new=new,
        components=component_statuses(old.components, new.components),
        prompt=diff_lines(old.system, new.system),
        tools=tuple(_tools(old.tools, new.tools)),
        settings=tuple(_settings(old, new)),
    )


def component_statuses(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """Each component by its digests."""
    return {
        name: ADDED if name not in old else REMOVED if name not in new else SAME if old[name] == new[name] else CHANGED
        for name in dict.fromkeys([*old, *new])
    }


def sides(old: Json, new: Json) -> JsonObject:
    """`old` and `new` as two keys, without the side that is absent."""
    return {key: value for key, value in (("old", old), ("new", new)) if value is not ABSENT}


def short(digest: str | None) -> Any:
    """The beginning of a digest; ABSENT when there is none."""
    return ABSENT if digest is None else digest.removeprefix("sha256:")[:SHORT]


def _settings(old: Agent, new: Agent) -> Iterator[Change]:
    for path, before, after in differences(_settings_of(old), _settings_of(new)):
        yield Change(path, before, after)
    names = [tool.name for tool in old.tools], [tool.name for tool in new.tools]
    kept = set(names[0]) & set(names[1])
    if [name for name in names[0] if name in kept] != [name for name in names[1] if name in kept]:
        yield Change("tool order", *names)


def _settings_of(agent: Agent) -> JsonObject:
    provider = {"name": agent.provider.name, "base_url": agent.provider.base_url, "options": {**agent.provider.options}}
    return {
        "model": agent.model,
        "params": agent.params,
        "betas": list(agent.betas),
        "cache": agent.cache,
        "limits": asdict(agent.limits),
        "retry": asdict(agent.retry),
        "breaker": None if agent.breaker is None else asdict(agent.breaker),
        "fallbacks": [asdict(each) for each in agent.fallbacks],
        "degrade": agent.degrade,
        "cached_answers": None if agent.cached_answers is None else asdict(agent.cached_answers),
        "provider": provider,
        "setup": None if agent.setup is None else located(agent.setup),
    }


def _tools(old: Sequence[ToolSpec], new: Sequence[ToolSpec]) -> Iterator[ToolChange]:
    before, after = ({tool.name: tool for tool in tools} for tools in (old, new))
    for name in dict.fromkeys([*before, *after]):
        if name not in after:
            yield ToolChange(name, REMOVED)
        elif name not in before:
            yield ToolChange(name, ADDED)
        else:
            change = _tool(before[name], after[name])
            if change.schema or change.description or change.fields:
                yield change


def _tool(old: ToolSpec, new: ToolSpec) -> ToolChange:
    before, after = (str(tool.definition.get("description", "")) for tool in (old, new))
    schemas = [tool.definition.get("input_schema", ABSENT) for tool in (old, new)]
    changes: tuple[SchemaChange, ...] = ()
    if not same(*schemas) and ABSENT not in schemas:
        changes = compare(*schemas)
    return ToolChange(
        name=old.name,
        status=CHANGED,
        schema=changes,
        description=diff_lines(before, after),
        fields=tuple(Change(*each) for each in _fields(old, new)),
    )


def _fields(old: ToolSpec, new: ToolSpec) -> Iterable[tuple[str, Json, Json]]:
    yield from differences(_fields_of(old), _fields_of(new))
    one, other = ("input_schema" in tool.definition for tool in (old, new))
    if one != other:  # a tool of ours became one that the API runs, or the other way round
        schemas = (tool.definition.get("input_schema", ABSENT) for tool in (old, new))
        yield (step("", "input_schema"), *schemas)


def _fields_of(tool: ToolSpec) -> JsonObject:
    wire = {key: value for key, value in tool.definition.items() if key not in {"description", "input_schema"}}
    ours = {
        "handler": None if tool.handler is None else located(tool.handler),
        "effect": tool.effect,
        "approve": tool.approve,
        "timeout": tool.timeout,
        "max_result_chars": tool.max_result_chars,
        "idempotency": "key" if tool.idempotent else "none",
    }
    return {**wire, **ours}


def located(function: str) -> str:
    """`file.py:function` below `prompts/`, where the same code has the same name in every checkout and revision."""
    _, separator, inside = function.replace("\\", "/").rpartition("prompts/")
    return inside if separator else function
