"""How numbers read: seconds, tokens, dollars. A price that is not known is said to be unknown, never shown as 0."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from agentctl.agent.run import Usage

MINUTE: Final = 60
AGES: Final = ((86_400, "days"), (3_600, "h"), (MINUTE, "min"))
ONE_DECIMAL_FROM: Final = 10
CENTS_FROM: Final = Decimal(1)
SMALLEST: Final = Decimal("0.0001")


def seconds(value: float) -> str:
    """`12 ms`, `0.83 s`, `12.3 s`, `2 min 05 s`; a clock that ran backwards counts as no time."""
    value = max(value, 0.0)
    if value < 0.1:  # noqa: PLR2004  below this, milliseconds say more
        return f"{value * 1000:.0f} ms"
    if round(value, 1) < MINUTE:
        return f"{value:.2f} s" if value < ONE_DECIMAL_FROM else f"{value:.1f} s"
    minutes, rest = divmod(round(value), MINUTE)
    return f"{minutes} min {rest:02d} s"


def age(value: float) -> str:
    """`12 s`, `12 min`, `3 h`, `2 days`: how old something is, in the largest unit that counts more than one of it."""
    for size, unit in AGES:
        if value >= 2 * size:
            return f"{value // size:.0f} {unit}"
    return f"{max(value, 0.0):.0f} s"


def dollars(value: Decimal | None) -> str:
    """`$0.0034`, `$1.27`, `<$0.0001`, `$0`; None is `price unknown`."""
    if value is None:
        return "price unknown"
    if value == 0:
        return "$0"
    if value < SMALLEST:
        return f"<${SMALLEST}"
    return f"${value:.2f}" if value >= CENTS_FROM else f"${value:.4f}"


def tokens(usage: Usage) -> list[str]:
    """`1,203 in (1,000 cached)`, `56 out`: input of every kind, and what of it the prompt cache served or took."""
    cached = [
        f"{count:,} {word}"
        for count, word in ((usage.cache_read_input_tokens, "cached"), (usage.cache_creation_input_tokens, "written"))
        if count
    ]
    return [f"{usage.all_input:,} in" + (f" ({', '.join(cached)})" if cached else ""), f"{usage.output_tokens:,} out"]


def count(number: int, noun: str) -> str:
    """`1 turn`, `2 turns`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
