"""Looks up the personas of a suite's cases: each once, and what is wrong with one is named where it is asked for."""

from __future__ import annotations

from collections.abc import Sequence

from agentctl.agent.values import replace
from agentctl.config.persona import Persona
from agentctl.config.personas import load_persona
from agentctl.config.project import Project
from agentctl.errors import ConfigError, Problem, UsageError
from agentctl.evals.user.spec import SimulatedUser


def with_personas(
    users: Sequence[SimulatedUser | None], lines: Sequence[int], file: str, project: Project
) -> list[SimulatedUser | None]:
    """The users of these cases, each with its persona; `lines` say where the cases stand.

    Raises:
        ConfigError: a persona is not there, or wrong.
    """
    known: dict[str, Persona] = {}
    problems: list[Problem] = []
    found: list[SimulatedUser | None] = []
    for user, line in zip(users, lines, strict=True):
        if user is None:
            found.append(None)
            continue
        try:
            persona = known[user.ref] = known.get(user.ref) or load_persona(user.ref, project)
            found.append(replace(user, persona=persona))
        except UsageError as error:
            problems.append(Problem(file, line, 1, f"user: {error}", error.hint))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))
    return found
