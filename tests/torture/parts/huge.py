"""Replies without measure: whatever comes, memory and time stay within bounds."""

from __future__ import annotations

import zlib
from functools import cache
from typing import Any, Final

from tests.torture import raw
from tests.torture.raw import CHUNKED, FINE, OK, PING, STREAM, Talk, streams
from tests.torture.wirecase import Case, part

MANY: Final = range(1, 4)
MEGA: Final = 1024 * 1024
MEMORY: Final = 700
"""MiB. An agent that says hello has 130."""
ONCE: Final[dict[str, Any]] = {"retry": {"attempts": 1}, "limits": {"max_turns": 4, "max_seconds": 40}}


@cache
def _bomb() -> bytes:
    """256 MiB of zeros, packed a thousand times smaller."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(bytes(MEGA)) for _ in range(256)) + packer.flush()


def _packed(status: str, kind: str) -> raw.Act:
    return raw.says(raw.head(status, f"content-type: {kind}", "content-encoding: gzip", "connection: close"), _bomb())


def _repeats(piece: bytes) -> raw.Act:
    """The same piece until the client leaves, or for 4 GiB."""

    def act(talk: Talk) -> None:
        for _ in range(4096):
            talk.say(piece * max(MEGA // len(piece), 1))

    return act


def _endless(status: str, *lines: str, piece: bytes, first: bytes = b"") -> raw.Act:
    return raw.then(raw.says(raw.head(status, *lines, "connection: close"), first), _repeats(piece))


def _replies() -> list[Case]:
    """Each once, in a process of its own whose memory is measured."""
    give: dict[str, Any] = {"kind": "*", "requests": MANY, "memory": MEMORY, "seconds": 60, "agent": ONCE}
    answer: dict[str, Any] = {**give, "kind": "", "code": 0}
    text = STREAM[:2]
    begun = raw.start() + raw.opened(0, type="text", text="")
    said = raw.grows(0, type="text_delta", text="a" * 1000)
    big = raw.start() + raw.opened(0, type="tool_use", id="toolu_raw", name="mark", input={})
    big += raw.grows(0, type="input_json_delta", partial_json='{"id": "')
    big += raw.grows(0, type="input_json_delta", partial_json="a" * 64_000) * 820
    big += raw.grows(0, type="input_json_delta", partial_json='"}') + raw.closed(0) + raw.ends("tool_use")
    small = begun + raw.grows(0, type="text_delta", text="a") * 300_000 + raw.closed(0) + raw.ends()
    many = raw.start() + b"".join(raw.use(n, id=f"toolu_{n}") for n in range(2_000)) + raw.ends("tool_use")
    return [
        Case("a bomb in a stream", (_packed("200 OK", "text/event-stream"),), **give),
        Case("a bomb in JSON", (_packed("200 OK", "application/json"),), **give),
        Case("a bomb in an error", (_packed("400 X", "application/json"),), **give),
        Case("a bomb in a busy server", (_packed("529 X", "text/html"),), **give),
        Case("100 MB of pings", (streams(raw.start(), *[PING * 30_000] * 80, FINE),), **give),
        Case("pings without end", (_endless("200 OK", *text, piece=PING),), **give),
        Case("comments without end", (_endless("200 OK", *text, piece=b": hello\n\n"),), **give),
        Case("one event without end", (_endless("200 OK", *text, piece=b"a", first=b"data: "),), **give),
        Case("blank lines without end", (_endless("200 OK", *text, piece=b"\n"),), **give),
        Case("text without end", (_endless("200 OK", *text, piece=said, first=begun),), **give),
        Case("a page without end", (_endless("200 OK", "content-type: text/html", piece=b"<p>"),), **give),
        Case("an error without end", (_endless("400 X", "content-type: text/html", piece=b"<p>"),), **give),
        Case("a header without end", (raw.then(raw.says(b"HTTP/1.1 200 OK\r\n"), _repeats(b"x-a: b\r\n")),), **give),
        Case(
            "chunk lines without end",
            (raw.then(raw.says(raw.head("200 OK", *CHUNKED)), _repeats(b"1")),),
            **give,
        ),
        Case("a tool input of 50 MB", (streams(big), OK), **{**answer, "requests": 2, "ran": 1}),
        Case("300,000 deltas of a letter", (streams(small),), **answer),
        Case("2,000 calls at once", (streams(many), OK), **{**answer, "requests": 2, "ran": 2_000}),
    ]


PARTS: Final = [part("X5", "replies without measure", _replies, share=17)]
