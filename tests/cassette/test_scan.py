"""A secret of every kind is found in every place of anyone's recording, and ours and the sound ones hold none."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from agentctl.cassette.secrets.redact import SHAPES_ONLY, redactor
from agentctl.cassette.secrets.rules import Rules
from agentctl.cassette.secrets.scan import masked, scan
from support.planted import PERSONS, core, made, splits

PLANTED = made(1)
PERSONAL = Rules(personal=True).for_recording({})
URI = "https://api.example/v1/messages"
DELTA = "content_block_delta"


def call(**changes: Any) -> dict[str, Any]:
    """An interaction in vcrpy's form; `request__body=...` changes the request's body."""
    made_: dict[str, Any] = {
        "request": {"method": "POST", "uri": URI, "body": "{}", "headers": {"content-type": ["application/json"]}},
        "response": {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": "{}"}},
    }
    for name, value in changes.items():
        side, _, part = name.partition("__")
        made_[side][part] = {**made_[side][part], **value} if part == "headers" else value
    return made_


def pieces(secret: str) -> list[str]:
    """A text with the secret in it, cut anywhere."""
    return list(splits(f"It is {secret} ok", Random(secret), most=9))


def events(*data: dict[str, Any]) -> str:
    """A body of server-sent events."""
    return "".join(f"data: {json.dumps(each)}\n\n" for each in data)


def claude(kind: str, key: str, texts: list[str]) -> str:
    """Deltas of the Messages API."""
    return events(*({"type": DELTA, "index": 0, "delta": {"type": kind, key: text}} for text in texts))


def openai(texts: list[str]) -> str:
    """Deltas of another API."""
    return events(*({"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {"content": text}}]} for text in texts))


def argued(secret: str) -> str:
    """A tool's input while it streams."""
    return claude("input_json_delta", "partial_json", list(splits(json.dumps({"q": f"a {secret}"}), Random(secret), 9)))


def wrapped(secret: str) -> str:
    """The secret in base64, as a part of a text."""
    return "data: " + base64.b64encode(f"# {secret}\n".encode()).decode()


def packed(secret: str) -> bytes:
    """A compressed body, as vcrpy stores it."""
    return gzip.compress(json.dumps({"content": secret}).encode())


def deflated(secret: str) -> dict[str, Any]:
    """A body that only its header tells to be compressed, as Ruby VCR stores it."""
    text = base64.b64encode(zlib.compress(json.dumps({"content": secret}).encode())).decode()
    return call(response__headers={"Content-Encoding": ["deflate"]}, response__body={"base64_string": text})


PLACES: dict[str, Callable[[str], dict[str, Any]]] = {
    "request header": lambda s: call(request__headers={"x-custom": [s]}),
    "reply header": lambda s: call(response__headers={"x-debug": [f"got {s}"]}),
    "cookie": lambda s: call(response__headers={"set-cookie": [f"sid={s}; Path=/; HttpOnly"]}),
    "query": lambda s: call(request__uri=f"{URI}?x=1&key={quote(s, safe='')}"),
    "request body": lambda s: call(request__body=json.dumps({"messages": [{"content": f"my login: {s}"}]})),
    "tool result": lambda s: call(request__body=json.dumps({"content": json.dumps({"out": f"a\n{s}\nb"})})),
    "key": lambda s: call(request__body=json.dumps({"input": {s: 1}})),
    "form": lambda s: call(request__body=f"a=1&b={quote(s, safe='')}&c=2"),
    "reply": lambda s: call(response__body={"string": json.dumps({"content": [{"text": s}]}, indent=1)}),
    "error": lambda s: call(response__body={"string": json.dumps({"error": {"message": f"bad: {s}."}})}),
    "traceback": lambda s: call(response__body={"string": f'<pre>File "a.py", line 1\nValueError: {s}\n</pre>'}),
    "text stream": lambda s: call(response__body={"string": claude("text_delta", "text", pieces(s))}),
    "thinking stream": lambda s: call(response__body={"string": claude("thinking_delta", "thinking", pieces(s))}),
    "input stream": lambda s: call(response__body={"string": argued(s)}),
    "other stream": lambda s: call(response__body={"string": openai(pieces(s))}),
    "base64": lambda s: call(request__body=json.dumps({"content": wrapped(s)})),
    "gzip": lambda s: call(response__body={"string": packed(s)}),
    "deflate": deflated,
    "parsed body": lambda s: call(response__body={"parsed_body": {"content": [{"text": s}]}}),
}


@pytest.mark.parametrize("place", PLACES)
def test_every_kind_in_every_place(place: str) -> None:
    """Found, at its interaction, and shown so that nobody learns it."""
    calls = [PLACES[place](secret) for secret in PLANTED.values()]
    data = yaml.dump({"interactions": calls, "version": 1}, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper))
    found = scan(data.encode(), SHAPES_ONLY)
    assert found.unread == ()
    assert found.as_text == ""
    places = " ".join(leak.path for leak in found.leaks)
    for number, (name, secret) in enumerate(PLANTED.items()):
        assert f"interactions[{number}]." in places, name
        assert core(secret) not in repr(found), name


@pytest.mark.parametrize("name", PERSONS)
def test_persons(name: str) -> None:
    """Only with the rules that ask for them; not even their beginning is shown."""
    data = json.dumps({"interactions": [call(request__body=json.dumps({"text": f"I am {PERSONS[name]()}!"}))]}).encode()
    assert scan(data, SHAPES_ONLY).leaks == ()
    (leak,) = scan(data, PERSONAL).leaks
    assert leak.kind == name.partition("-")[0]
    assert leak.path == "interactions[0].request.body#text"
    assert leak.excerpt == f"… ({len(PERSONS[name]())} characters)"


def test_a_place_is_named_once() -> None:
    """The same secret in every request of a conversation is one finding, with the number of its places."""
    body = json.dumps({"messages": [{"content": PLANTED["stripe"]}]})
    found = scan(json.dumps([call(request__body=body), call(request__body=body)]).encode(), SHAPES_ONLY)
    (leak,) = found.leaks
    assert (leak.path, leak.kind, leak.places) == ("[0].request.body#messages[0].content", "stripe-key", 2)
    assert leak.excerpt == "sk_l… (32 characters)"


def test_names_give_values_away() -> None:
    """A header or key that says what it holds, whatever it looks like; a placeholder under it is none."""
    value = "q9" + "Zr7Lm2Xc8Vb4Nt6"
    headers = {"x-api-key": [value], "api-key": ["DUMMY"], "authorization": ["**REDACTED**"], "x-token": ["<token>"]}
    (leak,) = scan(json.dumps([call(request__headers=headers)]).encode(), SHAPES_ONLY).leaks
    assert (leak.path, leak.kind) == ("[0].request.headers.x-api-key[0]", "assignment")


def test_known_values() -> None:
    """What the environment says is a secret is found by its value."""
    data = json.dumps([call(request__body="for hunter2-hunter2-x")]).encode()
    (leak,) = scan(data, redactor({"SHOP_TOKEN": "hunter2-hunter2-x"})).leaks
    assert leak.kind == "SHOP_TOKEN"


@pytest.mark.parametrize(
    "data",
    [
        b"{ torn: %b",
        b'{"torn": "%b',
        b"a: !!python/object:os.system\n  - %b\n",
        b"- a\n%b: [\n",
        b"\x00\x01 binary %b \xff",
        b"[" * 2000 + b'"%b"' + b"]" * 2000,
    ],
)
def test_what_is_no_recording_is_looked_at_as_text(data: bytes) -> None:
    """Torn, hostile, binary or too deep: no secret hides behind a file that cannot be read."""
    found = scan(data.replace(b"%b", PLANTED["github"].encode()), SHAPES_ONLY)
    assert [leak.kind for leak in found.leaks] == ["github-token"]
    assert found.as_text


def test_what_cannot_be_unpacked_is_said() -> None:
    """A damaged body is named: nobody knows what is in it."""
    found = scan(json.dumps([call(response__body={"base64_string": "H4sIAAAA"})]).encode(), SHAPES_ONLY)
    assert found.leaks == ()
    assert found.unread == ()  # empty: nothing was cut off
    damaged = base64.b64encode(gzip.compress(b"")[:10] + b"\x07" * 20).decode()
    (unread,) = scan(json.dumps([call(response__body={"base64_string": damaged})]).encode(), SHAPES_ONLY).unread
    assert unread.startswith("[0].response.body.base64_string: a compressed body is damaged")


def test_excerpts() -> None:
    """Long ones show whose they are, short ones and persons nothing."""
    assert masked("abcdefghijklmnop", "jwt") == "abcd… (16 characters)"
    assert masked("hunter2", "assignment") == "… (7 characters)"
    assert masked("maria.garcia@example.com", "email") == "… (24 characters)"


def test_our_own_recordings(checkout: Path) -> None:
    """No recording of the project holds anything key-shaped, planted ones apart."""
    leaks = [(path, scan(path.read_bytes(), SHAPES_ONLY)) for path in (checkout / "cassettes").rglob("*.yaml")]
    assert len(leaks) > 50
    assert [(path.name, found) for path, found in leaks if found.leaks or found.unread or found.as_text] == []


def test_recordings_of_others(real_data: Path) -> None:
    """Real, scrubbed traffic: nothing is taken for a secret that is none."""
    leaks = [(path, scan(path.read_bytes(), SHAPES_ONLY)) for path in (real_data / "cassettes").rglob("*.yaml")]
    assert len(leaks) > 100
    assert [(path.name, found.leaks) for path, found in leaks if found.leaks] == []
    assert [(path.name, found) for path, found in leaks if found.unread or found.as_text] == []
