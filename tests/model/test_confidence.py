"""What was sent in confidence, coming back."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from urllib.parse import quote

import pytest
from httpx2 import Request
from hypothesis import given
from hypothesis import strategies as st

from agentctl.model.confidence import Confidence

SECRET = "aab-aab-aac/+="


def streamed(confidence: Confidence, pieces: Sequence[bytes], error: Exception | None = None) -> list[bytes]:
    """What comes out of the stream, until it ends or breaks."""
    out: list[bytes] = []

    async def body() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece
        if error is not None:
            raise error

    async def read() -> None:
        async for piece in confidence.stream(body()):
            out.append(piece)  # noqa: PERF401  kept when the stream breaks

    try:
        asyncio.run(read())
    except OSError as raised:
        assert raised is error  # noqa: PT017  any other is not caught
    return out


@pytest.mark.parametrize(
    ("headers", "url", "quoted"),
    [
        ({"x-api-key": SECRET}, "https://h", SECRET),
        ({"Authorization": f"Bearer {SECRET}"}, "https://h", f"Bearer {SECRET}"),
        ({"Authorization": f"Bearer {SECRET}"}, "https://h", SECRET),
        ({"authorization": "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode()}, "https://h", SECRET),
        ({"X-Gateway-Token": SECRET}, "https://h", quote(SECRET, safe="")),
        ({"x-amz-security-token": SECRET}, "https://h", base64.b64encode(SECRET.encode()).decode()),
        ({}, f"https://me:{quote(SECRET, safe='')}@h", SECRET),
    ],
)
def test_whatever_carries_a_secret(headers: dict[str, str], url: str, quoted: str) -> None:
    """Key headers of any name, both kinds of authorization, a password in the URL; in every form."""
    confidence = Confidence.of(Request("POST", url, headers=headers))
    cleaned = confidence.text(f"no such key: {quoted}!")
    assert cleaned.startswith("no such key: [redacted:api-key]")
    assert SECRET[:-1] not in cleaned


def test_other_headers_may_be_quoted() -> None:
    """Nothing else is touched, and no ordinary word for the sake of a short key."""
    headers = {"anthropic-version": "2026-10-21-version", "x-api-key": "simulated"}
    text = "2026-10-21-version, simulated"
    assert Confidence.of(Request("POST", "https://customer-support@h", headers=headers)).text(text) == text


CUTS = st.lists(st.integers(0, 200), max_size=12)


@given(st.lists(st.sampled_from(["aab-", "aac/+=", SECRET, "a", "\n", "x"]), max_size=20), CUTS)
def test_no_cut_lets_a_secret_through(parts: list[str], cuts: list[int]) -> None:
    """For all texts and all ways to cut them: what is streamed is what the whole text would be cleaned to."""
    data = "".join(parts).encode()
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    confidence = Confidence([SECRET])
    assert b"".join(streamed(confidence, [data[a:b] for a, b in pairwise(places)])) == confidence.clean(data)


def test_nothing_waits_that_is_no_secret() -> None:
    """An event is handed on when it arrives, and a stream that breaks keeps all that came of it."""
    confidence = Confidence([SECRET])
    events = [b'data: {"a": 1}\n\n', b"data: aab-a"]
    assert streamed(confidence, events, OSError("reset")) == [events[0], b"data: ", b"aab-a"]


@given(st.lists(st.sampled_from("ab-\n"), min_size=1, max_size=30), st.integers(1, 8))
def test_lines_go_out_at_once_and_nothing_is_lost(letters: list[str], size: int) -> None:
    """However it is cut, the text that comes out is the text cleaned whole; what ends with a line is not held back."""
    confidence = Confidence([SECRET, "bab-a-bab-ab"])
    data = "".join(letters).encode() + SECRET.encode() + b"\n"
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    assert b"".join(streamed(confidence, pieces)) == confidence.clean(data)
    assert streamed(confidence, [b"a\n", b"b"])[0] == b"a\n"
