"""A client of ours over TLS: whom it trusts, and what it makes of a handshake or a reply that breaks."""

from __future__ import annotations

import asyncio

import pytest

from agentctl.agent.ports import Request
from agentctl.agent.spec import Provider, Retry
from agentctl.errors import Unreachable
from agentctl.model.claude import ClaudeWire
from agentctl.model.client import WireModel
from agentctl.simulator.faults.plan import FaultRule
from support.contract.talk import CERTIFICATE, body, certified, desk
from support.faulty import at_once


def asked(*faults: str, attempts: int = 3) -> tuple[str, list[str]]:
    """The text that a client reads in the end; what it met on the way, the first one first."""

    async def run() -> tuple[str, list[str]]:
        rules = [FaultRule(fault=fault, times=1) for fault in faults]
        async with desk(rules, **certified()) as api:
            wire = ClaudeWire(Provider(base_url=api.server.base_url), api_key="simulated")
            model = WireModel(wire, Retry(attempts=attempts), sleep=at_once)
            try:
                replied = await model.ask(Request(body(stream=True)), on_failure=lambda failed: None)
            finally:
                await wire.aclose()
            return replied.content[0]["text"], [served.fault for served in api.server.served]

    return asyncio.run(run())


def test_a_certificate_that_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """With SSL_CERT_FILE it is; what breaks after or in the handshake is asked for again."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    said, met = asked("tls,alert=internal_error", "drop")
    assert said.startswith("A simulated reply")
    assert met == ["tls,alert=internal_error", "drop", ""]


def test_a_certificate_that_nobody_trusts() -> None:
    """A typed error that says how to trust it; no request was made."""
    with pytest.raises(Unreachable, match="certificate verify failed") as refused:
        asked(attempts=1)
    assert refused.value.type == "connection_error"
    assert "SSL_CERT_FILE" in refused.value.hint
