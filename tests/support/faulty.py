"""A script to bend the replies of, and how a client of ours must meet each fault, whatever carries it."""

from __future__ import annotations

from typing import Any

from agentctl.agent.ports import Request
from agentctl.config.check import check
from agentctl.config.yamls import load_yaml
from agentctl.errors import ModelError
from agentctl.model.client import WireModel
from agentctl.simulator.script import Script

SCRIPT = """
schema: 1
kind: simulator
rules:
  - when: {said: broken}
    reply: {text: never seen, fault: 529}
  - when: {results: none}
    reply:
      text: Let me look that order up for you, it will only take a moment.
      tools: [{look: {order: ORD-1042, note: "quite a long note, so that its input comes in several pieces"}}]
default: {text: done}
"""
TOOLS = [{"name": "look", "description": "Looks.", "input_schema": {"type": "object"}}]


def script() -> Script:
    """A script that says something and calls a tool."""
    return check(Script, load_yaml(SCRIPT, "script.yaml"))


def body(said: str = "Where is it?", model: str = "claude-sonnet-5-5") -> dict[str, Any]:
    """The body of a request."""
    return {"model": model, "max_tokens": 500, "tools": TOOLS, "messages": [{"role": "user", "content": said}]}


async def at_once(_seconds: float) -> None:
    """Waits for nothing."""


async def end_of(model: WireModel, asked: dict[str, Any], patience: float) -> str:
    """The stop reason, or the error's type, `!` behind what another attempt could mend."""
    try:
        request = Request({**asked, "stream": True})
        replied = await model.ask(request, on_failure=lambda failed: None, time_left=patience)
    except ModelError as error:
        return f"{error.type}{'!' if error.retryable else ''}"
    return str(replied.stop_reason)


ENDS = {
    "400": "invalid_request_error",
    "401": "authentication_error",
    "402": "billing_error",
    "403": "permission_error",
    "404": "not_found_error",
    "408": "timeout_error!",
    "409": "conflict_error!",
    "413": "request_too_large",
    "429,retry_after=0": "rate_limit_error!",
    "500": "api_error!",
    "502": "api_error!",
    "503": "api_error!",
    "504": "timeout_error!",
    "529": "overloaded_error!",
    "529,should_retry=false": "overloaded_error",
    "400,should_retry=true": "invalid_request_error!",
    "spend-cap": "rate_limit_error",
    "html": "protocol_error",
    "html,status=502": "api_error!",
    "ramp-limit": "rate_limit_error!",
    "ramp-limit,retry_after=0": "rate_limit_error!",
    "429,code=contract_spend_limit_reached": "rate_limit_error",
    "customer-limit": "invalid_request_error",
    "early": "rate_limit_error!",
    "early,status=413": "request_too_large",
    "refuse": "connection_error!",
    "tls": "connection_error!",
    "drop": "connection_error!",
    "wrong-length": "connection_error!",
    "wrong-length,less=60": "stream_truncated!",
    "interim": "tool_use",
    "interim,status=102,times=3": "tool_use",
    "open-tool": "max_tokens",
    "trailing-spaces": "tool_use",
    "early-delta": "tool_use",
    "fallback-block": "tool_use",
    "redirect": "unknown_error",
    "empty": "protocol_error",
    "stop-reason": "refusal",
    "stop-reason,category=cyber": "refusal",
    "stop-reason,value=max_tokens": "max_tokens",
    "stop-reason,value=something_new": "something_new",
    "duplicate-id": "protocol_error",
    "unknown-block": "tool_use",
    "error-event": "overloaded_error!",
    "error-event,type=invalid_request_error,at=start": "invalid_request_error",
    "eof": "stream_truncated!",
    "eof,at=start": "stream_truncated!",
    "eof,at=tool": "stream_truncated!",
    "eof,at=tool-end": "stream_truncated!",
    "eof,at=end": "stream_truncated!",
    "eof,at=0": "stream_truncated!",
    "bad-json": "protocol_error!",
    "bad-utf8": "protocol_error!",
    "bad-tool-json": "protocol_error!",
    "out-of-order": "protocol_error!",
    "wrong-index": "protocol_error!",
    "duplicate-event": "protocol_error!",
    "unknown-event": "tool_use",
    "latency,seconds=0.01": "tool_use",
    "slow,seconds=0.001": "tool_use",
    "trickle,bytes=50,every=0": "tool_use",
    "rst": "connection_error!",
    "rst,at=0": "connection_error!",
    "fin": "connection_error!",
    "short-chunk": "connection_error!",
    "bad-chunk": "connection_error!",
    "cut-gzip": "stream_truncated!",
    "hang-up": "tool_use",
    "wrong-type": "tool_use",
}
ENDLESS = ("stall", "stall,at=start", "pings", "pings,at=tool", "latency,seconds=3600", "slow,seconds=3600")
