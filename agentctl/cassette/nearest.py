"""Why a request has no recording: the recorded request that shares the longest way with it, and where they part.

Places are JSON paths into the request body (`messages[2].content[0].text`), looked at in the order a person thinks of
them: model, parameters, system prompt, tools, then the conversation.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from agentctl.agent.events import Json, JsonObject
from agentctl.agent.ports import Request
from agentctl.cassette.match import NOT_ASKED, canonical
from agentctl.cassette.redact import SHAPES_ONLY, Redactor
from agentctl.cassette.tape import Cassette
from agentctl.errors import CassetteError

LAST: Final = ("system", "tools")
TELLING: Final = frozenset({"type", "role", "name", "id"})
"""Keys that say what a thing is: looked at before the others, or a renamed tool would differ in its description."""

SHOWN: Final = 72
LEAD: Final = 24


class Absent:
    """What stands on one side only."""

    def __repr__(self) -> str:
        return "(nothing)"


ABSENT: Final = Absent()


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place in which a request differs from `interaction` (an index into the cassette), and both values."""

    interaction: int
    path: str
    recorded: Json | Absent
    asked: Json | Absent
    component: str | None = None
    """The component of the agent's definition that changed; None when it was the conversation."""

    def __str__(self) -> str:
        recorded, asked = excerpts(self.recorded, self.asked)
        return f"at {self.path}\n  recorded: {recorded}\n  now:      {asked}"


def nearest(
    request: Request, cassette: Cassette, among: Iterable[int], redactor: Redactor = SHAPES_ONLY
) -> Difference | None:
    """The first difference to the nearest of the interactions `among`; None when there is none or it does not differ.

    Nearest is the one that shares the most leading messages, then the one of the most similar length.
    """
    asked = redactor.value(request.body)
    best: tuple[tuple[int, int], int, JsonObject] | None = None
    for index in among:
        try:
            recorded = redactor.value(cassette.interactions[index].asked)
        except CassetteError:
            continue
        score = _likeness(recorded.get("messages"), asked.get("messages"))
        if best is None or score > best[0]:
            best = (score, index, recorded)
    if best is None:
        return None
    found = first_difference(best[2], asked)
    return None if found is None else Difference(best[1], *found, component_of(found[0], best[2], asked))


def first_difference(recorded: JsonObject, asked: JsonObject) -> tuple[str, Json | Absent, Json | Absent] | None:
    """(path, recorded, asked) of the first difference between two request bodies, or None."""
    names = {*recorded, *asked} - NOT_ASKED
    for name in [*sorted(names.difference(LAST), key=lambda name: (name != "model", name)), *LAST, "messages"]:
        found = _walk(name, recorded.get(name, ABSENT), asked.get(name, ABSENT))
        if found is not None:
            return found
    return None


def component_of(path: str, recorded: JsonObject, asked: JsonObject) -> str | None:
    """The component that a path into the body belongs to, by the name it has in a recording's header."""
    root = path.partition(".")[0].partition("[")[0]
    if root == "messages":
        return None
    if root != "tools":
        return {"system": "system prompt", "model": "model"}.get(root, "params")
    mine, theirs = _tools(recorded), _tools(asked)
    changed = [name for name in sorted({*mine, *theirs}) if mine.get(name) != theirs.get(name)]
    return f"tool {changed[0]}" if changed else "tool order"


def _tools(body: JsonObject) -> dict[str, bytes]:
    tools = body.get("tools")
    listed = tools if isinstance(tools, list) else []
    return {str(tool.get("name")): canonical(tool) for tool in listed if isinstance(tool, dict)}


def excerpts(recorded: Json | Absent, asked: Json | Absent) -> tuple[str, str]:
    """Both values on one line each, cut to the part around their first difference."""
    one, other = _shown(recorded), _shown(asked)
    shared = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    start = max(0, shared - LEAD) if max(len(one), len(other)) > SHOWN else 0
    return _cut(one, start), _cut(other, start)


def _likeness(recorded: Any, asked: Any) -> tuple[int, int]:
    if not isinstance(recorded, list) or not isinstance(asked, list):
        return (0, 0)
    pairs = zip(recorded, asked, strict=False)
    shared = next((i for i, (mine, theirs) in enumerate(pairs) if mine != theirs), min(len(recorded), len(asked)))
    return shared, -abs(len(recorded) - len(asked))


def _walk(path: str, recorded: Any, asked: Any) -> tuple[str, Any, Any] | None:
    if isinstance(recorded, dict) and isinstance(asked, dict):
        for key in sorted({*recorded, *asked}, key=lambda key: (key not in TELLING, key)):
            found = _walk(f"{path}.{key}", recorded.get(key, ABSENT), asked.get(key, ABSENT))
            if found is not None:
                return found
        return None
    if isinstance(recorded, list) and isinstance(asked, list):
        for i in range(max(len(recorded), len(asked))):
            one = recorded[i] if i < len(recorded) else ABSENT
            other = asked[i] if i < len(asked) else ABSENT
            found = _walk(f"{path}[{i}]", one, other)
            if found is not None:
                return found
        return None
    same = type(recorded) is type(asked) and recorded == asked
    return None if same else (path, recorded, asked)


def _shown(value: Json | Absent) -> str:
    if isinstance(value, Absent):
        return repr(value)
    return canonical(value).decode()


def _cut(text: str, start: int) -> str:
    end = start + SHOWN
    return ("…" if start else "") + text[start:end] + ("…" if len(text) > end else "")
