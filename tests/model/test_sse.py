"""Server-sent events: the same events however the bytes arrive."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.errors import ProtocolError
from agentctl.model import sse
from agentctl.model.sse import SseParser

LINES = st.one_of(
    st.sampled_from(
        [
            b"event: message_start",
            b"event:x",
            b'data: {"type":"ping"}',
            b"data:",
            b"data",
            b"data:  two spaces",
            b": a comment",
            b":",
            b"id: 7",
            b"retry: 10",
            b"database: no",
            b"",
            b"",
            b"\xef\xbb\xbfevent: late mark",
            b"data: \xff\xfe",
        ]
    ),
    st.binary(max_size=8).filter(lambda line: b"\n" not in line and b"\r" not in line),
)
STREAMS = st.lists(st.tuples(LINES, st.sampled_from([b"\n", b"\r\n", b"\r"])), max_size=20).map(
    lambda lines: b"".join(line + end for line, end in lines)
)


def parsed(*chunks: bytes) -> list[tuple[bytes, bytes]]:
    """Every event of a stream, what its end completes included."""
    parser = SseParser()
    events = [event for chunk in chunks for event in parser.feed(chunk)]
    return events + parser.close()


def by_the_standard(stream: bytes) -> list[tuple[bytes, bytes]]:
    """The standard's own algorithm, line by line; what the end of the stream cut off is kept."""
    events = []
    name, data = b"", []
    for line in [*re.split(rb"\r\n|\n|\r", stream.removeprefix(b"\xef\xbb\xbf")), b""]:
        if not line:
            if data:
                events.append((name, b"\n".join(data)))
            name, data = b"", []
            continue
        field, _, value = line.partition(b":")
        value = value[1:] if value.startswith(b" ") else value
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return events


@given(STREAMS)
def test_reads_as_the_standard_says(stream: bytes) -> None:
    """Fields, comments and line ends mean what the standard says."""
    assert parsed(stream) == by_the_standard(stream)


@given(STREAMS, st.lists(st.integers(0, 200), max_size=6))
def test_chunking_changes_nothing(stream: bytes, cuts: list[int]) -> None:
    """Any cutting of any stream gives the same events."""
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    chunks = [stream[start:end] for start, end in itertools.pairwise(places)]
    assert parsed(*chunks) == parsed(stream)


@given(STREAMS)
def test_byte_by_byte_changes_nothing(stream: bytes) -> None:
    """One byte a chunk is the hardest cutting."""
    assert parsed(*(stream[at : at + 1] for at in range(len(stream)))) == parsed(stream)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_line_ends(end: bytes) -> None:
    """LF, CRLF and CR end a line alike, also when a CRLF is cut in two."""
    stream = end.join([b"event: a", b"data: 1", b"", b"event: b", b"data: 2", b"", b""])
    assert parsed(stream) == [(b"a", b"1"), (b"b", b"2")]
    for cut in range(len(stream)):
        assert parsed(stream[:cut], stream[cut:]) == [(b"a", b"1"), (b"b", b"2")]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_event_is_given_as_soon_as_its_blank_line_is_there(end: bytes) -> None:
    """Nothing waits for the next chunk: a live stream shows its last event at once."""
    parser = SseParser()
    assert parser.feed(b"event: a" + end + b"data: 1" + end) == []
    assert parser.feed(end[:1]) == [(b"a", b"1")]


def test_byte_order_mark() -> None:
    """A mark before the first byte is taken off, and only there."""
    mark = b"\xef\xbb\xbf"
    assert parsed(mark + b"data: 1\n\n") == [(b"", b"1")]
    assert parsed(mark[:1], mark[1:] + b"data: 1\n\n") == [(b"", b"1")]
    assert parsed(mark + b"data: 1") == [(b"", b"1")]
    assert parsed(b"data: 1\n\n" + mark + b"data: 2\n\n") == [(b"", b"1")]


def test_data_lines_join() -> None:
    """Several data lines are one text; a data line without a colon is an empty one."""
    assert parsed(b"data: a\ndata:b\ndata\n\n") == [(b"", b"a\nb\n")]


def test_end_of_the_stream_completes_an_event() -> None:
    """A file that lost its last line end still gives its last event."""
    assert parsed(b"event: a\ndata: 1\n\nevent: b\ndata: 2") == [(b"a", b"1"), (b"b", b"2")]


@pytest.mark.parametrize("line", [b"data: 0123456789", b"data: 0123456789\n"])
def test_event_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch, line: bytes) -> None:
    """An event larger than any the API sends stops the reading, whether it is one line or many."""
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 100)
    parser = SseParser()
    while parser._size + len(line) <= 100:
        parser.feed(line)
    with pytest.raises(ProtocolError, match="100 bytes"):
        parser.feed(line)


@pytest.mark.parametrize("pieces", [[b"x" * 20], [b"x" * 18, b"\n", b"data: "]])
def test_what_waits_is_joined_once(monkeypatch: pytest.MonkeyPatch, pieces: list[bytes]) -> None:
    """The bytes of an event in many chunks are put together once, so that work grows with the bytes and no faster."""
    joins = []
    real = SseParser._text

    def counted(self: SseParser) -> bytes:
        joins.append(self._size)
        return real(self)

    monkeypatch.setattr(SseParser, "_text", counted)
    parser = SseParser()
    chunks = [b"data: ", *pieces * 1000, b"\n\n"]
    events = [event for chunk in chunks for event in parser.feed(chunk)]
    assert len(events) == 1
    assert joins == [sum(map(len, chunks))]
