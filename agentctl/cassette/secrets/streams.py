"""A text that came in pieces is redacted whole: a secret split over any number of deltas is found, and goes from all.

The pieces of one text are the strings that stand at one place of the events of one block. What a reader joins from the
redacted pieces is exactly what redaction makes of the joined text, so the next request, which sends that text back,
matches. Nothing else of the stream changes, not even its chunks: a placeholder takes the place of the first character.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import orjson

from agentctl.cassette.secrets.redact import Redactor

LINE_END: Final = re.compile(r"(\r\n|\n|\r)")
STARTS: Final = ("event:", "data:", ":", "id:", "retry:")

JSON_PIECES: Final = frozenset({"partial_json", "arguments"})
OPAQUE_PIECES: Final = frozenset({"signature"})
NOT_PIECES: Final = frozenset({"type", "id", "role", "name", "object", "model", "finish_reason", "stop_reason"})
PLAIN: Final = re.compile(r"[a-z_]{1,32}\Z")
"""Keys of an API. Any other may hold a secret itself, and what stands under it is no piece of a text."""
WHOLE: Final = frozenset({"text", "completion", "content"})
"""Keys outside of a `delta` whose text comes in pieces with some providers."""


class Piece(NamedTuple):
    """A string in an event: the number of the event, and the way to the string."""

    event: int
    path: tuple[str | int, ...]


@dataclass(slots=True)
class Pieces:
    """One text in the order of its pieces; `name` is the key it stands under."""

    name: str
    places: list[Piece] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Stream:
    """An SSE body taken apart: its lines with their ends between them, and the events that are JSON."""

    parts: list[str]
    """Lines at even places, line ends at odd ones."""
    lines: list[tuple[int, int]] = field(default_factory=list)
    """By event: the first and the last place in `parts` of its data."""
    events: list[Any] = field(default_factory=list)


def is_stream(text: str) -> bool:
    """Whether a body is server-sent events, which no JSON or HTML begins like."""
    return text.lstrip("\ufeff\r\n").startswith(STARTS)


def redacted_stream(text: str, redactor: Redactor) -> str:
    """An SSE body without secrets; the very same text when there are none."""
    stream = parsed(text)
    texts = pieces_of(stream.events)
    rest = _rest(stream)
    joined = ["".join(pieces.texts) for pieces in texts]
    if redactor.is_clean([joined, stream.events, [stream.parts[place] for place in rest]]):
        return text
    changed: set[int] = set()
    done: dict[int, list[tuple[str | int, ...]]] = {}
    for pieces in texts:
        for place in pieces.places:
            done.setdefault(place.event, []).append(place.path)
        for place, old, new in zip(pieces.places, pieces.texts, _redacted_pieces(pieces, redactor), strict=True):
            if new != old:
                put(stream.events[place.event], place.path, new)
                changed.add(place.event)
    for number, event in enumerate(stream.events):
        clean = _redacted_event(event, done.get(number, []), redactor)
        if clean is not event or number in changed:
            first, last = stream.lines[number]
            stream.parts[first : last + 1] = [f"data: {orjson.dumps(clean).decode()}", *[""] * (last - first)]
    for line in rest:
        stream.parts[line] = redactor.text(stream.parts[line])
    return "".join(stream.parts)


def _rest(stream: Stream) -> list[int]:
    """The places of the lines that belong to no event: names, comments, data that is no JSON."""
    taken = {place for first, last in stream.lines for place in range(first, last + 1)}
    return [place for place in range(0, len(stream.parts), 2) if place not in taken and stream.parts[place]]


def parsed(text: str) -> Stream:
    """The events of an SSE body; data that is no JSON object stays a line."""
    stream = Stream(LINE_END.split(text))
    first: int | None = None
    last = 0
    for place in range(0, len(stream.parts), 2):
        line = stream.parts[place]
        if line.startswith("data:"):
            first, last = place if first is None else first, place
        elif not line and first is not None:
            _add(stream, first, last)
            first = None
    if first is not None:
        _add(stream, first, last)
    return stream


def _add(stream: Stream, first: int, last: int) -> None:
    lines = [line for line in stream.parts[first : last + 1 : 2] if line.startswith("data:")]
    try:
        event = orjson.loads("\n".join(line.removeprefix("data:") for line in lines))
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return
    if isinstance(event, dict):
        stream.lines.append((first, last))
        stream.events.append(event)


def pieces_of(events: list[Any]) -> list[Pieces]:
    """The texts that came in pieces, in the order in which they began."""
    found: dict[tuple[Any, ...], Pieces] = {}
    for number, event in enumerate(events):
        for path, indexes, text in _pieces(event, (), ()):
            name = str(path[-1])
            pieces = found.setdefault((name if path[0] in BLOCK else path, indexes), Pieces(name))
            pieces.places.append(Piece(number, path))
            pieces.texts.append(text)
    return list(found.values())


BLOCK: Final = frozenset({"delta", "content_block"})
"""Where the Messages API puts a block's text: what its start holds comes before its deltas."""


def _pieces(value: Any, path: tuple[str | int, ...], indexes: tuple[Any, ...]) -> Iterator[tuple[Any, Any, str]]:
    """(path, the `index` values on the way, text) of each string that may be a piece."""
    if isinstance(value, dict):
        index = value.get("index", value.get("output_index"))
        inner = (*indexes, index) if isinstance(index, int) else indexes
        for key, each in value.items():
            if isinstance(each, str):
                if key not in NOT_PIECES and _comes_in_pieces(path, key):
                    yield (*path, key), inner, each
            elif isinstance(each, (dict, list)) and PLAIN.match(key):
                yield from _pieces(each, (*path, key), inner)
    elif isinstance(value, list):
        for place, each in enumerate(value):
            if isinstance(each, (dict, list)):
                yield from _pieces(each, (*path, place), indexes)


def _comes_in_pieces(path: tuple[str | int, ...], key: str) -> bool:
    if path and path[0] in BLOCK:
        return len(path) == 1 and PLAIN.match(key) is not None
    return key in WHOLE or key == "delta" or ("delta" in path and PLAIN.match(key) is not None)


def _redacted_pieces(pieces: Pieces, redactor: Redactor) -> list[str]:
    joined = "".join(pieces.texts)
    if pieces.name in OPAQUE_PIECES:
        clean = redactor.opaque(joined)
    elif pieces.name in JSON_PIECES:
        clean = _redacted_json(joined, redactor)
    else:
        clean = redactor.text(joined, pieces.name)
    return pieces.texts if clean == joined else respread(pieces.texts, joined, clean)


def _redacted_json(joined: str, redactor: Redactor) -> str:
    """A tool's input: as a value, which is how the next request holds it; as text when it was cut off."""
    try:
        value = orjson.loads(joined)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return redactor.text(joined)
    clean = redactor.value(value)
    return joined if clean is value else orjson.dumps(clean).decode()


def respread(pieces: list[str], old: str, new: str) -> list[str]:
    """`new` in as many pieces as `old` came in: what both begin and end with stays where it was."""
    most = min(len(old), len(new))
    head = next((i for i in range(most) if old[i] != new[i]), most)
    tail = next((i for i in range(most - head) if old[-1 - i] != new[-1 - i]), most - head)
    end, middle = len(old) - tail, new[head : len(new) - tail]
    made: list[str] = []
    start, put_in = 0, False
    for piece in pieces:
        stop = start + len(piece)
        kept = piece[: max(0, head - start)]
        if not put_in and (stop > head or stop == len(old)):
            kept, put_in = kept + middle, True
        made.append(kept + piece[max(0, end - start) :])
        start = stop
    return made


def put(value: Any, path: tuple[str | int, ...], text: str) -> None:
    """Replaces the string at `path`."""
    for step in path[:-1]:
        value = value[step]
    value[path[-1]] = text


def _redacted_event(event: Any, done: list[tuple[str | int, ...]], redactor: Redactor) -> Any:
    """The event redacted but for the pieces at `done`, which were redacted whole."""
    kept = [_at(event, path) for path in done]
    for path in done:
        put(event, path, "")
    clean = redactor.value(event)
    for path, text in zip(done, kept, strict=True):
        put(event, path, text)
        if clean is not event:
            put(clean, path, text)
    return clean


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def stream_texts(text: str) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """(place, value) of everything in an SSE body: texts that came in pieces joined, at their first piece."""
    stream = parsed(text)
    for pieces in pieces_of(stream.events):
        first = pieces.places[0]
        joined = "".join(pieces.texts)
        yield ("events", first.event, *first.path), {} if pieces.name in OPAQUE_PIECES else joined
        for place in pieces.places:
            put(stream.events[place.event], place.path, "")
    for number, event in enumerate(stream.events):
        yield ("events", number), event
    for line in _rest(stream):
        yield (f"line {line // 2 + 1}",), stream.parts[line]
