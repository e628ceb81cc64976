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
MOST: Final = 600
"""Characters in all; what comes after is the same story."""
MOST_WORDS: Final = 600
"""Of what differs; beyond, comparing costs too much, so sentences are compared first."""
MOST_SENTENCES: Final = 2000
"""Beyond, nothing is compared: marks on so much would not be read."""
ALIKE: Final = 0.3
"""Texts that share less of what lies between their common ends are two texts, not one that was changed."""

SENTENCE: Final = re.compile(r"[^.!?\n]*[.!?\n]*\s*")
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
    between = list(_between(gone, come, shared=head + tail > 0))
    if not between:
        return ""
    parts = [*_before(old[:head]), *between, *_after(old[len(old) - tail :] if tail else [])]
    text = " ".join("".join(parts).split())
    return text if len(text) <= MOST else f"{text[:MOST].rpartition(' ')[0]} {GAP}"


def _between(gone: Sequence[str], come: Sequence[str], *, shared: bool) -> Iterator[str]:
    """What lies between the common ends; nothing when it, and there is no end in common, is another text."""
    if not gone or not come:
        yield _change(gone, come)
        return
    few = len(gone) + len(come) <= MOST_WORDS
    old, new = (gone, come) if few else (SENTENCE.findall("".join(gone)), SENTENCE.findall("".join(come)))
    if len(old) + len(new) > MOST_SENTENCES:
        return
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    if matcher.ratio() < ALIKE:
        if shared and few:
            yield _change(gone, come)
        return
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            yield from _same(old[i1:i2] if few else WORD.findall("".join(old[i1:i2])))
        elif few:
            yield _change(old[i1:i2], new[j1:j2])
        else:
            yield marked("".join(old[i1:i2]), "".join(new[j1:j2])) or _change(old[i1:i2], new[j1:j2])
            yield " "


def _same(words: Sequence[str]) -> Iterator[str]:
    near = 2 * AROUND
    yield "".join(words if len(words) <= 2 * near else [*words[:near], GAP, *words[-near:]])


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
