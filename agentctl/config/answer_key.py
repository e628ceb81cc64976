"""The name under which an answer is kept: a digest over everything that the answer depends on.

It is the bundle of the agent, digest by digest, with the code behind its tools; where the model runs; and the request
itself, byte for byte, so that nothing that reaches the model can be forgotten here. Whoever serves several users from
one definition says `params: {metadata: {user_id: ...}}`: it is in the request, and keeps their answers apart.
"""

from __future__ import annotations

from typing import Final

from agentctl.agent.ports import API_VERSION, Request
from agentctl.agent.spec import Agent
from agentctl.config.canonical import digest
from agentctl.config.code import code

FORM: Final = 1
"""Of the key. Another one makes every answer that is kept unknown."""


def answer_key(agent: Agent, request: Request, place: str) -> str | None:
    """The digest for the answer to `request`; `place` says whose answer it is: an address, or a simulator's script.

    The limits on turns and tokens are part of it; those on time say nothing of what an answer may be. None when there
    is no canonical JSON for the request, and so no name for its answer.
    """
    provider, limits = agent.provider, agent.limits
    try:
        return digest(
            {
                "form": FORM,
                "agent": agent.ref,
                "components": {**agent.components, **code(agent)},
                "place": place,
                "provider": [provider.name, provider.base_url, dict(provider.options)],
                "limits": [limits.max_turns, limits.max_input_tokens, limits.max_output_tokens],
                "api version": API_VERSION,
                "betas": list(request.betas),
                "path": request.path,
                "body": request.body,
            }
        )
    except ValueError:
        return None
