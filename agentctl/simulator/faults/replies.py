"""Answers in the place of a message: an error of the API in its own shape, or what something on the way would say.

Nothing was generated, so nothing is billed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from agentctl.config.faults import Fault
from agentctl.simulator.http import HttpReply

PAGE: Final = b"<!DOCTYPE html>\n<html><head><title>Bad gateway</title></head><body>Bad gateway</body></html>\n"
TYPES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
RATE_LIMIT: Final = 429
BAD_REQUEST: Final = 400
CUSTOMER_LIMIT: Final = (
    "You have reached your specified API usage limits. You will regain access on 2027-01-01 at 00:00 UTC."
)
"""The sentence of a limit that a customer set in the console: a 400, without an error code."""
SENTENCES: Final = {RATE_LIMIT: "This request would exceed your rate limit", 529: "Overloaded"}
JSON: Final = {"content-type": "application/json"}

Headers = Mapping[str, str]


def instead(fault: Fault, request_id: str, common: Headers) -> HttpReply:
    """The answer that this fault gives; `common` are the headers that every answer has."""
    answer = ANSWERS.get(fault.kind, _status)
    return answer(fault.values, {"kind": fault.kind, "request_id": request_id}, common)


def _status(values: Mapping[str, Any], about: Mapping[str, str], common: Headers) -> HttpReply:
    status = int(about["kind"])
    headers = {
        name.replace("_", "-"): str(values[name]) for name in ("retry_after", "retry_after_ms") if values[name] != ""
    }
    if values["should_retry"] != "":
        headers["x-should-retry"] = str(values["should_retry"])
    error: dict[str, Any] = {
        "type": values["type"] or TYPES.get(status, "api_error"),
        "message": values["message"] or SENTENCES.get(status, f"a simulated {status}"),
    }
    if values["code"]:
        error["details"] = {"error_code": values["code"]}
    return _error(status, error, about["request_id"], {**common, **headers})


def _spend_cap(values: Mapping[str, Any], about: Mapping[str, str], common: Headers) -> HttpReply:
    error = {
        "type": "rate_limit_error",
        "message": "The spend limit of this organization is reached",
        "details": {"error_code": values["code"]},
    }
    return _error(RATE_LIMIT, error, about["request_id"], common)


def _ramp_limit(values: Mapping[str, Any], about: Mapping[str, str], common: Headers) -> HttpReply:
    error = {
        "type": "rate_limit_error",
        "message": "This request would exceed the rate at which your usage may grow",
        "details": {"error_code": "ramp_limit_exceeded"},
    }
    return _error(RATE_LIMIT, error, about["request_id"], {**common, "retry-after": str(values["retry_after"])})


def _customer_limit(_values: Mapping[str, Any], about: Mapping[str, str], common: Headers) -> HttpReply:
    error = {"type": "invalid_request_error", "message": CUSTOMER_LIMIT}
    return _error(BAD_REQUEST, error, about["request_id"], common)


def _early(values: Mapping[str, Any], about: Mapping[str, str], common: Headers) -> HttpReply:
    plain = dict.fromkeys(("retry_after_ms", "should_retry", "type", "message", "code"), "")
    return _status({**plain, **values}, {**about, "kind": str(values["status"])}, common)


def _error(status: int, error: Mapping[str, Any], request_id: str, headers: Headers) -> HttpReply:
    body = {"type": "error", "error": error, "request_id": request_id}
    return HttpReply(status, {**JSON, **headers}, orjson.dumps(body))


def _page(values: Mapping[str, Any], _about: Mapping[str, str], _common: Headers) -> HttpReply:
    return HttpReply(values["status"], {"content-type": "text/html; charset=utf-8"}, PAGE)


def _redirect(values: Mapping[str, Any], _about: Mapping[str, str], _common: Headers) -> HttpReply:
    return HttpReply(values["status"], {"location": values["to"]}, b"")


def _empty(values: Mapping[str, Any], _about: Mapping[str, str], common: Headers) -> HttpReply:
    return HttpReply(values["status"], {**JSON, **common}, b"")


ANSWERS: Final[Mapping[str, Callable[[Mapping[str, Any], Mapping[str, str], Headers], HttpReply]]] = {
    "spend-cap": _spend_cap,
    "ramp-limit": _ramp_limit,
    "customer-limit": _customer_limit,
    "early": _early,
    "html": _page,
    "redirect": _redirect,
    "empty": _empty,
}
"""Every kind that is no plain status."""
