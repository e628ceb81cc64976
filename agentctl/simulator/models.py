"""What the simulated API knows of models: every `claude-` name is one, and what it does not know it takes for new."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ModelLimits:
    """What a model allows: the most output tokens, and whether a request may end with words put in its mouth."""

    max_output: int = 128_000
    prefill: bool = False


FAMILIES: Final = (
    (re.compile(r"claude-3-(?:haiku|opus|sonnet)"), ModelLimits(4_096, prefill=True)),
    (re.compile(r"claude-3-5-"), ModelLimits(8_192, prefill=True)),
    (re.compile(r"claude-(?:opus-4-[01]\b|opus-4-20|4-opus)"), ModelLimits(32_000, prefill=True)),
    (
        re.compile(r"claude-(?:3-7-|(?:opus|sonnet|haiku)-4-5|sonnet-4-0|sonnet-4-20|4-sonnet)"),
        ModelLimits(64_000, prefill=True),
    ),
)
"""The first family that a name begins with counts."""


def limits_of(model: str) -> ModelLimits:
    """The limits of a model."""
    return next((limits for names, limits in FAMILIES if names.match(model)), ModelLimits())


def is_known(model: str) -> bool:
    """Whether there is such a model."""
    return model.startswith("claude-")
