"""What a change does to the prompt cache, on a screen: where the prefix breaks, and what that costs."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from agentctl.cli.sheet import DIM, YELLOW, Sheet
from agentctl.diffing.prefix import CACHE, RUNS, Break, PrefixCost
from agentctl.observe.figures import dollars


def prefix_lines(sheet: Sheet, found: Break | None, cost: PrefixCost | None) -> Iterator[str]:
    """The section of a page about the prompt cache."""
    yield from sheet.head("prompt cache")
    if found is None or cost is None:
        yield from sheet.lines("the cached prefix (tools, system prompt) stays the same, byte for byte")
        return
    yield from sheet.lines(_where(found), YELLOW)
    old, new = cost.tokens
    if not any(cost.tokens):
        yield from sheet.lines("it costs nothing: none of it was cached when it was recorded, it is too short for that")
        return
    source = "estimated by its length: nothing was recorded" if cost.estimated else "as recorded"
    yield from sheet.lines(f"{old:,} -> {new:,} tokens of prefix, {source}", DIM if cost.estimated else "")
    if cost.write is None or cost.read is None:
        return
    if found.component == CACHE:
        yield from sheet.lines(
            f"{RUNS:,} runs: {dollars(cost.write)} for it in full, {dollars(cost.read)} from the cache"
        )
        return
    yield from sheet.lines(
        f"{RUNS:,} runs that find it cold: {dollars(cost.write)} to write it, where reading takes {dollars(cost.read)}"
    )
    if cost.length:
        sign = "+" if cost.length > 0 else "-"
        yield from sheet.lines(
            f"{RUNS:,} runs that find it warm: {sign}{dollars(abs(cost.length))} for its new length, "
            f"{cost.turns:.1f} turns each; {dollars(cost.once or Decimal(0))} once, to write it"
        )


def _where(found: Break) -> str:
    if found.component == CACHE:
        return "the prefix is no longer marked to be cached"
    if found.component == "model":
        return "the prefix breaks at once: each model has a cache of its own"
    line = "" if found.line is None else f", line {found.line}"
    whole = max(found.bytes)
    return f"the prefix breaks in {found.component}{line}: {found.path}, byte {found.byte:,} of {whole:,}"
