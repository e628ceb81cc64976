"""Other people's recordings hold all a replay needs: the reply bodies, and each tool's result in the next request.

What a recorder of HTTP writes down is replies and requests; which of them form one conversation is read from the
requests: one that begins with all messages of another one and its reply goes on where that one stopped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agentctl.agent.events import Event, JsonObject
from agentctl.cassette.platforms import model_at
from agentctl.cassette.retold import Decode, Reply, Retold
from agentctl.cassette.tape import Cassette, Interaction, Take
from agentctl.errors import CassetteError


def replies(cassette: Cassette) -> Iterator[Reply]:
    """Every reply to a call of `/v1/messages` on any host, in the order of the file.

    Raises:
        CassetteError: there is none, or one cannot be decompressed.
    """
    for index, interaction in _calls(cassette):
        try:
            body = interaction.body
        except CassetteError as error:
            raise CassetteError(f"interaction {index}: {error}", hint=error.hint) from None
        yield Reply(index, interaction.status, interaction.headers, body)


def runs(cassette: Cassette, decode: Decode) -> list[list[Event]]:
    """The conversations in the file as runs, in the order in which they began.

    Raises:
        CassetteError: there is no call of the Messages API, or a reply cannot be decompressed.
    """
    return [list(told.events) for told in conversations(cassette, decode)]


@dataclass(frozen=True, slots=True)
class Told:
    """One conversation of a file: its events, and which of the file's interactions it is made of."""

    events: tuple[Event, ...]
    interactions: tuple[int, ...]


def conversations(cassette: Cassette, decode: Decode) -> list[Told]:
    """The conversations in the file, in the order in which they began; raises what `runs` raises."""
    found: list[Retold] = []
    interactions = dict(_calls(cassette))
    for reply in replies(cassette):
        model, messages = _said(interactions[reply.index])
        conversation = _continued(found, messages)
        if conversation is None:
            conversation = Retold(model, cassette.name)
            found.append(conversation)
        conversation.hear(messages)
        conversation.answer(reply, decode)
    return [Told(tuple(each.finished()), tuple(each.indexes)) for each in found]


def transcribed(cassette: Cassette, take: Take, decode: Decode) -> list[Event]:
    """The one conversation that a take of a transcript tells.

    A request in it repeats what stood before, as a real one does, or holds only what is new since the last reply.

    Raises:
        CassetteError: a reply cannot be decompressed.
    """
    conversation: Retold | None = None
    for index in take.interactions:
        interaction = cassette.interactions[index]
        model, messages = _said(interaction)
        if conversation is None:
            conversation = Retold(model, cassette.name)
        conversation.hear(messages, goes_on=conversation.goes_on_with(messages))
        conversation.answer(Reply(index, interaction.status, interaction.headers, interaction.body), decode)
    if conversation is None:
        conversation = Retold("unknown", cassette.name)
    conversation.add(take.rest)
    return conversation.finished()


def _said(interaction: Interaction) -> tuple[str, list[JsonObject]]:
    """The model and the messages of a request."""
    asked = _asked(interaction)
    messages = [message for message in asked.get("messages") or () if isinstance(message, dict)]
    return str(asked.get("model") or model_at(interaction.path) or "unknown"), messages


def _calls(cassette: Cassette) -> list[tuple[int, Interaction]]:
    calls = [(i, each) for i, each in enumerate(cassette.interactions) if each.is_messages_call]
    if calls:
        return calls
    others = dict.fromkeys(f"{each.method} {each.uri.partition('?')[0]}" for each in cassette.interactions)
    if not others:
        raise CassetteError("the file records no interaction")
    shown = ", ".join(list(others)[:3]) + (", ..." if len(others) > 3 else "")  # noqa: PLR2004  enough to recognise it
    raise CassetteError(f"the file records no call of /v1/messages, only {shown}")


def _asked(interaction: Interaction) -> JsonObject:
    """The request; empty when it was no valid one, which the API's answer to it then says."""
    try:
        asked = interaction.asked
    except CassetteError:
        return {}
    return asked if isinstance(asked.get("messages"), list) else {**asked, "messages": []}


def _continued(found: list[Retold], messages: list[JsonObject]) -> Retold | None:
    """The conversation that `messages` goes on with: the longest that fits, then the latest."""
    fitting = [each for each in found if each.goes_on_with(messages)]
    return max(reversed(fitting), key=lambda each: len(each.known), default=None)
