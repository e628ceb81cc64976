"""Recorded verdicts: one file for each rubric and piece of work, one take for each vote.

They are no part of an agent's recording. What was judged names the file, so the same answer is never paid for twice:
not when its recording is renewed, not in another case, not by another agent. A file says by which rubric it was judged,
so one that was judged by other words is stale and not missing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from agentctl.agent.events import ModelReplied
from agentctl.agent.values import replace
from agentctl.cassette.file import read, write
from agentctl.cassette.play import RecordedWire
from agentctl.cassette.record import Tape
from agentctl.cassette.secrets.redact import Redactor
from agentctl.cassette.secrets.scrub import redacted
from agentctl.cassette.staleness import changed
from agentctl.cassette.tape import Cassette, Header, Interaction, Take
from agentctl.errors import CassetteError, ModelError, RecordingMiss
from agentctl.evals.judge.brief import Brief, component_of
from agentctl.evals.judge.form import vote_of
from agentctl.evals.judge.ruling import Ruling
from agentctl.evals.scorers.score import CannotScore
from agentctl.model.decode import decode_reply

FOLDER: Final = "judge"
"""Where a suite's verdicts are, beside its recordings."""

SUFFIX: Final = ".yaml"
NAME: Final = 24
"""Hexadecimal digits of the work's digest that name a file."""


class Unjudged(CannotScore):
    """A verdict is not recorded, or not by this rubric: the case is missing or stale, and says how to record it."""

    def __init__(self, brief: Brief, message: str, *, stale: bool = False) -> None:
        super().__init__(message, stale=(component_of(brief.rubric),) if stale else ())
        self.status = "stale" if stale else "missing"
        self.brief = brief


@dataclass(slots=True)
class Verdicts:
    """The verdicts under one folder; `show` is the folder's name in messages."""

    folder: Path
    show: str
    redactor: Redactor
    """What judges are not shown. Beside live runs that is what a recording does not hold either, then the same is asked
    in a replay of them."""
    known: dict[Path, Cassette] = field(default_factory=dict)
    """Files that were read or written in this process, and verdicts that are kept nowhere else."""

    def path(self, brief: Brief) -> Path:
        """Where the verdicts on this are recorded."""
        return self.folder / brief.rubric.ref / f"{brief.key[:NAME]}{SUFFIX}"

    def ruling(self, brief: Brief, votes: int, threshold: float | None) -> Ruling:
        """What the first `votes` recorded votes come to.

        Raises:
            Unjudged: there are not that many, or they were given by another rubric.
            CannotScore: the file is damaged, or a vote in it is none.
        """
        replies = self.replies(brief, votes)
        limit = brief.rubric.threshold if threshold is None else threshold
        return Ruling(brief, tuple(vote_of(brief.rubric, reply) for reply in replies), limit)

    def replies(self, brief: Brief, votes: int) -> list[ModelReplied]:
        """The judge's replies that hold them; errors as for `ruling`."""
        cassette = self.recorded(brief)
        takes = len(cassette.takes)
        if takes < votes:
            raise Unjudged(brief, f"{takes} of {votes} votes of {brief.rubric.ref} are recorded")
        try:
            return [_reply(cassette, number, brief) for number in range(votes)]
        except (CassetteError, ModelError, RecordingMiss) as error:
            raise CannotScore(f"{self._shown(brief)}: {error}", hint="delete it, and record it again") from None

    def recorded(self, brief: Brief) -> Cassette:
        """The file with the verdicts on this; errors as for `ruling`."""
        path, ref = self.path(brief), brief.rubric.ref
        cassette = self.known.get(path)
        if cassette is None:
            if not path.exists():
                raise self._without(brief)
            try:
                cassette = self.known[path] = read(path)
            except CassetteError as error:
                raise CannotScore(str(error), hint=error.hint) from None
        if cassette.header is None or changed(cassette.header, brief.components):
            raise Unjudged(brief, f"{ref} changed since it judged this", stale=True)
        return cassette

    def _without(self, brief: Brief) -> Unjudged:
        """Whether it was judged by another version of the rubric says whether it is stale or missing."""
        rubric = brief.rubric
        others = sorted(self.folder.glob(f"{rubric.name}@*/{self.path(brief).name}"))
        if others:
            return Unjudged(brief, f"it was judged by {others[-1].parent.name}, not by {rubric.ref}", stale=True)
        return Unjudged(brief, f"there is no verdict of {rubric.ref} on this answer")

    def keep(self, brief: Brief, header: Header, tapes: list[Tape], *, anew: bool, saves: bool) -> Path:
        """Adds the votes on these tapes to those that are recorded, or replaces them; returns the file's path.

        Raises:
            CassetteError: the file cannot be written.
        """
        path = self.path(brief)
        cassette = _joined(None if anew else self._still_good(brief), header, tapes, self.redactor, path)
        if saves:
            write(path, cassette)
        self.known[path] = cassette
        return path

    def _still_good(self, brief: Brief) -> Cassette | None:
        try:
            return self.recorded(brief)
        except CannotScore:
            return None

    def _shown(self, brief: Brief) -> str:
        return f"{self.show}/{self.path(brief).relative_to(self.folder).as_posix()}"


def _reply(cassette: Cassette, number: int, brief: Brief) -> ModelReplied:
    """The reply of one vote, found by its request: a file that was edited by hand does not answer another one."""
    wire = RecordedWire(cassette, number)
    index = wire.find(brief.request)
    if index is None:
        raise wire.miss(brief.request)
    interaction = cassette.interactions[index]
    return decode_reply(interaction.status, interaction.headers, interaction.body)


def _joined(earlier: Cassette | None, header: Header, tapes: list[Tape], redactor: Redactor, path: Path) -> Cassette:
    interactions: list[Interaction] = [] if earlier is None else list(earlier.interactions)
    takes: list[Take] = [] if earlier is None else list(earlier.takes)
    for tape in tapes:
        more, take = tape.finished().take(len(interactions))
        interactions += [redacted(each, redactor) for each in more]
        takes.append(take)
    return Cassette(tuple(interactions), replace(header, takes=tuple(takes)), path)


def rubric_in(header: Header) -> str:
    """The component of a recorded verdict that is its rubric; empty when there is none."""
    return next((name for name in header.components if name.startswith("rubric ")), "")
