"""Our own files as types: decoding one checks it, and nothing is made that is not kept.

A file in any other shape is none of ours, or not any more: it is left to those who read every recorder's files
(`shapes`) and say what is damaged in a header (`header`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

from msgspec import Meta, Struct
from msgspec.json import Decoder

from agentctl.cassette.header import Written
from agentctl.cassette.shapes import STATUSES
from agentctl.cassette.tape import SCHEMA, Cassette, Interaction


class _Text(Struct, frozen=True, forbid_unknown_fields=True):
    string: str


class _Status(Struct, frozen=True, forbid_unknown_fields=True):
    code: Annotated[int, Meta(ge=STATUSES.start, lt=STATUSES.stop)]
    message: str


_Headers = dict[str, Annotated[list[str], Meta(min_length=1)]]


class _Request(Struct, frozen=True, forbid_unknown_fields=True):
    method: str
    uri: str
    body: str
    headers: _Headers


class _Response(Struct, frozen=True, forbid_unknown_fields=True):
    status: _Status
    headers: _Headers
    body: _Text


class _Interaction(Struct, frozen=True, forbid_unknown_fields=True):
    request: _Request
    response: _Response


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    agentctl: Written
    interactions: list[_Interaction]


_DECODER: Final = Decoder(_File)


def own(data: bytes, path: Path | None) -> Cassette | None:
    """The recording in `data`, if it is one that we wrote; else None.

    Raises:
        CassetteError: a take names an interaction that is not there.
    """
    try:
        file = _DECODER.decode(data)
    except (ValueError, RecursionError):  # not only msgspec's own: bytes that are no UTF-8, or nested without end
        return None
    if file.agentctl.schema != SCHEMA:
        return None
    made = [
        Interaction(
            method=each.request.method.upper(),
            uri=each.request.uri,
            request=each.request.body,
            status=each.response.status.code,
            headers={name.lower(): values[0] for name, values in each.response.headers.items()},
            stored=each.response.body.string,
            request_headers={name.lower(): values[0] for name, values in each.request.headers.items()},
        )
        for each in file.interactions
    ]
    return Cassette(tuple(made), file.agentctl.header(len(made)), path)
