"""How bytes travel: framing, compression, delays, and every way in which a connection breaks."""

from __future__ import annotations

import asyncio
import json
import ssl

import pytest

from agentctl.simulator.faults.plan import FaultRule
from support.contract.clauses import clause
from support.contract.talk import body, certified, desk, wire_bytes


@clause("transport")
async def a_connection_is_kept() -> None:
    """Three requests on one, streamed or not."""
    async with desk() as api:
        line = await api.line()
        for asked in (body(), body(stream=True), body()):
            answer = await line.ask(asked)
            assert answer.status == 200
            assert answer.headers["connection"] == "keep-alive"


@clause("transport")
async def streams_come_in_chunks() -> None:
    """One for each event, and the empty one at the end."""
    async with desk() as api:
        answer = await api.stream()
    assert answer.headers["transfer-encoding"] == "chunked"
    assert answer.framing.endswith(b"0\r\n\r\n")
    assert len(answer.kinds) > 5


@clause("transport")
async def a_chunked_request_is_read() -> None:
    """In pieces of any size."""
    data = json.dumps(body()).encode()
    pieces = b"".join(b"%x\r\n%b\r\n" % (len(data[at : at + 7]), data[at : at + 7]) for at in range(0, len(data), 7))
    async with desk() as api:
        line = await api.line()
        line.writer.write(wire_bytes(b"", content_length="-", transfer_encoding="chunked") + pieces + b"0\r\n\r\n")
        assert (await line.answer()).status == 200


@clause("transport")
async def gzip_is_used_when_it_is_taken() -> None:
    """Whole and streamed; the words are the same without it."""
    async with desk() as api:
        for asked in (body(), body(stream=True)):
            packed = await api.ask(asked, accept_encoding="gzip, deflate")
            plain = await api.ask(asked)
            assert packed.headers["content-encoding"] == "gzip"
            assert "content-encoding" not in plain.headers
            assert packed.text == plain.text


@clause("transport")
async def the_first_byte_may_be_late() -> None:
    """Not a byte comes before its time."""
    async with desk() as api:
        line = await api.line()
        await line.send(body(), x_simulate_fault="latency,seconds=0.05")
        asking = asyncio.create_task(line.answer())
        await asyncio.sleep(0.01)
        assert not asking.done()
        assert (await asking).status == 200


@clause("transport")
async def a_stream_may_stall() -> None:
    """Something came, then nothing, and the connection stays."""
    async with desk() as api:
        line = await api.line()
        await line.send(body(stream=True), x_simulate_fault="stall")
        await line.reader.readuntil(b"text_delta")
        try:
            async with asyncio.timeout(0.05):
                await line.reader.read()
        except TimeoutError:
            return
    raise AssertionError("the connection did not stay")


@clause("transport")
async def bytes_may_trickle() -> None:
    """One at a time, sliced anywhere; all of them arrive."""
    async with desk() as api:
        for step in (1, 7):
            answer = await api.stream(fault=f"trickle,bytes={step},every=0")
            assert answer.kinds[-1] == "message_stop"


@clause("transport")
async def a_connection_may_be_reset_inside_a_body() -> None:
    """RST, not FIN."""
    async with desk() as api:
        line = await api.line()
        await line.send(body(stream=True), x_simulate_fault="rst")
        await line.reader.readuntil(b"text_delta")
        assert await line.ended() == "reset"


@clause("transport")
async def a_connection_may_be_closed_inside_a_body() -> None:
    """FIN before the last chunk."""
    async with desk() as api:
        answer = await api.stream(fault="fin")
    assert answer.status == 200
    assert not answer.whole


@clause("transport")
async def a_stream_may_end_properly_but_too_early() -> None:
    """The framing is whole, the message is not."""
    async with desk() as api:
        answer = await api.stream(fault="eof")
    assert answer.whole
    assert "message_stop" not in answer.kinds


@clause("transport")
async def chunks_may_be_short_or_have_no_size() -> None:
    """The framing breaks, in two ways."""
    async with desk() as api:
        for fault in ("short-chunk", "bad-chunk"):
            answer = await api.stream(fault=fault)
            assert answer.status == 200
            assert not answer.whole


@clause("transport")
async def a_compressed_stream_may_be_cut() -> None:
    """The framing is whole, the compression is not."""
    async with desk() as api:
        answer = await api.ask(body(stream=True), accept_encoding="gzip", x_simulate_fault="cut-gzip")
    assert answer.whole
    assert answer.text
    assert b"message_stop" not in answer.text


@clause("transport")
async def a_kept_connection_may_be_closed_between_requests() -> None:
    """A whole reply that promised to keep it."""
    async with desk() as api:
        line = await api.line()
        answer = await line.ask(x_simulate_fault="hang-up")
        assert answer.whole
        assert answer.headers["connection"] == "keep-alive"
        assert await line.ended() == "closed"


@clause("transport")
async def a_redirect_can_be_had() -> None:
    """Every status that is one, to any place."""
    async with desk() as api:
        for status in (301, 302, 303, 307, 308):
            answer = await api.ask(x_simulate_fault=f"redirect,status={status},to=http://127.0.0.1:9/elsewhere")
            assert (answer.status, answer.headers["location"]) == (status, "http://127.0.0.1:9/elsewhere")


@clause("transport")
async def a_client_that_expects_100_is_told_to_go_on() -> None:
    """`100 Continue` before the body is sent; 417 for any other expectation."""
    data = wire_bytes(body(), expect="100-continue")
    head, _, rest = data.partition(b"\r\n\r\n")
    async with desk() as api:
        line = await api.line()
        line.writer.write(head + b"\r\n\r\n")
        assert (await line.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        line.writer.write(rest)
        assert (await line.answer()).status == 200
        assert (await api.ask(expect="200-maybe")).status == 417


@clause("transport")
async def a_body_that_is_too_large_is_refused_unread() -> None:
    """413 before a byte of it was sent, and no `100 Continue`."""
    async with desk() as api:
        answer = await api.ask(b"", content_length="99999999", expect="100-continue")
    assert answer.error == (413, "request_too_large")
    assert answer.interim == ()


@clause("transport")
async def replies_of_status_1xx_may_come_first() -> None:
    """103 and others, one or several, whole and streamed."""
    async with desk() as api:
        answer = await api.ask(x_simulate_fault="interim")
        assert (answer.status, answer.interim) == (200, (103,))
        answer = await api.stream(fault="interim,status=102,times=3")
        assert (answer.kinds[-1], answer.interim) == ("message_stop", (102, 102, 102))


@clause("transport")
async def a_content_length_may_be_wrong() -> None:
    """More than comes, or less; whole and streamed."""
    async with desk() as api:
        for asked in (body(), body(stream=True)):
            whole = await api.ask({**asked, "stream": False}) if not asked.get("stream") else await api.ask(asked)
            more = await api.ask(asked, x_simulate_fault="wrong-length,more=10")
            less = await api.ask(asked, x_simulate_fault="wrong-length,less=10")
            assert more.raw == whole.raw
            assert not more.whole
            assert less.raw == whole.raw[:-10]


@clause("transport")
async def a_connection_may_be_dropped_without_a_reply() -> None:
    """The request was read, and the message made: it is billed."""
    async with desk() as api:
        line = await api.line()
        await line.send(body(stream=True), x_simulate_fault="drop")
        assert await line.reader.read() == b""
        assert len(api.server.billed) == 1


@clause("transport")
async def a_connection_may_be_refused() -> None:
    """Reset before a byte is read; the next one is served."""
    async with desk([FaultRule(fault="refuse", nth=1)]) as api:
        first = await api.line()
        assert await first.ended() == "reset"
        assert (await api.ask()).status == 200
        assert [served.fault for served in api.server.served] == ["refuse", ""]


@clause("transport")
async def an_answer_may_come_before_the_body_is_read() -> None:
    """429 and 413 to a body of which not a byte was sent; the connection is not kept."""
    async with desk([FaultRule(fault="early,status=413", nth=2)]) as api:
        limited = await api.ask(b"", content_length="1000", x_simulate_fault="early,retry_after=3")
        assert limited.error == (429, "rate_limit_error")
        assert (limited.headers["retry-after"], limited.headers["connection"]) == ("3", "close")
        assert (await api.ask(b"", content_length="1000")).error == (413, "request_too_large")
        assert api.server.billed == []


@clause("transport")
async def who_is_still_sending_is_heard_out() -> None:
    """An early answer is not lost in a reset: the rest of the body is taken in, and thrown away."""
    async with desk() as api:
        line = await api.line()
        await line.send(b" " * 8_000_000, x_simulate_fault="early")
        assert (await line.answer()).error == (429, "rate_limit_error")


@clause("TLS")
async def tls_is_served_with_a_certificate() -> None:
    """A client that trusts it gets its answers, a client that does not gets an error of its own."""
    async with desk(**certified()) as api:
        assert api.server.base_url.startswith("https://")
        line = await api.line()
        assert (await line.ask()).status == 200
        assert (await line.ask(body(stream=True))).kinds[-1] == "message_stop"
        api.trust = ssl.create_default_context()
        with pytest.raises(ssl.SSLCertVerificationError):
            await api.line()


@clause("TLS")
async def a_handshake_may_fail() -> None:
    """With any alert; the next connection is served."""
    async with desk([FaultRule(fault="tls,alert=internal_error", nth=1)], **certified()) as api:
        with pytest.raises(ssl.SSLError, match="INTERNAL_ERROR"):
            await api.line()
        assert (await api.ask()).status == 200


@clause("TLS")
async def what_is_no_handshake_is_no_request() -> None:
    """Plain HTTP, nothing at all, and silence: no answer, and the next one is served."""
    async with desk(**certified()) as api:
        trust, api.trust = api.trust, None
        plain, gone, _silent = [await api.line() for _ in range(3)]
        await plain.send(body())
        gone.writer.close()
        assert await plain.ended() in {"closed", "reset"}
        api.trust = trust
        assert (await api.ask()).status == 200
        assert len(api.server.served) == 1


@clause("TLS")
async def a_reply_breaks_under_tls_as_without() -> None:
    """Reset, closed inside the body, and dropped."""
    async with desk(**certified()) as api:
        assert not (await api.stream(fault="fin")).whole
        assert not (await api.stream(fault="rst")).whole
        line = await api.line()
        await line.send(body(), x_simulate_fault="drop")
        assert await line.reader.read() == b""


@clause("transport")
async def proxies_answer_with_pages_and_with_nothing() -> None:
    """HTML with 200 or 502, and no body at all."""
    async with desk() as api:
        for status in (200, 502):
            page = await api.ask(x_simulate_fault=f"html,status={status}")
            assert (page.status, page.headers["content-type"].partition(";")[0]) == (status, "text/html")
        assert (await api.ask(x_simulate_fault="empty")).raw == b""
