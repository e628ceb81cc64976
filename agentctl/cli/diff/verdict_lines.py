"""The verdict on a screen: the word, then each measure with its interval, then what the word stands on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from agentctl.cli.sheet import BOLD, DIM, GREEN, RED, Sheet
from agentctl.diffing.verdict import Verdict
from agentctl.evals.stats.comparison import BETTER, WORSE, Comparison
from agentctl.observe.figures import dollars

STYLES: Final = {BETTER: GREEN, WORSE: RED}
NAMES: Final = {"pass_rate": "pass rate", "cost_usd": "cost"}
PLAIN: Final = "{:,.2f}"


def verdict_lines(sheet: Sheet, verdict: Verdict) -> Iterator[str]:
    """The section of a page that gives the verdict."""
    style = STYLES.get(verdict.word, BOLD)
    yield ""
    yield from sheet.lines(f"verdict: {verdict.word}", style, indent="")
    if verdict.passes is not None:
        yield from _table(sheet, [verdict.passes, *verdict.measures], verdict.alpha)
    for sentence in verdict.sentences:
        yield from sheet.lines(sentence)
    if verdict.left_out:
        runs = "run has" if verdict.left_out == 1 else "runs have"
        yield from sheet.lines(f"{verdict.left_out} {runs} no verdict in one of the two, and are left out.")


def _table(sheet: Sheet, comparisons: Sequence[Comparison], alpha: float) -> Iterator[str]:
    head = ("per case", "before", "after", "change", "", f"{1 - alpha:.0%} interval")
    rows = [_row(each) for each in comparisons]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    yield sheet.paint(sheet.beside(head, widths), DIM)
    for row in rows:
        yield sheet.beside(row, widths)


def _row(each: Comparison) -> tuple[str, ...]:
    figure = FIGURES.get(each.measure, PLAIN.format)
    interval = each.interval
    between = "none" if interval is None else f"{_signed(interval.low, figure)} to {_signed(interval.high, figure)}"
    name = NAMES.get(each.measure, each.measure)
    return name, figure(each.old), figure(each.new), _signed(each.difference, figure), each.word, between


def _signed(value: float, figure: Callable[[float], str]) -> str:
    shown = figure(abs(value))
    if not any(digit in shown for digit in "123456789"):
        return shown
    return ("+" if value > 0 else "-") + shown


FIGURES: Final[Mapping[str, Callable[[float], str]]] = {
    "pass_rate": lambda value: f"{value:.1%}",
    "tokens": lambda value: f"{value:,.0f}",
    "cost_usd": lambda value: dollars(Decimal(str(value))),
    "seconds": lambda value: f"{value:.3f}",
}
