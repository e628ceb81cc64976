"""A case and a suite as values, ready to run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import force_setattr

from agentctl.agent.events import JsonObject
from agentctl.cassette.secrets.rules import NO_RULES, Rules
from agentctl.evals.approvals import Denials
from agentctl.evals.scorers.judge import Asks
from agentctl.evals.scorers.score import Assertion, all_of
from agentctl.evals.scorers.state import StateQuery
from agentctl.evals.terms import DEFAULT, Terms
from agentctl.evals.user.spec import SimulatedUser


class Case(Struct, frozen=True):
    """One case, ready to run."""

    id: str
    input: tuple[str, ...]
    """What the user says, turn by turn, variables filled in."""
    asserts: tuple[Assertion, ...]
    """The suite's and the case's own."""
    description: str = ""
    vars: Mapping[str, str | int] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    repeat: int = 1
    threshold: float | None = None
    approve: bool = False
    deny: Denials = field(default_factory=dict)
    """Calls that are denied, whatever `approve` says."""
    user: SimulatedUser | None = None
    """A model that plays the user; `input` is then what it begins with."""
    transcript: bool = False
    """Whether the recording is of an agent that is not defined here."""
    metadata: JsonObject = field(default_factory=dict)
    line: int = 0
    """Where it begins in the suite's file, from 1."""
    terms: Terms = DEFAULT
    """How its repeats count, with whom, and whether it gates."""
    faults: tuple[JsonObject, ...] = ()
    """What goes wrong in its run, as it is written: with any it is played against the simulator, not recorded."""
    checks: tuple[Assertion, ...] = ()
    """Its assertions and what is inside of sets: made of `asserts`, whatever is given."""
    queries: tuple[StateQuery, ...] = ()
    """What is looked up after the run, each query once: so is this."""
    is_judged: bool = False
    """Whether one of them asks for a judge: and this."""

    def __post_init__(self) -> None:
        checks = tuple(all_of(self.asserts))
        ready = [each.ready for each in checks]
        queries = {each.name: each for each in ready if isinstance(each, StateQuery)}
        force_setattr(self, "checks", checks)
        force_setattr(self, "queries", tuple(queries.values()))
        force_setattr(self, "is_judged", Asks in map(type, ready))

    @property
    def is_recorded(self) -> bool:
        """Whether a recording is made of what the agent does in it."""
        return not (self.transcript or self.faults)


class Suite(Struct, frozen=True):
    """The cases of one file, in its order. `file` is its name in messages."""

    name: str
    path: Path
    file: str
    agent: str
    """Reference of the agent under test; empty in a suite of transcripts."""
    cases: tuple[Case, ...]
    description: str = ""
    asserts: tuple[Assertion, ...] = ()
    """What is asked of every case; each has them among its own."""
    rules: Rules = NO_RULES
    """What is redacted in its recordings; in a plan, with what the project asks for."""
    folder: Path = field(default_factory=Path)
    """The folder of its file: that of `path`, whatever is given."""

    def __post_init__(self) -> None:
        force_setattr(self, "folder", self.path.parent)

    @property
    def is_judged(self) -> bool:
        """Whether a case of it asks for a judge."""
        return any(case.is_judged for case in self.cases)
