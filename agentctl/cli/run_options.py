"""What `agentctl run` shows and asks, as its flags say it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Format(StrEnum):
    """What standard output holds."""

    TEXT = "text"
    JSON = "json"
    STREAM_JSON = "stream-json"


@dataclass(frozen=True, slots=True)
class Options:
    """What the flags ask for."""

    format: Format
    thinking: bool
    quiet: bool
    yes: bool
