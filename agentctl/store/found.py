"""What one evaluation found of one suite, in the few figures that are kept for ever; as values and as JSON.

They stand apart from the database, since an evaluation leaves them without opening it: see `store.results.absorb`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from hashlib import blake2b
from typing import Any, Final

from msgspec import Struct

DIGEST_BYTES: Final = 16
NUMBER: Final = (int, float)


class ResultCase(Struct, frozen=True):
    """What became of one case in one result."""

    id: str
    verdict: str
    """pass, fail, or empty when there was none."""
    passed: int
    judged: int
    """Runs with a verdict."""
    played: int
    """Runs that came to an end, whatever it was."""
    cost_usd: float | None
    """Of all of them; None when it is not known."""
    seconds: float
    tokens: int


@dataclass(frozen=True, slots=True)
class Found:
    """A result to be stored, of one suite."""

    suite: str
    agent: str
    """`name@version`."""
    bundle: str
    model: str
    revision: str
    """The commit that was checked out; empty outside a repository."""
    complete: bool
    """Whether every case of the suite ran."""
    exit_code: int
    file: str
    """The kept document's name; empty when there is none."""
    at: float
    """Seconds since the epoch."""
    cases: tuple[ResultCase, ...]

    @property
    def digest(self) -> str:
        """By which two results are the same; file and time are not part of it."""
        parts = (self.agent, self.bundle, self.model, self.revision, self.complete, self.exit_code, self.cases)
        return blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """The result as JSON; a case is the list of its figures."""
        return {
            **{each.name: getattr(self, each.name) for each in fields(self) if each.name != "cases"},
            "cases": [[getattr(case, name) for name in ResultCase.__struct_fields__] for case in self.cases],
        }


def found_of(data: Any) -> Found:
    """The result that `to_json` made.

    Raises:
        ValueError: it is none.
    """
    try:
        found = Found(**{**data, "cases": tuple([ResultCase(*case) for case in data["cases"]])})
    except (TypeError, KeyError) as error:
        raise ValueError(str(error)) from None
    texts = (found.suite, found.agent, found.bundle, found.model, found.revision, found.file)
    numbers = (found.at, found.exit_code, *(case.passed + case.judged + case.played for case in found.cases))
    if not all(isinstance(each, str) for each in texts) or not all(isinstance(each, NUMBER) for each in numbers):
        message = "a figure is of another type"
        raise ValueError(message)
    return found
