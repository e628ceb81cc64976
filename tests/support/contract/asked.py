"""Versions, keys, errors: what is taken, what is refused, and in which shape."""

from __future__ import annotations

from support.contract.clauses import clause
from support.contract.talk import body, desk, history

NEW = {"anthropic_version": "2026-10-21"}
ERRORS = {
    "400": "invalid_request_error",
    "401": "authentication_error",
    "402": "billing_error",
    "403": "permission_error",
    "404": "not_found_error",
    "409": "conflict_error",
    "413": "request_too_large",
    "429": "rate_limit_error",
    "500": "api_error",
    "504": "timeout_error",
    "529": "overloaded_error",
}
CITED = {"type": "text", "text": "So it says.", "citations": [{"type": "char_location"}]}
DOCUMENT = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}
INVALID = (400, "invalid_request_error")


@clause("versions")
async def both_versions_are_taken() -> None:
    """2023-06-01 and 2026-10-21."""
    async with desk() as api:
        assert (await api.ask()).status == 200
        assert (await api.ask(**NEW)).status == 200


@clause("versions")
async def a_missing_version_is_refused() -> None:
    """400, with the header's name."""
    async with desk() as api:
        refused = await api.ask(anthropic_version="-")
    assert refused.error == INVALID
    assert "anthropic-version" in refused.json["error"]["message"]


@clause("versions")
async def an_unknown_version_is_refused() -> None:
    """400."""
    async with desk() as api:
        assert (await api.ask(anthropic_version="2024-01-01")).error == INVALID


@clause("versions")
async def the_new_version_refuses_sampling() -> None:
    """temperature, top_p and top_k, each of which the old one takes."""
    async with desk() as api:
        for name, value in (("temperature", 0.5), ("top_p", 0.5), ("top_k", 5)):
            asked = body(**{name: value})
            refused = await api.ask(asked, **NEW)
            assert refused.error == INVALID, name
            assert name in refused.json["error"]["message"]
            assert (await api.ask(asked)).status == 200, name


@clause("versions")
async def the_new_version_refuses_documents_in_assistant_turns() -> None:
    """Which the old one takes."""
    asked = history("Hello", [DOCUMENT, {"type": "text", "text": "See there."}], "And?")
    async with desk() as api:
        assert (await api.ask(asked, **NEW)).error == INVALID
        assert (await api.ask(asked)).status == 200


@clause("versions")
async def the_new_version_refuses_citations_of_the_user() -> None:
    """Which the old one takes."""
    async with desk() as api:
        assert (await api.ask(history([CITED]), **NEW)).error == INVALID
        assert (await api.ask(history([CITED]))).status == 200


@clause("auth")
async def both_headers_are_taken() -> None:
    """`x-api-key`, and `Authorization: Bearer`."""
    async with desk() as api:
        assert (await api.ask()).status == 200
        assert (await api.ask(x_api_key="-", authorization="Bearer token")).status == 200


@clause("auth")
async def no_key_and_a_wrong_key_are_refused() -> None:
    """401 in the API's shape."""
    async with desk() as api:
        for headers in ({"x_api_key": "-"}, {"x_api_key": "invalid"}, {"x_api_key": "-", "authorization": "Basic x"}):
            assert (await api.ask(**headers)).error == (401, "authentication_error")


@clause("auth")
async def keys_are_nowhere_told() -> None:
    """Neither in the transcript nor in any answer."""
    async with desk() as api:
        answers = [
            await api.ask(),
            await api.ask(anthropic_version="-"),
            await api.ask(x_api_key="-", authorization="Bearer k-secret"),
        ]
        assert "k-secret" not in repr(api.server.served)
    assert b"k-secret" not in b"".join(answer.raw for answer in answers)


@clause("errors")
async def every_error_has_its_type_and_shape() -> None:
    """`{"type": "error", "error": {...}, "request_id"}`, with the id in the header too."""
    async with desk() as api:
        for status, kind in ERRORS.items():
            assert (await api.ask(x_simulate_fault=status)).error == (int(status), kind)


@clause("errors")
async def an_unknown_path_is_not_found() -> None:
    """404."""
    async with desk() as api:
        assert (await api.ask(path="/v1/complete")).error == (404, "not_found_error")


@clause("errors")
async def an_unknown_model_is_not_found() -> None:
    """404."""
    async with desk() as api:
        assert (await api.ask(body(model="llama"))).error == (404, "not_found_error")


@clause("errors")
async def another_method_is_not_allowed() -> None:
    """405."""
    async with desk() as api:
        assert (await api.ask(b"", method="PUT")).status == 405


@clause("spend caps")
async def a_spend_cap_has_no_wait() -> None:
    """429 with its error code, and no `retry-after`."""
    async with desk() as api:
        for code in ("enforced_spend_limit_reached", "contract_spend_limit_reached"):
            capped = await api.ask(x_simulate_fault=f"spend-cap,code={code}")
            assert capped.error == (429, "rate_limit_error")
            assert capped.json["error"]["details"]["error_code"] == code
            assert not {"retry-after", "retry-after-ms"} & capped.headers.keys()


@clause("spend caps")
async def a_ramp_limit_has_a_wait() -> None:
    """429 with its error code and `retry-after`."""
    async with desk() as api:
        limited = await api.ask(x_simulate_fault="ramp-limit,retry_after=7")
    assert limited.error == (429, "rate_limit_error")
    assert limited.json["error"]["details"]["error_code"] == "ramp_limit_exceeded"
    assert limited.headers["retry-after"] == "7"


@clause("spend caps")
async def a_limit_that_the_customer_set_is_a_bad_request() -> None:
    """400, in words."""
    async with desk() as api:
        limited = await api.ask(x_simulate_fault="customer-limit")
    assert limited.error == INVALID
    assert "usage limits" in limited.json["error"]["message"]


@clause("errors")
async def the_server_says_whether_to_try_again() -> None:
    """`x-should-retry` and both kinds of wait, as they are written."""
    async with desk() as api:
        told = await api.ask(x_simulate_fault="529,should_retry=false,retry_after_ms=250,retry_after=NaN")
    names = ("x-should-retry", "retry-after-ms", "retry-after")
    assert [told.headers[name] for name in names] == ["false", "250", "nan"]


@clause("limits")
async def every_answer_tells_the_limits_and_the_organisation() -> None:
    """Four kinds of limit with limit, remaining and reset, on a message and on an error."""
    async with desk() as api:
        for answer in (await api.ask(), await api.stream(), await api.ask(anthropic_version="-")):
            for kind in ("requests", "tokens", "input-tokens", "output-tokens"):
                for field in ("limit", "remaining", "reset"):
                    assert answer.headers[f"anthropic-ratelimit-{kind}-{field}"]
            assert answer.headers["anthropic-organization-id"]
