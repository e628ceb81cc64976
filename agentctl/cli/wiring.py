"""Where the parts meet: from an agent and a few flags to a project, a live wire and a workspace.

Every command that runs an agent is wired here, so that chat, run and eval cannot differ in what they talk to.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from agentctl.agent.handlers import load_function
from agentctl.agent.spec import Agent, Provider
from agentctl.agent.values import replace
from agentctl.cli.breakers import SharedStates
from agentctl.config.canonical import digest
from agentctl.config.digest import bundle
from agentctl.config.project import Project
from agentctl.errors import UsageError
from agentctl.model.claude import ClaudeWire
from agentctl.model.health import Health
from agentctl.model.trust import is_local

KEY_VARIABLES: Final = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
DEFAULT_HOST: Final = "api.anthropic.com"
SIMULATED_KEY: Final = "simulated"


def open_project() -> Project:
    """The project around the current directory."""
    return Project.find(Path.cwd())


@dataclass(frozen=True, slots=True)
class LiveWire:
    """A wire to a model that answers now, and where its answers come from."""

    wire: ClaudeWire
    source: str
    """A host, or `agentctl simulator`."""
    health: Health
    """What is known of whoever answers."""
    script: Path | None = None
    """What the simulator answers from; None when the model is real (or the simulator only echoes)."""

    @property
    def simulated(self) -> bool:
        """Whether the answers are scripted."""
        return self.source == SIMULATOR


SIMULATOR: Final = "agentctl simulator"


@asynccontextmanager
async def live_wire(agent: Agent, project: Project, *, simulate: bool) -> AsyncIterator[LiveWire]:
    """A wire to the agent's provider, or to a simulator started for it; closed on leaving.

    Raises:
        UsageError: there is no key to go live with, or the provider cannot be set up.
        ConfigError: the simulator's script is wrong.
    """
    if simulate:
        async with _simulated(agent, project) as live:
            yield live
        return
    require_key(agent.provider)
    wire = ClaudeWire(agent.provider)
    gc.freeze()  # what was loaded stays: looking through it for garbage would hold up every session for 0.1 s
    try:
        yield LiveWire(wire, _host(agent.provider), _health(agent.provider, project))
    finally:
        await wire.aclose()


@asynccontextmanager
async def _simulated(agent: Agent, project: Project) -> AsyncIterator[LiveWire]:
    from agentctl.simulator.script import load_script  # noqa: PLC0415  never part of a run against a real model
    from agentctl.simulator.server import Simulator  # noqa: PLC0415

    path = simulator_script(project, agent.name)
    async with Simulator(load_script(path)) as simulator:
        wire = ClaudeWire(Provider(base_url=simulator.base_url), api_key=SIMULATED_KEY)
        try:
            yield LiveWire(wire, SIMULATOR, Health(SIMULATOR), path)
        finally:
            await wire.aclose()


def simulator_script(project: Project, name: str) -> Path | None:
    """What the simulator answers from in the place of this agent's model; None when it is only to echo."""
    path = project.prompts / name / "simulator.yaml"
    return path if path.is_file() else None


def workspace_for(agent: Agent, project: Project) -> Path:
    """The directory that runs outside an eval share, one for each tools document; filled by its `setup` when new."""
    folder = project.state / "workspaces" / (agent.workspace_name or agent.name)
    if not folder.is_dir():
        fill_workspace(agent, folder)
    return folder


def fill_workspace(agent: Agent, folder: Path) -> None:
    """Makes `folder` and runs the agent's `setup` in it. It appears whole or not at all.

    Raises:
        UsageError: the setup cannot be loaded or fails.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        if agent.setup is not None:
            _set_up(agent.setup, building)
        building.rename(folder)
    except OSError:
        if not folder.is_dir():  # else somebody was faster
            raise
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _set_up(setup: str, folder: Path) -> None:
    try:
        load_function(setup)(folder)
    except UsageError:
        raise
    except Exception as error:
        hint = "AGENTCTL_DEBUG=1 shows the traceback"
        raise UsageError(f"{setup} failed: {type(error).__name__}: {error}", hint=hint) from error


def with_model(agent: Agent, model: str | None) -> Agent:
    """The agent on another model, with the digests that go with it; or as it is."""
    if model is None or model == agent.model:
        return agent
    return _redigested(replace(agent, model=model), "model", model)


def with_system(agent: Agent, system: str | None) -> Agent:
    """The agent with another system prompt, with the digests that go with it; or as it is."""
    if system is None or system == agent.system:
        return agent
    return _redigested(replace(agent, system=system), "system prompt", system)


def _redigested(agent: Agent, component: str, value: str) -> Agent:
    components = {**agent.components, component: digest(value)}
    return replace(agent, components=components, bundle=bundle(components))


def require_key(provider: Provider) -> None:
    """Says how to go on before the SDK is imported; the clouds bring credentials of their own.

    Raises:
        UsageError: there is no key.
    """
    if provider.name != "anthropic" or any(os.environ.get(name) for name in KEY_VARIABLES):
        return
    raise UsageError(
        "no API key: ANTHROPIC_API_KEY is not set",
        hint="export ANTHROPIC_API_KEY=..., or add --simulate to talk to the built-in simulator",
    )


def address(provider: Provider) -> str:
    """The base URL that is asked, or the name of the cloud."""
    if provider.name != "anthropic":
        return provider.name
    return provider.base_url or os.environ.get("ANTHROPIC_BASE_URL") or f"https://{DEFAULT_HOST}"


def _health(provider: Provider, project: Project) -> Health:
    """What is known of whoever answers: shared by all processes, but for a server on this machine.

    That is one for trying things out, restarted and broken on purpose: a command is not to pay for the one before it.
    """
    host = _host(provider)
    if is_local(host):
        return Health(urlsplit(address(provider)).netloc.rpartition("@")[2])
    return Health(host, SharedStates(project.state / "health.db"))


def _host(provider: Provider) -> str:
    url = address(provider)
    return urlsplit(url).hostname or url
