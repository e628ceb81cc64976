"""Two long texts as one: the words that went and those that came, so that a change of one word reads as one.

A few words around each change are shown, and of a change all that is not too long to read. The marks are wdiff's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Final

AROUND: Final = 4
"""Words shown on each side of a change."""
LONGEST: Final = 240
"""Characters of one change that are shown."""
MOST_WORDS: Final = 600
"""Of what differs; beyond, comparing costs too much, and marks on so many words say nothing."""
ALIKE: Final = 0.3
"""Texts that share less of what lies between their common ends are two texts, not one that was changed."""

WORD: Final = re.compile(r"\s+|\w+|[^\w\s]")
GAP: Final = "…"


@lru_cache(maxsize=64)
def marked(recorded: str, asked: str) -> str:
    """`Friendly, [-short-]{+very short+} answers`; empty when the two have too little in common to be shown as one."""
    if recorded.split() == asked.split():  # only the space between words differs, which marks on words cannot show
        return ""
    old, new = WORD.findall(recorded), WORD.findall(asked)
    head = _shared(old, new)
    tail = _shared(old[head:][::-1], new[head:][::-1])
    gone, come = old[head : len(old) - tail], new[head : len(new) - tail]
    if len(gone) + len(come) > MOST_WORDS:
        return ""
    matcher = SequenceMatcher(None, gone, come, autojunk=False)
    if not head + tail and matcher.ratio() < ALIKE:
        return ""
    parts = [*_before(old[:head]), *_between(gone, come, matcher), *_after(old[len(old) - tail :] if tail else [])]
    return " ".join("".join(parts).split())


def _between(gone: Sequence[str], come: Sequence[str], matcher: SequenceMatcher[str]) -> Iterator[str]:
    if matcher.ratio() < ALIKE:  # between their ends they share nothing but spaces: one change
        yield _change(gone, come)
        return
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            same = gone[i1:i2]
            near = 2 * AROUND
            yield "".join(same if len(same) <= 2 * near else [*same[:near], GAP, *same[-near:]])
        else:
            yield _change(gone[i1:i2], come[j1:j2])


def _change(gone: Sequence[str], come: Sequence[str]) -> str:
    """What went and what came; the space behind is outside the marks, so that a line can be folded there."""
    old, new = _cut("".join(gone)), _cut("".join(come))
    marks = (f"[-{old.strip()}-]" if old.strip() else "") + (f"{{+{new.strip()}+}}" if new.strip() else "")
    before = " " if old[:1].isspace() or new[:1].isspace() else ""
    return f"{before}{marks} " if old[-1:].isspace() or new[-1:].isspace() else f"{before}{marks}"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}{GAP}{text[-LONGEST // 2 :]}"


def _before(words: Sequence[str]) -> list[str]:
    shown = list(words[-2 * AROUND :])
    return [GAP, *shown] if len(shown) < len(words) else shown


def _after(words: Sequence[str]) -> list[str]:
    shown = list(words[: 2 * AROUND])
    return [*shown, GAP] if len(shown) < len(words) else shown


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    """How many leading words are the same."""
    pairs = zip(one, other, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
