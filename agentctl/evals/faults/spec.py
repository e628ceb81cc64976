"""A fault of a case: one thing that goes wrong, at the API or in a tool, and when it does."""

from __future__ import annotations

from dataclasses import dataclass

ALWAYS = "always"
OWN = "own"


@dataclass(frozen=True, slots=True)
class Scripted:
    """Either `api` or `tool` says where; the fields of the other are empty."""

    api: str = ""
    """The fault of a reply, as in `529` or `eof,at=tool`; see `config.faults`."""
    turn: int | None = None
    """Only at the model's turn of this number, from 1 and over the whole run; None at every turn."""
    model: str = ""
    """Only when this model is asked, or the agent's `OWN`; empty for all."""
    tool: str = ""
    error: str = ""
    """`timeout`, `raise`, or the words in which the tool says that it failed."""
    call: int | None = None
    """From the call of this number on, from 1 and over the whole run; None from the first."""
    takes_effect: bool = False
    """Whether the tool does its work before it fails."""
    times: int | None = 1
    """At most so often; None every time."""

    def __str__(self) -> str:
        if self.tool:
            return f"{self.tool}{f', call {self.call}' if self.call is not None else ''}: {self.error}"
        where = [f"turn {self.turn}"] if self.turn is not None else []
        where += [self.model] if self.model else []
        return f"{', '.join(where) or 'the API'}: {self.api}"
