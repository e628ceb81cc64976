"""The loader: what it reads, where it says things stand, and what it refuses."""

from __future__ import annotations

import json
import string
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from agentctl.config import yamls
from agentctl.config.document import Document
from agentctl.config.yamls import MAX_BYTES, MAX_DEPTH, MAX_PROBLEMS, MAX_VALUES, load_yaml, read_yaml
from agentctl.errors import ConfigError, Problem

SCALARS: list[tuple[str, Any]] = [
    ("no", "no"),
    ("on", "on"),
    ("y", "y"),
    ("true", True),
    ("False", False),
    ("~", None),
    ("", None),
    ("null", None),
    ("12:30:00", "12:30:00"),
    ("2026-11-23", "2026-11-23"),
    ("1_000", "1_000"),
    ("010", 10),
    ("0o10", 8),
    ("0x1F", 31),
    ("-0", 0),
    ("+3", 3),
    ("1.10", 1.1),
    (".5", 0.5),
    ("5.", 5.0),
    ("1e3", 1000.0),
    ("1.2.3", "1.2.3"),
    (".", "."),
    ("-x", "-x"),
    ("'1'", "1"),
    ('"no"', "no"),
    ("!!str 1", "1"),
    ("! 1", "1"),
    ("!!float 1", 1),
    ("18446744073709551615", 2**64 - 1),
    ("-9223372036854775808", -(2**63)),
]

REFUSED: list[tuple[str, bytes | str, tuple[int, int], str]] = [
    ("duplicate key", b"a: 1\nb: 2\na: 3\n", (3, 1), "duplicate key `a`; it is on line 1 already"),
    ("nested duplicate", b"x:\n  - {a: 1, a: 2}\n", (2, 12), "duplicate key `a`"),
    ("anchor", b"a: &x 1\n", (1, 4), "anchors are not supported (&x)"),
    ("anchor on a mapping", b"a: &x\n  b: 1\n", (1, 4), "anchors are not supported"),
    ("alias", b"b: *x\n", (1, 4), "aliases are not supported (*x)"),
    ("merge", b"a:\n  <<: {b: 1}\n", (2, 3), "merge keys are not supported"),
    ("python tag", b"a: !!python/object/apply:os.system ['x']\n", (1, 4), "!!python/object/apply:os.system"),
    ("python name", b"a: !!python/name:os.system ''\n", (1, 4), "!!python/name:os.system is not allowed"),
    ("custom tag", b"a:\n  b: !thing 1\n", (2, 6), "the tag !thing is not allowed"),
    ("binary", b"a: !!binary aGk=\n", (1, 4), "the tag !!binary is not allowed"),
    ("verbatim tag", b"a: !<tag:example.org,2002:x> 1\n", (1, 4), "is not allowed"),
    ("tag that does not fit", b"a: !!int x\n", (1, 4), "x is no !!int"),
    ("number as key", b"a: 1\n2: b\n", (2, 1), "a key must be text, and 2 is not"),
    ("empty key", b"~: 1\n", (1, 1), "a key must be text, and ~ is not"),
    ("boolean as key", b"true: 1\n", (1, 1), "a key must be text"),
    ("mapping as key", b"a: {{ shop }}\n", (1, 5), "a key must be text, not a mapping"),
    ("list as key", b"? [a]\n: 1\n", (1, 3), "a key must be text"),
    ("brackets", b"[" * 5000, (1, MAX_DEPTH + 1), "nested deeper than 50 levels"),
    ("dashes", b"- " * 20_000, (1, 2 * MAX_DEPTH + 1), "nested deeper than 50 levels"),
    ("digits", b"a: " + b"1" * 5000, (1, 4), "does not fit in 64 bits"),
    ("hex digits", b"a: 0x" + b"f" * 5000, (1, 4), "does not fit in 64 bits"),
    ("65 bits", b"a: 18446744073709551616", (1, 4), "does not fit in 64 bits"),
    ("float digits", b"a: " + b"1" * 5000 + b".0", (1, 4), "does not fit in 64 bits"),
    ("huge exponent", b"a: 1e999", (1, 4), "does not fit in 64 bits"),
    ("infinity", b"a: -.inf", (1, 4), "-.inf is no number JSON can hold"),
    ("not a number", b"a: .NaN", (1, 4), ".NaN is no number JSON can hold"),
    ("NUL", b"a: x\ny: a\0b", (2, 5), "the character U+0000 is not allowed"),
    ("escape", "a: \x1b[31m", (1, 4), "the character U+001B is not allowed"),
    ("line separator", "a: b\u2028c", (1, 5), "the character U+2028 is not allowed"),
    ("byte order mark inside", "a: b\ufeff", (1, 5), "the character U+FEFF is not allowed"),
    ("UTF-16", "a: b".encode("utf-16"), (1, 1), "is UTF-16 or UTF-32, not UTF-8"),
    ("UTF-16 without mark", "a: b".encode("utf-16-le"), (1, 1), "is UTF-16 or UTF-32, not UTF-8"),
    ("UTF-32", "a: b".encode("utf-32"), (1, 1), "is UTF-16 or UTF-32, not UTF-8"),
    ("Latin-1", "a: ü\nb: é".encode("latin-1"), (1, 4), "the byte 0xfc is not UTF-8"),
    ("surrogate", "a: \ud800", (1, 4), "is not UTF-8"),
    ("two documents", b"a: 1\n---\nb: 2\n", (2, 1), "a second document begins here"),
    ("tab", b"a:\n\tb: 1\n", (2, 1), "cannot start any token"),
    ("open list", b"a: [1, 2\nb: 3\n", (2, 2), "while parsing a flow sequence that begins on line 1"),
    ("open quote", b'a: "x', (1, 6), "unexpected end of stream"),
    ("colon in text", b"a: b: c\n", (1, 5), "mapping values are not allowed in this context"),
    ("newer YAML", b"%YAML 3.0\n---\na: 1\n", (1, 1), "incompatible YAML document"),
]


def problems_of(text: bytes | str) -> list[Problem]:
    """The problems of a text that has some."""
    with pytest.raises(ConfigError) as caught:
        load_yaml(text, "f.yaml")
    return caught.value.problems


@pytest.mark.parametrize(("text", "value"), SCALARS)
def test_scalars_are_yaml_1_2(text: str, value: Any) -> None:
    """An unquoted scalar means what the core schema of YAML 1.2 says, with its type."""
    read = load_yaml(f"a: {text}\n", "f.yaml").value["a"]
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(("text", "place", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_hostile_input_is_a_problem(text: bytes | str, place: tuple[int, int], message: str) -> None:
    """What is hostile, ambiguous or broken is refused with its line and column."""
    problem = problems_of(text)[0]
    assert message in problem.message
    assert (problem.file, problem.line, problem.column) == ("f.yaml", *place)


def test_alias_bomb() -> None:
    """A few hundred bytes that stand for millions of values stop at the first alias."""
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    assert [problem.line for problem in problems_of(bomb)] == [1, 2, 2]


@pytest.mark.parametrize("text", [b"x" * (MAX_BYTES + 1), "x" * (MAX_BYTES + 1)])
def test_size_cap(text: bytes | str) -> None:
    """A file above the cap is refused as a whole, unread."""
    assert str(problems_of(text)[0]) == "f.yaml: is larger than 1,000,000 bytes"


def test_value_cap() -> None:
    """A small file of very many values is refused before they are all built."""
    assert f"more than {MAX_VALUES:,} values" in problems_of("[" + "a," * (MAX_VALUES + 1) + "]")[0].message


def test_every_problem_is_reported() -> None:
    """Findings that leave the structure whole are collected, in file order, up to a cap."""
    found = problems_of("b: !x 1\na: 1\na: 2\n3: .inf\n")
    assert [(problem.line, problem.column) for problem in found] == [(1, 4), (3, 1), (4, 1), (4, 4)]
    assert len(problems_of("a: 1\n" * 1000)) == MAX_PROBLEMS


def test_where() -> None:
    """Every value knows its line and column; a missing one answers with what is around it."""
    document = load_yaml("# first\nname: x\ncases:\n  - id: a\n    tags: [b, ü, c]\n  -   id: b\n", "f.yaml")
    assert document.value == {"name": "x", "cases": [{"id": "a", "tags": ["b", "ü", "c"]}, {"id": "b"}]}
    assert document.where() == (2, 1)
    assert document.where(("name",)) == (2, 7)
    assert document.where(("cases",)) == (4, 3)
    assert document.where(("cases", 0)) == (4, 5)
    assert document.where(("cases", 0, "tags", 2)) == (5, 18)
    assert document.where(("cases", 1, "id")) == (6, 11)
    for missing in (("cases", 1, "nope"), ("cases", 1, "nope", 3), ("cases", 1, 0), ("cases", 1)):
        assert document.where(missing) == (6, 7)
    assert document.where(("cases", 7)) == (4, 3)
    assert document.where(("name", "x")) == (2, 7)


def test_problem_places() -> None:
    """A problem stands at the value, at its key, or at a line inside a literal block."""
    document = load_yaml("a:\n  key: |\n    one\n    two\n  other: >\n    one\n", "f.yaml")
    assert str(document.problem(("a", "key"), "bad", on_key=True)) == "f.yaml:2:3: bad"
    assert str(document.problem(("a", "key"), "bad", text_line=1)) == "f.yaml:4:1: bad"
    assert str(document.problem(("a", "other"), "bad", text_line=1)) == "f.yaml:5:10: bad"


def test_byte_order_mark_and_line_ends() -> None:
    """A UTF-8 byte order mark and Windows line ends change neither values nor places."""
    document = load_yaml(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n", "f.yaml")
    assert document.value == {"a": 1, "b": 2}
    assert document.where(("b",)) == (2, 4)


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "\n\n"])
def test_empty_document(text: str) -> None:
    """A file without a document has the value None and a place."""
    document = load_yaml(text, "f.yaml")
    assert document.value is None
    assert document.where(("a",))[1] == 1


def test_read_yaml(tmp_path: Any) -> None:
    """What cannot be read is a problem of the file: missing, a directory, a pipe, a name that no file can have."""
    (tmp_path / "a.yaml").write_bytes(b"a: 1\n")
    assert read_yaml(tmp_path / "a.yaml", "a.yaml").value == {"a": 1}
    for name, message in (
        ("b", "no such file"),
        (".", "no regular file"),
        ("x\0", "cannot be read"),
        ("y" * 300, "long"),
    ):
        with pytest.raises(ConfigError, match=message) as caught:
            read_yaml(tmp_path / name, "f.yaml")
        assert caught.value.problems[0].file == "f.yaml"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"])),  # beyond, JSON escapes pairs of halves
    lambda inner: st.lists(inner) | st.dictionaries(st.text(string.ascii_letters), inner),
    max_leaves=30,
)  # fmt: skip


@given(JSON)
@settings(max_examples=200)
def test_json_is_read_as_json(value: Any) -> None:
    """JSON is YAML 1.2: whatever JSON can say is read back equal."""
    assert load_yaml(json.dumps(value), "f.yaml").value == value


@pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])
@given(data=st.binary(max_size=60) | st.text("ab:-[]{},&*!|>'\"#%@ \n\t?<~\\u0x1", max_size=40).map(str.encode))
@settings(max_examples=400)
def test_any_bytes(loader: str, data: bytes) -> None:
    """Any bytes are a document or problems with a file and a line, whichever parser is there."""
    original = yamls.LOADER
    yamls.LOADER = getattr(yaml, loader)
    try:
        outcome = _outcome(data)
    finally:
        yamls.LOADER = original
    assert isinstance(outcome, Document) or all(line > 0 and column > 0 for line, column in outcome)


@given(JSON)
def test_both_parsers_agree(value: Any) -> None:
    """The parser in C and the one in Python give the same values and places."""
    text = yaml.safe_dump(value, allow_unicode=True)
    original = yamls.LOADER
    try:
        yamls.LOADER = yaml.SafeLoader
        slow = _outcome(text)
    finally:
        yamls.LOADER = original
    assert _outcome(text) == slow


def _outcome(text: str | bytes) -> Any:
    try:
        document = load_yaml(text, "f.yaml")
    except ConfigError as error:
        return [(problem.line, problem.column) for problem in error.problems]
    return document
