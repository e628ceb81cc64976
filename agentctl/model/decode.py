"""The one decoder: a raw HTTP reply of the Messages API in, one `ModelReplied` or one typed error out.

Live, recorded and simulated traffic all pass here, so a replay cannot differ from the run it replays. It is strict
where a lenient reading would run a tool or show an answer that the model never finished (events out of order, a missing
`message_stop`, tool input that is not JSON), and tolerant where the API may grow (unknown events, blocks, deltas, stop
reasons, usage fields).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

import orjson

from agentctl.agent.events import Block, JsonObject, ModelReplied
from agentctl.agent.nesting import MAX_NESTING, nested_too_deep
from agentctl.agent.ports import OnDelta, Whole, WireReply
from agentctl.errors import ProtocolError
from agentctl.model.blocks import OpenBlock, check_block
from agentctl.model.failures import failure_in_stream, failure_of, not_a_message
from agentctl.model.sse import BOM, SseParser

OK_STATUSES = range(200, 300)
START = 64
"""Bytes of a body that tell an event stream from anything else."""

MAX_REPLY_BYTES: Final = 64 * 1024 * 1024
"""No reply is as large: the API takes requests of half of this, and a reply has to go into the next one."""

DONE = b"[DONE]"  # gateways put it behind the last event, as other APIs do
SEPARATOR = os.urandom(8).hex()
JOINT = b',"%b",' % SEPARATOR.encode()
"""Between events that are parsed together. Nobody can know it, so what is no JSON alone is none together."""


OnContent = Callable[[], None]


async def decode(
    reply: WireReply, on_delta: OnDelta | None = None, on_content: OnContent | None = None
) -> ModelReplied:
    """Reads a reply to its end; text goes to `on_delta` as it arrives, and `on_content` hears of all but pings.

    Raises:
        ApiError: an error status, or an `error` event inside the stream.
        ProtocolError: anything else that is not one complete, valid reply.
        Unreachable: the connection broke (raised by `reply.body`).
    """
    if isinstance(reply.body, Whole) and len(reply.body.data) <= MAX_REPLY_BYTES:
        return decode_reply(reply.status, reply.headers, reply.body.data, on_delta)
    try:
        return await _read(reply, on_delta, on_content)
    except BaseException:  # half read, it would hold its connection until it is collected
        close = getattr(reply.body, "aclose", None)
        if close is not None:
            await close()
        raise


async def _read(reply: WireReply, on_delta: OnDelta | None, on_content: OnContent | None) -> ModelReplied:
    stream: StreamDecoder | None = None
    head: list[bytes] = []
    start, size = b"", 0
    async for chunk in reply.body:
        size += len(chunk)
        if size > MAX_REPLY_BYTES:
            if reply.status not in OK_STATUSES:
                break  # an error is told from its beginning
            raise ProtocolError(f"a reply of more than {MAX_REPLY_BYTES} bytes", type="protocol_error")
        if stream is not None:
            stream.feed(chunk)
            continue
        head.append(chunk)
        if len(start) < START:
            start += chunk[:START]
            if _is_stream(reply.status, reply.headers, start):
                stream = StreamDecoder(reply.status, reply.headers, on_delta, on_content)
                stream.feed(b"".join(head))  # with what waited for its kind to be known
    if stream is not None:
        return stream.close()
    if not start:
        return decode_reply(reply.status, reply.headers, b"", on_delta)
    return _decode_whole(reply.status, reply.headers, b"".join(head), on_delta)


def decode_reply(status: int, headers: Mapping[str, str], body: bytes, on_delta: OnDelta | None = None) -> ModelReplied:
    """The same for a body that is already whole: a recording."""
    if not _is_stream(status, headers, body):
        return _decode_whole(status, headers, body, on_delta)
    stream = StreamDecoder(status, headers, on_delta)
    stream.feed(body)
    return stream.close()


def _is_stream(status: int, headers: Mapping[str, str], start: bytes) -> bool:
    """Whether the body is an event stream. Recordings lose headers or keep wrong ones: the first bytes tell too."""
    if status not in OK_STATUSES:
        return False
    if "text/event-stream" in headers.get("content-type", "").lower():
        return True
    if start.startswith(b"{"):
        return False
    return start[:START].lstrip(b"\xef\xbb\xbf\r\n ").startswith((b"event:", b"data:", b":"))


def _decode_whole(status: int, headers: Mapping[str, str], body: bytes, on_delta: OnDelta | None) -> ModelReplied:
    if status not in OK_STATUSES:
        raise failure_of(status, headers, body)
    request_id = headers.get("request-id")
    try:
        message = orjson.loads(body.removeprefix(BOM))
    except orjson.JSONDecodeError:
        raise not_a_message(status, body, request_id) from None
    if isinstance(message, dict) and message.get("type") == "error":
        raise failure_of(status, headers, body)
    if not isinstance(message, dict) or not isinstance(message.get("content"), list):
        raise not_a_message(status, body, request_id)
    for block in message["content"]:
        check_block(block)
        if on_delta is not None and block["type"] == "text":
            on_delta("text", block["text"])
    return _replied(message, message["content"], request_id)


PASSED_OVER: Final[JsonObject] = {"type": "ping"}


class StreamDecoder:
    """The events of one stream, held to their order: start, then blocks one after the other, then delta and stop."""

    def __init__(
        self,
        status: int,
        headers: Mapping[str, str],
        on_delta: OnDelta | None = None,
        on_content: OnContent | None = None,
    ) -> None:
        self._status = status
        self._on_content = on_content
        self._request_id = headers.get("request-id")
        self._on_delta = on_delta
        self._parser = SseParser()
        self._message: JsonObject | None = None
        self._blocks: list[Block] = []
        self._open: OpenBlock | None = None
        self._ending = False
        """A message_delta said why the message stops: no block starts, grows or is finished any more."""
        self._stopped = False
        self._any = False

    def feed(self, chunk: bytes) -> None:
        """Takes bytes as they arrive.

        Raises:
            ApiError: an `error` event.
            ProtocolError: an event that is not JSON or not in its place.
        """
        events = self._parser.feed(chunk)
        if not events:
            return
        self._any = True
        if self._on_content is not None and any(name != b"ping" for name, _ in events):
            self._on_content()
        together = _parse_together(events)
        for index, (name, data) in enumerate(events):
            self._take(name, self._parse(name, data) if together is None else together[index])

    def close(self) -> ModelReplied:
        """The reply, once the stream has ended.

        Raises:
            ProtocolError: `stream_truncated` when the stream ended before `message_stop`.
        """
        for name, data in self._parser.close():
            self._any = True
            if _is_json(data):
                self._take(name, orjson.loads(data))
        if self._message is None or not self._stopped:
            raise ProtocolError(
                "the stream ended before `message_stop`" if self._any else "the stream was empty",
                type="stream_truncated",
                status=self._status,
                retryable=True,
                request_id=self._request_id,
            )
        if self._open is not None:  # the API leaves a block open when max_tokens cuts it
            self._blocks.append(self._open.abandon())
            self._open = None
        return _replied(self._message, self._blocks, self._request_id)

    def _parse(self, name: bytes, data: bytes) -> Any:
        if name == b"ping" or not data or data == DONE:
            return PASSED_OVER
        try:
            return orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise self._broken(f"event {name.decode('utf-8', 'replace')!r} is not JSON ({error})") from None

    def _take(self, name: bytes, event: Any) -> None:
        if name == b"ping":
            return
        kind = event.get("type") if isinstance(event, dict) else None
        if not kind and isinstance(event, dict):
            kind = name.decode("utf-8", "replace")
        if not isinstance(kind, str):
            raise self._broken(f"event {name.decode('utf-8', 'replace')!r} is no JSON object with a type")
        if kind == "error":
            raise failure_in_stream(event, self._status, self._request_id)
        take = self._takers.get(kind)
        if take is not None:
            take(self, event)

    def _start(self, event: JsonObject) -> None:
        message = event.get("message")
        if self._message is not None or not isinstance(message, dict):
            raise self._broken("message_start is not the one start of a message")
        self._message = dict(message)

    def _start_block(self, event: JsonObject) -> None:
        block = event.get("content_block")
        if self._message is None or self._ending or self._open is not None or not isinstance(block, dict):
            raise self._broken("content_block_start out of place")
        if not self._is_next(event):
            raise self._misplaced(event)
        self._open = OpenBlock(block)
        shown = block.get("text")
        if self._on_delta is not None and block["type"] == "text" and isinstance(shown, str) and shown:
            self._on_delta("text", shown)

    def _delta(self, event: JsonObject) -> None:
        delta = event.get("delta")
        if self._open is None or self._ending or not isinstance(delta, dict):
            raise self._broken("content_block_delta without an open block, or behind the message's end")
        index = event.get("index")
        if type(index) is not int or index != len(self._blocks):  # as in `_is_next`, which would be one call for each
            raise self._misplaced(event)
        shown = self._open.add(delta)
        if shown is not None and self._on_delta is not None:
            self._on_delta(*shown)

    def _stop_block(self, event: JsonObject) -> None:
        if self._open is None or self._ending:
            raise self._broken("content_block_stop without an open block, or behind the message's end")
        if not self._is_next(event):
            raise self._misplaced(event)
        self._blocks.append(self._open.finish())
        self._open = None

    def _finish(self, event: JsonObject) -> None:
        delta = event.get("delta")
        if self._message is None or self._stopped or not isinstance(delta, dict):
            raise self._broken("message_delta out of place")
        self._message.update(delta)
        self._ending = self._ending or delta.get("stop_reason") is not None
        usage = event.get("usage")
        if isinstance(usage, dict):  # cumulative: it overwrites, it does not add
            earlier = self._message.get("usage")
            known = {key: value for key, value in usage.items() if value is not None}
            self._message["usage"] = {**earlier, **known} if isinstance(earlier, dict) else known

    def _stop(self, _event: JsonObject) -> None:
        if self._message is None or self._stopped:
            raise self._broken("message_stop out of place")
        if self._open is not None and self._message.get("stop_reason") != "max_tokens":
            raise self._broken("message_stop while a block is open")
        self._ending = self._stopped = True

    def _is_next(self, event: JsonObject) -> bool:
        index = event.get("index")
        return type(index) is int and index == len(self._blocks)  # true and 1.0 are equal to 1, and no index

    def _misplaced(self, event: JsonObject) -> ProtocolError:
        return self._broken(f"block index {event.get('index')!r}, expected {len(self._blocks)}")

    def _broken(self, what: str) -> ProtocolError:
        return ProtocolError(
            f"the stream breaks the protocol: {what}",
            type="protocol_error",
            status=self._status,
            retryable=True,
            request_id=self._request_id,
        )

    _takers: ClassVar[dict[str, Callable[[StreamDecoder, JsonObject], None]]] = {
        "message_start": _start,
        "content_block_start": _start_block,
        "content_block_delta": _delta,
        "content_block_stop": _stop_block,
        "message_delta": _finish,
        "message_stop": _stop,
    }
    """What each known event does; any other kind is passed over, since the API may grow."""


def _parse_together(events: list[tuple[bytes, bytes]]) -> list[Any] | None:
    """The data of all events, for a fraction of what one parse for each costs; None when any of it is no JSON."""
    try:
        values = orjson.loads(b"[%b]" % JOINT.join([data for _, data in events]))
    except orjson.JSONDecodeError:
        return None
    count = len(events)
    whole = len(values) == 2 * count - 1 and values[1::2].count(SEPARATOR) == count - 1
    return values[::2] if whole else None


def _is_json(data: bytes) -> bool:
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        return False
    return True


def _replied(message: JsonObject, content: list[Block], request_id: str | None) -> ModelReplied:
    """The event; refuses a reply that is no message of the assistant, or that asks for tools without naming any."""
    identity, model, stop = message.get("id"), message.get("model"), message.get("stop_reason")
    if not isinstance(identity, str) or not isinstance(model, str):
        raise ProtocolError("the reply has no id or model", type="protocol_error", request_id=request_id)
    if message.get("role", "assistant") != "assistant":
        raise ProtocolError("the reply is no message of the assistant", type="protocol_error", request_id=request_id)
    calls = [block["id"] for block in content if block["type"] == "tool_use"]
    if stop == "tool_use" and not calls:
        raise ProtocolError("stop_reason is tool_use, but there is no tool_use block", type="protocol_error")
    if len(calls) > 1 and len(set(calls)) != len(calls):
        raise ProtocolError("two tool_use blocks have the same id", type="protocol_error", request_id=request_id)
    if nested_too_deep({**message, "content": content}):
        what = f"the reply has more than {MAX_NESTING} lists and objects within one another"
        raise ProtocolError(what, type="protocol_error", request_id=request_id)
    usage = message.get("usage")
    return ModelReplied(
        id=identity,
        model=model,
        content=content,
        stop_reason=stop if isinstance(stop, str) else None,
        usage=usage if isinstance(usage, dict) else {},
        stop_sequence=message.get("stop_sequence"),
        stop_details=message.get("stop_details"),
        request_id=request_id,
    )
