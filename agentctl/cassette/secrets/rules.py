"""Which secrets are looked for, as a project or a suite chooses them. What a suite asks for comes on top.

A replay redacts by the same rules, but takes from the environment only what the rules name: what it serves must not
depend on whose machine it runs on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from agentctl.cassette.secrets.kind import Kind
from agentctl.cassette.secrets.kinds import BUILT_IN, GROUPS
from agentctl.cassette.secrets.redact import SHAPES_ONLY, Redactor, secrets_in

CHOSEN: Final = ("secrets",)
"""Without a choice: credentials of every kind, and nothing about persons, which demo data is full of."""


@dataclass(frozen=True, slots=True)
class Rules:
    """A choice of rules; hashable, so that what is built from it is built once."""

    built_in: tuple[str, ...] | None = None
    """Names of kinds and groups; `-name` leaves one out. None: no choice was made."""
    patterns: tuple[tuple[str, str], ...] = ()
    """(name, regular expression) of kinds of one's own."""
    from_env: tuple[str, ...] = ()
    """Variables whose values are secrets, whatever they are called."""
    personal: bool = False
    """Whether personal data is redacted too."""

    def __add__(self, other: Rules) -> Rules:
        """Both; where `other` chooses among the built-in kinds, its choice is taken."""
        return Rules(
            self.built_in if other.built_in is None else other.built_in,
            tuple(dict.fromkeys(self.patterns + other.patterns)),
            tuple(dict.fromkeys(self.from_env + other.from_env)),
            self.personal or other.personal,
        )

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds chosen, one's own first."""
        own = [Kind(name, (), regex, anywhere=True, edge=False) for name, regex in self.patterns]
        chosen = (*(CHOSEN if self.built_in is None else self.built_in), *(("pii",) if self.personal else ()))
        return (*own, *kinds_named(chosen))

    def for_recording(self, environment: Mapping[str, str]) -> Redactor:
        """What is written is also free of every value in the environment that is a secret by its name."""
        return Redactor(self.kinds, {**secrets_in(environment), **self._named(environment)})

    def for_replay(self, environment: Mapping[str, str]) -> Redactor:
        """What is asked in a replay, as far as it has to be redacted to be known again."""
        if self == NO_RULES:
            return SHAPES_ONLY
        return _built(self, tuple(self._named(environment).items()))

    def _named(self, environment: Mapping[str, str]) -> dict[str, str]:
        return {name: environment[name] for name in self.from_env if name in environment}


NO_RULES: Final = Rules()
"""Nobody chose: credentials of every kind."""


@cache
def _built(rules: Rules, known: tuple[tuple[str, str], ...]) -> Redactor:
    return Redactor(rules.kinds, dict(known))


def kinds_named(names: Iterable[str]) -> tuple[Kind, ...]:
    """The built-in kinds that these names choose, in the order of the table.

    Raises:
        KeyError: a name is of no kind and no group.
    """
    chosen: dict[str, Kind] = {}
    left_out: dict[str, Kind] = {}
    for name in names:
        plain = name.removeprefix("-")
        kinds = GROUPS[plain] if plain in GROUPS else (BUILT_IN[plain],)
        (left_out if name.startswith("-") else chosen).update((kind.name, kind) for kind in kinds)
    return tuple(kind for name, kind in BUILT_IN.items() if name in chosen and name not in left_out)


def names_known() -> list[str]:
    """Every name that `kinds_named` takes."""
    return [*GROUPS, *BUILT_IN]
