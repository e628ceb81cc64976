"""Histories and fields that the API would refuse: one clause each, and the nearest one that it takes."""

from __future__ import annotations

import asyncio
from typing import Any

from agentctl.simulator.compose import signature_of
from agentctl.simulator.http import MAX_BODY
from support.contract.clauses import clause
from support.contract.talk import TOOL, Desk, body, desk, history, wire_bytes

ASKED = "Where is it?"
THINKING = {"type": "enabled", "budget_tokens": 1024}


def call(name: str = "a") -> dict[str, Any]:
    """A tool call."""
    return {"type": "tool_use", "id": f"toolu_{name}", "name": "look", "input": {}}


def result(name: str = "a") -> dict[str, Any]:
    """Its result."""
    return {"type": "tool_result", "tool_use_id": f"toolu_{name}", "content": "there"}


def thought(text: str = "First this.", signature: str | None = None) -> dict[str, Any]:
    """A thinking block, signed."""
    return {"type": "thinking", "thinking": text, "signature": signature or signature_of(text)}


SAID = {"type": "text", "text": "so"}


async def refused(api: Desk, asked: dict[str, Any], *words: str) -> None:
    """Asserts a 400 whose sentence has these words."""
    answer = await api.ask(asked)
    assert answer.error == (400, "invalid_request_error")
    for word in words:
        assert word in answer.json["error"]["message"], answer.json


@clause("validator")
async def answered_calls_are_taken() -> None:
    """One call, and two in one message."""
    async with desk() as api:
        assert (await api.ask(history(ASKED, [call()], [result()]))).status == 200
        assert (await api.ask(history(ASKED, [call(), call("b")], [result("b"), result()]))).status == 200


@clause("validator")
async def an_unanswered_call_is_refused() -> None:
    """No result, results for others only, or words in its place."""
    async with desk() as api:
        await refused(api, history(ASKED, [call()], "and?"), "toolu_a", "tool_result")
        await refused(api, history(ASKED, [call(), call("b")], [result()]), "toolu_b")


@clause("validator")
async def an_unknown_result_is_refused() -> None:
    """Of a call that nobody made, or that was made earlier."""
    async with desk() as api:
        await refused(api, history(ASKED, [call()], [result(), result("b")]), "unexpected", "toolu_b")
        await refused(api, history([result()]), "unexpected")


@clause("validator")
async def two_results_of_a_call_are_refused() -> None:
    """In one message."""
    async with desk() as api:
        await refused(api, history(ASKED, [call()], [result(), result()]), "single result")


@clause("validator")
async def an_id_used_twice_is_refused() -> None:
    """In one message, and in two."""
    async with desk() as api:
        await refused(api, history(ASKED, [call(), call()], [result()]), "unique")
        await refused(api, history(ASKED, [call()], [result()], [call()], [result()]), "unique")


@clause("validator")
async def results_split_over_turns_are_refused() -> None:
    """The second half comes after the assistant spoke again."""
    async with desk() as api:
        split = history(ASKED, [call(), call("b")], [result()], [SAID], [result("b")])
        await refused(api, split, "toolu_b")


@clause("validator")
async def words_behind_a_call_are_refused() -> None:
    """In the assistant's turn."""
    async with desk() as api:
        await refused(api, history(ASKED, [call(), SAID], [result()]), "end")


@clause("validator")
async def words_before_results_are_refused() -> None:
    """In the user's turn."""
    async with desk() as api:
        await refused(api, history(ASKED, [call()], [SAID, result()]), "first")


@clause("validator")
async def empty_text_is_refused() -> None:
    """None at all, and nothing but blanks."""
    async with desk() as api:
        for text in ("", "  \n"):
            await refused(api, history([{"type": "text", "text": text}]), "text content blocks must")
        await refused(api, history(""), "non-empty")


@clause("validator")
async def words_put_into_the_models_mouth_are_refused() -> None:
    """By models that do not take them; an older one does."""
    async with desk() as api:
        await refused(api, history(ASKED, "It is"), "prefill")
        assert (await api.ask(history(ASKED, "It is", model="claude-3-haiku-20240307"))).status == 200


@clause("validator")
async def a_tool_name_keeps_to_its_pattern() -> None:
    """Letters, digits, `_` and `-`; up to 128; each name once."""
    async with desk() as api:
        for name in ("look up", "", "é", "x" * 129):
            await refused(api, body(tools=[{**TOOL, "name": name}]), "pattern")
        await refused(api, body(tools=[TOOL, TOOL]), "unique")
        assert (await api.ask(body(tools=[{**TOOL, "name": "x" * 128}]))).status == 200


@clause("validator")
async def max_tokens_keeps_to_the_models_limit() -> None:
    """At least one, at most the model's own."""
    async with desk() as api:
        for wanted in (0, 128_001):
            await refused(api, body(max_tokens=wanted), "max_tokens")
        await refused(api, body(max_tokens=4_097, model="claude-3-haiku-20240307"), "4096")
        assert (await api.ask(body(max_tokens=128_000))).status == 200


@clause("validator")
async def the_body_limit_is_32_megabytes() -> None:
    """413 for one byte more, without waiting for the body; a body of that size is read."""
    async with desk() as api:
        too_large = (413, "request_too_large")
        assert (await api.ask(b"", content_length=str(MAX_BODY + 1))).error == too_large
        chunk = b"%x\r\n" % (MAX_BODY + 1)
        chunked = await api.line()
        chunked.writer.write(wire_bytes(b"", content_length="-", transfer_encoding="chunked") + chunk)
        assert (await chunked.answer()).error == too_large
        line = await api.line()
        await line.send(b" " * (MAX_BODY - 2) + b"{}")
        async with asyncio.timeout(10):
            assert (await line.answer()).status == 400
    assert MAX_BODY == 32 * 1024 * 1024


@clause("thinking")
async def a_signature_covers_the_text() -> None:
    """What was signed is taken back; a changed text or signature is not."""
    asked = body("think", thinking=THINKING, max_tokens=2000)
    async with desk() as api:
        replied = (await api.ask(asked)).json["content"]
        assert replied[0]["type"] == "thinking"
        assert (await api.ask(history("think", replied, "and?"))).status == 200
        for change in ({"thinking": "Shall I hook?"}, {"signature": "0" * 64}, {"signature": ""}):
            await refused(api, history("think", [{**replied[0], **change}, *replied[1:]], "and?"), "signature")


@clause("thinking")
async def missing_thinking_in_the_turn_in_hand_is_refused() -> None:
    """With manual thinking on, a turn that called tools goes back with the thinking it began with."""
    fields: dict[str, Any] = {"thinking": THINKING, "max_tokens": 2000}
    async with desk() as api:
        assert (await api.ask(history(ASKED, [thought(), call()], [result()], **fields))).status == 200
        await refused(api, history(ASKED, [call()], [result()], **fields), "thinking")
