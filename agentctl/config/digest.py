"""What an agent is made of, as digests: one for each component that can be named when it changes, one over them all.

Only what reaches the model counts. Comments, layout, the order of keys, descriptions of documents and limits are not in
it; the order of tools is, since the model reads them in that order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from agentctl.agent.events import JsonObject
from agentctl.agent.spec import ToolSpec
from agentctl.config.canonical import digest

HANDLER: Final = "handler "
"""How the components begin that are the code behind a tool; see `config.code`."""

SETUP: Final = "setup"
"""The component that is the code which fills a workspace."""


def components(
    *,
    system: str,
    model: str,
    params: JsonObject,
    cache: bool,
    betas: Sequence[str],
    tools: Sequence[ToolSpec],
) -> dict[str, str]:
    """Digest of each component by its name. `system` is the text with its variables filled in."""
    found = {
        "system prompt": digest(system),
        "model": digest(model),
        "params": digest({"params": params, "cache": cache}),
        "tool order": digest([tool.name for tool in tools]),
    }
    if betas:
        found["betas"] = digest(list(betas))
    for tool in tools:
        found[f"tool {tool.name}"] = digest(tool.definition)
    return found


def bundle(parts: Mapping[str, str]) -> str:
    """The digest over all components."""
    return digest(dict(parts))
