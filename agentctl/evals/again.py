"""What a recording took when it was made, which is what making it again takes when it goes as it went."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agentctl.agent.events import ModelReplied
from agentctl.agent.run import Usage
from agentctl.agent.values import replace
from agentctl.cassette.tape import Cassette
from agentctl.errors import CassetteError, ModelError
from agentctl.evals.marks import Reused, reused_of
from agentctl.evals.prices import Prices
from agentctl.model.decode import decode_reply


def taken_by(replies: Iterable[ModelReplied], model: str, provider: str, prices: Prices | None) -> Reused:
    """What these replies took, priced as `model` would be now; None for `prices` leaves the price open."""
    now = [replace(reply, model=model) for reply in replies]
    usage = sum((Usage.of(reply.usage) for reply in now), Usage())
    counted = prices is not None and bool(now) and all(reply.usage for reply in now)
    return reused_of(len(now), usage, prices.of(now, provider) if counted and prices is not None else None)


def recorded_replies(cassette: Cassette, indexes: Sequence[int]) -> list[ModelReplied]:
    """The recorded replies that are whole."""
    found: list[ModelReplied] = []
    for index in indexes:
        each = cassette.interactions[index]
        try:
            found.append(decode_reply(each.status, each.headers, each.body))
        except (ModelError, CassetteError):
            continue
    return found
