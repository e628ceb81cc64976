"""What a page says of runs that left their recordings: where, by which words, and what a recording saves and costs.

The same difference in many cases is told once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from agentctl.cassette.nearest import Difference
from agentctl.cli.eval.screen import DIM, GAP, MARGIN, STYLES, WORD, WORDS, Screen, with_marks
from agentctl.evals.marks import Parted, Reused, sum_of
from agentctl.evals.report.rows import happened
from agentctl.evals.result import CaseResult, Evaluation, SuiteResult
from agentctl.observe.clean import clean
from agentctl.observe.figures import count, dollars

INDENT = WORD + GAP
STALE_MATCHED = "stale-matched"
STRADDLES = "judge straddles the threshold"


def marks_of(case: CaseResult) -> str:
    """What must be known of a verdict beside its word; empty when it is like any other."""
    marks = [STALE_MATCHED] if case.stale_matched else []
    if case.parted is not None and case.parted.action == "live":
        marks.append(f"live from turn {case.parted.turn}")
    if case.status == "stopped" and case.parted is not None:
        marks.append(f"at turn {case.parted.turn}")
    if case.judging is not None and case.judging.straddling:
        marks.append(STRADDLES)
    if case.user is not None and case.user.fault:
        marks.append(f"the user's fault: {case.user.fault}")
    return ", ".join(marks)


def faults_told(case: CaseResult) -> Iterator[str]:
    """What was to go wrong in the run, and whether it did."""
    return (f"{fault} ({happened(times)})" for fault, times in case.faults)


def partings(suite: SuiteResult, screen: Screen) -> Iterator[str]:
    """Where runs were stopped or went on live; those that did so for the same reason together."""
    groups: dict[tuple[str, int, str], list[CaseResult]] = {}
    for case in suite.cases:
        parted = case.parted
        if parted is not None and (case.status == "stopped" or parted.action == "live"):
            groups.setdefault((parted.action, parted.turn, _told(parted)), []).append(case)
    for (action, turn, _), cases in groups.items():
        word = screen.paint(f"{WORDS['stopped'] if action == 'stop' else 'LIVE':<{WORD}}", STYLES["stopped"])
        who = cases[0].id if len(cases) == 1 else count(len(cases), "case")
        parted = cases[0].parted
        assert parted is not None
        yield from _folded(f"{who} at turn {turn}: {parted.about}", screen, f"{word}{' ' * GAP}")
        for each in parted.differences:
            yield from _difference(each, screen)
        if action == "stop":
            yield from _scores(cases, screen)


def difference_of(component: str, cases: Iterable[CaseResult], screen: Screen) -> Iterator[str]:
    """How the first case that this component makes stale differs from its recording, as far as that is known."""
    mine = [case for case in cases if component in case.stale]
    first, parted = next(((case, case.parted) for case in mine if case.parted is not None), (None, None))
    if first is None or parted is None:
        return
    of_it = [each for each in parted.differences if each.component == component]
    others = [each for each in parted.differences if each.component is None]
    found = of_it or (others if component == "case input" else [])
    if found:  # an input is each case's own, everything else is the agent's
        yield from _difference(found[0], screen, of=first.id if component == "case input" and len(mine) > 1 else "")
    elif not parted.differences:
        yield from _folded(parted.reason.partition("\n")[0], screen, " " * INDENT)


def cost_of(cases: Sequence[CaseResult], screen: Screen) -> Iterator[str]:
    """What recording these again takes, when it goes as it went; nothing of what was never recorded."""
    cases = [case for case in cases if not case.unjudged]
    by_file = {case.recording: case.again.recorded for case in cases if case.again is not None}
    unknown = len({case.recording for case in cases}) - len(by_file)
    if not by_file:
        return
    parts = _figures(sum_of(by_file.values()))
    parts += [f"and {count(unknown, 'case')} never recorded"] if unknown else []
    lines = screen.joined(["as recorded, that takes " + parts[0], *parts[1:]], INDENT)
    yield from (f"{' ' * INDENT}{screen.paint(line, DIM)}" for line in lines)


def beyond_sums(evaluation: Evaluation, screen: Screen) -> Iterator[str]:
    """What was not replayed, what was reused, how many scores are of answers to something else; else nothing."""
    totals, faulty = evaluation.totals, sum(bool(each.faults) for each in evaluation.cases)
    if faulty:
        text = f"{count(faulty, 'case')} played with faults, against the simulator's script"
        yield from (screen.paint(line, DIM) for line in screen.fold(text, 0))
    beyond = any(
        each.status == "stopped" or (each.parted and each.parted.action == "live") for each in evaluation.cases
    )
    if not beyond and not totals.stale_matched:
        return
    tokens, money = _figures(totals.reused)[1:]
    saved = f"{money} saved" if totals.reused.cost_usd is not None else money
    yield from screen.joined((f"reused {totals.reused.turns} of {count(totals.turns, 'turn')}", tokens, saved))
    if totals.stale_matched:
        text = f"{count(totals.stale_matched, 'score')} {STALE_MATCHED}: made of answers to another definition"
        yield from (screen.paint(line, STYLES["stale"]) for line in screen.fold(text, 0))
    if totals.stale_matched or totals.counts["stopped"]:
        yield from (
            screen.paint(line, DIM)
            for line in screen.fold("such scores count with --allow-stale only; without, the exit code is 4", 0)
        )


def judging_sums(evaluation: Evaluation, screen: Screen) -> Iterator[str]:
    """What judges took, beside what the agents took; nothing where nobody judged."""
    judging = evaluation.totals.judging
    if judging is None:
        return
    tokens = f"{judging.input_tokens + judging.output_tokens:,} tokens"
    turnable = f"{count(judging.straddling, 'verdict')} straddling" if judging.straddling else ""
    parts = (f"judges: {count(judging.votes, 'vote')}", tokens, dollars(judging.cost_usd), turnable)
    yield from screen.joined([part for part in parts if part])


def _scores(cases: Sequence[CaseResult], screen: Screen) -> Iterator[str]:
    for case in cases:
        done = sum(verdict.score.passed for verdict in case.verdicts)
        hold = f"{done} of {len(case.verdicts)} assertions hold so far"
        yield from _folded(f"{case.id}: {hold}" if len(cases) > 1 else hold, screen, " " * INDENT)
        for verdict in case.failures:
            text = f"{verdict.assertion.shown}: {verdict.score.reason}"
            yield from _folded(text, screen, " " * (INDENT + MARGIN))


def _difference(each: Difference, screen: Screen, *, of: str = "") -> Iterator[str]:
    yield from _folded(f"at {each.path}{f' of {of}' if of else ''}", screen, " " * INDENT)
    for value in each.values:
        lines = _folded(value, screen, " " * (INDENT + MARGIN))
        yield from with_marks(lines, screen) if each.is_marked else lines


def _folded(text: str, screen: Screen, indent: str) -> Iterator[str]:
    """Text behind an indent, which may hold a painted word; further lines stand below the first."""
    for number, line in enumerate(screen.fold(text, INDENT + MARGIN)):
        yield f"{indent if number == 0 else ' ' * (INDENT if indent.strip() else len(indent))}{line}"


def _told(parted: Parted) -> str:
    """By which two partings are the same."""
    shown = [(each.path, each.values) for each in parted.differences]
    return repr(shown) if shown else clean(parted.reason)


def _figures(reused: Reused) -> list[str]:
    return [count(reused.turns, "turn"), f"{reused.tokens:,} tokens", dollars(reused.cost_usd)]
