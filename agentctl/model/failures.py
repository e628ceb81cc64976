"""An HTTP error becomes one typed error: what happened, whether asking again can help, and what a person should do.

Retryable are the failures that pass by themselves: 408, 409, 429, 5xx, an overload inside a stream. Never retried are
errors in the request, in the account or in the key, and a spend cap: it comes as a 429 without `retry-after`, and no
wait lifts it. `x-should-retry` is the server's own word and wins.
"""

from __future__ import annotations

import email.utils
import math
import time
from collections.abc import Mapping
from datetime import UTC
from typing import Any

import orjson

from agentctl.agent.events import JsonObject
from agentctl.errors import ApiError, ModelError, ProtocolError

TYPE_OF_STATUS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
RETRYABLE_STATUS = frozenset({408, 409, 429})
RETRYABLE_TYPES = frozenset({"api_error", "overloaded_error", "rate_limit_error", "timeout_error"})
SPEND_CAPS = frozenset({"enforced_spend_limit_reached", "contract_spend_limit_reached"})
CUSTOMER_LIMIT = "reached your specified API usage limits"
"""A limit that the customer set in the console is a 400 that only its sentence tells from a wrong request."""
CLIENT_ERROR = 400
SERVER_ERROR = 500
MAX_QUOTE = 200
MAX_MESSAGE = 2000
MAX_NAME = 100

LATER = "try again later, or name `fallbacks` in the agent's YAML"

HINTS = {
    400: "the request was refused as invalid; `agentctl validate` checks the documents it was built from",
    401: "set ANTHROPIC_API_KEY to a valid key, or add --simulate to run without one",
    402: "check the billing of the account the key belongs to",
    403: "the key may not use this model or feature; use another key or model",
    404: "check the model's name and `provider.base_url` in the agent's YAML",
    413: "the conversation is larger than the API takes; start a new one or shorten the tool results",
    429: "wait, lower -j/--max-concurrency, or ask for a higher rate limit",
    **dict.fromkeys(range(300, 400), "redirects are not followed: set `provider.base_url` to where the API really is"),
}


def failure_of(status: int, headers: Mapping[str, str], body: bytes) -> ModelError:
    """The typed error behind a reply that is not a 2xx, or behind an error object in a 2xx."""
    detail = _error_object(body)
    kind = (
        _sentence(detail.get("type"), MAX_NAME)
        or TYPE_OF_STATUS.get(status)
        or ("api_error" if status >= SERVER_ERROR else "")
    )
    quoted = body[:MAX_QUOTE].decode("utf-8", "replace").strip()
    message = _sentence(detail.get("message")) or _sentence(quoted) or "empty body"
    wait, capped = retry_after(headers), _is_spend_cap(detail)
    return ApiError(
        f"HTTP {status} {kind or 'unknown_error'}: {message}",
        type=kind or "unknown_error",
        status=status,
        retryable=_retryable(status, kind, headers, detail),
        retry_after=wait,
        request_id=headers.get("request-id") or _sentence(detail.get("request_id"), MAX_NAME),
        hint="raise the spend limit of the account" if capped else HINTS.get(status) or _advice(status),
        is_spend_cap=capped,
    )


def failure_in_stream(data: JsonObject, status: int, request_id: str | None) -> ModelError:
    """The typed error behind an `error` event inside a stream: told by its type, since the status says 200."""
    detail = data.get("error")
    detail = detail if isinstance(detail, dict) else {}
    kind = _sentence(detail.get("type"), MAX_NAME) or "api_error"
    return ApiError(
        f"the stream broke off with {kind}: {_sentence(detail.get('message')) or 'no message'}",
        type=kind,
        status=status,
        retryable=kind in RETRYABLE_TYPES,
        request_id=request_id,
        hint=LATER,
    )


def not_a_message(status: int, body: bytes, request_id: str | None) -> ModelError:
    """The typed error behind a 200 that is neither JSON of a message nor an event stream (a proxy's HTML page)."""
    quoted = " ".join(body[:MAX_QUOTE].decode("utf-8", "replace").split())
    return ProtocolError(
        f"HTTP {status}, but the body is no Messages API reply: {quoted!r}",
        type="protocol_error",
        status=status,
        request_id=request_id,
        hint="check `provider.base_url` (or ANTHROPIC_BASE_URL): something else answers there",
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The server's wait in seconds from `retry-after-ms` or `retry-after` (seconds or an HTTP date), or None.

    Anything that is no finite, non-negative wait (NaN, inf, negative, past dates, words) is None: then our own backoff
    decides.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is not None or text is None:
        return seconds
    try:
        date = email.utils.parsedate_to_datetime(text)
        until = (date if date.tzinfo is not None else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
    wait = until - time.time()
    return wait if wait >= 0 else None


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _retryable(status: int, kind: str, headers: Mapping[str, str], detail: JsonObject) -> bool:
    told = headers.get("x-should-retry")
    if told in {"true", "false"}:
        return told == "true"
    if _is_spend_cap(detail):
        return False
    return status in RETRYABLE_STATUS or status >= SERVER_ERROR or (status < CLIENT_ERROR and kind in RETRYABLE_TYPES)


def _is_spend_cap(detail: JsonObject) -> bool:
    details = detail.get("details")
    code = details.get("error_code") if isinstance(details, dict) else None
    return _text(code) in SPEND_CAPS or CUSTOMER_LIMIT in _text(detail.get("message"))


def _error_object(body: bytes) -> JsonObject:
    """The `error` object of the API's error shape, with the outer `request_id` put in; `{}` for any other body."""
    try:
        data: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(data, dict):
        return {}
    detail = data.get("error")
    if isinstance(detail, str):
        return {"message": detail}
    return {"request_id": data.get("request_id"), **detail} if isinstance(detail, dict) else {}


def _advice(status: int) -> str:
    """For a status that the table does not name."""
    if status < SERVER_ERROR and status not in RETRYABLE_STATUS:
        return "check `provider.base_url` (or ANTHROPIC_BASE_URL): the Messages API has no such reply"
    return LATER


def _sentence(value: object, most: int = MAX_MESSAGE) -> str:
    """Words of the server in one line of bearable length: with line ends it could write lines in our name."""
    words = " ".join(_text(value).split())
    return words if len(words) <= most else f"{words[: most - 1]}…"


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
