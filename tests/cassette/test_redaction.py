"""Nothing leaks: a secret of every kind, in every place of a recording, is gone from the file, and the replay works."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.agent.events import Observed, ToolReturned
from agentctl.agent.ports import Request
from agentctl.cassette.file import read
from agentctl.cassette.play import RecordedTools, RecordedWire
from agentctl.cassette.record import RecordingWire, Tape, save
from agentctl.cassette.secrets.kinds import BUILT_IN, SECRETS
from agentctl.cassette.secrets.redact import SHAPES_ONLY, Redactor, redactor, secrets_in
from agentctl.cassette.secrets.rules import Rules, kinds_named
from agentctl.cassette.secrets.scrub import redacted
from agentctl.cassette.tape import API_BASE, Interaction
from agentctl.errors import Unreachable
from support.planted import PERSONS, core, made, splits

PLANTED = made()
JSON = {"content-type": "application/json"}
OK = b'{"type":"message","content":[]}'
ERROR = {"type": "invalid_request_error", "message": ""}


def test_there_are_sixty_kinds_and_more() -> None:
    """As many kinds of secrets as promised, each with a name of its own and a pattern that compiles."""
    assert len(SECRETS) >= 60
    assert len({kind.name for kind in BUILT_IN.values()}) == len(BUILT_IN)
    assert all(list(kind.matches("nothing", "nothing")) == [] for kind in BUILT_IN.values())
    assert len(PLANTED) >= 60


@pytest.mark.parametrize("seed", range(20))
def test_every_kind_is_found_whatever_it_stands_between(seed: int) -> None:
    """In prose, in lines, after an escaped line end; and what is left of it holds no secret."""
    for name, secret in made(seed).items():
        for frame in ("%s", "the key is %s, keep it", "a\n%s\nb", r"log: x\n%s\n"):
            once = SHAPES_ONLY.text(frame % secret)
            assert core(secret) not in once, name
            assert SHAPES_ONLY.text(once) == once, name


@pytest.mark.parametrize("name", PERSONS)
def test_persons_are_only_redacted_when_asked_to(name: str) -> None:
    """Demo data is full of e-mail addresses; with `pii` they go."""
    text = f"write to {PERSONS[name]()} today"
    assert SHAPES_ONLY.text(text) == text
    cleaned = Rules(personal=True).for_recording({}).text(text)
    assert cleaned == f"write to [redacted:{name.partition('-')[0]}] today"


NO_SECRETS = (
    "task-management-system-for-everyone",
    "max_tokens: 1024, stop_token: end_of_text, next_page_token: CAUQAA1234567890abcdef",
    "password: your-password, api_key=YOUR_API_KEY, token: <token>, secret: ${SECRET}, pwd={{ pwd }}",
    'password = os.environ["DB_PASSWORD"], api_key=config.get("x1")',
    '{"password": {"type": "string"}, "token": "hello", "secret": true, "required": ["password"]}',
    "Password must have 8 characters; the bearer of this letter; a basic understanding of keys",
    "https://example.com:8080/path?x=1@2 and mailto:someone@example.com and git@github.com:a/b.git",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "toolu_bd4148a1e62941e700b301 msg_01XFDUDYJgAACzvnptvVoYEL req_011CSHoEeqs5C35K2UUqR7Fy",
    "tracking 1Z4E7W030391042001, order ORD-1042, 2026-11-23T03:35:53Z, 3fa85f64-5717-4562-b3fc-2c963f66afa6",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    "ACCEPT SKIPPED MTurk OTHER pattern dose dapper -us- hf_hub_download skeleton sk-learn",
)


@pytest.mark.parametrize("text", NO_SECRETS)
def test_what_is_no_secret_stays(text: str) -> None:
    """Placeholders, variables, digests, ids, addresses, schemas and images are let alone."""
    assert SHAPES_ONLY.text(text) == text
    assert SHAPES_ONLY.found(text) == []


def ask(content: Any, kit: SimpleNamespace) -> Request:
    """A request of one message."""
    request: Request = kit.request({"role": "user", "content": content})
    return request


def in_prose(secret: str, kit: SimpleNamespace) -> Request:
    """Said by the user."""
    return ask(f"my login: {secret}\nthanks", kit)


def in_tool_result(secret: str, kit: SimpleNamespace) -> Request:
    """In JSON that a tool returned as text."""
    out = json.dumps({"stdout": f"line\n{secret}\nline", "code": 0}, indent=2)
    return ask([{"type": "tool_result", "tool_use_id": "toolu_1", "content": out}], kit)


def in_environment(secret: str, kit: SimpleNamespace) -> Request:
    """In what `env` prints, and in a traceback."""
    return ask(f'HOME=/root\nX={secret}\n  File "a.py", line 1\nValueError: {secret}', kit)


def in_key(secret: str, kit: SimpleNamespace) -> Request:
    """As the key of a tool's input."""
    call = {
        "type": "tool_use",
        "id": "toolu_1",
        "name": "put",
        "input": {secret: 1, "nested": [{secret: {"x": secret}}]},
    }
    return kit.request({"role": "user", "content": "x"}, {"role": "assistant", "content": [call]})


def in_base64(secret: str, kit: SimpleNamespace) -> Request:
    """Encoded, as in a Kubernetes secret."""
    return ask("data: " + base64.b64encode(f"# login\n{secret}\n".encode()).decode(), kit)


def in_url(secret: str, kit: SimpleNamespace) -> Request:
    """Percent-encoded in an address."""
    return ask(f"https://h.example/cb?next={quote(f'/x {secret}', safe='')}", kit)


REQUESTS = (in_prose, in_tool_result, in_environment, in_key, in_base64, in_url)


@pytest.mark.parametrize("place", REQUESTS)
def test_requests(place: Callable[[str, SimpleNamespace], Request], tmp_path: Path, kit: SimpleNamespace) -> None:
    """What was asked is written down without the secret, and the request that still holds it finds its recording."""
    requests = [place(secret, kit) for secret in PLANTED.values()]
    tape = Tape()
    wire = RecordingWire(kit.ScriptedWire(*[(200, JSON, b'{"n":%d}' % n) for n in range(len(requests))]), tape)

    async def record() -> None:
        for request in requests:
            await kit.body_of(await wire.send(request))

    asyncio.run(record())
    saved = save(tmp_path / "requests.yaml", kit.header(), [tape])
    text = (tmp_path / "requests.yaml").read_text("utf-8")
    for (name, secret), interaction in zip(PLANTED.items(), saved.interactions, strict=True):
        assert "[redacted:" in interaction.request, name
        assert_gone(name, secret, text)

    async def replay() -> set[bytes]:
        recorded = RecordedWire(read(tmp_path / "requests.yaml"))
        return {await kit.body_of(await recorded.send(request)) for request in requests}

    assert asyncio.run(replay()) == {b'{"n":%d}' % n for n in range(len(requests))}


def assert_gone(name: str, secret: str, text: str) -> None:
    """No form of the secret is in a file's text."""
    assert core(secret) not in text, name
    assert quote(core(secret), safe="") not in text, name
    for before in range(3):
        packed = base64.b64encode(b" " * before + core(secret).encode()).decode()
        assert packed[4:-4] not in text, name


def message(text: str) -> bytes:
    """A reply that was not streamed."""
    return orjson.dumps({"type": "message", "content": [{"type": "text", "text": text}], "stop_reason": "end_turn"})


def stream(kind: str, key: str, pieces: list[str]) -> bytes:
    """One block's deltas."""
    events = [{"type": "content_block_delta", "index": 0, "delta": {"type": kind, key: piece}} for piece in pieces]
    return b"".join(b"event: content_block_delta\ndata: %b\n\n" % orjson.dumps(event) for event in events)


def cut(text: str) -> list[str]:
    """The text in up to nine pieces, the same each time."""
    return list(splits(text, Random(text), most=9))


REPLIES: dict[str, Callable[[str], tuple[int, dict[str, str], bytes]]] = {
    "header": lambda s: (200, {**JSON, "request-id": f"req {s}"}, OK),
    "cookie": lambda s: (200, {**JSON, "set-cookie": f"sid={s}", "anthropic-organization-id": s}, OK),
    "body": lambda s: (200, JSON, message(f"your key: {s}")),
    "pretty": lambda s: (
        200,
        JSON,
        json.dumps({"content": [{"text": f"é {s}"}]}, indent=2, ensure_ascii=True).encode(),
    ),
    "text": lambda s: (200, {}, stream("text_delta", "text", cut(f"It is\n{s}\nok"))),
    "thinking": lambda s: (200, {}, stream("thinking_delta", "thinking", cut(f"Hm,\n{s}\n?"))),
    "input": lambda s: (200, {}, stream("input_json_delta", "partial_json", cut(json.dumps({"q": f"a\n{s}\nb"})))),
    "torn input": lambda s: (
        200,
        {},
        stream("input_json_delta", "partial_json", cut(json.dumps({"q": f"a {s} b"})[:-2])),
    ),
    "error": lambda s: (400, JSON, orjson.dumps({"type": "error", "error": {**ERROR, "message": f"bad: {s}"}})),
    "stream error": lambda s: (200, {}, b"event: error\ndata: %b\n\n" % orjson.dumps({"error": {"message": s}})),
    "html": lambda s: (502, {"content-type": "text/html"}, f"<html><p>{s}\n</p></html>".encode()),
    "gzip": lambda s: (200, {**JSON, "content-encoding": "gzip", "content-length": "7"}, gzip.compress(message(s))),
}


@pytest.mark.parametrize("place", REPLIES)
def test_replies(place: str, tmp_path: Path) -> None:
    """What was answered is written down without the secret, with no header that would be wrong of what is left."""
    for name, secret in PLANTED.items():
        status, headers, body = REPLIES[place](secret)
        kept = redacted(Interaction("POST", f"{API_BASE}/v1/messages", "{}", status, headers, body), SHAPES_ONLY)
        text = f"{kept.stored!s} {dict(kept.headers)}"
        assert isinstance(kept.stored, str)
        assert_gone(name, secret, text)
        assert_gone(name, secret, "".join(joined(kept.stored)))
        assert not kept.headers.keys() & {"content-length", "content-encoding", "set-cookie"}
        if place != "cookie":
            assert "[redacted:" in text, name


def joined(body: str) -> list[str]:
    """What a reader makes of the deltas of one block."""
    if not body.startswith("event:"):
        return [body]
    data = [orjson.loads(line[6:]) for line in body.splitlines() if line.startswith("data: ")]
    deltas = [event["delta"] for event in data if "delta" in event]
    return [text for delta in deltas for key, text in delta.items() if key != "type"]


def test_what_tools_said_and_what_was_seen(tmp_path: Path, kit: SimpleNamespace) -> None:
    """Results, values observed after the run and the words of a broken connection hold no secret either."""
    tape = Tape()
    for number, secret in enumerate(PLANTED.values()):
        blocks = [{"type": "text", "text": f"found {secret}"}]
        tape.answered(ToolReturned(f"a{number}", "get", json.dumps({"v": [secret]})))
        tape.answered(ToolReturned(f"b{number}", "get", blocks))
        tape.observe(Observed(f"rows {number}", {"columns": ["v"], "rows": [[secret, 1]]}))
    broken = Unreachable(f"Traceback: {' '.join(PLANTED.values())}", type="connection_error")

    async def record() -> None:
        wire = RecordingWire(kit.ScriptedWire((200, {}, [b"half", broken])), tape)
        with pytest.raises(Unreachable):
            await kit.body_of(await wire.send(kit.request(kit.ASK)))

    asyncio.run(record())
    saved = save(tmp_path / "tools.yaml", kit.header(), [tape])
    text = (tmp_path / "tools.yaml").read_text("utf-8")
    for name, secret in PLANTED.items():
        assert_gone(name, secret, text)
    assert json.loads(str(saved.takes[0].tools[0].returned.content)) == {"v": ["[redacted:anthropic-key]"]}
    assert RecordedTools(saved).observed("rows 0").value == {
        "columns": ["v"],
        "rows": [["[redacted:anthropic-key]", 1]],
    }


def test_addresses(kit: SimpleNamespace, tmp_path: Path) -> None:
    """No user, password or query is kept of an address, and no secret in its path."""
    for name, secret in PLANTED.items():
        for uri in (
            f"https://h.example/v1/messages?key={quote(secret, safe='')}#{quote(secret)}",
            f"https://u:{quote(secret, safe='')}@h.example/v1/messages",
            f"https://h.example/{quote(secret, safe='')}/v1/messages",
        ):
            assert_gone(name, secret, SHAPES_ONLY.uri(uri))


KNOWN = {"SHOP_LOGIN": 'plain words/with "quotes" & ü', "ANTHROPIC_API_KEY": "canary-8f2e61d0-7755"}


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("around", ["", "a", "ab", "abc"])
def test_known_values_in_any_coat(name: str, around: str) -> None:
    """A value from the environment is found as it is, escaped, in an address, in either base64, wherever it begins."""
    rules, value = redactor(KNOWN), KNOWN[name]
    whole = around + value + around
    coats = [
        whole,
        json.dumps(whole),
        json.dumps(json.dumps(whole, ensure_ascii=False), ensure_ascii=False),
        quote(whole, safe=""),
        base64.b64encode(whole.encode()).decode(),
        base64.urlsafe_b64encode(whole.encode()).decode(),
    ]
    for coat in coats:
        cleaned = rules.text(coat)
        assert f"[redacted:{name}]" in cleaned, coat
        assert value not in cleaned
        assert rules.text(cleaned) == cleaned


def test_variables_are_told_by_their_names() -> None:
    """Keys, tokens, secrets, passwords, credentials: and nothing else."""
    secret = [
        "X_API_KEY",
        "AWS_SECRET_ACCESS_KEY",
        "SSH_PRIVATE_KEY",
        "GH_TOKEN",
        "A_SECRET",
        "DB_PASSWORD",
        "CREDENTIALS",
    ]
    plain = ["PATH", "TOKENIZERS_PARALLELISM", "KEYBOARD", "PWD", "PUBLIC_KEY"]
    assert list(secrets_in(dict.fromkeys([*secret, *plain], "x"))) == secret


VALUES = st.recursive(
    st.one_of(st.none(), st.integers(), st.text(max_size=20), st.sampled_from(sorted(PLANTED.values()))),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.text(max_size=8), st.sampled_from(["password", "api_key"])), inner, max_size=3),
        inner.map(json.dumps),
        inner.map(lambda value: json.dumps(value, ensure_ascii=False, indent=1)),
    ),
    max_leaves=8,
)


@given(VALUES)
def test_redaction_has_no_second_opinion(value: Any) -> None:
    """Any value: twice is once, what is clean is the very same object, and a copy is redacted alike."""
    once = SHAPES_ONLY.value(value)
    assert SHAPES_ONLY.is_clean(once)
    assert SHAPES_ONLY.value(once) is once
    assert Redactor().value(json.loads(json.dumps(value))) == once
    text = json.dumps(once)
    assert all(core(secret) not in text for secret in PLANTED.values())


def test_kinds_are_chosen_by_name() -> None:
    """Groups, single kinds, and all but one; one's own patterns come first."""
    assert kinds_named(["secrets"]) == SECRETS
    assert [kind.name for kind in kinds_named(["email", "jwt"])] == ["jwt", "email"]
    assert "assignment" not in {kind.name for kind in kinds_named(["secrets", "-assignment"])}
    rules = Rules(built_in=("jwt",), patterns=(("customer", r"CUST-(?P<s>\d{6})"),), from_env=("LOGIN",))
    cleaned = rules.for_recording({"LOGIN": "hunter-2-hunter"}).text("CUST-123456 hunter-2-hunter " + PLANTED["github"])
    assert cleaned == "CUST-[redacted:customer] [redacted:LOGIN] " + PLANTED["github"]
    assert rules.for_replay({"OTHER_TOKEN": "x" * 9}) is rules.for_replay({})


def test_a_suite_adds_to_its_project() -> None:
    """Patterns, variables and persons add up; a choice of built-in kinds takes the place of the other one."""
    project = Rules(patterns=(("a", "A+"),), personal=True)
    both = project + Rules(built_in=("jwt",), from_env=("X",), patterns=(("b", "B+"),))
    assert both == Rules(("jwt",), (("a", "A+"), ("b", "B+")), ("X",), personal=True)
    assert project + Rules() == project
