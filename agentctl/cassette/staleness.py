"""A recording is stale when a component of what it records has another digest now; which ones is the whole verdict.

Only digests are compared: no network, no SDK, and no look at the traffic.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from agentctl.cassette.tape import Header

HANDLER: Final = "handler "
"""How the components begin that are the code behind a tool."""

API: Final = "api version"

ORDER: Final = ("system prompt", "model", "params", "betas", API, "tool order", "case input")
"""In which changes are named; tools come after these, by name."""


def changed(header: Header | None, components: Mapping[str, str]) -> tuple[str, ...]:
    """The components that changed, came or went since the recording, in a stable order.

    A file without a header records nothing that is known, so every component counts as changed.
    """
    recorded = {} if header is None else header.components
    names = {name for name in {*recorded, *components} if recorded.get(name) != components.get(name)}
    return tuple(sorted(names - _untold(recorded, components), key=_place))


def without_code(components: Iterable[str]) -> tuple[str, ...]:
    """Those that still count where the code behind the tools is run anew."""
    return tuple(name for name in components if not name.startswith(HANDLER))


def _untold(recorded: Mapping[str, str], components: Mapping[str, str]) -> set[str]:
    """Components that one side says nothing of: an older recording did not write them down, and is none the staler."""
    return {name for name in recorded.keys() ^ components.keys() if name == API or name.startswith(HANDLER)}


def _place(name: str) -> tuple[int, str]:
    return (ORDER.index(name), "") if name in ORDER else (len(ORDER), name)
