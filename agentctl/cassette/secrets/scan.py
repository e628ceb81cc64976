"""What in a recording should not be there, wherever in the file: anyone's recording, by the same rules as redaction.

A file is looked at as its reader would see it: bodies decompressed, JSON inside text unfolded, the pieces of a stream
joined. What cannot be read as a recording is looked at as text, so that nothing is passed over.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson

from agentctl.cassette import shapes
from agentctl.cassette.encoding import GZIP, decoded, inflated
from agentctl.cassette.eventstream import as_sse, is_event_stream
from agentctl.cassette.secrets.assigned import is_secret
from agentctl.cassette.secrets.checks import unpacked
from agentctl.cassette.secrets.kinds import PERSONAL
from agentctl.cassette.secrets.redact import Redactor, json_in, opaque_keys
from agentctl.cassette.secrets.streams import is_stream, stream_texts
from agentctl.errors import CassetteError

BOM: Final = b"\xef\xbb\xbf"
SHOWN: Final = 4
LONG: Final = 16
"""A secret this long keeps enough to itself when its first four characters are shown; they say whose it is."""
PERSONS: Final = frozenset(kind.name for kind in PERSONAL)
BODIES: Final = frozenset({"body", "content"})
INSIDE: Final = "#"
"""In a path: what follows is a place in the text that stands at what came before."""

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Leak:
    """One secret in one file, and the first place where it stands. The secret itself is not in here."""

    path: str
    """As in `interactions[0].request.body#messages[1].content`: `#` goes into a text."""
    kind: str
    excerpt: str
    places: int = 1


@dataclass(frozen=True, slots=True)
class Scan:
    """What was found in a file."""

    leaks: tuple[Leak, ...]
    unread: tuple[str, ...] = ()
    """What could not be looked into: no one knows what is in there."""
    as_text: str = ""
    """Why the file was looked at as text, line by line; empty when it was read as what it is."""


class Text(NamedTuple):
    """A text in a file: where, under which key or header, and whether only the API can read it."""

    place: Place
    name: str
    text: str
    opaque: bool = False


def scan(data: bytes, redactor: Redactor) -> Scan:
    """The secrets in a file, by `redactor`'s rules."""
    reader, as_text = _Reader(), ""
    try:
        reader.read(_document(data), (), "")
    except (CassetteError, RecursionError) as error:
        as_text, reader.texts = str(error), _lines(data)
    texts, unread = reader.texts, tuple(reader.unread)
    named = any(text.name and is_secret(text.name, text.text) for text in texts)
    if not named and redactor.are_clean(text.text for text in texts):
        return Scan((), unread, as_text)
    return Scan(_leaks(texts, redactor), unread, as_text)


def masked(secret: str, kind: str) -> str:
    """What may be shown of a secret: how it begins, if that gives nothing away, and how long it is."""
    begin = secret[:SHOWN] if len(secret) >= LONG and kind not in PERSONS else ""
    return f"{begin}… ({len(secret)} characters)"


def _leaks(texts: Iterable[Text], redactor: Redactor) -> tuple[Leak, ...]:
    found: dict[tuple[str, str], Leak] = {}
    for text in texts:
        for kind, start, end in redactor.found(text.text, text.name) if not text.opaque else ():
            secret = text.text[start:end]
            known = found.get((kind, secret))
            path = known.path if known else shown(text.place)
            found[kind, secret] = Leak(path, kind, masked(secret, kind), known.places + 1 if known else 1)
    return tuple(found.values())


def shown(place: Place) -> str:
    """A place as a path."""
    path = ""
    for step in place:
        if isinstance(step, int):
            path += f"[{step}]"
        elif step == INSIDE or not path or path.endswith(INSIDE):
            path += step
        else:
            path += f".{step}"
    return path


def _document(data: bytes) -> Any:
    if data.startswith(GZIP):
        data = inflated(data, zlib.MAX_WBITS | 16)
    data = data.removeprefix(BOM)
    if data[:64].lstrip()[:1] in {b"{", b"["}:
        try:
            return orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise CassetteError(f"the JSON is damaged ({error})") from None
    from agentctl.cassette.safeyaml import load  # noqa: PLC0415  yaml costs start-up, and our own files are JSON

    return load(data)


def _lines(data: bytes) -> list[Text]:
    lines = data.decode("utf-8", "replace").split("\n")
    return [Text((f"line {number}",), "", line) for number, line in enumerate(lines, 1) if line]


class _Reader:
    """Collects every text in a file, keys included, and what could not be looked into."""

    def __init__(self) -> None:
        self.texts: list[Text] = []
        self.unread: list[str] = []

    def read(self, value: Any, place: Place, name: str) -> None:
        if isinstance(value, str):
            self._inside(value, place, name)
        elif isinstance(value, dict):
            self._mapping(value, place)
        elif isinstance(value, list):
            for number, each in enumerate(value):
                self.read(each, (*place, number), name)
        elif isinstance(value, bytes):
            self._body(value, "", place, name)

    def _mapping(self, value: dict[Any, Any], place: Place) -> None:
        encoding = shapes.headers(value["headers"]).get("content-encoding", "") if "headers" in value else ""
        opaque = opaque_keys(value) if "type" in value else ()
        for key, each in value.items():
            step = str(key)
            if len(step) >= LONG or not step.isidentifier():
                self.texts.append(Text(place, "", step))
            here = (*place, step)
            if step in opaque:
                self.texts.append(Text(here, "", each, opaque=True))
            elif encoding and step in BODIES:
                self._body(_stored(each), encoding, here, step)
            elif step in shapes.PACKED and isinstance(each, str):
                self._body(_unpacked(each), encoding, here, step)
            else:
                self.read(each, here, step)

    def _body(self, body: Any, encoding: str, place: Place, name: str) -> None:
        if not isinstance(body, (str, bytes)):
            self.read(body, place, name)
            return
        try:
            data = decoded(body, encoding)
            data = as_sse(data) if is_event_stream(data) else data
        except CassetteError as error:
            self.unread.append(f"{shown(place)}: {error}" + (f": {error.hint}" if error.hint else ""))
            return
        self._inside(data.decode("utf-8", "replace"), place, name)

    def _inside(self, text: str, place: Place, name: str) -> None:
        """A text, or what is in it: as JSON, as a stream."""
        value = json_in(text)
        if value is not None:
            self.read(value, (*place, INSIDE), "")
        elif not is_stream(text):
            self.texts.append(Text(place, name, text))
        else:
            for inner, each in stream_texts(text):
                if len(inner) == 1:  # a line that is no event: looked at as it is
                    self.texts.append(Text((*place, INSIDE, *inner), "", each))
                else:
                    self.read(each, (*place, INSIDE, *inner), str(inner[-1]))


def _unpacked(text: str) -> str | bytes:
    """The bytes of base64 that goes over lines; the text itself when it is none."""
    return unpacked("".join(text.split())) or text


def _stored(body: Any) -> Any:
    """A compressed body out of the mapping that wraps it, where it is text or bytes in there."""
    if isinstance(body, dict):
        packed = next((body[key] for key in shapes.PACKED if isinstance(body.get(key), str)), None)
        if packed is not None:
            return _unpacked(packed)
        inner = body.get("string", body.get("text"))
        return inner if isinstance(inner, (str, bytes)) else body
    return body
