"""One interaction out of any recorder's shape: vcrpy old and new, pydantic-ai, cassetter, langchain, Ruby, R, Go, PHP.

They all keep a request and a reply and differ in names only, so what is read is generous; but an interaction that lacks
its reply or its status is a file cut short, and a body in a shape not known here is refused rather than guessed.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import orjson

from agentctl.cassette.tape import Interaction
from agentctl.errors import CassetteError

NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})
STATUSES: Final = range(100, 600)
PACKED: Final = ("base64_string", "raw_gzip")
WRAPPER_KEYS: Final = frozenset({"string", "encoding", "size", "text", *PACKED})
"""Keys that say a mapping wraps a body's text; any other mapping is the parsed body itself."""
TYPED_KEYS: Final = frozenset({"type", "content"})
TYPES: Final = frozenset({"json", "text", "binary", "none"})
"""cassetter's bodies say what their `content` is."""


def interactions(document: Any) -> list[Any]:
    """The raw interactions in a parsed file.

    Raises:
        CassetteError: it is no cassette.
    """
    if isinstance(document, dict):
        for key in ("interactions", "http_interactions"):
            if key in document:
                return _listed(document[key], key)
        if "requests" in document and "responses" in document:
            return _paired(_listed(document["requests"], "requests"), _listed(document["responses"], "responses"))
        shown = ", ".join(str(key) for key in list(document)[:5])
        raise CassetteError(f"not a cassette: no `interactions` among its keys ({shown or 'none'})")
    if isinstance(document, list):
        return document
    raise CassetteError("not a cassette: no mapping with `interactions`")


def interaction(raw: Any) -> Interaction:
    """The values of one raw interaction.

    Raises:
        CassetteError: it is cut short or of an unknown shape.
    """
    if not isinstance(raw, dict):
        raise CassetteError("is no mapping")
    request, response = raw.get("request"), raw.get("response")
    if not isinstance(request, dict):
        raise CassetteError("has no request")
    if not isinstance(response, dict):
        raise CassetteError("has no response: the file is cut short")
    method, uri = request.get("method"), request.get("uri", request.get("url"))
    if not isinstance(method, str) or not isinstance(uri, str):
        raise CassetteError("has a request without method or uri")
    return Interaction(
        method=method.upper(),
        uri=uri,
        request=_body(request),
        status=_status(response),
        headers=headers(response.get("headers")),
        stored=_body(response),
        request_headers=headers(request.get("headers")),
    )


def headers(raw: Any) -> Mapping[str, str]:
    """Lower-case names with their first values; anything that is no mapping or list of pairs is no headers."""
    if not raw:
        return NO_HEADERS
    if isinstance(raw, list):
        raw = {pair[0]: pair[1] for pair in raw if isinstance(pair, list) and len(pair) == 2}  # noqa: PLR2004  a pair
    if not isinstance(raw, dict):
        return NO_HEADERS
    return {
        str(name).lower(): value[0] if type(value) is list and value and type(value[0]) is str else _first(value)
        for name, value in raw.items()
    }


def _first(value: Any) -> str:
    if type(value) is list:
        value = value[0] if value else ""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return "" if value is None else str(value)


def _status(response: dict[str, Any]) -> int:
    status = response.get("status")
    code = status.get("code") if isinstance(status, dict) else response.get("code", response.get("status_code", status))
    if isinstance(code, str) and code[:3].isdecimal():
        code = int(code[:3])
    if not isinstance(code, int) or code not in STATUSES:
        raise CassetteError("has a response without a status code: the file is cut short")
    return code


def _body(message: dict[str, Any]) -> str | bytes:
    body = message.get("body", message.get("content", ""))
    if "parsed_body" not in message:
        if isinstance(body, (str, bytes)):
            return body
        if type(body) is dict and len(body) == 1 and type(text := body.get("string")) is str:  # nearly all there are
            return text
    for holder in (message, body):
        if isinstance(holder, dict) and "parsed_body" in holder:
            return _parsed(holder["parsed_body"])
    if isinstance(body, dict) and WRAPPER_KEYS.issuperset(body):
        return _unwrapped(body)
    if isinstance(body, dict) and TYPED_KEYS.issuperset(body) and body.get("type") in TYPES:
        return _typed(body["type"], body.get("content"))
    return "" if body is None else _parsed(body)


def _unwrapped(body: dict[str, Any]) -> str | bytes:
    packed = next((body[key] for key in PACKED if body.get(key) is not None), None)
    if packed is not None:
        return _bytes_in(packed, base64.b64decode)
    text = body.get("string", body.get("text"))
    if text is None:
        return ""
    return text if isinstance(text, (str, bytes)) else _parsed(text)


def _typed(kind: str, content: Any) -> str | bytes:
    if content is None:
        return "" if kind != "json" else "null"
    if kind == "binary":
        return content if isinstance(content, bytes) else _bytes_in(content, bytes.fromhex)
    if kind == "text" and isinstance(content, (str, bytes)):
        return content
    return orjson.dumps(content) if kind == "json" and isinstance(content, str) else _parsed(content)


def _bytes_in(packed: Any, unpack: Callable[[str], bytes]) -> bytes:
    try:
        return unpack(packed)
    except (binascii.Error, ValueError, TypeError):
        raise CassetteError("has a body whose bytes are neither base64 nor hexadecimal") from None


def _parsed(value: Any) -> str | bytes:
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value)
    except TypeError as error:
        raise CassetteError(f"has a parsed body that is no JSON ({error})") from None


def _listed(value: Any, key: str) -> list[Any]:
    if not isinstance(value, list):
        raise CassetteError(f"`{key}` is no list: the file is cut short or no cassette")
    return value


def _paired(requests: list[Any], responses: list[Any]) -> list[Any]:
    if len(requests) != len(responses):
        raise CassetteError(f"{len(requests)} requests but {len(responses)} responses: the file is cut short")
    return [{"request": request, "response": response} for request, response in zip(requests, responses, strict=True)]
