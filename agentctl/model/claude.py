"""The live wire, through Anthropic's SDK: the only module that imports it, and only when a client is made.

The SDK does what is its job (authentication, base URLs, TLS, Bedrock signatures, Vertex tokens) and nothing else: its
retries are off, since the retry loop is ours; its accumulator is unused, since the decoder is ours; redirects are
refused, since they would carry the conversation and the key to a host nobody configured; a host that only the project
names is refused too. What the SDK sends in confidence is taken out of whatever comes back.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import orjson

from agentctl.agent.ports import API_VERSION, Request, WireReply
from agentctl.agent.spec import Provider
from agentctl.errors import ModelError, Unreachable, UsageError
from agentctl.model.confidence import Confidence
from agentctl.model.lanes import Lane, Lanes
from agentctl.model.trust import refuse_strangers

CONNECT_SECONDS: Final = 10.0
SILENCE_SECONDS: Final = 600.0
"""How long one read may be silent; the deadline over the whole call belongs to the retry loop."""

API: Final = "https://api.anthropic.com"
PROXIES: Final = "install what it names, or unset the proxy (ALL_PROXY, HTTPS_PROXY, HTTP_PROXY)"
PROVIDERS: Final = "see `provider` in the agent's YAML, the variables of that cloud, of a proxy, and SSL_CERT_FILE"
MAX_ERROR_BYTES: Final = 64 * 1024
"""Of an error's body, as it is sent: packed, it may still be a thousand times as much."""

CLIENTS: Final = {
    "anthropic": "AsyncAnthropic",
    "bedrock": "AsyncAnthropicBedrock",
    "vertex": "AsyncAnthropicVertex",
}
LIBRARIES: Final = {"bedrock": "boto3", "vertex": "google.auth"}
"""What the SDK's client of a provider needs beside the SDK: the extra of the same name brings it."""
HEADERS: Final = {"X-Stainless-Raw-Response": "stream", "anthropic-version": API_VERSION}
"""Asks the SDK for the reply as it comes, unread; and the API for one version of itself, whatever the SDK is."""

UNREACHED: Final = "check the network, the proxy and `provider.base_url` (or ANTHROPIC_BASE_URL)"
UNTRUSTED: Final = "if you trust who signed that certificate (a proxy, a test server), set SSL_CERT_FILE to theirs"


class ClaudeWire:
    """Sends requests through one SDK client. `sent` counts the requests that left.

    Raises (on construction):
        UsageError: the provider is not known, its extra or its settings are missing, or the key of the environment
            would go to a host that nobody trusts; see `agentctl.model.trust`.
    """

    def __init__(self, provider: Provider | None = None, *, api_key: str | None = None) -> None:
        self._provider = provider or Provider()
        self._sdk, client, another = _client(self._provider, api_key)
        self._lanes = Lanes(client, lambda: client.copy(http_client=another()))
        self.sent = 0

    async def send(self, request: Request) -> WireReply:
        """Sends one request; see `agentctl.agent.ports.Wire`."""
        self.sent += 1
        lane = self._lanes.take()
        try:
            response = await self._answer(lane.client, request)
        except self._sdk.APIStatusError as error:
            self._lanes.give(lane)
            return _whole(error.response)
        except BaseException:
            self._lanes.give(lane)
            raise
        http = response.http_response
        body = self._events(response) if self._provider.name == "bedrock" else http.aiter_bytes()
        confidence = Confidence.of(http.request)
        clean = self._until_broken(http, confidence.stream(body), confidence, lane)
        return WireReply(http.status_code, _headers(http, confidence), clean)

    async def _answer(self, client: Any, request: Request) -> Any:
        """What the SDK has for the request, its body unread; what it raises is ours, but for an error status."""
        headers = {**HEADERS, **({"anthropic-beta": ",".join(request.betas)} if request.betas else {})}
        try:
            return await client.post(
                request.path,
                body=request.body,
                cast_to=object,
                options={"headers": headers, "follow_redirects": False},
                stream=True,
                stream_cls=self._sdk.AsyncStream[object],
            )
        except self._sdk.APIStatusError:
            raise
        except self._sdk.APIConnectionError as error:
            unsent = _unsent(error.__cause__)
            if unsent is not None:
                raise unsent from None
            raise _unreachable(error, Confidence.of(error.request)) from None
        except Exception as error:  # what a cloud's library raises is its own: no credentials, a text that is no UTF-8
            raise ModelError(f"the request cannot be sent: {error}", type="client_error") from error

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._lanes.aclose()

    async def _until_broken(
        self, http: Any, body: AsyncIterator[bytes], confidence: Confidence, lane: Lane
    ) -> AsyncIterator[bytes]:
        """The body as it arrives; what breaks the connection is an error of ours, and the end closes it."""
        import httpx2  # noqa: PLC0415  the SDK's transport; loaded with it

        try:
            async for chunk in body:
                yield chunk
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            raise _unreachable(error, confidence) from None
        finally:
            self._lanes.give(lane)
            await http.aclose()

    async def _events(self, response: Any) -> AsyncIterator[bytes]:
        """Bedrock frames its events in a binary format of its own: the SDK unpacks it, and we write SSE again."""
        try:
            async for event in await response.parse():
                yield b"event: %b\ndata: %b\n\n" % (event["type"].encode(), orjson.dumps(event))
        except self._sdk.APIStatusError as error:
            yield b"event: error\ndata: %b\n\n" % orjson.dumps(error.body or {})


def _client(provider: Provider, api_key: str | None) -> tuple[Any, Any, Callable[[], Any]]:
    """The SDK module, a client of it, and what makes one more of the layer below, with connections of its own."""
    import anthropic  # noqa: PLC0415  about a second of CPU: paid only by commands that go live

    name = CLIENTS.get(provider.name)
    if name is None:
        raise UsageError(f"unknown provider {provider.name!r}", hint=f"use one of {', '.join(CLIENTS)}")
    settings: dict[str, Any] = {**provider.options}
    if provider.base_url is not None:
        settings["base_url"] = provider.base_url
    elif provider.name == "anthropic" and os.environ.get("ANTHROPIC_BASE_URL") == "":
        settings["base_url"] = API  # the SDK takes an empty variable for an address
    if api_key is not None:
        settings["api_key"] = api_key
    timeout = anthropic.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS)
    try:
        transport = _transports(anthropic, timeout)
        if provider.name in LIBRARIES:  # the SDK would miss it at the first request
            importlib.import_module(LIBRARIES[provider.name])
        client = getattr(anthropic, name)(
            max_retries=0, timeout=timeout, open_telemetry=False, http_client=transport(), **settings
        )
    except ImportError as error:
        library = LIBRARIES.get(provider.name)
        if library is None:  # the SDK alone misses nothing but what a proxy of the environment takes
            raise UsageError(f"the client cannot be set up: {error}", hint=PROXIES) from error
        hint = f"install the extra: pip install 'agentctl-cli[{provider.name}]'"
        raise UsageError(f"the provider {provider.name} needs {library}", hint=hint) from error
    except Exception as error:
        raise UsageError(f"the provider {provider.name} cannot be set up: {error}", hint=PROVIDERS) from error
    if api_key is None:  # else the caller says in one breath which key goes where
        refuse_strangers(client.base_url, provider.name)
    return anthropic, client, transport


def _transports(sdk: Any, timeout: Any) -> Callable[[], Any]:
    """What makes clients of the layer below, which share what is slow to make: the certificates that are trusted."""
    import httpx2  # noqa: PLC0415  the SDK's transport; loaded with it

    settings = {"timeout": timeout, "event_hooks": {"response": [_cut_short]}, "verify": httpx2.create_ssl_context()}
    return lambda: sdk.DefaultAsyncHttpxClient(**settings)


async def _cut_short(http: Any) -> None:
    """The SDK reads the body of an error to its end, wherever that is: it gets no more of it than an error can be."""
    if http.is_success:
        return
    import httpx2  # noqa: PLC0415  the SDK's transport; loaded with it

    class Beginning(httpx2.AsyncByteStream):
        def __init__(self, stream: Any) -> None:
            self._stream = stream

        async def __aiter__(self) -> AsyncIterator[bytes]:
            left = MAX_ERROR_BYTES
            async for piece in self._stream:
                yield piece[:left]
                left -= len(piece)
                if left <= 0:
                    return

        async def aclose(self) -> None:
            await self._stream.aclose()

    http.stream = Beginning(http.stream)


def _whole(http: Any) -> WireReply:
    """A reply that the SDK has read to its end: one with an error status."""
    confidence = Confidence.of(http.request)
    content = confidence.clean(http.content)

    async def body() -> AsyncIterator[bytes]:
        yield content

    return WireReply(http.status_code, _headers(http, confidence), body())


def _headers(http: Any, confidence: Confidence) -> dict[str, str]:
    return {name.lower(): confidence.text(value) for name, value in http.headers.items()}


def _unsent(cause: BaseException | None) -> ModelError | None:
    """The error of a request that could not leave; it must not quote a header, since one of them is the key."""
    name = type(cause).__name__
    if name == "LocalProtocolError":
        hint = "look for a line break or a space in ANTHROPIC_API_KEY and in the headers you set"
        return ModelError("the request cannot be sent: a header is not valid", type="client_error", hint=hint)
    if name == "UnsupportedProtocol":
        hint = "`provider.base_url` (or ANTHROPIC_BASE_URL) starts with https://"
        return ModelError(f"the request cannot be sent: {cause}", type="client_error", hint=hint)
    return None


def _unreachable(error: Exception, confidence: Confidence) -> Unreachable:
    """What went wrong below HTTP, with its cause: the SDK's own text says only "Connection error."."""
    cause: BaseException = error.__cause__ or error
    while isinstance(cause, BaseExceptionGroup):  # of tries at several addresses: the first one's says enough
        cause = cause.exceptions[0]
    timed_out = "timeout" in type(error).__name__.lower() or "timeout" in type(cause).__name__.lower()
    return Unreachable(
        f"no complete reply from the API: {type(cause).__name__}: {confidence.text(str(cause))}".removesuffix(": "),
        type="timeout_error" if timed_out else "connection_error",
        retryable=True,
        hint=UNTRUSTED if "CERTIFICATE_VERIFY_FAILED" in str(cause) else UNREACHED,
    )
