"""The server over a real socket: what goes over the wire, and that the SDK takes it for the real one."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from typing import Any

import anthropic
import pytest

from agentctl.simulator.http import MAX_BODY
from agentctl.simulator.script import load_script
from agentctl.simulator.server import Simulator

BODY = {"model": "claude-sonnet-5-5", "max_tokens": 50, "messages": [{"role": "user", "content": "Hello there"}]}
HEADERS = {"x-api-key": "k-secret", "anthropic-version": "2023-06-01", "host": "x"}


def served(talk: Callable[[Simulator], Awaitable[Any]]) -> Any:
    """What `talk` returns, with a simulator running."""

    async def run() -> Any:
        async with Simulator(load_script(None)) as server:
            return await talk(server)

    return asyncio.run(run())


def http(body: Any = BODY, path: str = "/v1/messages", method: str = "POST", **headers: str) -> bytes:
    """The bytes of a request."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {**HEADERS, "content-length": str(len(data)), **{k.replace("_", "-"): v for k, v in headers.items()}}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value != "-")
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + data


async def exchange(server: Simulator, *requests: bytes) -> list[tuple[int, dict[str, str], bytes]]:
    """Sends the requests one after the other on one connection."""
    host, port = server.base_url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    replies = []
    for request in requests:
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        if headers.get("transfer-encoding") == "chunked":
            data = b""
            while size := int(await reader.readline(), 16):
                data += await reader.readexactly(size)
                await reader.readexactly(2)
            await reader.readexactly(2)
        else:
            data = await reader.readexactly(int(headers["content-length"]))
        replies.append((int(head[0].split()[1]), headers, data))
    writer.close()
    return replies


def test_json_mode_and_keep_alive() -> None:
    """Two requests on one connection each get a whole message."""
    replies = served(lambda server: exchange(server, http(), http()))
    for status, headers, data in replies:
        message = json.loads(data)
        assert status == 200
        assert headers["request-id"].startswith("req_")
        assert message["content"] == [{"type": "text", "text": "This is a simulated reply. You said: Hello there"}]
        assert message["stop_reason"] == "end_turn"
        assert message["usage"]["output_tokens"] > 0


def test_event_order() -> None:
    """A stream starts empty, sends blocks in pieces with a ping after the first start, and ends with message_stop."""
    ((_, headers, data),) = served(lambda server: exchange(server, http({**BODY, "stream": True})))
    assert headers["content-type"].startswith("text/event-stream")
    events = [json.loads(line[6:]) for line in data.decode().splitlines() if line.startswith("data: ")]
    kinds = [event["type"] for event in events]
    assert kinds[:3] == ["message_start", "content_block_start", "ping"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert events[0]["message"]["content"] == []
    assert events[0]["message"]["stop_reason"] is None
    assert kinds.count("content_block_delta") > 1


ERRORS = [
    ("no key", http(x_api_key="-"), 401, "authentication_error"),
    ("invalid key", http(x_api_key="invalid"), 401, "authentication_error"),
    ("unknown path", http(path="/v1/complete"), 404, "not_found_error"),
    ("wrong method", http(method="PUT"), 405, "invalid_request_error"),
    ("no version", http(anthropic_version="-"), 400, "invalid_request_error"),
    ("no JSON", http(b"{"), 400, "invalid_request_error"),
    ("unknown model", http({**BODY, "model": "llama"}), 404, "not_found_error"),
]


@pytest.mark.parametrize(
    ("request_bytes", "status", "kind"), [row[1:] for row in ERRORS], ids=[row[0] for row in ERRORS]
)
def test_errors_have_the_real_shape(request_bytes: bytes, status: int, kind: str) -> None:
    """An error carries its type, a sentence and the request id, in the body and in the header."""
    ((got, headers, data),) = served(lambda server: exchange(server, request_bytes))
    document = json.loads(data)
    assert got == status
    assert document["type"] == "error"
    assert document["error"]["type"] == kind
    assert document["error"]["message"]
    assert document["request_id"] == headers["request-id"]


def test_bearer_token_beta_query_and_counting() -> None:
    """Both ways to authenticate work, `?beta=true` is taken, and tokens can be counted."""
    requests = (
        http(x_api_key="-", authorization="Bearer t"),
        http(path="/v1/messages?beta=true"),
        http({key: value for key, value in BODY.items() if key != "max_tokens"}, path="/v1/messages/count_tokens"),
    )
    bearer, beta, counted = served(lambda server: exchange(server, *requests))
    assert (bearer[0], beta[0], counted[0]) == (200, 200, 200)
    assert json.loads(counted[2])["input_tokens"] == json.loads(beta[2])["usage"]["input_tokens"]


def test_gzip_and_chunked_requests() -> None:
    """A reply is compressed for a client that takes it; a chunked request is read."""
    data = json.dumps(BODY).encode()
    chunked = http(b"", content_length="-", transfer_encoding="chunked")
    chunked += b"%x\r\n%b\r\n0\r\n\r\n" % (len(data), data)
    packed, streamed, plain = served(
        lambda server: exchange(
            server, http(accept_encoding="gzip"), http({**BODY, "stream": True}, accept_encoding="gzip"), chunked
        )
    )
    assert packed[1]["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(packed[2])) == json.loads(plain[2])
    assert b"message_stop" in gzip.decompress(streamed[2])


def test_too_large_and_garbage() -> None:
    """A body over the limit is 413; bytes that are no HTTP close the connection and leave the server up."""

    async def talk(server: Simulator) -> list[int]:
        statuses = []
        for request in (http(content_length=str(MAX_BODY + 1)), b"nonsense\r\n\r\n", http(content_length="x"), http()):
            ((status, _, _),) = await exchange(server, request)
            statuses.append(status)
        return statuses

    assert served(talk) == [413, 400, 400, 200]


def test_transcript_has_verdicts_and_no_key() -> None:
    """What was served can be counted; the key is nowhere in it."""

    async def talk(server: Simulator) -> list[Any]:
        await exchange(server, http(), http(path="/nowhere"))
        return server.served

    ok, refused = served(talk)
    assert (ok.status, ok.error, refused.status, refused.error) == (200, "", 404, "not_found_error")
    assert ok.usage["input_tokens"] > 0
    assert "k-secret" not in repr([ok, refused])


def test_two_servers_answer_alike() -> None:
    """The same conversation gets the same bytes from any server with the same script."""
    request = http({**BODY, "stream": True})
    assert served(lambda server: exchange(server, request)) == served(lambda server: exchange(server, request))


def test_the_sdk_takes_it_for_the_api() -> None:
    """The official client reads messages, streams, counts and errors from it as from the real one."""

    async def talk(server: Simulator) -> tuple[Any, ...]:
        async with anthropic.AsyncAnthropic(api_key="k", base_url=server.base_url, max_retries=0) as client:
            whole = await client.messages.create(**BODY)
            async with client.messages.stream(**BODY) as stream:
                streamed = await stream.get_final_message()
            counted = await client.messages.count_tokens(model=BODY["model"], messages=BODY["messages"])
            with pytest.raises(anthropic.BadRequestError) as refused:
                await client.messages.create(**{**BODY, "messages": [{"role": "assistant", "content": "x"}]})
            return whole, streamed, counted, refused.value

    whole, streamed, counted, refused = served(talk)
    assert whole.content[0].text == streamed.content[0].text
    assert whole.usage.output_tokens == streamed.usage.output_tokens
    assert counted.input_tokens == whole.usage.input_tokens
    assert refused.request_id.startswith("req_")
    assert "first message" in str(refused)


def test_stopping_ends_idle_connections() -> None:
    """A server that stops does not wait for clients that keep their connection open."""

    async def run() -> bytes:
        async with Simulator(load_script(None)) as server:
            host, port = server.base_url.removeprefix("http://").split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
        rest = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        return rest

    assert asyncio.run(run()) == b""
