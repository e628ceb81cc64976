"""What an evaluation is compared with: an earlier result, or what a git revision recorded, scored by its own suites.

A revision is played as it was: its documents, its recordings and its checks, in a folder that is gone afterwards, with
the selection of the evaluation it stands against, and by the suites' own agents: those that it ships. So
`git:origin/main` needs no result that somebody kept.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agentctl.agent.events import JsonObject
from agentctl.agent.values import replace
from agentctl.config.checkout import checked_out
from agentctl.config.project import Project
from agentctl.config.refs import GIT
from agentctl.config.texts import shown
from agentctl.errors import ConfigError, NothingSelected, UsageError
from agentctl.evals.evaluate import Faulty, evaluate
from agentctl.evals.plan import Job, plan
from agentctl.evals.prices import Prices
from agentctl.evals.result import read_result

NEWEST: Final = frozenset({"latest", "last"})
NAMED: Final = 3
"""Results that a message names, and suites that a kept result's name names."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cases of the baseline are wanted: the selection of the evaluation."""

    suites: Sequence[str]
    """Names, or paths of files."""
    filters: Sequence[str] = ()
    tags: Sequence[str] = ()
    repeat: int | None = None

    @property
    def names(self) -> list[str]:
        """The suites by name."""
        return [Path(name).stem if name.endswith(".yaml") else name for name in self.suites]


Opens = Callable[[Project, Sequence[Job]], AbstractAsyncContextManager[Faulty | None]]
"""Opens what plays the cases with faults among the jobs of a project."""


async def baseline(
    project: Project, ref: str, wanted: Wanted, known: Sequence[str], faulty: Opens = lambda *_: nullcontext()
) -> JsonObject:
    """The document that `ref` names: a file, `latest`, a kept result, or `git:REV`. `known` are the suites to be run.

    `faulty` plays the cases of a revision that have faults.

    Raises:
        UsageError: it names nothing, or what it names is no result.
        ConfigError: the documents of the revision are wrong.
    """
    if ref.startswith(GIT):
        return await _of_revision(project, ref.removeprefix(GIT), wanted, known, faulty)
    return read_result(_file(project, ref, known))


def _file(project: Project, ref: str, known: Sequence[str]) -> Path:
    path = Path(ref)
    if path.is_file():
        return path
    kept = sorted((project.state / "results").glob("2*.json"), reverse=True)
    if ref in NEWEST:
        about = [each for each in kept if _is_about(each, known)]
        if not about:
            raise UsageError(
                f"there is no kept result of {', '.join(known) or 'any suite'} yet",
                hint="`agentctl eval` keeps one; in a build, compare with git:origin/main or a file",
            )
        return about[0]
    fitting = [each for each in kept if ref and each.name.startswith(ref)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise UsageError(f"{shown(ref)} begins the names of {len(fitting)} kept results: {_names(fitting)}")
    names = f"; kept results: {_names(kept)}" if kept else ""
    hint = f"a baseline is a result file, latest, git:REVISION (as git:origin/main), or a kept result{names}"
    raise UsageError(f"there is no result {shown(ref)}", hint=hint)


def _is_about(path: Path, known: Sequence[str]) -> bool:
    """Whether one of these suites is in the kept result, by its name; one with more suites than it names may be."""
    names = path.stem.partition("-")[2].split("+")
    return len(names) >= NAMED or not known or not set(names).isdisjoint(known)


def _names(paths: Sequence[Path]) -> str:
    return ", ".join(path.stem for path in paths[:NAMED]) + (", ..." if len(paths) > NAMED else "")


async def _of_revision(
    project: Project, revision: str, wanted: Wanted, known: Sequence[str], faulty: Opens
) -> JsonObject:
    with tempfile.TemporaryDirectory(prefix="agentctl-baseline-") as folder:
        then = checked_out(project, revision, Path(folder))
        there = {path.stem for path in then.evals.glob("*.yaml")}
        names = [name for name in (wanted.names or known) if name in there]
        nothing: JsonObject = {"schema": 1, "kind": "eval", "suites": []}
        if not names:
            return nothing
        try:
            jobs = plan(
                then,
                names,
                filters=wanted.filters,
                tags=wanted.tags,
                repeat=wanted.repeat,
            )
        except NothingSelected:
            return nothing
        except ConfigError as error:
            raise _elsewhere(error, folder, revision) from None
        async with faulty(then, jobs) as player:
            found = await evaluate(jobs, prices=Prices(project.state / "prices.json"), faulty=player)
        return found.to_json(0)


def _elsewhere(error: ConfigError, folder: str, revision: str) -> ConfigError:
    """The error with its places named as the revision's."""
    root = str(Path(folder).resolve())
    return ConfigError(
        [
            replace(
                each, file=each.file.replace(f"{root}/", f"{GIT}{revision}:"), message=each.message.replace(root, ".")
            )
            for each in error.problems
        ]
    )
