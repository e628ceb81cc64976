"""What commands are wired to: whose failures one of them tells the next."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agentctl.agent.spec import Agent, Breaker, Provider
from agentctl.cli.wiring import live_wire
from agentctl.config.project import Project
from agentctl.errors import ModelError, Unreachable


@pytest.mark.parametrize(
    ("url", "shared"),
    [("https://gateway.example", True), ("http://127.0.0.1:9", False), ("http://localhost:9", False)],
)
def test_breakers_of_a_local_server_end_with_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str, *, shared: bool
) -> None:
    """What is broken on purpose on one's own machine is asked afresh by the next command; others are left alone."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-none")
    monkeypatch.setenv("AGENTCTL_TRUSTED_HOSTS", "gateway.example")
    agent = Agent("desk", "1", "m", "Be brief.", {}, provider=Provider(base_url=url))
    once = Breaker(window=1, minimum=1)

    async def down() -> None:
        raise Unreachable("down", type="connection_error")

    async def ask() -> str:
        async with live_wire(agent, Project(tmp_path), simulate=False) as live:
            with pytest.raises(ModelError) as caught:
                await live.health.call("m", once, down)  # type: ignore[arg-type]
            return caught.value.type

    assert asyncio.run(ask()) == "connection_error"
    assert asyncio.run(ask()) == ("breaker_open" if shared else "connection_error")
