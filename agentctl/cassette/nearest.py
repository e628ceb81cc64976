"""Why a request has no recording: the recorded request that shares the longest way with it, and where they part.

Places are JSON paths into the request body (`messages[2].content[0].text`), looked at in the order a person thinks of
them: model, parameters, system prompt, tools, then the conversation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from agentctl.agent.events import Json, JsonObject
from agentctl.agent.ports import Request
from agentctl.cassette.match import NOT_ASKED, canonical
from agentctl.cassette.secrets.redact import SHAPES_ONLY, Redactor
from agentctl.cassette.tape import Cassette
from agentctl.cassette.words import marked
from agentctl.errors import CassetteError, RecordingMiss

LAST: Final = ("system", "tools")
TELLING: Final = frozenset({"type", "role", "name", "id"})
"""Keys that say what a thing is: looked at before the others, or a renamed tool would differ in its description."""

INDEX: Final = re.compile(r"\[(\d+)\]")

TEXT: Final = 60
"""From this many characters on, two texts are shown as one with marks on its words."""
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
    about: str = ""
    """What stands there in words: the component, or whose message it is."""

    def __str__(self) -> str:
        return "\n  ".join([f"at {self.path}", *self.values])

    @property
    def is_marked(self) -> bool:
        """Whether `values` is one line with marks on its words."""
        return len(self.values) == 1

    @property
    def values(self) -> tuple[str, ...]:
        """Both values, as one line with marks on the words that differ, or as two lines."""
        if isinstance(self.recorded, str) and isinstance(self.asked, str):
            longer = max(len(self.recorded), len(self.asked)) > TEXT
            words = marked(self.recorded, self.asked) if longer else ""
            if words:
                return (words,)
        recorded, asked = excerpts(self.recorded, self.asked)
        return f"recorded: {recorded}", f"now:      {asked}"


class Diverged(RecordingMiss):
    """A request that its recording does not hold; `differences` are those to the nearest one that it does."""

    def __init__(
        self,
        message: str,
        *,
        components: tuple[str, ...] = (),
        hint: str = "",
        differences: tuple[Difference, ...] = (),
    ) -> None:
        super().__init__(message, components=components, hint=hint)
        self.differences = differences


def differences(
    request: Request,
    cassette: Cassette,
    among: Iterable[int],
    redactor: Redactor = SHAPES_ONLY,
    *,
    lenient: bool = False,
) -> tuple[Difference, ...]:
    """The first difference in each component to the nearest of the interactions `among`, and that in the conversation.

    Nothing when there is no interaction or it does not differ. Nearest is the one that shares the most leading
    messages, then the one of the most similar length. `lenient` looks at the conversation alone.
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
        return ()
    _, index, recorded = best
    return tuple(_named(index, found, recorded, asked) for found in _first_of_each(recorded, asked, lenient=lenient))


def _named(index: int, found: Found, recorded: JsonObject, asked: JsonObject) -> Difference:
    path = found[0]
    component = component_of(path, recorded, asked)
    whose = component or _whose(path, recorded if isinstance(found[2], Absent) else asked)
    return Difference(index, *found, component, whose)


Found = tuple[str, Json | Absent, Json | Absent]
"""(path, recorded, asked)."""


def _first_of_each(recorded: JsonObject, asked: JsonObject, *, lenient: bool) -> Iterator[Found]:
    """The first difference in each field of two request bodies, and in each of the tools that both have."""
    names = {*recorded, *asked} - NOT_ASKED
    fields = [] if lenient else [*sorted(names.difference(LAST), key=lambda name: (name != "model", name)), *LAST]
    for name in [*fields, "messages"]:
        one, other = recorded.get(name, ABSENT), asked.get(name, ABSENT)
        if name == "tools" and isinstance(one, list) and list(_tools(recorded)) == list(_tools(asked)):
            pairs = enumerate(zip(one, other, strict=False))
            found = [_walk(f"tools[{number}]", *pair) for number, pair in pairs]
        else:
            found = [(name == "messages" and _said_on(one, other)) or _walk(name, one, other)]
        yield from filter(None, found)


def _said_on(recorded: Any, asked: Any) -> Found | None:
    """What the user says where the recorded conversation ends: the reply before it was no request's to hold."""
    if not isinstance(recorded, list) or not isinstance(asked, list) or asked[: len(recorded)] != recorded:
        return None
    for number, message in enumerate(asked[len(recorded) :], len(recorded)):
        if isinstance(message, dict) and message.get("role") == "user":
            return f"messages[{number}].content", ABSENT, message.get("content")
    return None


def _whose(path: str, body: JsonObject) -> str:
    """Whose words stand at a path into the conversation: the user's, a tool's, or the model's own."""
    number, block = (*map(int, INDEX.findall(path)[:2]), 0, 0)[:2]
    messages = body.get("messages")
    message = messages[number] if isinstance(messages, list) and number < len(messages) else None
    if not isinstance(message, dict):
        return "the conversation"
    content = message.get("content")
    said = content[block] if isinstance(content, list) and block < len(content) else None
    if isinstance(said, dict) and said.get("type") == "tool_result":
        return f"the result of {_called(messages, said.get('tool_use_id'))}"
    return "what the user says" if message.get("role") == "user" else "what the model said"


def _called(messages: Any, call_id: Any) -> str:
    """The name of the tool that was called with this id."""
    for message in messages:
        content = message.get("content") if isinstance(message, dict) else None
        for block in content if isinstance(content, list) else []:
            if isinstance(block, dict) and block.get("id") == call_id:
                return str(block.get("name"))
    return "a tool"


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
