"""Errors of the API: what they are called, whether asking again can help, and how long the server wants us to wait."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.errors import ApiError, ModelError
from agentctl.model.failures import failure_of, retry_after
from support.wire import JSON, outcome, read


def refusal(kind: str, text: str = "no", **detail: Any) -> bytes:
    """An error body of the API."""
    return orjson.dumps({"type": "error", "error": {"type": kind, "message": text, **detail}, "request_id": "req_body"})


TABLE = [
    (400, "invalid_request_error", False),
    (401, "authentication_error", False),
    (402, "billing_error", False),
    (403, "permission_error", False),
    (404, "not_found_error", False),
    (408, "timeout_error", True),
    (409, "conflict_error", True),
    (413, "request_too_large", False),
    (429, "rate_limit_error", True),
    (500, "api_error", True),
    (502, "api_error", True),
    (503, "api_error", True),
    (504, "timeout_error", True),
    (529, "overloaded_error", True),
]


@pytest.mark.parametrize(("status", "kind", "retryable"), TABLE)
@pytest.mark.parametrize("body", [None, b"", b"<html>Bad Gateway</html>", b"\xff\xfe", b"[]", b'{"error": null}'])
def test_statuses(status: int, kind: str, retryable: bool, body: bytes | None) -> None:  # noqa: FBT001  a column
    """Each status has its type and its class, whether the body is the API's or a proxy's."""
    body = refusal(kind) if body is None else body
    assert outcome(body, status=status, headers=JSON)[1] == ("ApiError", kind, retryable)
    assert outcome(body, status=status, headers={})[1] == ("ApiError", kind, retryable)


@pytest.mark.parametrize(("status", "kind"), [(418, "unknown_error"), (307, "unknown_error"), (599, "api_error")])
def test_statuses_nobody_knows(status: int, kind: str) -> None:
    """A status the API does not use is told by its hundred."""
    assert outcome(b"teapot", status=status, headers={})[1] == ("ApiError", kind, status >= 500)


def test_text_of_the_error() -> None:
    """The person reads the status, the type and what the API said, and the id to quote to its support."""
    with pytest.raises(ApiError) as caught:
        read(refusal("not_found_error", "model: claude-nope"), status=404, headers=JSON)
    assert str(caught.value) == "HTTP 404 not_found_error: model: claude-nope"
    assert caught.value.request_id == "req_1"
    assert "model" in caught.value.hint


def test_request_id_of_the_body() -> None:
    """Without the header the id in the body is taken."""
    assert failure_of(500, {}, refusal("api_error")).request_id == "req_body"


def test_long_and_strange_bodies_are_quoted_in_part() -> None:
    """A page is not printed whole; what is no error object is quoted."""
    assert len(str(failure_of(502, {}, b"<html>" + b"x" * 10_000))) < 300
    assert "bad gateway" in str(failure_of(502, {}, b'{"error": "bad gateway"}'))
    assert "empty body" in str(failure_of(500, {}, b""))


@pytest.mark.parametrize("code", ["enforced_spend_limit_reached", "contract_spend_limit_reached"])
def test_spend_caps_are_not_asked_again(code: str) -> None:
    """No wait lifts a spend cap, although it comes as a 429."""
    body = refusal("rate_limit_error", details={"error_code": code})
    assert outcome(body, status=429, headers=JSON)[1] == ("ApiError", "rate_limit_error", False)


@pytest.mark.parametrize("details", [None, {}, {"error_code": "ramp_limit_exceeded"}, {"error_code": ["x"]}, "x", []])
def test_other_limits_are_asked_again(details: Any) -> None:
    """Any other 429 passes by itself."""
    body = refusal("rate_limit_error", details=details)
    assert outcome(body, status=429, headers=JSON)[1] == ("ApiError", "rate_limit_error", True)


@pytest.mark.parametrize(("status", "_kind", "retryable"), TABLE)
def test_the_servers_word_wins(status: int, _kind: str, retryable: bool) -> None:  # noqa: FBT001  a column
    """`x-should-retry` decides, whatever the status; anything but true and false is not a word."""
    for told, expected in (("false", False), ("true", True), ("perhaps", retryable)):
        error = outcome(b"", status=status, headers={"x-should-retry": told})[1]
        assert error is not None
        assert error[2] is expected


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("2", 2.0),
        ("2.5", 2.5),
        (" 3 ", 3.0),
        ("3600", 3600.0),
        ("1e3", 1000.0),
        ("NaN", None),
        ("nan", None),
        ("inf", None),
        ("-inf", None),
        ("Infinity", None),
        ("1e999", None),
        ("-5", None),
        ("-0.1", None),
        ("", None),
        ("soon", None),
        ("5 s", None),
        ("0x10", None),
        ("2099", 2099.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", None),
        ("Wed, 21 Oct 2015 07:28:00 -0000", None),
        ("Wed, 99 Oct 2099 07:28:00 GMT", None),
        ("Fri, 31 Dec 99999 23:59:59 GMT", None),
        ("21 Oct", None),
        ("\ud800", None),
    ],
)
def test_retry_after(text: str, seconds: float | None) -> None:
    """A wait is a finite number that is not negative; anything else is no wait, and ours decides."""
    assert retry_after({"retry-after": text}) == seconds


@pytest.mark.parametrize("zone", ["GMT", "-0000", "+0000", ""])
def test_retry_after_a_date(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    """A date is a wait until then in UTC, whatever the time zone here is called."""
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    try:
        text = formatdate(time.time() + 100, usegmt=True).replace("GMT", zone).strip()
        wait = retry_after({"retry-after": text})
    finally:
        monkeypatch.undo()
        time.tzset()
    assert wait is not None
    assert 97 < wait <= 100


def test_retry_after_a_far_date() -> None:
    """A date in 2099 is the wait it says: the retry loop refuses it."""
    wait = retry_after({"retry-after": "Wed, 21 Oct 2099 07:28:00 GMT"})
    assert wait is not None
    assert wait > 365 * 86400


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "nonsense", "retry-after": "9"}, 9.0),
        ({"retry-after-ms": "-1", "retry-after": "9"}, 9.0),
        ({"retry-after-ms": "nan"}, None),
        ({}, None),
    ],
)
def test_retry_after_milliseconds(headers: dict[str, str], seconds: float | None) -> None:
    """The finer header is the better one, when it is a number."""
    assert retry_after(headers) == seconds


@given(st.text(max_size=40))
def test_retry_after_any_text(text: str) -> None:
    """No text is an exception, and every wait is one a clock can hold."""
    wait = retry_after({"retry-after": text, "retry-after-ms": text})
    assert wait is None or 0 <= wait < float("inf")


BODIES = st.recursive(
    st.one_of(st.none(), st.integers(-9, 9), st.sampled_from(["error", "rate_limit_error", "x"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(
            st.sampled_from(["error", "type", "message", "details", "error_code", "request_id"]), inner, max_size=4
        ),
    ),
    max_leaves=8,
)


@given(st.integers(300, 999), BODIES)
def test_every_status_says_what_to_do(status: int, body: Any) -> None:
    """Whatever the API answers, a person is told a way on."""
    assert failure_of(status, {}, orjson.dumps(body)).hint


@given(st.integers(300, 999), BODIES, st.booleans())
def test_any_error_body(status: int, body: Any, whole: bool) -> None:  # noqa: FBT001  drawn
    """Whatever an error body holds, it becomes a typed error with a text."""
    data = orjson.dumps(body) if whole else orjson.dumps(body)[:-1]
    error = failure_of(status, {}, data)
    assert isinstance(error, ModelError)
    assert str(error).startswith(f"HTTP {status} ")
    assert isinstance(error.type, str)
    assert error.request_id is None or isinstance(error.request_id, str)


def test_a_limit_that_the_customer_set_is_a_spend_cap() -> None:
    """A 400 by its status, but the request was right: what helps is a higher limit."""
    said = "You have reached your specified API usage limits. You will regain access on 2027-01-01 at 00:00 UTC."
    error = failure_of(400, JSON, refusal("invalid_request_error", said))
    assert isinstance(error, ApiError)
    assert (error.is_spend_cap, error.retryable) == (True, False)
    assert "spend limit" in error.hint
