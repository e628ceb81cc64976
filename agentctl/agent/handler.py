"""What the Python behind a tool may import: the context of a call, and the error the model is meant to read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ToolContext:
    """Where and as what a call runs. A handler receives it in any parameter annotated with this class."""

    workspace: Path
    """The run's own directory; a tool that keeps state keeps it here."""
    call_id: str
    """The id of the model's `tool_use` block."""
    idempotency_key: str
    """The same for every repetition of the same call: hand it to whatever must not act twice."""


class ToolFailure(Exception):  # it is an answer ("no such order"), not a defect
    """Raised by a handler to tell the model, in words, why the call has no result."""
