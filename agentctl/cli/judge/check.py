"""`agentctl judge check`: whether a judge says what people say. Its verdicts are recorded, so a build can ask again.

What is not recorded is asked for only with `--record-mode`, and what that will cost is said before.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final

import typer

from agentctl.cli import exits
from agentctl.cli.console import json_document, note, say
from agentctl.config.project import Project
from agentctl.config.rubrics import Rubric, load_rubric
from agentctl.errors import RecordingMiss, RunError
from agentctl.evals.judge.brief import Brief, brief
from agentctl.evals.judge.labels import Labelled, read_labels
from agentctl.evals.judge.measure import Compared, Measured, measured, word
from agentctl.evals.judge.verdicts import Unjudged, Verdicts
from agentctl.evals.modes import RecordMode
from agentctl.evals.redaction import project_rules
from agentctl.evals.scorers.score import CannotScore, excerpt
from agentctl.evals.standings import LABELS
from agentctl.evals.stats.agreement import Agreement
from agentctl.model.pricing import price
from agentctl.observe.clean import clean
from agentctl.observe.figures import count, dollars

TOKENS_PER_BYTE: Final = 0.3
ANSWER: Final = 250
"""Output tokens a verdict takes, about."""


def check(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="JSON lines or CSV: input (if any), output, label.", exists=True)
    ],
    *,
    rubric: Annotated[str, typer.Option("--rubric", metavar="REF", help="The rubric: name or name@version.")],
    votes: Annotated[int, typer.Option(min=1, max=99, metavar="N", help="Votes on each answer.")] = 1,
    record_mode: Annotated[
        RecordMode, typer.Option(help="Ask for verdicts: once or new-episodes, what is missing or stale; or all.")
    ] = RecordMode.NONE,
    simulate: Annotated[bool, typer.Option("--simulate", help="The built-in simulator judges: no key.")] = False,
    min_kappa: Annotated[
        float | None, typer.Option(min=-1.0, max=1.0, metavar="K", help="Fail when kappa is below this.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The measure as one JSON document.")] = False,
) -> int:
    """Measure a judge against labels that people gave: agreement, Cohen's kappa, confusions, every disagreement.

    A label is pass or fail, or a score on the rubric's scale; then kappa is weighted too (near scores agree in part).

    Exit codes: 0 measured, 1 kappa is below --min-kappa, 2 usage or configuration, 3 the judge gave no verdict, 4
    verdicts are missing or stale, 5 no labels.
    """
    project = Project.find(Path.cwd())
    found = load_rubric(rubric, project)
    items = read_labels(file, found)
    folder = project.cassettes / LABELS / file.stem
    verdicts = Verdicts(folder, project.show(folder), project_rules(project).for_recording(os.environ))
    briefs = [brief(found, item.parts, item.variables, verdicts.redactor) for item in items]
    try:
        if record_mode is not RecordMode.NONE:
            _say_cost(found, _unrecorded(verdicts, briefs, votes, record_mode), votes)
            asyncio.run(
                _ask(project, verdicts, briefs, items, votes, record_mode, _name(file, project), simulate=simulate)
            )
        result = measured(_compared(verdicts, items, briefs, votes))
    except Unjudged as unjudged:
        number = len(_unrecorded(verdicts, briefs, votes, RecordMode.NEW_EPISODES))
        hint = f"agentctl judge check {file} --rubric {found.ref} --record-mode new-episodes"
        message = f"{number} of {count(len({each.key for each in briefs}), 'answer')} have no verdict of {found.ref}"
        raise RecordingMiss(message, components=unjudged.stale, hint=hint) from None
    except CannotScore as error:
        raise RunError(str(error), hint=error.hint) from None
    if json:
        json_document({"rubric": found.ref, "file": str(file), "votes": votes, **result.to_json()})
    else:
        say("\n".join(clean(line) for line in _lines(found, result)))
    return _code(result, min_kappa)


def _name(file: Path, project: Project) -> str:
    """The file as recordings name it: from the project's root, where it is in there."""
    absolute = file.resolve()
    return absolute.relative_to(project.root).as_posix() if absolute.is_relative_to(project.root) else str(absolute)


def _code(result: Measured, least: float | None) -> int:
    value = (result.weighted or result.plain).kappa
    return exits.FAILED if least is not None and (value is None or value < least) else exits.OK


def _unrecorded(verdicts: Verdicts, briefs: Sequence[Brief], votes: int, mode: RecordMode) -> list[Brief]:
    """What is to be asked for, each once."""
    found: dict[str, Brief] = {}
    for each in briefs:
        try:
            verdicts.replies(each, votes)
        except CannotScore:
            found[each.key] = each
        else:
            if mode is RecordMode.ALL:
                found[each.key] = each
    return list(found.values())


def _say_cost(rubric: Rubric, briefs: Sequence[Brief], votes: int) -> None:
    """What asking will cost, as far as that can be known before."""
    size = sum(len(str(each.request.body)) for each in briefs)
    usage = {"input_tokens": int(size * TOKENS_PER_BYTE) * votes, "output_tokens": ANSWER * len(briefs) * votes}
    usd: Decimal | None = price(rubric.model, usage, rubric.provider.name) if briefs else Decimal(0)
    calls = count(len(briefs) * votes, "vote")
    note(f"{calls} to ask {rubric.model} for: about {sum(usage.values()):,} tokens, {dollars(usd)}")


async def _ask(
    project: Project,
    verdicts: Verdicts,
    briefs: Sequence[Brief],
    items: Sequence[Labelled],
    votes: int,
    mode: RecordMode,
    file: str,
    *,
    simulate: bool,
) -> None:
    from agentctl.cli.wiring import live_wire  # noqa: PLC0415  what can go live is not loaded for a replay
    from agentctl.evals.judge.bench import For, LiveBench, Policy  # noqa: PLC0415

    policy = Policy(mode, anew=mode is RecordMode.ALL)
    bench = LiveBench(policy, lambda agent: live_wire(agent, project, simulate=simulate))
    waiting = iter(list(zip(briefs, items, strict=True)))

    async def work() -> None:
        for each, item in waiting:
            await bench.judge(verdicts, each, votes, For(file, f"line {item.line}"))

    try:
        workers = [asyncio.ensure_future(work()) for _ in range(8)]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
    finally:
        await bench.aclose()
    note(f"network {bench.sent}, {count(len(bench.recorded), 'recording')} written")


def _compared(verdicts: Verdicts, items: Sequence[Labelled], briefs: Sequence[Brief], votes: int) -> list[Compared]:
    pairs = zip(items, briefs, strict=True)
    return [Compared(item, verdicts.ruling(each, votes, None)) for item, each in pairs]


def _lines(rubric: Rubric, result: Measured) -> Iterator[str]:
    agreed = result.plain.n - len(result.disagreements)
    yield f"{rubric.ref}: {agreed} of {result.plain.n} agree with people ({result.plain.observed:.1%})"
    yield f"Cohen's kappa     {_kappa(result.plain)}"
    if result.weighted is not None:
        yield f"weighted kappa    {_kappa(result.weighted)}, squared distances"
    straddling = sum(each.ruling.straddles for each in result.compared)
    if straddling:
        yield f"{count(straddling, 'verdict')} straddling the threshold"
    yield ""
    names = [str(word(rating)) for rating in result.ratings]
    wide = max(map(len, [*names, *(str(cell) for row in result.table for cell in row)]))
    yield f"{'person, judge':<14}" + "".join(f"  {name:>{wide}}" for name in names)
    for name, row in zip(names, result.table, strict=True):
        yield f"  {name:<12}" + "".join(f"  {cell:>{wide}}" for cell in row)
    for each in result.disagreements:
        yield ""
        yield f"line {each.item.line}: person {word(each.item.label)}, judge {word(each.said)}"
        yield f"  output  {excerpt(' '.join(each.item.output.split()))}"
        yield f"  judge   {excerpt(' '.join(each.ruling.reason.split()))}"


def _kappa(found: Agreement) -> str:
    if found.kappa is None or found.interval is None:
        return "not defined: both gave one and the same rating only"
    return f"{found.kappa:.2f} (95% interval {found.interval.low:.2f} to {found.interval.high:.2f})"
