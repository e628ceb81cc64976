"""Two texts as the lines that differ, in the order of a unified diff; in each changed line, the words that did.

Nothing is lost: the old lines are the ones without `+`, the new ones those without `-`, a final line break included.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

CONTEXT: Final = 3
"""Lines around a change that are shown with it."""
MOST_WORDS: Final = 4000
"""Larger blocks get no marks: comparing words costs the product of their numbers."""
ALIKE: Final = 0.3
"""Blocks that share less than this are another text, and marks on every word say nothing."""

WORD: Final = re.compile(r"\n|[^\S\n]+|\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a diff: `sign` is ` `, `-`, `+`, or `@` for the head of a hunk; `marks` are spans of `text`."""

    sign: str
    text: str
    marks: tuple[tuple[int, int], ...] = ()

    def __str__(self) -> str:
        return self.text if self.sign == "@" else f"{self.sign}{self.text}"


def diff_lines(old: str, new: str, context: int = CONTEXT) -> tuple[Line, ...]:
    """The unified diff; empty when the texts are equal."""
    before, after = old.split("\n"), new.split("\n")
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    lines: list[Line] = []
    for group in matcher.get_grouped_opcodes(context):
        first, last = group[0], group[-1]
        ranges = f"-{_span(first[1], last[2])} +{_span(first[3], last[4])}"
        lines.append(Line("@", f"@@ {ranges} @@"))
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                lines += [Line(" ", text) for text in before[i1:i2]]
            else:
                lines += _block(before[i1:i2], after[j1:j2])
    return tuple(lines)


def _span(start: int, stop: int) -> str:
    """Line and count, as `diff -u` writes them."""
    length = stop - start
    if length == 1:
        return str(start + 1)
    return f"{start + bool(length)},{length}"


def _block(old: Sequence[str], new: Sequence[str]) -> Iterator[Line]:
    """Lines that were replaced, with the words that differ marked in both."""
    gone, come = _marks(old, new)
    for sign, texts, marks in (("-", old, gone), ("+", new, come)):
        yield from (Line(sign, text, marked) for text, marked in zip(texts, marks, strict=True))


Marks = list[tuple[tuple[int, int], ...]]


def _marks(old: Sequence[str], new: Sequence[str]) -> tuple[Marks, Marks]:
    none: tuple[Marks, Marks] = [() for _ in old], [() for _ in new]
    before, after = WORD.findall("\n".join(old)), WORD.findall("\n".join(new))
    if not old or not new or len(before) + len(after) > MOST_WORDS:
        return none
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    if matcher.ratio() < ALIKE:
        return none
    opcodes = [opcode for opcode in matcher.get_opcodes() if opcode[0] != "equal"]
    gone = _spans(before, [(i1, i2) for _, i1, i2, _, _ in opcodes])
    come = _spans(after, [(j1, j2) for _, _, _, j1, j2 in opcodes])
    return gone, come


def _spans(words: Sequence[str], changed: Sequence[tuple[int, int]]) -> Marks:
    """The marked spans of each line that these words make up."""
    marked = {index for start, stop in changed for index in range(start, stop)}
    lines: Marks = [()]
    column = 0
    for index, word in enumerate(words):
        if word == "\n":
            lines.append(())
            column = 0
            continue
        if index in marked:
            lines[-1] = _joined(lines[-1], (column, column + len(word)))
        column += len(word)
    return lines


def _joined(spans: tuple[tuple[int, int], ...], span: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    if spans and spans[-1][1] == span[0]:
        return (*spans[:-1], (spans[-1][0], span[1]))
    return (*spans, span)
