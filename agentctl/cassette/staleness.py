"""A recording is stale when a component of what it records has another digest now; which ones is the whole verdict.

Only digests are compared: no network, no SDK, and no look at the traffic.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from agentctl.cassette.tape import Header
from agentctl.config.digest import HANDLER, SETUP

API: Final = "api version"

ORDER: Final = ("system prompt", "model", "params", "betas", API, "tool order", "case input", SETUP)
"""In which changes are named; the code behind tools and the tools come after these, by name."""


def changed(header: Header | None, components: Mapping[str, str]) -> tuple[str, ...]:
    """The components that changed, came or went since the recording, in a stable order.

    A file without a header records nothing that is known, so every component counts as changed.
    """
    recorded = {} if header is None else header.components
    if recorded == components:
        return ()
    names = {name for name in {*recorded, *components} if recorded.get(name) != components.get(name)}
    return tuple(sorted(names - _untold(recorded, components), key=_place))


def without_code(components: Iterable[str]) -> tuple[str, ...]:
    """Those that still count where the code behind the tools is run anew."""
    return tuple(name for name in components if not is_code(name))


def is_code(component: str) -> bool:
    """Whether this component is code that runs here, and so nothing that a request says."""
    return component == SETUP or component.startswith(HANDLER)


def _untold(recorded: Mapping[str, str], components: Mapping[str, str]) -> set[str]:
    """Components that one side says nothing of.

    An older recording did not write them down, and is none the staler; the Python of a git revision is not looked at.
    """
    return {name for name in recorded.keys() ^ components.keys() if name == API or is_code(name)}


def _place(name: str) -> tuple[int, str]:
    return (ORDER.index(name), "") if name in ORDER else (len(ORDER), name)
