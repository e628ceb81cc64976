"""Our own files, read by their types: whatever stands in one, it is read as every other recorder's file would be."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.cassette.file import parse
from agentctl.cassette.own import own
from agentctl.cassette.tape import Cassette
from agentctl.errors import CassetteError

CASSETTES = Path(__file__).resolve().parents[2] / "cassettes"
SHIPPED = sorted(CASSETTES.glob("support/*.yaml"))
SCRAPS = st.sampled_from([None, True, 0, 1, 7, -1, 99, 200, 600, 0.5, "", "a", "POST", [], [1], ["a"], [["a"]], {}])
NOT_OURS = {"made_by_hand": True}
"""A key beside ours: with it, a file is read as any recorder's."""


def told(document: Any) -> Cassette | str:
    """The recording, or what is wrong with it."""
    try:
        return parse(orjson.dumps(document))
    except CassetteError as error:
        return str(error)


def places(value: Any, *path: str | int) -> list[tuple[str | int, ...]]:
    """Every place in a document."""
    inside: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, each in inside for place in places(each, *path, key))]


WRITTEN = next(data for data in (each.read_bytes() for each in SHIPPED) if b'"error_type"' in data)
DOCUMENT = orjson.loads(WRITTEN)
PLACES = places(DOCUMENT)[1:]


def test_what_is_shipped_is_ours() -> None:
    """None of our recordings takes the long way, and both ways lead to the same."""
    assert SHIPPED
    for path in SHIPPED:
        document = orjson.loads(path.read_bytes())
        found = own(path.read_bytes(), None)
        assert found is not None, path
        assert found == told({**document, **NOT_OURS}), path


@given(st.sampled_from(PLACES), st.none() | SCRAPS.map(lambda scrap: [scrap]), st.none() | st.text(max_size=3))
def test_both_ways_lead_to_the_same(place: tuple[str | int, ...], scrap: list[Any] | None, key: str | None) -> None:
    """Wherever something is taken out, put in or put in its place: the same recording, or the same error."""
    document = orjson.loads(orjson.dumps(DOCUMENT))
    holder = document
    for name in place[:-1]:
        holder = holder[name]
    if key is not None and isinstance(holder[place[-1]], dict):
        holder[place[-1]][key] = None if scrap is None else scrap[0]
    elif scrap is None:
        del holder[place[-1]]
    else:
        holder[place[-1]] = scrap[0]
    assert told(document) == told({**document, **NOT_OURS})


@pytest.mark.parametrize("more", ["null", '{"request": 1}', '"\\ud83d"', "18446744073709551616"])
def test_what_strict_json_cannot_say_is_read_all_the_same(more: str) -> None:
    """Half an emoji, or a number beyond 64 bits, in a result."""
    text = orjson.dumps(DOCUMENT).decode()
    at = text.index('"error_type"')
    data = f'{text[:at]}"odd":{more},{text[at:]}'.encode()
    assert isinstance(parse(data), Cassette)


@given(st.integers(0, len(WRITTEN) - 1), st.binary(max_size=3), st.integers(0, 3))
def test_damage_is_told(at: int, put: bytes, out: int) -> None:
    """Wherever bytes are lost or others stand: a recording, or an error that says so."""
    with suppress(CassetteError):
        assert isinstance(parse(WRITTEN[:at] + put + WRITTEN[at + out :]), Cassette)


@pytest.mark.parametrize("put", [b'"\xca"', b"[" * 100_000, b'{"a":' * 100_000])
def test_what_no_decoder_takes_is_told(put: bytes) -> None:
    """Bytes that are no text, or nesting without end, as what a tool returned."""
    with pytest.raises(CassetteError):
        parse(WRITTEN.replace(b'"error_type": null', b'"error_type":' + put, 1))


@pytest.mark.parametrize("put", ['"observed": [{"name": "a", "value": %s}]', '"observed": [], "rest": [{"a": %s}]'])
@pytest.mark.parametrize("levels", [300, 980, 1020])
def test_values_within_values(levels: int, put: str) -> None:
    """What is nested deeper than it can be shown is damage: what was looked at, or said last in a transcript."""
    deep = "[" * levels + "]" * levels
    with pytest.raises(CassetteError):
        parse(WRITTEN.replace(b'"observed": []', (put % deep).encode(), 1))
