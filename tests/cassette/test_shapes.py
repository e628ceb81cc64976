"""Other recorders' files: each known shape gives the same interaction, each broken one a stated reason."""

from __future__ import annotations

import base64
import gzip
import zlib
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from agentctl.cassette.file import parse
from agentctl.cassette.foreign import replies
from agentctl.errors import CassetteError

ASKED = {"model": "claude-x", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}
ANSWER = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": []}
URI = "https://api.anthropic.com/v1/messages?beta=true"
ASKED_TEXT, ANSWER_TEXT = orjson.dumps(ASKED).decode(), orjson.dumps(ANSWER).decode()
PACKED = gzip.compress(ANSWER_TEXT.encode())


def _plain(**response: Any) -> dict[str, Any]:
    return {
        "request": {"method": "POST", "uri": URI, "body": ASKED_TEXT, "headers": {}},
        "response": {
            "status": {"code": 200, "message": None},
            "headers": {},
            "body": {"string": ANSWER_TEXT},
            **response,
        },
    }


SHAPES: dict[str, Any] = {
    "vcrpy": {"interactions": [_plain()], "version": 1},
    "vcrpy without version": {"interactions": [_plain()]},
    "vcrpy without headers": {"interactions": [_plain(headers=None)]},
    "vcrpy before 1.0": [_plain()],
    "vcrpy, gzip as binary": {
        "interactions": [_plain(body={"string": PACKED}, headers={"Content-Encoding": ["gzip"]})]
    },
    "vcrpy, gzip without header": {"interactions": [_plain(body={"string": PACKED})]},
    "vcrpy, gzip as characters": {"interactions": [_plain(body={"string": PACKED.decode("latin-1")})]},
    "vcrpy, gzip header on plain text": {"interactions": [_plain(headers={"content-encoding": ["gzip"]})]},
    "vcrpy, br header on plain text": {"interactions": [_plain(headers={"content-encoding": ["br"]})]},
    "vcrpy, deflate": {
        "interactions": [
            _plain(body={"string": zlib.compress(ANSWER_TEXT.encode())}, headers={"Content-Encoding": ["deflate"]})
        ]
    },
    "vcrpy, raw deflate": {
        "interactions": [
            _plain(
                body={"string": zlib.compress(ANSWER_TEXT.encode(), wbits=-15)}, headers={"Content-Encoding": "deflate"}
            )
        ]
    },
    "vcrpy, old httpx": {
        "interactions": [
            {
                "request": {"method": "POST", "uri": URI, "body": ASKED_TEXT, "headers": {"x": ["y"]}},
                "response": {"status_code": 200, "http_version": "HTTP/1.1", "headers": {}, "content": ANSWER_TEXT},
            }
        ]
    },
    "pydantic-ai": {
        "interactions": [
            {
                "request": {"method": "POST", "uri": URI, "parsed_body": ASKED, "headers": {}},
                "response": {"status": {"code": 200, "message": "OK"}, "headers": {}, "parsed_body": ANSWER},
            }
        ]
    },
    "langchain": {
        "requests": [{"method": "POST", "uri": URI, "body": ASKED_TEXT.encode(), "headers": {}}],
        "responses": [{"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": PACKED}}],
    },
    "Ruby VCR": {
        "http_interactions": [
            {
                "request": {"method": "post", "uri": URI, "body": {"encoding": "UTF-8", "string": ASKED_TEXT}},
                "response": {
                    "status": {"code": 200, "message": "OK"},
                    "headers": {"Content-Type": ["application/json"]},
                    "body": {"encoding": "UTF-8", "string": ANSWER_TEXT},
                    "http_version": None,
                },
                "recorded_at": "Mon, 23 Nov 2026 10:00:00 GMT",
            }
        ],
        "recorded_with": "VCR 6.3.1",
    },
    "Ruby VCR and betamax, base64": {
        "http_interactions": [
            {
                "request": {"method": "POST", "uri": URI, "body": {"encoding": "utf-8", "string": ASKED_TEXT}},
                "response": {
                    "status": {"code": 200, "message": "OK"},
                    "body": {"encoding": "ASCII-8BIT", "base64_string": base64.b64encode(PACKED).decode()},
                },
            }
        ],
        "recorded_with": "betamax/0.9.0",
    },
    "R vcr": {
        "http_interactions": [
            {
                "request": {"method": "POST", "uri": URI, "body": {"string": ASKED_TEXT}},
                "response": {
                    "status": 200,
                    "headers": {"content-type": "application/json", "content-encoding": "gzip"},
                    "body": {"string": ANSWER_TEXT},
                },
                "recorded_at": "2026-11-23 10:00:00",
            }
        ],
        "recorded_with": "VCR-vcr/2.0.0",
    },
    "cassetter": {
        "version": 1,
        "interactions": [
            {
                "request": {"method": "POST", "uri": URI, "headers": {}, "body": {"type": "json", "content": ASKED}},
                "response": {"status": 200, "headers": {}, "body": {"type": "json", "content": ANSWER}},
            }
        ],
    },
    "cassetter, text": {"interactions": [_plain(status=200, body={"type": "text", "content": ANSWER_TEXT})]},
    "cassetter, binary": {"interactions": [_plain(status=200, body={"type": "binary", "content": PACKED.hex()})]},
    "go-vcr": {
        "version": 2,
        "interactions": [
            {
                "id": 0,
                "request": {"method": "POST", "url": URI, "body": ASKED_TEXT, "content_length": 9, "headers": {}},
                "response": {"status": "200 OK", "code": 200, "body": ANSWER_TEXT, "headers": {"X": ["y"]}},
            }
        ],
    },
    "php-vcr": [
        {
            "request": {"method": "POST", "url": URI, "headers": {"Host": "api.anthropic.com"}, "body": ASKED_TEXT},
            "response": {"status": {"http_version": "1.1", "code": "200", "message": "OK"}, "body": ANSWER_TEXT},
        }
    ],
}


@pytest.mark.parametrize("name", SHAPES)
def test_every_known_shape_is_read(name: str) -> None:
    """The request and the reply come out the same, whoever wrote them down."""
    cassette = parse(yaml.safe_dump(SHAPES[name], allow_unicode=True).encode())
    (reply,) = replies(cassette)
    assert (reply.index, reply.status, orjson.loads(reply.body)) == (0, 200, ANSWER)
    assert cassette.interactions[0].asked == ASKED
    assert cassette.header is None
    assert cassette.takes[0].interactions == (0,)


@pytest.mark.parametrize("name", [name for name in SHAPES if "gzip as b" not in name and "deflate" not in name])
def test_json_and_compressed_files_are_read_too(name: str) -> None:
    """The syntax of the file and a gzip around it make no difference."""
    if b"!!binary" not in yaml.safe_dump(SHAPES[name]).encode():
        assert list(replies(parse(orjson.dumps(SHAPES[name]))))
    assert list(replies(parse(gzip.compress(yaml.safe_dump(SHAPES[name]).encode()))))


def test_ruby_binary_is_read() -> None:
    """Ruby writes its binary tag with one exclamation mark, and strings with a lone one."""
    text = f"""
http_interactions:
- request:
    method: post
    uri: ! '{URI}'
    body: {{encoding: US-ASCII, string: '{{}}'}}
  response:
    status: {{code: 200, message: !!null ''}}
    headers: {{Content-Encoding: [gzip]}}
    body:
      encoding: ASCII-8BIT
      string: !binary |-
        {base64.b64encode(PACKED).decode()}
recorded_with: VCR 6.0.0
"""
    (reply,) = replies(parse(text.encode()))
    assert orjson.loads(reply.body) == ANSWER


def test_aliases_are_followed() -> None:
    """Recorders write shared header lists as anchors and aliases."""
    text = yaml.safe_dump({"interactions": [_plain()]}) + "more: [&a [1, 2], *a, *a]\n"
    assert list(replies(parse(text.encode())))


def test_only_calls_of_the_messages_endpoint_are_replies() -> None:
    """Token counts, batches, files, other hosts' paths and other methods are passed over, indexes are the file's."""
    uris = [
        ("POST", "https://api.anthropic.com/v1/messages/count_tokens"),
        ("POST", "https://gateway.example/anthropic/v1/messages/"),
        ("POST", "https://api.anthropic.com/v1/messages/batches"),
        ("GET", "https://api.anthropic.com/v1/messages"),
        ("POST", "http://localhost:8080/v1/messages?x=/y"),
        ("POST", "https://api.openai.com/v1/chat/completions"),
    ]
    raw = [_plain() for _ in uris]
    for each, (method, uri) in zip(raw, uris, strict=True):
        each["request"].update(method=method, uri=uri)
    assert [reply.index for reply in replies(parse(orjson.dumps({"interactions": raw})))] == [1, 4]


BROKEN: dict[str, tuple[Any, str]] = {
    "no cassette": ({"openapi": "3.0"}, "no `interactions`"),
    "a text": ("hello", "no mapping"),
    "interactions is none": ({"interactions": None}, "cut short"),
    "no response": ({"interactions": [{"request": _plain()["request"]}]}, "interaction 0 has no response"),
    "no request": ({"interactions": [_plain(), {}]}, "interaction 1 has no request"),
    "no status": ({"interactions": [_plain(status=None)]}, "without a status code"),
    "half a status": ({"interactions": [_plain(status={"code": 20})]}, "without a status code"),
    "unpaired": ({"requests": [1], "responses": []}, "1 requests but 0 responses"),
    "no base64": ({"interactions": [_plain(body={"base64_string": "é"})]}, "neither base64 nor"),
    "no hexadecimal": ({"interactions": [_plain(body={"type": "binary", "content": "xyz"})]}, "neither base64 nor"),
    "damaged gzip": ({"interactions": [_plain(body={"string": PACKED[:12] + b"\xff" * 40})]}, "damaged"),
    "lost bytes": (
        {"interactions": [_plain(body={"string": PACKED.decode("utf-8", "replace")})]},
        "bytes of it are lost",
    ),
    "nothing recorded": ({"interactions": []}, "no interaction"),
    "brotli": ({"interactions": [_plain(body={"string": b"\x0b\x02\x80"}, headers={"content-encoding": "br"})]}, "br"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_every_broken_file_is_refused_with_a_reason(name: str) -> None:
    """A reason is stated, and no traceback of a library comes through."""
    document, reason = BROKEN[name]
    with pytest.raises(CassetteError, match=reason):
        list(replies(parse(yaml.safe_dump(document).encode())))


HOSTILE: dict[str, tuple[str, str]] = {
    "object": (
        "interactions: []\nx: !!python/object/apply:os.system ['touch {marker}']",
        "python/object/apply:os.system",
    ),
    "new": ("x: !!python/object/new:os.system ['touch {marker}']", "python/object/new:os.system at line 1"),
    "name": ("x: 1\ny: !!python/name:os.system", "!!python/name:os.system at line 2"),
    "tuple": ("x: !!python/tuple [1]", "!!python/tuple"),
    "ruby": ("x: !ruby/object:Gem::Installer\n  i: x", "!ruby/object:Gem::Installer at line 1"),
    "unknown": ("x: !include /etc/passwd", "!include at line 1"),
    "set": ("x: !!set {a, b}", "!!set"),
    "aliases": (
        "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
        "alias bomb",
    ),
    "long aliases": ("a: &a '" + "x" * 100_000 + "'\nb: [" + "*a, " * 9_000 + "*a]", "alias bomb"),
    "own alias": ("a: &a [*a]", "without its anchor"),
    "depth": ("[" * 100_000, "nested deeper"),
    "mapping depth": ("x: " + "{a: " * 100_000, "nested deeper"),
    "tab": ("a:\n\t- b", "not valid YAML"),
    "two documents": ("a: 1\n---\nb: 2", "more than one"),
    "key": ("? [1, 2]\n: 3", "no scalar"),
    "digits": ("interactions: []\nx: " + "9" * 5_000, "no interaction"),
    "base64": ("x: !!binary 'é'", "no base64 at line 1"),
    "nul": ("x: \0", "not valid YAML"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_yaml_is_refused_and_never_executed(name: str, tmp_path: Path) -> None:
    """Tags that would run code are refused by name and line; bombs are refused before they go off."""
    text, reason = HOSTILE[name]
    marker = tmp_path / "executed"
    with pytest.raises(CassetteError, match=reason):
        list(replies(parse(text.replace("{marker}", str(marker)).encode())))
    assert not marker.exists()


def test_a_gzip_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small body does not fill the memory."""
    monkeypatch.setattr("agentctl.cassette.encoding.MAX_BODY", 1 << 20)
    bomb = gzip.compress(b"\0" * (2 << 20))
    with pytest.raises(CassetteError, match="more than 1 MiB"):
        list(replies(parse(yaml.safe_dump({"interactions": [_plain(body={"string": bomb})]}).encode())))
