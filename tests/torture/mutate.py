"""A sound file, changed a little: its bytes, its lines or its values. What is drawn is decided by `chance` alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from copy import deepcopy
from random import Random
from typing import Any, Final

Path_ = tuple[str | int, ...]

VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1, 2, 1.5, -0.0, 1e308, 2**31, 2**53 + 1, 2**63, 2**64, 10**30, -(10**400)),
    *("", " ", "x", "\n", "\t", "0", "-1", "1e999", "null", "true", "NaN", "a" * 5_000, "é" * 300),
    *("\u202eevil", "\x00"),
    *("../x", "/etc/passwd", "a/../../b", "C:\\nul", "con", ".", "..", "%2e%2e/", "~", "a@b@c", "support@git:main"),
    *("support@0", "support@99999999999999999999", "support-tools@1", "support@1", "{{ x }}", "{{", "{% if %}", "{#"),
    *("\x1b[31m", "\u2028", "\ud83d\ude00", "\ud800", "(a+)+$", "(?P<x>", "[", "*", "\\", "$ref", "#/x", "=1+1", "<b>"),
    *([], [None], [[]], [[], {}], ["x", 3], {}, {"": None}, {"x": None}, {"a": {"b": {"c": []}}}, {"type": "x"}),
    *({"$ref": "#"}, {"type": "object"}, {"equals": {}}, {"judge": "x"}, {"not": {"not": {"contains": ""}}}),
)
TOKENS: Final = (
    *(b"\n", b": ", b"- ", b"'", b'"', b"[", b"{", b"}", b"]", b",", b"|", b">", b"&a ", b"*a", b"!", b"!!", b"#"),
    *(b"?", b"\x85"),
    *(b"{{", b"}}", b"%", b"@", b"`", b"\t", b"\x00", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\r\n", b"\r", b"<<: "),
    *(b"\xe2\x80\xa8", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf0\x9f\x98", b"\\u0000", b"\\ud800", b"\\", b"1e999", b".inf"),
    *(b"---\n", b"...\n", b"%YAML 9.9\n", b"!!python/object:os.system ", b"!!binary ", b"!!set ", b"~", b"null"),
    *(b"data: ", b"event: ", b"\n\n", b"{}", b"[]", b'""', b"[" * 300, b'{"a":' * 300, b"- " * 300, b"9" * 500, b"0x"),
)
KEYS: Final = ("", "x", "type", "schema", "kind", "extends", "id", "name", "value", "agent", "tools", "<<", "$ref", "é")
CHANGES: Final = ("flip", "cut", "double", "token", "token", "noise", "end", "splice")
DEEP: Final = 300


def many(chance: Random, most: int = 8) -> range:
    """How many changes: most often one, seldom `most`."""
    return range(min(int(chance.expovariate(0.7)) + 1, most))


def mutated_bytes(chance: Random, data: bytes, others: Sequence[bytes] = ()) -> bytes:
    """The bytes with a few changes: bits, pieces cut out or doubled, tokens put in, a piece of another file."""
    text = bytearray(data)
    for _ in many(chance):
        at = chance.randint(0, len(text))
        end = min(at + int(chance.expovariate(0.05)), len(text))
        change = chance.choice(CHANGES)
        if change == "flip" and at < len(text):
            text[at] ^= 1 << chance.randrange(8)
        elif change == "cut":
            del text[at:end]
        elif change == "double":
            text[at:at] = text[at:end] * chance.choice((1, 2, 50))
        elif change == "token":
            text[at:at] = chance.choice(TOKENS)
        elif change == "noise":
            text[at:at] = chance.randbytes(chance.randint(1, 4))
        elif change == "end" and chance.random() < 0.3:  # seldom, or nothing would be left to change
            del text[at:]
        elif change == "splice" and others:
            other = chance.choice(others)
            begin = chance.randrange(len(other) + 1)
            text[at:end] = other[begin : begin + 200]
    return bytes(text)


def mutated_lines(chance: Random, text: str) -> str:
    """The text with a few lines changed: moved, doubled, taken out, indented otherwise, or given another value."""
    lines = text.splitlines()
    for _ in many(chance):
        if not lines:
            break
        at = chance.randrange(len(lines))
        change = chance.randrange(7)
        if change == 0:
            del lines[at]
        elif change == 1:
            lines.insert(chance.randrange(len(lines) + 1), lines[at])
        elif change == 2:
            lines[at] = " " * chance.randint(0, 8) + lines[at].lstrip()
        elif change == 3:
            lines.insert(at, lines.pop(chance.randrange(len(lines))))
        else:
            lines[at] = _revalued(chance, lines[at])
    return "\n".join(lines) + "\n"


def _revalued(chance: Random, line: str) -> str:
    key, colon, _ = line.partition(": ")
    value = chance.choice(VALUES)
    said = chance.choice((json.dumps(value), str(value), chance.choice(TOKENS).decode("latin-1")))
    if chance.random() < 0.2:
        return f"{key}x{colon}{said}"
    return f"{key}{colon or ': '}{said}"


def places(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """The path of every value inside a document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


def mutated_values(chance: Random, value: Any, known: Sequence[Path_] | None = None) -> Any:
    """A copy of the document with a few values changed; `known`: its places, where the caller has them already."""
    whole = deepcopy(value)
    paths = list(places(whole)) if known is None else known
    for _ in many(chance):
        if not paths:
            return chance.choice(VALUES)
        path = chance.choice(paths)
        parent = _at(whole, path[:-1])
        if isinstance(parent, dict) and path[-1] in parent:
            _change_key(chance, parent, path[-1], whole, paths)
        elif isinstance(parent, list) and isinstance(path[-1], int) and path[-1] < len(parent):
            _change_item(chance, parent, path[-1], whole, paths)
    return whole


def _change_key(chance: Random, parent: dict[Any, Any], key: Any, whole: Any, paths: Sequence[Path_]) -> None:
    change = chance.randrange(6)
    if change == 0:
        del parent[key]
    elif change == 1:
        parent[f"{key}x"] = parent.pop(key)
    elif change == 2:
        parent[chance.choice(KEYS)] = _another(chance, whole, paths)
    else:
        parent[key] = _another(chance, whole, paths, parent[key])


def _change_item(chance: Random, parent: list[Any], index: int, whole: Any, paths: Sequence[Path_]) -> None:
    change = chance.randrange(6)
    if change == 0:
        del parent[index]
    elif change == 1:
        parent.insert(index, deepcopy(parent[index]))
    elif change == 2:
        parent.insert(index, _another(chance, whole, paths))
    else:
        parent[index] = _another(chance, whole, paths, parent[index])


def _another(chance: Random, whole: Any, paths: Sequence[Path_], instead: Any = None) -> Any:
    """A value that does not belong here: a nasty one, one from elsewhere in the document, one of another kind."""
    change = chance.randrange(10)
    if change < 6:
        return chance.choice(VALUES)
    if change == 6:
        return deepcopy(_at(whole, chance.choice(paths)))
    if change == 7:
        return [instead]
    if change == 8:
        return {chance.choice(KEYS): instead}
    if chance.random() < 0.9:
        return str(instead)
    for _ in range(DEEP):
        instead = [instead] if chance.random() < 0.5 else {"a": instead}
    return instead


def _at(value: Any, path: Path_) -> Any:
    """The value at `path`, None when an earlier change has taken it away."""
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value
