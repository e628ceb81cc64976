"""Redaction: secrets go, everything else stays, and twice is as good as once."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.cassette.secrets.redact import SHAPES_ONLY, redactor, secrets_in


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("key sk-ant-api03-abcDEF_123-456789", "key [redacted:anthropic-key]"),
        ('{"x":"sk-proj-abcdefghijklmnopqrstuv"}', '{"x":"[redacted:openai-key]"}'),
        ("Authorization: Bearer abcdef.ghijkl-mnop", "Authorization: Bearer [redacted:bearer]"),
        ("authorization: bearer  abcdefghijklmnop", "authorization: bearer  [redacted:bearer]"),
        ("a task-management-system-for-you", "a task-management-system-for-you"),
        ("sk-short", "sk-short"),
        ("the bearer of this letter", "the bearer of this letter"),
    ],
)
def test_shapes(text: str, expected: str) -> None:
    """Key-shaped text is replaced by what it was; words that only look like the start of one stay."""
    assert SHAPES_ONLY.text(text) == expected


SECRETS = {
    "ANTHROPIC_API_KEY": "canary-value-1",
    "QUOTED": 'pass"word\\with\nall',
    "LONGER": "canary-value-1-and-more",
    "NO": "short",
}


def test_known_values_go_in_every_form() -> None:
    """As they are, inside JSON, and inside JSON inside JSON; the longer one first; short ones are no secrets."""
    rules = redactor(SECRETS)
    nested = orjson.dumps({"partial_json": orjson.dumps({"p": SECRETS["QUOTED"]}).decode()}).decode()
    for text in (SECRETS["QUOTED"], orjson.dumps(SECRETS["QUOTED"]).decode(), nested):
        cleaned = rules.text(text)
        assert "[redacted:QUOTED]" in cleaned
        assert "word" not in cleaned
    assert rules.text("canary-value-1-and-more, canary-value-1, short") == (
        "[redacted:LONGER], [redacted:ANTHROPIC_API_KEY], short"
    )


@given(
    st.lists(
        st.sampled_from(["sk-", "sk-ant-api03-abcdefghijklmnopq", "Bearer ", "canary-value-1", " ", "x", "\ud83d", "é"])
    )
)
def test_twice_is_as_good_as_once(pieces: list[str]) -> None:
    """What stands in a secret's place is no secret, and JSON stays JSON."""
    rules = redactor(SECRETS)
    once = rules.text("".join(pieces))
    assert rules.text(once) == once
    assert "canary-value-1" not in once
    if "\ud83d" not in pieces:
        assert rules.value({"x": "".join(pieces)}) == {"x": once}


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("https://user:pw@host.example:8443/v1/messages?key=secret#x", "https://host.example:8443/v1/messages"),
        ("http://[::1]:80/v1", "http://[::1]:80/v1"),
        ("https://host/sk-ant-api03-abcdefghijklmnop/x", "https://host/[redacted:anthropic-key]/x"),
        ("http://[broken", "[redacted:uri]"),
    ],
)
def test_uris(uri: str, expected: str) -> None:
    """No user, password or query is kept."""
    assert SHAPES_ONLY.uri(uri) == expected


def test_secrets_are_told_by_their_names() -> None:
    """Variables that say they are a key, token, secret or password."""
    environment = {"ANTHROPIC_API_KEY": "a", "GH_TOKEN": "b", "DB_PASSWORD": "c", "PATH": "d", "TOKENIZERS": "e"}
    assert secrets_in(environment) == {"ANTHROPIC_API_KEY": "a", "GH_TOKEN": "b", "DB_PASSWORD": "c"}
