"""Request keys: equal exactly when the same thing is asked, and cheap for a conversation that grows."""

from __future__ import annotations

import copy
import json
import random
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.agent.ports import Request
from agentctl.agent.values import replace
from agentctl.cassette import match
from agentctl.cassette.match import Chain, RecordedChain
from agentctl.cassette.record import readable_body
from agentctl.cassette.secrets.redact import SHAPES_ONLY
from agentctl.cassette.tape import Interaction
from agentctl.errors import CassetteError

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant"]), "content": st.text() | st.lists(JSON, max_size=2)}
    ),
    min_size=1,
    max_size=4,
)
BODIES = st.fixed_dictionaries(
    {"model": st.text(), "max_tokens": st.integers(1, 9), "system": JSON, "tools": st.lists(JSON, max_size=2)},
    optional={"thinking": JSON},
).flatmap(lambda prefix: MESSAGES.map(lambda messages: {**prefix, "messages": messages}))


def recorded(body: str | bytes, uri: str = "https://api.anthropic.com/v1/messages") -> Interaction:
    """A recorded request."""
    return Interaction("POST", uri, body, 200, {}, "")


def key(body: dict[str, Any]) -> bytes:
    """The key of a live request."""
    return Chain().key(Request(body))


def shuffled(value: Any, rng: random.Random) -> Any:
    """The same value with the keys of its mappings in another order."""
    if isinstance(value, dict):
        names = list(value)
        rng.shuffle(names)
        return {name: shuffled(value[name], rng) for name in names}
    return [shuffled(item, rng) for item in value] if isinstance(value, list) else value


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all scalars and empty containers."""
    items = (
        list(value.items() if isinstance(value, dict) else enumerate(value)) if isinstance(value, (dict, list)) else []
    )
    return [place for name, item in items for place in places(item, (*path, name))] if items else [path]


LAYOUTS = st.fixed_dictionaries({"indent": st.sampled_from([None, 1, 4]), "ensure_ascii": st.booleans()})


@given(BODIES, st.randoms(use_true_random=False), LAYOUTS)
def test_layout_never_changes_a_key(body: dict[str, Any], rng: random.Random, layout: dict[str, Any]) -> None:
    """Key order, white space and escapes in the recorded text are no part of what was asked."""
    text = json.dumps(shuffled(body, rng), **layout)
    assert RecordedChain().key(recorded(text)) == key(body)
    assert RecordedChain().key(recorded(text.encode("utf-8", "surrogatepass"))) == key(body)


@given(BODIES, JSON, st.data())
def test_any_changed_value_changes_the_key(body: dict[str, Any], value: Any, data: st.DataObject) -> None:
    """Wherever one value becomes another one, of another type even, the key differs."""
    place = data.draw(st.sampled_from(places(body)))
    changed = copy.deepcopy(body)
    holder = changed
    for name in place[:-1]:
        holder = holder[name]
    same = json.dumps(holder[place[-1]], sort_keys=True) == json.dumps(value, sort_keys=True)
    holder[place[-1]] = value
    if isinstance(changed["messages"], list) and all(isinstance(message, dict) for message in changed["messages"]):
        assert (key(changed) == key(body)) == same


@given(BODIES, MESSAGES, st.data())
def test_a_chain_that_grew_has_the_key_of_a_fresh_one(body: dict[str, Any], more: Any, data: st.DataObject) -> None:
    """What was kept from earlier requests never shows in a key, whether a conversation grows, forks or is replaced."""
    live, text = Chain(), RecordedChain()
    messages = body["messages"]
    for _ in range(3):
        asked = {**body, "messages": messages}
        assert live.key(Request(asked)) == key(asked)
        assert text.key(recorded(readable_body(asked))) == key(asked)
        keep = data.draw(st.integers(0, len(messages)))
        in_place = data.draw(st.booleans())
        if in_place:
            messages.extend(more)
        else:
            messages = [*messages[:keep], *more]
        if data.draw(st.booleans()):
            body = {**body, "system": data.draw(JSON)}


def test_a_replaced_last_message_is_noticed() -> None:
    """The fold replaces the last message by a new one when it grows; the chain must not keep the old one's link."""
    messages: list[Any] = [{"role": "user", "content": "a"}]
    chain = Chain()
    chain.key(Request({"messages": messages}))
    messages[-1] = {"role": "user", "content": "a and b"}
    messages.append({"role": "assistant", "content": "c"})
    assert chain.key(Request({"messages": messages})) == key({"messages": messages})


def test_a_turn_costs_what_is_new(monkeypatch: pytest.MonkeyPatch, kit: SimpleNamespace) -> None:
    """Over a session of 50 turns each message is hashed once live and once recorded, and the prefix once each."""
    hashed: list[Any] = []
    real = match.canonical
    monkeypatch.setattr(match, "canonical", lambda value: hashed.append(value) or real(value))
    live, text, messages = Chain(), RecordedChain(), []
    body = {**kit.PREFIX, "messages": messages}
    for turn in range(50):
        messages += [{"role": "user", "content": f"{turn}"}, {"role": "assistant", "content": "x"}]
        assert live.key(Request(dict(body))) == text.key(recorded(readable_body(body)))
    assert len(hashed) == 2 * (1 + len(messages))


def test_stream_host_and_query_are_not_asked(kit: SimpleNamespace) -> None:
    """How the reply travels and by which host makes no difference; the endpoint does."""
    body = {"model": "m", "messages": [kit.ASK]}
    text = json.dumps({**body, "stream": True})
    plain = RecordedChain().key(recorded(text))
    assert plain == key(body) == key({**body, "stream": False})
    assert RecordedChain().key(recorded(text, "http://gateway/anthropic/v1/messages?beta=true")) == plain
    assert RecordedChain().key(recorded(text, "https://api.anthropic.com/v1/messages/count_tokens")) != plain
    assert RecordedChain().key(replace(recorded(text), method="PUT")) != plain


def test_redacted_requests_match_what_they_were(kit: SimpleNamespace) -> None:
    """With a redactor, the request with the secret and the recording without it have one key."""
    said = {"role": "user", "content": "my key is sk-ant-api03-abcdefghijklmnop ok"}
    text = SHAPES_ONLY.text(readable_body({**kit.PREFIX, "messages": [said]}))
    assert "abcdefghijklmnop" not in text
    live = Chain(SHAPES_ONLY).key(kit.request(said))
    assert RecordedChain(SHAPES_ONLY).key(recorded(text)) == live
    assert Chain().key(kit.request(said)) != live


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '{"messages": {}}', b"\xff", '{"messages": [1}'])
def test_a_recorded_request_that_is_no_request_is_an_error(body: str | bytes) -> None:
    """Not a key for something else, and no traceback of a JSON library."""
    with pytest.raises(CassetteError):
        RecordedChain().key(recorded(body))


@pytest.mark.parametrize("odd", ["\ud83d", 2**70, -(2**63) - 1])
def test_values_that_orjson_refuses_have_keys(odd: Any) -> None:
    """A cut-off emoji or a number beyond 64 bits is hashed all the same."""
    assert len(key({"messages": [{"role": "user", "content": [odd]}]})) == 32
    assert key({"messages": [{"content": odd}]}) != key({"messages": [{"content": "x"}]})
