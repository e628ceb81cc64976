"""One kind of secret, and how it is found: a pattern is tried only where one of its words stands.

It is compiled when that first happens, so a table of any length costs a start nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeAlias

from agentctl.config.patterns import compiled

Check: TypeAlias = Callable[[re.Match[str]], bool]
"""What a match must pass beyond its pattern."""

ESCAPED: Final = re.compile(r"(?:\\[nrt]|%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4})\Z")
"""What may stand before a secret although it ends in a letter or digit: an escape, as of a line end."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of secret."""

    name: str
    words: tuple[str, ...]
    """What every match begins with; or, for `anywhere`, holds, in lower case. None: the pattern is always tried."""
    source: str
    check: Check | None = None
    """Check digits, or being more than a placeholder."""
    folded: bool = False
    """Whether `words` are lower case and stand for any case."""
    anywhere: bool = False
    """Whether a match does not begin with one of its words."""
    edge: bool = True
    """Whether a letter or digit right before a match means that it is something else."""
    personal: bool = False
    """Whether this is about a person and no credential: looked for only when asked to."""

    @property
    def group(self) -> str | int:
        """The group of a match that is the secret."""
        return "s" if "(?P<s>" in self.source else 0

    def matches(self, text: str, low: str) -> Iterator[re.Match[str]]:
        """Every match in `text`, of which `low` is the lower case."""
        if self.anywhere or not self.words:
            if not self.words or any(word in low for word in self.words):
                yield from self._searched(text)
            return
        place = low if self.folded else text
        for word in self.words:
            start = place.find(word)
            while start >= 0:
                found = _compiled(self.source).match(text, start) if not self.edge or _is_edge(text, start) else None
                if found is not None and (self.check is None or self.check(found)):
                    yield found
                    start = place.find(word, max(found.end(), start + 1))
                else:
                    start = place.find(word, start + 1)

    def _searched(self, text: str) -> Iterator[re.Match[str]]:
        pattern, start = _compiled(self.source), 0
        while (found := pattern.search(text, start)) is not None:
            sound = not self.edge or _is_edge(text, found.start())
            if sound and (self.check is None or self.check(found)):
                yield found
                start = max(found.end(), start + 1)
            else:
                start = found.start() + 1


def _is_edge(text: str, at: int) -> bool:
    """Whether a word can begin at `at`."""
    before = text[at - 1] if at else " "
    return not (before.isascii() and before.isalnum()) or ESCAPED.search(text, max(0, at - 6), at) is not None


def lowered(text: str) -> str:
    """`text` in lower case, every character at its place: a few letters become two when lowered."""
    low = text.lower()
    return low if len(low) == len(text) else "".join(sign.lower() if sign.isascii() else sign for sign in text)


@cache
def _compiled(source: str) -> re.Pattern[str]:
    return compiled(source)
