"""A persona as a value: what every case may have, and what only `config.personas` reads from YAML."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agentctl.agent.events import JsonObject
from agentctl.agent.spec import Agent, Provider, Retry


@dataclass(frozen=True, slots=True)
class Persona:
    """One version of a persona, ready to speak."""

    name: str
    version: str
    model: str
    instructions: str
    params: JsonObject
    betas: tuple[str, ...]
    provider: Provider
    retry: Retry
    bundle: str
    source: Path | None = None

    @property
    def ref(self) -> str:
        """`name@version`."""
        return f"{self.name}@{self.version}"

    @property
    def agent(self) -> Agent:
        """The persona as who answers on a wire: what opens one knows agents."""
        return Agent(
            self.name,
            self.version,
            self.model,
            self.instructions,
            self.params,
            retry=self.retry,
            provider=self.provider,
            betas=self.betas,
            bundle=self.bundle,
            source=self.source,
        )
