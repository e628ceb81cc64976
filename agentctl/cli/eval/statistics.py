"""What a page says of a suite beyond its single runs: flaky cases, quarantines, pass@k and pass^k, and how sure it is.

Each part is shown only where it says something: nothing of an evaluation that ran every case once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from agentctl.cli.eval.screen import BOLD, DIM, GAP, MARGIN, STYLES, WORD, Screen
from agentctl.evals.repeats import Tally
from agentctl.evals.result import Evaluation, SuiteResult
from agentctl.evals.statistics import Statistics, within
from agentctl.evals.stats.interval import Interval, wilson
from agentctl.observe.figures import count

INDENT: Final = WORD + GAP
QUARANTINED: Final = "quarantined"


def known_failures(suite: SuiteResult) -> frozenset[str]:
    """The ids of cases whose failures are told in a section of their own, since they fail nothing."""
    if not suite.terms:
        return frozenset()
    return frozenset(tally.id for tally in suite.tallies if tally.shielded(suite.today))


def suite_statistics(suite: SuiteResult, screen: Screen) -> Iterator[str]:
    """Every part that says something of this suite, each followed by an empty line."""
    figures = Statistics(suite.tallies, suite.today)
    if not suite.terms and not figures.is_repeated:
        return
    for part in (_flaky(figures, screen), _quarantined(suite, figures, screen), _lapsed(suite, figures, screen)):
        lines = list(part)
        yield from [*lines, ""] if lines else []
    lines = [*_released(figures, screen), *_repeats(suite, figures, screen)]
    yield from [*lines, ""] if lines else []


def _flaky(figures: Statistics, screen: Screen) -> Iterator[str]:
    for tally in figures.flaky:
        yield from _told("FLAKY", f"{tally.id}  {_passed(tally)}", "stale", screen)


def _quarantined(suite: SuiteResult, figures: Statistics, screen: Screen) -> Iterator[str]:
    failing = [tally for tally in figures.quarantined if tally.passed < tally.judged]
    if failing:
        yield screen.paint(f"{QUARANTINED}: these fail nothing for now", BOLD)
    for tally in failing:
        quarantine = tally.terms.quarantine
        assert quarantine is not None
        about = f"until {quarantine.until}, {quarantine.owner}: {quarantine.reason}"
        yield from _folded(f"{suite.suite}/{tally.id}  {_passed(tally)}  {suite.file}:{tally.line}", MARGIN, screen)
        yield from _folded(about, 2 * MARGIN, screen)
        failed = next(case for case in suite.cases if case.id == tally.id and case.status == "fail")
        yield from _folded(failed.reason, 2 * MARGIN, screen)
        yield screen.paint(f"{' ' * 2 * MARGIN}agentctl replay {failed.recording}", DIM)


def _lapsed(suite: SuiteResult, figures: Statistics, screen: Screen) -> Iterator[str]:
    for tally in figures.lapsed:
        quarantine = tally.terms.quarantine
        assert quarantine is not None
        text = f"quarantine of {suite.suite}/{tally.id} ended on {quarantine.until}"
        yield from _told("EXPIRED", f"{text}  {suite.file}:{tally.line}", "fail", screen)
        yield from _folded(f"{quarantine.owner}: {quarantine.reason}", INDENT, screen)
        yield from _folded("mend the case and take its quarantine out, or give it another date", INDENT, screen)


def _released(figures: Statistics, screen: Screen) -> Iterator[str]:
    for tally in figures.tallies:
        if tally.releasable:
            ran = "it passes" if tally.runs == 1 else f"all {tally.runs} repeats pass"
            text = f"{tally.id}: {ran}; take it out of quarantine"
            yield from _told("RELEASE", text, "pass", screen)


def _repeats(suite: SuiteResult, figures: Statistics, screen: Screen) -> Iterator[str]:
    if figures.spared:
        planned = sum(tally.planned for tally in figures.tallies)
        text = f"{suite.suite}: {count(figures.spared, 'repeat')} of {planned} spared, the verdict stood without them"
        yield from screen.fold(text, 0)
    tries = figures.tries
    if tries:
        yield screen.paint(f"{suite.suite}: {tries[-1].k} tries of a case", BOLD)
        over = ["" if each.cases == len(figures.tallies) else f" ({count(each.cases, 'case')})" for each in tries]
        some = [f"{each.k}: {each.pass_at:.1%}{cases}" for each, cases in zip(tries, over, strict=True)]
        every = [f"{each.k}: {each.pass_hat:.1%}{cases}" for each, cases in zip(tries, over, strict=True)]
        yield from _row("pass@k", some, "any of k passes", screen)
        yield from _row("pass^k", every, "all k pass", screen)
    mean = figures.clustered
    if mean is None or not figures.is_clustered or not mean.error:
        return
    interval = within(mean)
    parts = [f"standard error {mean.error:.1%} over {count(mean.groups, 'group')}"]
    parts += [f"95% interval {_span(interval)}"] if interval is not None else []
    for line in screen.joined(parts, MARGIN):
        yield f"{' ' * MARGIN}{line}"


def _row(label: str, parts: Sequence[str], meaning: str, screen: Screen) -> Iterator[str]:
    indent = MARGIN + len(label) + GAP
    beside = Screen(None if screen.width is None else screen.width - indent)
    first, *more = beside.joined([*parts, meaning])
    yield f"{' ' * MARGIN}{screen.paint(label, DIM)}{' ' * GAP}{first}"
    yield from (f"{' ' * indent}{line}" for line in more)


def rate_of(evaluation: Evaluation) -> list[str]:
    """The pass rate with its interval, and what gates look at where quarantined cases make that another one.

    Empty when a single run passed: there is nothing to be unsure of that its row does not say.
    """
    totals = evaluation.totals
    passed, judged = totals.counts["pass"], totals.counts["pass"] + totals.counts["fail"]
    if judged == 0 or (judged == 1 and passed == 1):
        return []
    parts = [f"pass rate {passed / judged:.1%} (95% interval {_span(wilson(passed, judged))})"]
    shielded = [tally for suite in evaluation.suites for tally in suite.tallies if tally.shielded(suite.today)]
    out, lost = sum(tally.judged for tally in shielded), sum(tally.passed for tally in shielded)
    if lost < out < judged:
        parts.append(f"without quarantined {(passed - lost) / (judged - out):.1%}")
    return parts


def _passed(tally: Tally) -> str:
    beside = "".join(f", {number} {status}" for status, number in tally.no_verdict.items())
    return f"{tally.passed} of {tally.judged} passed{beside}"


def _span(interval: Interval) -> str:
    return f"{100 * interval.low:.1f}-{interval.high:.1%}"


def _told(word: str, text: str, style: str, screen: Screen) -> Iterator[str]:
    first, *more = screen.fold(text, INDENT)
    yield f"{screen.paint(f'{word:<{WORD}}', STYLES[style])}{' ' * GAP}{first}"
    yield from (f"{' ' * INDENT}{line}" for line in more)


def _folded(text: str, indent: int, screen: Screen) -> Iterator[str]:
    yield from (f"{' ' * indent}{line}" for line in screen.fold(text, indent))
