"""The flags of `agentctl eval`, in groups: which cases, how they are played, what passes, and what is written.

A new flag is a field of one of these, or of a group of its own beside them; `command.py` hands every group to those who
read it and knows no single flag.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from math import isfinite
from pathlib import Path
from typing import Annotated

import typer

from agentctl.errors import UsageError
from agentctl.evals.modes import Match, OnDivergence, RecordMode


class ToolsFrom(StrEnum):
    """Where the results of tools come from in a replay."""

    RECORDED = "recorded"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which cases, of which agent, how often."""

    suites: Annotated[
        list[str] | None,
        typer.Argument(metavar="SUITE", help="Names in evals/, or files; without one, all.", show_default=False),
    ] = None
    filter: Annotated[
        list[str] | None,
        typer.Option("-k", "--filter", metavar="TEXT", help="Only cases whose id holds TEXT or fits it (*, ?)."),
    ] = None
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="Only cases with this tag.")] = None
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, metavar="N", help="Only the first N of these cases.")
    ] = None
    shard: Annotated[
        str | None, typer.Option("--shard", metavar="I/N", help="Only part I of N that cost about the same: 1/3.")
    ] = None
    agent: Annotated[
        str | None, typer.Option("--agent", metavar="REF", help="Another agent than the suite's: name or name@2.")
    ] = None
    repeat: Annotated[
        int | None, typer.Option("--repeat", min=1, max=1000, metavar="N", help="Run every case N times.")
    ] = None
    adaptive: Annotated[
        bool, typer.Option("--adaptive", help="Stop repeating a case once its verdict cannot change.")
    ] = False
    alpha: Annotated[
        float,
        typer.Option(min=0.0, max=0.5, metavar="ERROR", help="The chance that --adaptive may be wrong; 0 is never."),
    ] = 0.05


@dataclass(frozen=True, slots=True)
class Playing:
    """How the cases are played: from recordings, and what may be live."""

    record_mode: Annotated[
        RecordMode,
        typer.Option(help="Record: once, where nothing is recorded; new-episodes, what is missing or stale; or all."),
    ] = RecordMode.NONE
    tools: Annotated[
        ToolsFrom, typer.Option(help="live: really run the tools, each case in a workspace of its own.")
    ] = ToolsFrom.RECORDED
    on_divergence: Annotated[
        OnDivergence,
        typer.Option(help="Where a recording no longer fits: no verdict; stop there and score; or go on live."),
    ] = OnDivergence.FAIL
    match: Annotated[Match, typer.Option(help="lenient: old answers to the same messages count, and are marked.")] = (
        Match.STRICT
    )
    simulate: Annotated[bool, typer.Option("--simulate", help="The built-in simulator is the model: no key.")] = False
    rejudge: Annotated[
        bool, typer.Option("--rejudge", help="Ask every judge again; what agents answered stays recorded.")
    ] = False
    cluster: Annotated[
        str | None,
        typer.Option("--cluster", metavar="ADDRESS", help="Replay on a dask cluster, or on local:N processes."),
    ] = None
    max_concurrency: Annotated[
        int, typer.Option("-j", "--max-concurrency", min=1, metavar="N", help="Cases at the same time.")
    ] = 16

    @property
    def goes_beyond(self) -> bool:
        """Whether a recording is played that does not hold all that is asked."""
        return self.on_divergence is not OnDivergence.FAIL or self.match is not Match.STRICT

    @property
    def is_replay(self) -> bool:
        """Whether nothing but recordings is played."""
        return self.record_mode is RecordMode.NONE and self.tools is ToolsFrom.RECORDED and not self.goes_beyond

    def check(self) -> None:
        """Refuses flags that contradict each other.

        Raises:
            UsageError: they do.
        """
        records = self.record_mode is not RecordMode.NONE
        if self.cluster is not None and not self.is_replay:
            hint = "leave out --cluster: what is live waits for a model, and one process waits for thousands at a time"
            raise UsageError("--cluster replays recordings, and neither records nor runs tools", hint=hint)
        if self.simulate and not (records or self.rejudge) and self.on_divergence is not OnDivergence.LIVE:
            hint = "add --record-mode new-episodes, --rejudge, or --on-divergence live"
            raise UsageError("--simulate answers while something is recorded or goes on live", hint=hint)
        if records and self.goes_beyond:
            hint = "leave out --record-mode, or --on-divergence and --match"
            raise UsageError("what no longer fits is either recorded again or played as far as it fits", hint=hint)
        if self.rejudge and self.goes_beyond:
            hint = "leave out --rejudge, or --on-divergence and --match"
            raise UsageError("judges are asked again about what recordings hold, not about what goes beyond", hint=hint)

    @property
    def judges_live(self) -> bool:
        """Whether a judge may be asked now."""
        return self.rejudge or self.record_mode is not RecordMode.NONE or self.on_divergence is OnDivergence.LIVE


@dataclass(frozen=True, slots=True)
class Again:
    """What of an earlier evaluation is played. Each may stand alone: the latest evaluation, the last result."""

    resume: Annotated[
        str | None,
        typer.Option("--resume", metavar="[ID]", help="Go on with an evaluation that was cut short, or the latest."),
    ] = None
    retry_errors: Annotated[
        str | None,
        typer.Option("--retry-errors", metavar="[RESULT]", help="Only cases that errored in a result, or the last."),
    ] = None
    filter_failing: Annotated[
        str | None,
        typer.Option("--filter-failing", metavar="[RESULT]", help="Only cases that failed in it."),
    ] = None

    def check(self) -> None:
        """Refuses flags that contradict each other.

        Raises:
            UsageError: they do.
        """
        if self.resume is not None and (self.retry_errors is not None or self.filter_failing is not None):
            raise UsageError(
                "--resume plays what that evaluation was asked for",
                hint="leave out --retry-errors and --filter-failing, and use them on its result",
            )


@dataclass(frozen=True, slots=True)
class Money:
    """What may be spent, and what would be."""

    estimate: Annotated[
        bool, typer.Option("--estimate", help="Say what going live would cost, as recorded; play and write nothing.")
    ] = False
    max_cost: Annotated[
        float | None,
        typer.Option("--max-cost", min=0.0, metavar="USD", help="Send nothing that all runs cannot pay for: exit 6."),
    ] = None

    @property
    def cap(self) -> Decimal | None:
        """The cap as it was typed."""
        return None if self.max_cost is None else Decimal(str(self.max_cost))

    def check(self) -> None:
        """Refuses a cap that is no amount.

        Raises:
            UsageError: it is none.
        """
        if self.max_cost is not None and not isfinite(self.max_cost):
            raise UsageError("--max-cost takes an amount in USD", hint="for example --max-cost 2.50")


@dataclass(frozen=True, slots=True)
class Gates:
    """What must hold for exit code 0."""

    allow_stale: Annotated[
        bool, typer.Option("--allow-stale", help="Let scores of stopped runs and old answers count.")
    ] = False
    min_pass_rate: Annotated[
        float | None,
        typer.Option(min=0.0, max=1.0, metavar="RATE", help="Pass when this share of the verdicts does: 0.95."),
    ] = None
    min_pass_rate_lower: Annotated[
        float | None,
        typer.Option(min=0.0, max=1.0, metavar="RATE", help="Pass when the 95% interval of that share lies above."),
    ] = None


class RegressOn(StrEnum):
    """What counts as a regression."""

    FLIP = "flip"
    """A case that passed and fails now, a new case that fails, or a verdict of `worse`."""
    WORSE = "worse"
    """A verdict of `worse`."""


@dataclass(frozen=True, slots=True)
class Against:
    """What the evaluation is compared with."""

    baseline: Annotated[
        str | None,
        typer.Option(metavar="REF", help="Fail on regressions only, from: a result file, latest, or git:origin/main."),
    ] = None
    regress_on: Annotated[
        RegressOn, typer.Option(help="flip: also a case that passed and fails now, or a new one that fails.")
    ] = RegressOn.FLIP


@dataclass(frozen=True, slots=True)
class Writing:
    """What is shown and written."""

    output: Annotated[
        list[Path] | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Write a report, its format by its ending (.json, .jsonl, .csv, .md, .junit.xml); repeatable.",
        ),
    ] = None
    pr_comment: Annotated[
        Path | None,
        typer.Option("--pr-comment", metavar="FILE", help="Write a comment for a pull request: Markdown, 64 KiB."),
    ] = None
    json: Annotated[bool, typer.Option("--json", help="The whole result as one JSON document.")] = False
    watch: Annotated[
        bool, typer.Option("--watch", help="Evaluate again whenever suites, prompts, tools or recordings change.")
    ] = False
    no_progress_bar: Annotated[bool, typer.Option("--no-progress-bar", help="Draw no bar while cases run.")] = False

    @property
    def progress(self) -> bool:
        """Whether a bar may be drawn."""
        return not (self.no_progress_bar or self.json)
