"""The live wire through the SDK, against a server that says exactly what it is told."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import importlib.util
import subprocess
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest

from agentctl.agent.events import ModelReplied
from agentctl.agent.ports import Request, WireReply
from agentctl.agent.spec import Provider
from agentctl.errors import AgentctlError, ApiError, ModelError, ProtocolError, Unreachable, UsageError
from agentctl.model.claude import ClaudeWire
from agentctl.model.decode import decode
from support.scripted import call, text
from support.server import RawServer, Sent, http
from support.wire import events_of, message, sse

STREAM = sse(events_of(message(text("Hello there."), call("look", order="ORD-1042"))))
REQUEST = Request({"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi ü"}], "stream": True})
KEY = "sk-canary-7f3a9"


def asked(
    server: RawServer,
    request: Request = REQUEST,
    *,
    path: str = "",
    then: Callable[[WireReply], Awaitable[Any]] = decode,
) -> Any:
    """What `then` makes of the server's reply."""

    async def ask() -> Any:
        async with server:
            wire = ClaudeWire(Provider(base_url=server.base_url + path), api_key=KEY)
            try:
                return await then(await wire.send(request))
            finally:
                await wire.aclose()

    return asyncio.run(ask())


def sent(request: Request = REQUEST, **options: Any) -> Sent:
    """The request as a server gets it."""
    server = RawServer(http(STREAM, content_type="text/event-stream"))
    asked(server, request, **options)
    (only,) = server.requests
    return only


def test_request() -> None:
    """One POST with the body as it is, the key, the API's version, and no beta that nobody asked for."""
    got = sent()
    assert got.line == "POST /v1/messages HTTP/1.1"
    assert orjson.loads(got.body) == REQUEST.body
    assert KEY in got.headers.get("authorization", "") + got.headers.get("x-api-key", "")
    assert got.headers["anthropic-version"]
    assert "anthropic-beta" not in got.headers


def test_betas() -> None:
    """Betas travel in their header, separated by commas."""
    got = sent(Request(REQUEST.body, betas=("context-1m-2025-08-07", "other-2026-01-01")))
    assert got.headers["anthropic-beta"] == "context-1m-2025-08-07,other-2026-01-01"


def test_base_url_may_have_a_path() -> None:
    """A gateway under a path is reached under that path."""
    assert sent(path="/proxy/anthropic").line == "POST /proxy/anthropic/v1/messages HTTP/1.1"


def test_base_url_and_key_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a setting the environment decides, as the SDK's users expect."""

    async def ask() -> Sent:
        async with RawServer(http(STREAM, content_type="text/event-stream")) as server:
            monkeypatch.setenv("ANTHROPIC_BASE_URL", server.base_url)
            monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-from-env")
            wire = ClaudeWire()
            await decode(await wire.send(REQUEST))
            await wire.aclose()
            return server.requests[0]

    assert "sk-from-env" in str(asyncio.run(ask()).headers)


def test_reply() -> None:
    """Status, lower-case headers and the decoded body come through; the decoder reads them."""
    reply: ModelReplied = asked(
        RawServer(http(STREAM, chunked=True, Content_Type="text/event-stream", Request_Id="req_7"))
    )
    assert reply.content == [text("Hello there."), call("look", order="ORD-1042")]
    assert reply.request_id == "req_7"


@pytest.mark.parametrize("chunked", [True, False])
def test_gzip(chunked: bool) -> None:  # noqa: FBT001  a column of the table
    """A compressed body is decoded on the way."""
    headers = {"content_encoding": "gzip", "content_type": "text/event-stream"}
    reply = asked(RawServer(http(gzip.compress(STREAM), chunked=chunked, **headers)))
    assert reply.stop_reason == "tool_use"


def test_first_bytes_are_not_delayed() -> None:
    """The reply is handed over with its headers, and each piece when it arrives."""
    more = asyncio.Event()

    async def slowly(writer: asyncio.StreamWriter) -> None:
        writer.write(http(length=len(STREAM), content_type="text/event-stream") + STREAM[:100])
        await writer.drain()
        await more.wait()
        writer.write(STREAM[100:])
        await writer.drain()

    async def in_steps(reply: WireReply) -> bytes:
        first = await anext(reply.body)
        more.set()
        return first + b"".join([chunk async for chunk in reply.body])

    assert asked(RawServer(slowly), then=in_steps) == STREAM


@pytest.mark.parametrize("status", ["400 Bad Request", "401 Unauthorized", "429 Too Many Requests", "529 Overloaded"])
def test_error_status_is_a_reply(status: str) -> None:
    """An error status is read by our own code, headers and all, and asked once: the SDK's retries are off."""
    body = orjson.dumps({"type": "error", "error": {"type": "some_error", "message": "no"}})
    server = RawServer(http(body, status, retry_after="2", content_type="application/json"))
    with pytest.raises(ApiError) as caught:
        asked(server)
    assert (caught.value.type, caught.value.status, caught.value.retry_after) == ("some_error", int(status[:3]), 2.0)
    assert server.connections == 1


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent"])
def test_redirect_is_refused(status: str) -> None:
    """A redirect would carry the conversation and the key to a host nobody configured."""

    async def ask() -> tuple[ModelError, int]:
        async with RawServer(http(STREAM)) as elsewhere:
            server = RawServer(http(b"", status, location=f"{elsewhere.base_url}/v1/messages"))
            async with server:
                wire = ClaudeWire(Provider(base_url=server.base_url), api_key=KEY)
                with pytest.raises(ApiError) as caught:
                    await decode(await wire.send(REQUEST))
                await wire.aclose()
            return caught.value, elsewhere.connections

    error, followed = asyncio.run(ask())
    assert followed == 0
    assert (error.status, error.retryable) == (int(status[:3]), False)
    assert "base_url" in error.hint


def reset(writer: asyncio.StreamWriter) -> Awaitable[None]:
    """Half a reply, then a reset."""

    async def act() -> None:
        writer.write(http(length=len(STREAM), content_type="text/event-stream") + STREAM[:100])
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.transport.abort()

    return act()


SSE_HEAD = {"content_type": "text/event-stream"}
BREAKS: dict[str, Any] = {
    "no reply at all": b"",
    "not HTTP": b"SSH-2.0-OpenSSH_9.6\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\ncontent-ty",
    "reset in the middle": reset,
    "body shorter than its length": http(STREAM[:100], length=len(STREAM), **SSE_HEAD),
    "chunk without an end": http(b"", chunked=True, **SSE_HEAD)[:-5] + b"ffff\r\n" + STREAM[:100],
    "chunk length that is no number": http(b"", chunked=True, **SSE_HEAD)[:-5] + b"zz\r\nxxxx\r\n",
    "gzip that is none": http(b"\x00" * 50, content_encoding="gzip", **SSE_HEAD),
}


@pytest.mark.parametrize("kind", BREAKS)
def test_broken_connection(kind: str) -> None:
    """Whatever breaks below HTTP is one typed error that can be asked again, and says what it was."""
    with pytest.raises(Unreachable) as caught:
        asked(RawServer(BREAKS[kind]))
    assert caught.value.type == "connection_error"
    assert caught.value.retryable
    assert "Connection error" not in str(caught.value)


def test_gzip_cut_off() -> None:
    """A compressed stream that ends early is truncated, not complete."""
    body = http(gzip.compress(STREAM)[:-20], content_encoding="gzip", **SSE_HEAD)
    with pytest.raises((Unreachable, ProtocolError)) as caught:
        asked(RawServer(body))
    assert caught.value.retryable


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "http://nowhere.invalid", "https://127.0.0.1:1", "http://127.0.0.1:1/path"]
)
def test_nobody_there(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No host, no port, no listener: unreachable, with the cause in the text."""

    async def ask() -> None:
        await ClaudeWire(Provider(base_url=url), api_key=KEY).send(REQUEST)

    with pytest.raises(Unreachable, match="ConnectError") as caught:
        asyncio.run(ask())
    assert "base_url" in caught.value.hint


def test_sent_counts_attempts() -> None:
    """What left is counted, answered or not."""

    async def ask() -> int:
        wire = ClaudeWire(Provider(base_url="http://127.0.0.1:1"), api_key=KEY)
        for _ in range(3):
            with pytest.raises(Unreachable):
                await wire.send(REQUEST)
        return wire.sent

    assert asyncio.run(ask()) == 3


def test_reply_given_up_frees_its_connection() -> None:
    """A stream that broke the protocol is hung up on at once, not when it is collected."""
    hung_up = asyncio.Event()

    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(http(length=10**9, content_type="text/event-stream") + b"data: {\n\n")
        await writer.drain()
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b": still here\n\n")
                await writer.drain()
                await asyncio.sleep(0.01)
        hung_up.set()

    async def broken(reply: WireReply) -> None:
        with pytest.raises(ProtocolError) as caught:
            await decode(reply)
        assert caught.value.__traceback__ is not None  # it is held, as a log would
        await asyncio.wait_for(hung_up.wait(), 5)

    asked(RawServer(endless), then=broken)


def refused(base_url: str | None, key: str = KEY, **more: Any) -> AgentctlError:
    """What comes of asking with these settings; without a base URL, of a server that would answer."""

    async def ask() -> None:
        async with RawServer(http(STREAM)) as server:
            provider = Provider(base_url=server.base_url if base_url is None else base_url, **more)
            await ClaudeWire(provider, api_key=key).send(REQUEST)

    with pytest.raises(AgentctlError) as caught:
        asyncio.run(ask())
    return caught.value


BAD_REQUESTS: dict[str, tuple[str | None, str]] = {
    "line break after the key": (None, f"{KEY}\n"),
    "line break inside the key": (None, f"{KEY}\nX-Other: 1"),
    "space after the key": (None, f"{KEY} "),
    "nul in the key": (None, f"{KEY}\0"),
    "no scheme": ("127.0.0.1:1", KEY),
    "no URL": ("not a url", KEY),
    "other scheme": ("ftp://127.0.0.1", KEY),
}
BAD_SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "bad port": ("http://[::1", {}),
    "unknown option": ("http://127.0.0.1:1", {"options": {"colour": "red"}}),
    "unknown provider": ("http://127.0.0.1:1", {"name": "azure"}),
}


def keeps_the_key(error: AgentctlError) -> bool:
    """Whether neither the error nor its traceback shows the key, and a hint says what to do."""
    shown = "".join(traceback.format_exception(error))
    return KEY not in f"{shown}{error}{error.hint}{error!r}" and bool(error.hint)


@pytest.mark.parametrize("kind", BAD_REQUESTS)
def test_request_that_cannot_leave(kind: str) -> None:
    """A bad header or URL is not asked again, and the error does not quote the key."""
    error = refused(*BAD_REQUESTS[kind])
    assert isinstance(error, ModelError)
    assert (error.type, error.retryable) == ("client_error", False)
    assert keeps_the_key(error)


@pytest.mark.parametrize("kind", BAD_SETTINGS)
def test_bad_settings(kind: str) -> None:
    """Settings that the SDK's client refuses are a usage error, and it does not quote the key."""
    base_url, more = BAD_SETTINGS[kind]
    error = refused(base_url, **more)
    assert isinstance(error, UsageError)
    assert keeps_the_key(error)


def test_unreachable_keeps_the_key() -> None:
    """A refused connection quotes no header either."""
    assert keeps_the_key(refused("http://127.0.0.1:1"))


@pytest.mark.parametrize("body", [{"text": "\udcff"}, {"number": float("nan")}, {"object": object()}])
def test_request_that_is_no_json(body: dict[str, Any]) -> None:
    """What cannot be written as JSON is a typed error, before anything is sent."""
    server = RawServer(http(STREAM))
    with pytest.raises(ModelError) as caught:
        asked(server, Request(body))
    assert caught.value.type == "client_error"
    assert server.connections == 0


def test_no_credentials_at_all() -> None:
    """Without any key the error says so before anything is sent."""

    async def ask() -> None:
        await ClaudeWire(Provider(base_url="http://127.0.0.1:1")).send(REQUEST)

    with pytest.raises(ModelError, match="authentication"):
        asyncio.run(ask())


@pytest.mark.parametrize(("name", "library"), [("bedrock", "boto3"), ("vertex", "google.auth")])
def test_missing_extra(name: str, library: str) -> None:
    """A cloud's client without its library says which extra brings it, before the first request."""
    if importlib.util.find_spec(library.partition(".")[0]) is not None:
        pytest.skip(f"{library} is installed")
    options = {"aws_region": "us-east-1"} if name == "bedrock" else {"region": "us", "project_id": "p"}
    with pytest.raises(UsageError, match=library) as caught:
        ClaudeWire(Provider(name=name, options=options))
    assert f"agentctl-cli[{name}]" in caught.value.hint


def test_import_is_free_of_the_sdk() -> None:
    """The SDK is loaded when a client is made, not when the module is."""
    code = "import sys, agentctl.model.claude, agentctl.model.client; print({'anthropic', 'httpx2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [("ALL_PROXY", "socks5://127.0.0.1:9", "unset the proxy"), ("SSL_CERT_FILE", "/nowhere.pem", "SSL_CERT_FILE")],
)
def test_an_environment_that_no_client_can_be_made_in(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, says: str
) -> None:
    """What the environment asks for and cannot give is told with the variable to look at."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(UsageError) as caught:
        ClaudeWire(api_key=KEY)
    assert says in caught.value.hint
