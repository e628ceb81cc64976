"""An evaluation on a screen: every case in a row, then why, then what to do, and last the sums.

Rows are laid out by hand: a Rich table takes longer over two hundred rows than the cases take to run. The last lines
are the ones a person sees, so what failed stands below what passed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import orjson

from agentctl.agent.events import Json
from agentctl.cli.eval.beyond import beyond_sums, cost_of, difference_of, faults_told, judging_sums, marks_of, partings
from agentctl.cli.eval.money import spent_lines
from agentctl.cli.eval.screen import BOLD, DIM, GAP, LABEL, LEAST, MARGIN, STYLES, UNFIT, WORD, WORDS, Screen
from agentctl.cli.eval.statistics import QUARANTINED, known_failures, rate_of, suite_statistics
from agentctl.evals.result import CaseResult, Evaluation, SuiteResult, Verdict
from agentctl.evals.scorers.outcome import Place
from agentctl.evals.scorers.score import excerpt
from agentctl.evals.totals import Totals
from agentctl.observe.clean import clean
from agentctl.observe.figures import count, dollars, seconds

HEAD: Final = ("turns", "tools", "tokens", "cost", "time")
BETWEEN: Final = " " * GAP
PAINT: Final = re.compile(r"\x1b\[[0-9;]*m")

Row = tuple[str, ...]


def lines_of(evaluation: Evaluation, screen: Screen, elapsed: float) -> Iterator[str]:
    """The whole page, line by line; `elapsed` is how long the evaluation took, in seconds."""
    for suite in evaluation.suites:
        yield from _suite(suite, screen)
        yield ""
    for suite in evaluation.suites:
        yield from _explanations(suite, screen)
        yield from suite_statistics(suite, screen)
    yield from _sums(evaluation, screen, elapsed)


def _suite(suite: SuiteResult, screen: Screen) -> Iterator[str]:
    about = [suite.agent, *([suite.model] if suite.model else []), count(len(suite.cases), "case")]
    first, *more = screen.joined([clean(part) for part in about], len(suite.suite) + GAP)
    yield f"{screen.paint(suite.suite, BOLD)}{' ' * GAP}{screen.paint(first, DIM)}"
    yield from (f"{' ' * MARGIN}{screen.paint(line, DIM)}" for line in more)
    names = [_name(case) for case in suite.cases]
    cells = [_cells(case) for case in suite.cases]
    widths = [max(map(len, column)) for column in zip(HEAD, *filter(None, cells), strict=True)]
    room = max(map(len, ["case", *names]))
    if screen.width is not None:
        widths = _fitting(widths, screen.width - (MARGIN + WORD + GAP + min(room, LEAST)))
        room = min(room, max(screen.width - (MARGIN + WORD + GAP + sum(width + GAP for width in widths)), LEAST))
    yield screen.paint(_line("", "case", HEAD, room, widths), DIM)
    known, mixed = known_failures(suite), not all(case.faults for case in suite.cases)
    for case, name, row in zip(suite.cases, names, cells, strict=True):
        word = screen.paint(f"{WORDS[case.status]:<{WORD}}", STYLES[case.status])
        if row:
            faults = "with faults" if mixed and case.faults else ""
            marks = ", ".join(filter(None, (QUARANTINED if case.id in known else "", faults, marks_of(case))))
            yield from _marked(_line(word, _cut(name, room), row, room, widths), marks, screen)
        else:
            yield from _without_figures(
                case, f"{' ' * MARGIN}{word}{' ' * GAP}{_cut(name, room):<{room}}", room, screen
            )


def _marked(line: str, marks: str, screen: Screen) -> Iterator[str]:
    """A row with what must be known of its verdict: behind it, or below it where the window is too narrow."""
    shown = screen.paint(marks, STYLES["stopped"])
    if not marks:
        yield line
    elif screen.width is None or _width(line) + GAP + len(marks) <= screen.width:
        yield f"{line}{' ' * GAP}{shown}"
    else:
        yield line
        yield f"{' ' * (MARGIN + WORD + GAP)}{shown}"


def _width(line: str) -> int:
    """Characters that are seen of a painted line."""
    return len(PAINT.sub("", line))


def _without_figures(case: CaseResult, head: str, room: int, screen: Screen) -> Iterator[str]:
    """A row that says why there are none, in a narrow window on a line of its own."""
    before, why = MARGIN + WORD + GAP, clean(_why(case))
    beside = None if screen.width is None else screen.width - before - room - GAP
    if beside is not None and beside < min(LEAST, len(why)):
        yield head.rstrip()
        head, beside = " " * (before - GAP), max((screen.width or 0) - before, LEAST)
    yield f"{head}{' ' * GAP}{screen.paint(why if beside is None else _cut(why, beside), STYLES[case.status])}"


def _fitting(widths: Sequence[int], room: int) -> list[int]:
    """The columns of figures that there is room for, from the left."""
    fitting: list[int] = []
    for width in widths:
        room -= width + GAP
        if room < 0:
            break
        fitting.append(width)
    return fitting


def _line(word: str, name: str, row: Row, room: int, widths: Sequence[int]) -> str:
    """A row; figures that have no column are left out."""
    figures = "".join([f"{BETWEEN}{cell:>{width}}" for cell, width in zip(row, widths, strict=False)])
    return f"{' ' * MARGIN}{word or ' ' * WORD}{' ' * GAP}{name:<{room}}{figures}".rstrip()


def _cells(case: CaseResult) -> Row:
    """The figures of a run; none where there was no run to its end."""
    outcome = case.outcome
    if outcome is None or case.status not in {"pass", "fail", "stopped"}:
        return ()
    tokens = outcome.usage.all_input + outcome.usage.output_tokens
    cost = "?" if outcome.cost_usd is None else dollars(outcome.cost_usd)
    return str(outcome.turns), str(len(outcome.tool_names)), f"{tokens:,}", cost, seconds(outcome.seconds)


def _name(case: CaseResult) -> str:
    return case.id if case.repeat == 1 else f"{case.id} #{case.repeat}"


def _why(case: CaseResult) -> str:
    return ", ".join(case.stale) if case.stale else case.reason.partition("\n")[0]


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"


def _explanations(suite: SuiteResult, screen: Screen) -> Iterator[str]:
    known, told = known_failures(suite), set[tuple[str, str]]()
    for case in suite.cases:
        if (
            case.status == "stopped"
            or case.unjudged
            or (case.status == "fail" and case.id in known)
            or (case.id, case.reason) in told
        ):
            continue  # told below, or of another repeat
        if case.status in {"fail", "error"} or (case.outcome is not None and case.status != "pass"):
            told.add((case.id, case.reason))
            yield from _explanation(suite, case, screen)
            yield ""
    beyond = list(partings(suite, screen))
    yield from [*beyond, ""] if beyond else []
    if any(case.status in UNFIT for case in suite.cases):
        yield from _what_to_record(suite, screen)
        yield ""


def _explanation(suite: SuiteResult, case: CaseResult, screen: Screen) -> Iterator[str]:
    place, name = f"{suite.file}:{case.line}", f"{suite.suite}/{_name(case)}"
    word = screen.paint(WORDS[case.status], STYLES[case.status])
    fits = screen.width is None or len(WORDS[case.status]) + len(name) + len(place) + 2 * GAP <= screen.width
    yield f"{word}{' ' * GAP}{name}{' ' * GAP}{screen.paint(place, DIM)}" if fits else f"{word}{' ' * GAP}{name}"
    if not fits:
        yield f"{' ' * MARGIN}{screen.paint(place, DIM)}"
    for fault in faults_told(case):
        yield from _labelled("", f"fault: {fault}", screen)
    failures = case.failures if case.status == "fail" else []
    for verdict in failures:
        yield from _failure(verdict, screen)
    if not failures:
        yield from _labelled("", case.reason, screen)
        if case.hint and case.status == "error":
            yield from _labelled("hint", case.hint, screen)
    if case.outcome is not None and case.recording:
        turn = _turn(failures)
        yield screen.paint(f"  agentctl replay {case.recording}{turn}", DIM)


def _failure(verdict: Verdict, screen: Screen) -> Iterator[str]:
    assertion, score = verdict.assertion, verdict.score
    for number, line in enumerate(screen.fold(f"{assertion.shown}: {score.reason}", 2 * MARGIN)):
        yield f"{' ' * MARGIN * (2 if number else 1)}{screen.paint(line, BOLD)}"
    yield from _labelled("expected", score.expected, screen)
    yield from _labelled("got", score.got, screen)
    yield from _labelled("evidence", "" if assertion.parts else _shown(score.details), screen)
    yield from _labelled("where", "; ".join(map(_place, score.places)), screen)


def _labelled(label: str, text: str, screen: Screen) -> Iterator[str]:
    """Text under a label, its further lines below the first."""
    if not text:
        return
    indent = 2 * MARGIN + LABEL + GAP if label else MARGIN
    for number, line in enumerate(screen.fold(text, indent)):
        head = f"{' ' * 2 * MARGIN}{label:<{LABEL}}{' ' * GAP}" if label and number == 0 else " " * indent
        yield f"{screen.paint(head, DIM) if head.strip() else head}{line}"


def _shown(details: Json) -> str:
    """What a check of the project's own shows, on one line."""
    if details is None or isinstance(details, str):
        return details or ""
    return excerpt(orjson.dumps(details).decode())


def _place(place: Place) -> str:
    call = f", {place.tool} ({place.call_id})" if place.call_id is not None else ""
    return f"turn {place.turn}, entry {place.seq}{call}"


def _turn(failures: Sequence[Verdict]) -> str:
    """The flag that takes a replay to the first place of the first failure."""
    turns = [place.turn for verdict in failures for place in verdict.score.places if place.turn]
    return f" --turn {turns[0]}" if turns else ""


def _what_to_record(suite: SuiteResult, screen: Screen) -> Iterator[str]:
    """What each change made stale and how it differs, how many are missing, and the one command that records it all."""
    unfit = [case for case in suite.cases if case.status in UNFIT]
    changed = Counter(component for case in unfit if case.status != "stopped" for component in case.stale)
    missing = sum(case.status == "missing" and not case.unjudged for case in unfit)
    unjudged = sum(case.status == "missing" and case.unjudged for case in unfit)
    for component, number in changed.items():
        word = screen.paint(f"{WORDS['stale']:<{WORD}}", STYLES["stale"])
        first, *more = screen.fold(f"{component} changed: {count(number, 'recording')}", WORD + GAP)
        yield f"{word}{' ' * GAP}{first}"
        yield from (f"{' ' * (WORD + GAP)}{line}" for line in more)
        yield from difference_of(component, unfit, screen)
    for number, what in ((missing, "recording"), (unjudged, "verdict")):
        if number:
            word = screen.paint(f"{WORDS['missing']:<{WORD}}", STYLES["missing"])
            yield f"{word}{' ' * GAP}{count(number, what)}"
    ours = [case for case in unfit if case.unjudged or not case.transcript]
    alone = f" --filter {ours[0].id}" if len(unfit) == 1 and ours else ""
    if not ours:
        return
    yield f"{' ' * (WORD + GAP)}record again: agentctl eval {suite.suite}{alone} --record-mode new-episodes"
    yield from cost_of(ours, screen)


def _sums(evaluation: Evaluation, screen: Screen, elapsed: float) -> Iterator[str]:
    totals = evaluation.totals
    if evaluation.interrupted:
        yield screen.paint(f"interrupted: {totals.cases} of {evaluation.planned} cases ran", STYLES["error"])
    plain = f"{count(totals.cases, 'case')}: {_counts(totals, Screen())}"
    rate, whole = rate_of(evaluation), totals.pass_rate == 1
    first, *more = screen.joined((plain, *(() if whole else rate)))
    painted = f"{screen.paint(count(totals.cases, 'case'), BOLD)}: {_counts(totals, screen)}"
    yield painted + first.removeprefix(plain)
    for line in [*more, *(screen.joined(rate) if whole and rate else [])]:
        yield from screen.fold(line, 0)
    if totals.turns:
        tokens = f"{totals.usage.all_input + totals.usage.output_tokens:,} tokens"
        figures = (count(totals.turns, "turn"), count(totals.tool_calls, "tool call"), tokens, dollars(totals.cost_usd))
        yield from screen.joined((*figures, f"{seconds(totals.seconds)} of model and tools"))
    yield from judging_sums(evaluation, screen)
    yield from beyond_sums(evaluation, screen)
    yield from spent_lines(evaluation, screen)
    recorded = f", {count(len(evaluation.recorded), 'recording')} written" if evaluation.recorded else ""
    footer = f"network {evaluation.network}, tools executed {evaluation.tools_executed}{recorded}"
    yield from (screen.paint(line, DIM) for line in screen.joined((footer, seconds(elapsed))))


def _counts(totals: Totals, screen: Screen) -> str:
    words = {"pass": "passed", "fail": "failed", "error": "errored", "stale": "stale", "missing": "missing"}
    words["stopped"] = "stopped"
    parts = [screen.paint(f"{n} {words[status]}", STYLES[status]) for status, n in totals.counts.items() if n]
    return ", ".join(parts) or "none ran"
