"""Of all that changed between two definitions, the lines that say most of what two runs did differently.

A guess, and shown as one: a changed line is the nearer to a divergence the more of its rarer words it shares with what
stands on the two sides of it. Words that stand in many of the changed lines tell none of them from the others, so each
word counts by how few lines have it (Spaerck Jones, "A statistical interpretation of term specificity", 1972).
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from agentctl.agent.events import JsonObject
from agentctl.diffing.definitions import Diff
from agentctl.diffing.paths import ABSENT
from agentctl.diffing.runs import Divergence
from agentctl.diffing.texts import Line

MOST: Final = 5
WORD: Final = re.compile(r"[^\W_]{3,}")


@dataclass(frozen=True, slots=True)
class Cause:
    """A changed line of a component that may be why."""

    component: str
    line: Line

    def to_json(self) -> JsonObject:
        """The line as `diff --json` prints it."""
        return {"component": self.component, "line": str(self.line)}


def nearest_lines(parting: Divergence, diff: Diff, most: int = MOST) -> tuple[Cause, ...]:
    """The changed lines that are nearest to the divergence, at most `most`, in the order of the definition."""
    lines = list(_changed_lines(diff))
    words = [_words(f"{each.component} {each.line.text}") for each in lines]
    spread = Counter(word for each in words for word in each)
    about = _words(" ".join(json.dumps(side) for side in (parting.old, parting.new) if side is not ABSENT))
    scores = [sum(math.log(1 + len(lines) / spread[word]) for word in each & about) for each in words]
    ranked = sorted(range(len(lines)), key=lambda index: -scores[index])[:most]
    return tuple(lines[index] for index in sorted(ranked) if scores[index])


def _changed_lines(diff: Diff) -> Iterator[Cause]:
    yield from _signed("system prompt", diff.prompt)
    for tool in diff.tools:
        component = f"tool {tool.name}"
        yield from _signed(component, tool.description)
        for change in tool.schema:
            sides = (("-", change.old), ("+", change.new))
            yield from (
                Cause(component, Line(sign, f"{change.path}: {json.dumps(value, ensure_ascii=False)}"))
                for sign, value in sides
                if value is not ABSENT
            )


def _signed(component: str, lines: Sequence[Line]) -> Iterator[Cause]:
    return (Cause(component, line) for line in lines if line.sign in {"+", "-"} and line.text.strip())


def _words(text: str) -> set[str]:
    return set(WORD.findall(text.lower()))
