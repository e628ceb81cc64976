"""What of a recording may stand in a file: headers by allow-list, everything else without secrets.

A body that holds none is untouched, byte for byte; one that did says the rest as before, decompressed, so no header
about its length or encoding is kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from agentctl.agent.values import replace
from agentctl.cassette.encoding import decoded
from agentctl.cassette.secrets.redact import Redactor
from agentctl.cassette.secrets.streams import is_stream, redacted_stream
from agentctl.cassette.tape import Interaction, Take, parse_json
from agentctl.errors import CassetteError

REQUEST_HEADERS: Final = ("content-type", "anthropic-beta", "anthropic-version")
"""The request headers that say what was asked; all others (keys, cookies, the client's machine) stay out of a file."""

REPLY_HEADERS: Final = ("content-type", "request-id", "retry-after", "retry-after-ms", "x-should-retry")
"""The reply headers that a replay needs; all others (cookies, organisation ids, proxies) stay out of a file."""

STREAM: Final = "text/event-stream"


def redacted(interaction: Interaction, redactor: Redactor) -> Interaction:
    """The interaction as it may stand in a file.

    Raises:
        CassetteError: a body cannot be decompressed, or is nested too deeply to be looked through.
    """
    request = decoded(interaction.request, interaction.request_headers.get("content-encoding", ""))
    body = interaction.body.decode("utf-8", "replace")
    headers = _kept(interaction.headers, REPLY_HEADERS, redactor)
    if "content-type" not in headers and body.startswith(("event:", "data:")):
        headers["content-type"] = STREAM
    return replace(
        interaction,
        uri=redactor.uri(interaction.uri),
        request=redacted_body(request.decode("utf-8", "replace"), redactor),
        headers=headers,
        stored=redacted_body(body, redactor),
        request_headers=_kept(interaction.request_headers, REQUEST_HEADERS, redactor),
    )


def redacted_take(take: Take, redactor: Redactor) -> Take:
    """The take as it may stand in a file: what tools said, what was seen of the world, why a reply broke off.

    Raises:
        CassetteError: a result is no JSON.
    """
    tools = tuple(replace(tool, content=_result(tool.content, redactor)) for tool in take.tools)
    observed = tuple(replace(seen, value=_result(seen.value, redactor)) for seen in take.observed)
    breaks = tuple(replace(each, message=redactor.text(each.message)) for each in take.breaks)
    rest = tuple(_result(message, redactor) for message in take.rest)
    return replace(take, tools=tools, observed=observed, breaks=breaks, rest=rest)


def _kept(headers: Mapping[str, str], allowed: Iterable[str], redactor: Redactor) -> dict[str, str]:
    return {name: redactor.text(headers[name]) for name in allowed if name in headers}


def _result(value: Any, redactor: Redactor) -> Any:
    try:
        return redactor.value(orjson.loads(orjson.dumps(value)))
    except TypeError as error:
        raise CassetteError(f"a result cannot be recorded: it is no JSON ({error})") from None


def redacted_body(text: str, redactor: Redactor) -> str:
    """A body as JSON, as server-sent events, or as whatever text it is.

    Raises:
        CassetteError: it is nested too deeply to be looked through.
    """
    if is_stream(text):
        return redacted_stream(text, redactor)
    try:
        value = parse_json(text.encode("utf-8", "surrogatepass"), "a body")
    except CassetteError:
        return redactor.text(text)
    clean = redactor.value(value)
    return text if clean is value else _dumped(clean)


def _dumped(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # integers over 64 bits, lone surrogates
        return json.dumps(value, separators=(",", ":"))
