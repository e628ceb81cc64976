"""Recordings on disk: a file is whole or it is an error, on reading and on writing.

Our own files are vcrpy's format in JSON syntax, which a YAML loader reads the same and orjson twenty times faster. A
save writes beside the file, syncs and renames, so that at every moment the path holds one complete recording: the old
one or the new one. An empty or torn file is never "nothing recorded yet".
"""

from __future__ import annotations

import os
import re
import zlib
from pathlib import Path
from typing import Any, Final

import orjson

from agentctl.agent.events import JsonObject
from agentctl.cassette import header as headers
from agentctl.cassette import shapes
from agentctl.cassette.encoding import GZIP, inflated
from agentctl.cassette.own import own
from agentctl.cassette.tape import Cassette, Header, Interaction, parse_json
from agentctl.config.unwritten import unwritten
from agentctl.errors import CassetteError

BOM: Final = b"\xef\xbb\xbf"
FORMAT_VERSION: Final = 1
"""vcrpy's `version`."""

INTERACTIONS: Final = b'\n  "interactions": ['
REQUEST: Final = b'\n      "request": {'
"""How our own files begin their interactions, and each of them."""

READ_AT_ONCE: Final = 1 << 20

REASONS: Final = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}

NOT_IN_YAML: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""Characters that JSON allows as they are, but that YAML refuses or folds inside a quoted scalar."""


def read(path: Path, *, partial: bool = False) -> Cassette:
    """The recording at `path`: ours, or anyone's; `partial` takes one that was interrupted too.

    Raises:
        CassetteError: it cannot be read, is empty, torn, hostile, of a newer schema, not finished, or no cassette.
    """
    data = _bytes_at(path)
    try:
        cassette = parse(data, path)
    except CassetteError as error:
        raise CassetteError(f"{path}: {error}", hint=error.hint) from None
    header = cassette.header
    if header is not None and header.partial and not partial:
        command = f"agentctl eval {header.suite} --filter {header.case} --record-mode new-episodes"
        raise CassetteError(f"{path}: was interrupted while it was recorded", hint=f"complete it: {command}")
    return cassette


def read_header(path: Path) -> Header | None:
    """The header of the recording at `path`, without its interactions where the file is as we write it; None: foreign.

    Raises:
        CassetteError: see `read`; the interactions are not looked at.
    """
    data = _bytes_at(path)
    if _is_foreign(data):
        return None
    head, mark, rest = data.partition(INTERACTIONS)
    if not mark or not head.startswith(b"{") or not data.rstrip().endswith(b"}"):
        return read(path, partial=True).header
    try:
        document = parse_json(head.rstrip().rstrip(b",") + b"}", "the header")
        if headers.KEY not in document:
            return None
        return headers.from_json(document[headers.KEY], rest.count(REQUEST))
    except CassetteError as error:
        raise CassetteError(f"{path}: {error}", hint=error.hint) from None


def _bytes_at(path: Path) -> bytes:
    try:
        return read_whole(os.fspath(path))
    except OSError as error:
        raise CassetteError(f"{path}: cannot be read ({error.strerror or error})") from None


def read_whole(path: str) -> bytes:
    """What is in a file, in four calls of the system: a file object makes seven.

    Raises:
        OSError: it cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        data = os.read(descriptor, size + 1)
        if len(data) == size and data:
            return data
        pieces = [data]  # a pipe, a file that grows, or more than one call reads
        while pieces[-1]:
            pieces.append(os.read(descriptor, READ_AT_ONCE))
        return b"".join(pieces)
    finally:
        os.close(descriptor)


def _is_foreign(data: bytes) -> bool:
    """Whether this is a text in YAML that nowhere says our key: what it holds is not worth the time that YAML takes."""
    return data.lstrip()[:1] not in {b"", b"{", GZIP[:1], BOM[:1]} and headers.KEY.encode() not in data


def partial_of(path: Path) -> Path:
    """Where the interrupted recording is that was to become the one at `path`."""
    return path.with_name(f"{path.name}.partial")


def parse(data: bytes, path: Path | None = None) -> Cassette:
    """The recording in `data`.

    Raises:
        CassetteError: see `read`; the message does not name the file.
    """
    cassette = own(data, path)
    if cassette is not None:
        return cassette
    document = _document(data)
    made: list[Interaction] = []
    for index, raw in enumerate(shapes.interactions(document)):
        try:
            made.append(shapes.interaction(raw))
        except CassetteError as error:
            raise CassetteError(f"interaction {index} {error}", hint=error.hint) from None
    header = None
    if isinstance(document, dict) and headers.KEY in document:
        header = headers.from_json(document[headers.KEY], len(made))
    return Cassette(tuple(made), header, path)


def _document(data: bytes) -> Any:
    if data.startswith(GZIP):
        data = inflated(data, zlib.MAX_WBITS | 16)
    data = data.removeprefix(BOM)
    start = data[:64].lstrip()[:1]
    if not start and not data.strip():
        raise CassetteError("the file is empty", hint="restore it from version control, or record it again")
    if start == b"{":
        try:
            return orjson.loads(data)
        except orjson.JSONDecodeError:
            return parse_json(data, "the file begins as JSON but is torn or damaged: it")
    from agentctl.cassette.safeyaml import load  # noqa: PLC0415  yaml costs start-up, and our own files are JSON

    return load(data)


def write(path: Path, cassette: Cassette) -> None:
    """Saves `cassette` at `path`, making folders as needed; at no moment is there half a file.

    Raises:
        CassetteError: it cannot be written, or a body is neither text nor compressed text.
    """
    data = serialise(cassette)
    target = Path(os.path.realpath(path))
    scratch = target.with_name(f".{target.name}.{os.urandom(6).hex()}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with scratch.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            scratch.replace(target)
        finally:
            scratch.unlink(missing_ok=True)
        _sync_folder(target.parent)
    except OSError as error:
        raise unwritten(path, error, CassetteError) from None


def serialise(cassette: Cassette) -> bytes:
    """The file's bytes: pretty-printed JSON that is also YAML.

    Raises:
        CassetteError: a body is neither text nor compressed text.
    """
    document: JsonObject = {"version": FORMAT_VERSION}
    if cassette.header is not None:
        document[headers.KEY] = headers.to_json(cassette.header)
    document["interactions"] = [_interaction_json(each) for each in cassette.interactions]
    text = orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
    return NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()


def _interaction_json(each: Interaction) -> JsonObject:
    kept = {name: [value] for name, value in each.headers.items() if name not in {"content-encoding", "content-length"}}
    request_headers = {name: [value] for name, value in each.request_headers.items()}
    return {
        "request": {"method": each.method, "uri": each.uri, "body": _text(each.request), "headers": request_headers},
        "response": {
            "status": {"code": each.status, "message": REASONS.get(each.status, "")},
            "headers": kept,
            "body": {"string": _text(each.body)},
        },
    }


def _text(body: str | bytes) -> str:
    if isinstance(body, str):
        return body
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise CassetteError("a body is no text, and a recording holds text only") from None


def _sync_folder(folder: Path) -> None:
    """Makes the rename itself durable, where the system can sync a folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
