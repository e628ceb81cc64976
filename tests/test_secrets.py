"""The key reaches the API and nothing else: no screen, no file, no database, whatever a server makes of it.

Real commands talk over real sockets, to the simulator and to a server that quotes in its replies every header it was
sent. Afterwards every byte that was written is searched for the key, as it is and in the forms it travels in.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sqlite3
import subprocess
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Self
from urllib.parse import quote

import pytest

from agentctl.simulator.script import load_script
from agentctl.simulator.server import Simulator
from support import desk
from support.aside import aside
from support.server import http

CANARY = "canary/7f3a91c4+d2e8b05a=6b1c"
"""Shaped like no known kind of key, so that no rule on shapes can hide a leak; its encoded forms differ."""
PASSWORD = "canary-password-55d1"
FORMS = [
    form
    for secret in (CANARY, PASSWORD)
    for raw in (secret.encode(), f"gateway:{secret}".encode())
    for form in (
        raw,
        quote(raw, safe="").encode(),
        base64.b64encode(raw).rstrip(b"="),
        base64.urlsafe_b64encode(raw).rstrip(b"="),
        base64.b64encode(raw[:-1])[:-4],  # as part of something longer
    )
]

SUITE = """
schema: 1
kind: suite
agent: desk
cases:
"""


def quoting(status: str, head: str) -> bytes:
    """An error whose message and headers quote what was sent, the key also as it stands in URLs and in a log."""
    sent = [line.partition(":")[2].strip() for line in head.split("\r\n")[1:] if ":" in line]
    secret = CANARY if CANARY in head else PASSWORD
    forms = [secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode()]
    error = {"type": "refused_by_gateway", "message": f"no such key: {' '.join([*forms, *sent])}"}
    body = json.dumps({"type": "error", "error": error, "request_id": secret}).encode()
    return http(body, status, content_type="application/json", request_id=f"req {secret}", x_echo=" ".join(sent))


def page(head: str) -> bytes:
    """A proxy's page with status 200 that shows the request."""
    return http(f"<pre>{CANARY}\n{head}</pre>".encode(), content_type="text/html", request_id=CANARY)


def stream(head: str) -> bytes:
    """A stream that ends in an error that quotes the key; the key arrives in two pieces."""
    error = {"type": "error", "error": {"type": "invalid_request_error", "message": f"{CANARY} {head}"}}
    event = f"event: error\ndata: {json.dumps(error)}\n\n".encode()
    half = event.index(CANARY.encode()) + 9
    pieces = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (event[:half], event[half:], b""))
    return (
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: text/event-stream\r\n"
        b"transfer-encoding: chunked\r\nrequest-id: %b\r\n\r\n%b" % (CANARY.encode(), pieces)
    )


QUOTES: dict[str, Callable[[str], bytes]] = {
    "refusal": lambda head: quoting("401 Unauthorized", head),
    "overload": lambda head: quoting("529 Overloaded", head),
    "page": page,
    "stream": stream,
    "no status line": lambda head: f"{CANARY} {head}\r\n\r\n".encode(),
    "no header": lambda _head: f"HTTP/1.1 200 OK\r\n{CANARY}\r\n\r\n".encode(),
}
"""How the server answers when the user's message is the key: with the request's head, secrets and all."""


class Echo:
    """A server that quotes what it was sent; `heads` keeps it."""

    async def __aenter__(self) -> Self:
        self.heads: list[str] = []
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.base_url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().removesuffix("\r\n\r\n")
        length = next(line for line in head.lower().split("\r\n") if line.startswith("content-length:"))
        body = json.loads(await reader.readexactly(int(length.partition(":")[2])))
        said = [message["content"] for message in body["messages"] if message["role"] == "user"][-1]
        self.heads.append(head)
        writer.write(QUOTES[said if isinstance(said, str) else said[-1]["text"]](head))
        await writer.drain()
        writer.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project in which every file is searched, the home and the temporary files of the command among them."""
    desk.lay_down(tmp_path)
    agent = tmp_path / "prompts/desk/v1.yaml"  # every reply of these servers is broken, and each is to be seen
    agent.write_text(agent.read_text().replace("{attempts: 2", "{attempts: 2, budget: 1") + "breaker: false\n")
    (tmp_path / "evals").mkdir()
    (tmp_path / "home/tmp").mkdir(parents=True)
    return tmp_path


def suite(root: Path, *messages: str) -> None:
    """A suite with a case for each message."""
    cases = [f"  - {{id: case-{number}, input: {message!r}}}\n" for number, message in enumerate(messages)]
    (root / "evals/desk.yaml").write_text(SUITE + "".join(cases))


def written(root: Path, done: subprocess.CompletedProcess[str]) -> bytes:
    """Everything a command has left: what it printed, every file, and every value in every database."""
    parts = [done.stdout.encode(), done.stderr.encode()]
    for path in sorted(root.rglob("*")):
        parts.append(str(path).encode())
        if path.is_file():
            parts.append(path.read_bytes())
        if path.suffix == ".db":
            with closing(sqlite3.connect(path)) as database:  # a long text is cut over several pages of the file
                parts.append("\n".join(database.iterdump()).encode())
    return b"\n".join(parts)


def commanded(root: Path, arguments: Sequence[str], base_url: str, stdin: str = "", **env: str) -> bytes:
    """What the command wrote, which has the key and goes to that URL."""
    home = {"HOME": str(root / "home"), "TMPDIR": str(root / "home/tmp")}
    env = {"ANTHROPIC_API_KEY": CANARY, "ANTHROPIC_BASE_URL": base_url, **home, **env}
    return written(root, desk.agentctl(root, *arguments, stdin=stdin, **env))


def leaks(data: bytes) -> list[bytes]:
    """The secrets that stand in it, each with what is around."""
    return [data[max(at - 80, 0) : at + 80] for form in FORMS if (at := data.find(form)) >= 0]


@pytest.mark.parametrize(
    ("arguments", "stdin", "sign"),
    [
        (("run", "desk", "Where is ORD-7?"), "", b"Order ORD-7 is shipped."),
        (("run", "desk", "Where is ORD-7?", "--json"), "", b'"ended": "completed"'),
        (("run", "desk", "Hello", "--output-format", "stream-json"), "", b'"type":"result"'),
        (("chat", "desk"), "Where is ORD-7?\n/save said.json\n/save said.md\n/eval kept\n/trace\n", b"saved said.md"),
        (("eval", "--record-mode", "all", "-o", "result.json"), "", b"2 recordings written"),
    ],
    ids=["run", "run-json", "stream-json", "chat", "eval"],
)
def test_the_key_is_sent_and_kept_nowhere(root: Path, arguments: tuple[str, ...], stdin: str, sign: bytes) -> None:
    """A command that works leaves transcripts, recordings, results and a database without it."""
    suite(root, "Where is ORD-7?", "Hello")
    with aside(Simulator(load_script(root / "prompts/desk/simulator.yaml"))) as server:
        left = commanded(root, arguments, server.base_url, stdin)
        assert server.served
    assert sign in left
    assert leaks(left) == []


@pytest.mark.parametrize(
    ("arguments", "stdin", "heads", "env"),
    [
        (("run", "desk", "refusal"), "", 1, {}),
        (("run", "desk", "no header", "--json"), "", 2, {"AGENTCTL_DEBUG": "1"}),
        (("run", "desk", "stream", "--output-format", "stream-json"), "", 1, {"AGENTCTL_DEBUG": "1"}),
        (("chat", "desk"), "\n".join([*QUOTES, "/save said.json", "/save said.md", "/trace", ""]), 9, {}),
        (("eval", "--record-mode", "all", "-o", "result.json", "-j", "1"), "", 9, {}),
    ],
    ids=["run", "run-json", "stream-json", "chat", "eval"],
)
def test_a_server_that_quotes_the_key_is_not_repeated(
    root: Path, arguments: tuple[str, ...], stdin: str, heads: int, env: dict[str, str]
) -> None:
    """Errors, pages and broken replies come through without what they quote."""
    suite(root, *QUOTES)
    with aside(Echo()) as server:
        left = commanded(root, arguments, server.base_url, stdin, **env)
    assert len(server.heads) == heads
    assert all(CANARY in head for head in server.heads)
    assert b"[redacted:api-key]" in left
    assert b"Traceback" not in left
    assert leaks(left) == []


def test_a_password_in_a_document_stays_there(root: Path) -> None:
    """`provider.base_url` goes before the environment; what its server quotes is not repeated either."""
    with aside(Echo()) as server:
        agent = root / "prompts/desk/v1.yaml"
        url = server.base_url.replace("//", f"//gateway:{PASSWORD}@")
        agent.write_text(f"{agent.read_text()}provider: {{base_url: '{url}'}}\n")
        left = commanded(root, ["run", "desk", "refusal", "--json"], "http://127.0.0.1:9")
    assert len(server.heads) == 1
    assert b"[redacted:api-key]" in left
    assert leaks(left.replace(agent.read_bytes(), b"")) == []
