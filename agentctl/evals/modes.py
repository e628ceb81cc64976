"""What may be live in an evaluation, and which recorded request is the one that is asked: words, for flags and code."""

from __future__ import annotations

from enum import StrEnum


class RecordMode(StrEnum):
    """When a case is recorded anew; the words are vcrpy's."""

    NONE = "none"
    """Never: what is missing or stale is named."""
    ONCE = "once"
    """When it has no recording."""
    NEW_EPISODES = "new-episodes"
    """When its recording is missing or stale."""
    ALL = "all"
    """Always."""


class OnDivergence(StrEnum):
    """What to do at the first request that a recording does not hold."""

    FAIL = "fail"
    """Give no verdict, and say what differs."""
    STOP = "stop"
    """End the run there and score what there is."""
    LIVE = "live"
    """Go on with the model that answers now."""


class Match(StrEnum):
    """Which recorded request is the one that is asked."""

    STRICT = "strict"
    """The one that is the same."""
    LENIENT = "lenient"
    """The one with the same messages, whatever else it says."""
