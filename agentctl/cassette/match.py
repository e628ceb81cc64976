"""A request's key is a chain: a digest of all that stays the same, then one link for each message.

Two requests have the same key exactly when they ask the same thing, however their JSON is laid out; and because each
link is the digest of the one before and of one message, a turn costs what is new in it, and the first message in which
two conversations differ is where their chains part. `stream` is left out: it says how a reply travels, not what was
asked. A recording holds requests redacted: given a redactor, a chain hashes what is left after redaction.
"""

from __future__ import annotations

import json
from hashlib import sha256
from operator import is_
from typing import Any, Final

import orjson

from agentctl.agent.events import JsonObject
from agentctl.agent.ports import Request
from agentctl.cassette.secrets.redact import Redactor
from agentctl.cassette.tape import MESSAGES_PATH, Interaction
from agentctl.errors import CassetteError

NOT_ASKED: Final = frozenset({"messages", "stream"})
SORTED: Final = orjson.OPT_SORT_KEYS
TAIL: Final = "]}"
"""How a body ends whose last key is `messages`, as this room writes them."""


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no spaces: equal bytes for equal values."""
    try:
        return orjson.dumps(value, option=SORTED)
    except TypeError:  # integers over 64 bits, lone surrogates
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


class Chain:
    """The keys of one conversation, request after request: only messages not seen in the last one are hashed.

    Messages are compared by identity, as `ports.Request` allows. A `lenient` one knows a request by its messages alone.
    """

    def __init__(self, redactor: Redactor | None = None, *, lenient: bool = False) -> None:
        self._redactor = redactor
        self._lenient = lenient
        self._place: tuple[str, str] = ("", "")
        self._prefix: JsonObject = {}
        self._list: object = None
        self._messages: list[Any] = []
        self._links: list[bytes] = []

    def key(self, request: Request) -> bytes:
        """The request's key."""
        return self.links(request)[-1]

    def links(self, request: Request) -> list[bytes]:
        """The whole chain: the prefix's digest, then one per message; the last one is the key. Do not change it."""
        place, body = (request.method, request.path), request.body
        if self._lenient:
            body = {"messages": body.get("messages")}
        messages: list[Any] = body.get("messages") or []
        if not self._links or place != self._place or not self._same_prefix(body):
            self._place = place
            self._prefix = {name: value for name, value in body.items() if name not in NOT_ASKED}
            self._links = [prefix_link(request.method, request.path, self._prefix, self._redactor)]
            self._messages = []
        known = self._common(messages)
        del self._messages[known:], self._links[known + 1 :]
        for message in messages[known:]:
            self._links.append(next_link(self._links[-1], message, self._redactor))
            self._messages.append(message)
        self._list = messages
        return self._links

    def _same_prefix(self, body: JsonObject) -> bool:
        """By identity, so a value built anew is hashed anew; the digest then says whether it is the same."""
        prefix = self._prefix
        if len(body) - len(NOT_ASKED & body.keys()) != len(prefix):
            return False
        return all(body.get(name, NOT_ASKED) is value for name, value in prefix.items())

    def _common(self, messages: list[Any]) -> int:
        """How many leading messages are the very ones of the last request."""
        mine = self._messages
        count = len(mine)
        if messages is self._list and count and len(messages) >= count and messages[count - 1] is mine[-1]:
            return count  # the fold's own list: nothing before its last message is ever replaced
        same = list(map(is_, mine, messages))
        return same.index(False) if False in same else len(same)


def prefix_link(method: str, path: str, prefix: JsonObject, redactor: Redactor | None = None) -> bytes:
    """The first link: method, path without query, and every body field that is not the conversation."""
    return next_link(f"{method} {path}\n".encode(), prefix, redactor)


def next_link(link: bytes, value: Any, redactor: Redactor | None = None) -> bytes:
    """The link that `value`, a message, adds to a chain."""
    return sha256(link + canonical(value if redactor is None else redactor.value(value))).digest()


def place_of(interaction: Interaction) -> tuple[str, str]:
    """Method and path as a `ports.Request` names them: what a gateway puts before the path was never asked."""
    path = interaction.path
    if path.endswith(MESSAGES_PATH):
        path = MESSAGES_PATH
    return interaction.method, path


class RecordedChain:
    """The keys of recorded requests, in order: each body is parsed only as far as it goes beyond the one before."""

    def __init__(self, redactor: Redactor | None = None, *, lenient: bool = False) -> None:
        self._redactor = redactor
        self._lenient = lenient
        self._place = ("", "")
        self._head = ""
        """The last body up to the end of its last message; empty when the next one cannot build on it."""
        self._link = b""

    def key(self, interaction: Interaction) -> bytes:
        """The interaction's key.

        Raises:
            CassetteError: its request body is no JSON object with a list of messages.
        """
        place, text = place_of(interaction), interaction.request
        if not isinstance(text, str):
            self._head = ""
            return self._whole(place, interaction)
        if not (self._head and place == self._place and text.startswith(self._head) and self._extend(text)):
            self._link = self._whole(place, interaction)
        self._place = place
        return self._link

    def _extend(self, text: str) -> bool:
        """Adds the messages by which `text` goes beyond the last body; False when that is not how it differs."""
        rest = text[len(self._head) :]
        if rest == TAIL:
            return True
        if not (rest.startswith(",") and rest.endswith(TAIL)):
            return False
        try:
            added = orjson.loads(f"[{rest[1:-1]}")
        except orjson.JSONDecodeError:
            return False
        for message in added:
            self._link = next_link(self._link, message, self._redactor)
        self._head = text[: -len(TAIL)]
        return True

    def _whole(self, place: tuple[str, str], interaction: Interaction) -> bytes:
        asked, text = interaction.asked, interaction.request
        messages = asked.get("messages", [])
        if not isinstance(messages, list):
            raise CassetteError("the request's `messages` is no list")
        last_is_messages = bool(messages) and next(reversed(asked)) == "messages"
        buildable = isinstance(text, str) and last_is_messages and text.endswith(TAIL)
        self._head = text[: -len(TAIL)] if isinstance(text, str) and buildable else ""
        prefix = {name: value for name, value in asked.items() if name not in NOT_ASKED and not self._lenient}
        link = prefix_link(*place, prefix, self._redactor)
        for message in messages:
            link = next_link(link, message, self._redactor)
        return link
