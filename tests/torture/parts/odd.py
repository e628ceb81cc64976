"""Faults that nobody has reported yet: replies that are odd, huge or hostile in one place each."""

from __future__ import annotations

import json
import zlib
from typing import Any, Final

from tests.torture import raw
from tests.torture.raw import FINE, OK, STREAM, Talk, streams, whole
from tests.torture.wirecase import Case, part

LONG: Final = "long " * 2_000_000
MANY: Final = range(1, 4)
ANY: Final = ("connection_error", "protocol_error", "stream_truncated", "unknown_error", "api_error")
MEGA: Final = 1024 * 1024
PLAIN: Final = STREAM[:2]
ESC: Final = "\x1b[31m\x1b]0;owned\x07\x9b2J[link=https://evil.example]x[/link]<script>alert(1)</script>\u202e"


def _framed(*lines: str, body: bytes = FINE, version: str = "HTTP/1.1", status: str = "200 OK") -> raw.Act:
    """A reply with these header lines beside those of a stream."""
    return raw.says(raw.head(status, *PLAIN, *lines, version=version), body)


def _heads() -> list[Case]:
    """Status lines and headers."""
    size = len(FINE)
    fine = {"code": 0, "answer": "All is well."}
    fails: dict[str, Any] = {"kind": "*", "requests": MANY}
    return [
        Case(
            "content-length twice", (_framed(f"content-length: {size}", f"content-length: {size}"),), kind="*", code=-1
        ),
        Case("content-lengths that differ", (_framed(f"content-length: {size}", "content-length: 7"),), **fails),
        Case(
            "content-length and chunks",
            (_framed("content-length: 5", "transfer-encoding: chunked", body=raw.chunk(FINE) + raw.chunk(b"")),),
            kind="*",
            code=-1,
            requests=MANY,
        ),
        Case("content-length is negative", (_framed("content-length: -1"),), **fails),
        Case("content-length is a word", (_framed("content-length: many"),), **fails),
        Case("content-length is too small", (_framed("content-length: 40"),), **fails),
        Case("content-length of an exabyte", (_framed("content-length: 1152921504606846976"),), **fails),
        Case(
            "transfer-encoding twice",
            (
                _framed(
                    "transfer-encoding: chunked", "transfer-encoding: chunked", body=raw.chunk(FINE) + raw.chunk(b"")
                ),
            ),
            kind="*",
            code=-1,
            requests=MANY,
        ),
        Case(
            "transfer-encoding nobody knows", (_framed("transfer-encoding: dance"),), kind="*", code=-1, requests=MANY
        ),
        Case(
            "brotli nobody asked for",
            (_framed("content-encoding: br", "connection: close", body=zlib.compress(FINE)),),
            **fails,
        ),
        Case("an encoding nobody knows", (_framed("content-encoding: rot13", "connection: close"),), **fine),
        Case("a header of 1 MB", (_framed("x-long: " + "a" * MEGA, "connection: close"),), **fails),
        Case("100,000 headers", (_framed(*(f"x-{n}: 1" for n in range(100_000))),), **fails),
        Case("NUL in a header", (_framed("x-nul: a\0b", "connection: close"),), **fails),
        Case("a header without a colon", (_framed("nonsense", "connection: close"),), **fails),
        Case("a header that goes on", (_framed("x-old: a\r\n b", "connection: close"),), **fine),
        Case("bytes beyond ASCII in a header", (_framed("x-odd: \xff\xfe", "connection: close"),), **fine),
        Case("HTTP/1.0", (_framed(version="HTTP/1.0"),), **fine),
        Case("HTTP/0.9", (raw.says(FINE),), **fails),
        Case("HTTP/3.7", (_framed(version="HTTP/3.7"),), kind="*", code=-1, requests=MANY),
        Case("no version", (raw.says(b"200 OK\r\n\r\n" + FINE),), **fails),
        Case("status 99", (_framed(status="99 X"),), **fails),
        Case("status 1000", (_framed(status="1000 X"),), **fails),
        Case("status 999", (_framed("connection: close", status="999 X"),), **fails),
        Case("status without a phrase", (_framed("connection: close", status="200"),), **fine),
        Case(
            "a phrase with escapes",
            (_framed("connection: close", status="200 \x1b[31mOK"),),
            kind="*",
            code=-1,
            requests=MANY,
        ),
        Case("line feeds only", (raw.says(raw.head("200 OK", *STREAM).replace(b"\r\n", b"\n") + FINE),), **fine),
        Case("SSH answers", (raw.says(b"SSH-2.0-OpenSSH_9.6\r\n"),), **fails),
        Case("random bytes", (raw.says(bytes(range(256)) * 64),), **fails),
        Case(
            "request-id with escapes",
            (whole(b"<html>", "500 X", "content-type: text/html", "request-id: \x1b[2Jx\x9b"),),
            **fails,
        ),
        Case("request-id twice", (_framed("request-id: other", "connection: close"),), **fine),
    ]


def _statuses() -> list[Case]:
    """Statuses that are no answer, and redirects."""
    early = raw.says(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n")

    def hints(talk: Talk) -> None:
        for _ in range(200_000):
            talk.say(b"HTTP/1.1 102 Processing\r\n\r\n")
            if not talk.nap(0.0):
                return

    def loops(talk: Talk) -> None:
        talk.say(raw.head("307 X", "location: /v1/messages", "content-length: 0", "connection: close"))

    refused = {"kind": "unknown_error", "says": "redirects are not followed"}
    return [
        Case(
            "101", (raw.says(raw.head("101 Switching", "upgrade: x", "connection: upgrade")),), kind="*", requests=MANY
        ),
        Case("204", (raw.says(raw.head("204 No Content", "connection: close")),), kind="protocol_error", requests=MANY),
        Case("205", (whole(b"", "205 Reset"),), kind="protocol_error", requests=MANY),
        Case("206", (raw.says(raw.head("206 Partial", *STREAM) + FINE),), kind="*", code=-1, requests=MANY),
        Case("304", (raw.says(raw.head("304 Not Modified", "connection: close")),), kind="unknown_error"),
        Case("100 and 103 first", (raw.then(raw.says(b"HTTP/1.1 100 Continue\r\n\r\n"), early, OK),), code=0),
        Case(
            "1xx for ever", (hints,), kind="*", code=-1, requests=MANY, agent={"limits": {"max_seconds": 3}}, seconds=8
        ),
        Case("a redirect to itself", (loops,), **refused),
        Case("a redirect to another host", (raw.says(raw.head("307 X", "location: http://127.0.0.2:1/")),), **refused),
        Case("a redirect to a file", (raw.says(raw.head("302 X", "location: file:///etc/passwd")),), **refused),
        Case("a redirect to nowhere", (raw.says(raw.head("302 X", "connection: close")),), **refused),
        Case("a redirect to escapes", (raw.says(raw.head("302 X", "location: \x1b[31m//")),), kind="*", requests=MANY),
        Case(
            "retry-after twice",
            (raw.failure("429 X", "rate_limit_error", "no", "retry-after: 1", "retry-after: 2"), OK),
            code=0,
            requests=2,
            seconds=9,
        ),
        Case(
            "retry-after 0 for ever",
            (raw.failure("529 X", "overloaded_error", "no", "retry-after: 0"),),
            kind="overloaded_error",
            requests=3,
        ),
        Case(
            "413 before the request is read",
            (raw.failure("413 X", "request_too_large"),),
            kind="request_too_large",
            said=LONG,
            hasty=True,
        ),
        Case("200 before the request is read", (OK,), code=-1, kind="*", requests=MANY, said=LONG, hasty=True),
        Case(
            "the request is never read",
            (raw.hangs(),),
            kind="timeout_error",
            requests=1,
            said=LONG,
            hasty=True,
            agent={"retry": {"attempts": 1}, "limits": {"idle_seconds": 1, "max_seconds": 20}},
        ),
        Case(
            "should-retry MAYBE",
            (raw.failure("400 X", "invalid_request_error", "no", "x-should-retry: MAYBE"),),
            kind="invalid_request_error",
        ),
    ]


def _errors() -> list[Case]:
    """Bodies of errors."""
    shapes: dict[str, bytes] = {
        "a list": b"[]",
        "a number": b"7",
        "error is a text": b'{"error": "no"}',
        "error is a list": b'{"error": [1]}',
        "message is an object": b'{"error": {"type": "x", "message": {"a": 1}}}',
        "type is a number": b'{"error": {"type": 5, "message": "no"}}',
        "details are a list": b'{"error": {"type": "x", "message": "no", "details": [1]}}',
        "deep": b"[" * 100_000 + b"]" * 100_000,
        "cut": b'{"error": {"type": "x", "mess',
        "UTF-16": '{"error": {}}'.encode("utf-16"),
        "1 MB of text": json.dumps({"error": {"type": "x", "message": "a" * MEGA}}).encode(),
        "20 MB of nothing": b"\0" * 20 * MEGA,
    }
    cases = [Case(f"400: {name}", (whole(body, "400 X"),), kind="*") for name, body in shapes.items()]
    hostile = json.dumps({"error": {"type": f"{ESC}_error", "message": f"{ESC}\r\nspoof\n\nended: completed"}}).encode()
    cases += [Case(f"500: {name}", (whole(body, "500 X"),), kind="*", requests=3) for name, body in shapes.items()]
    cases += [
        Case("hostile error", (whole(hostile, "400 X"),), kind="*"),
        Case("hostile error on a screen", (whole(hostile, "400 X"),), screen=True),
        Case(
            "hostile page on a screen",
            (whole(ESC.encode(), "500 X", "content-type: text/html"),),
            screen=True,
            requests=3,
        ),
        Case(
            "hostile error in a stream",
            (streams(raw.event({"type": "error", "error": {"type": ESC, "message": ESC}})),),
            screen=True,
        ),
        Case(
            "the key comes back",
            (raw.failure("401 X", "authentication_error", "bad sk-ant-api03-torture-0123456789"),),
            screen=True,
        ),
        Case(
            "an unknown error in a stream",
            (streams(raw.event({"type": "error", "error": {"type": "flood_error"}})),),
            kind="flood_error",
        ),
        Case(
            "an error in a stream without a body",
            (streams(b"event: error\ndata: {}\n\n"),),
            kind="api_error",
            requests=3,
        ),
        Case("an error in a stream that is a list", (streams(b"event: error\ndata: []\n\n"),), kind="*", requests=MANY),
        Case(
            "an error that is a 200",
            (whole(b'{"type": "error", "error": {"type": "overloaded_error"}}'), OK),
            code=0,
            requests=2,
        ),
    ]
    return cases


PARTS: Final = [
    part("X1", "odd headers", _heads, share=6),
    part("X2", "odd statuses", _statuses, share=6),
    part("X3", "odd errors", _errors, share=6),
]
