"""What an agent document says of cached answers. It is off unless it is written down."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from agentctl.agent.spec import CachedAnswers
from agentctl.config.check import Part

_DEFAULTS: Final = CachedAnswers()


class CachedAnswersPart(Part):
    """When the answer that an earlier run got to the same first question is given again."""

    when: Literal["always", "unavailable"] = "always"
    """`always`, before a model is asked; `unavailable`, only when none of the agent's models can answer."""
    max_age_seconds: Annotated[float, Field(gt=0)] = _DEFAULTS.max_age_seconds
    """Older answers are never given."""
    max_entries: Annotated[int, Field(ge=1)] = _DEFAULTS.max_entries
    """Answers kept of the agent, all its versions together; the one that was not used for longest goes first."""


def cached_answers(said: CachedAnswersPart | bool) -> CachedAnswers | None:  # noqa: FBT001  it is what a document says
    """As the core knows it; `true` is every default."""
    if isinstance(said, bool):
        return CachedAnswers() if said else None
    return CachedAnswers(**dict(said))
