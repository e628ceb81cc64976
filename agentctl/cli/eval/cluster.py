"""`--cluster`: dask.distributed, its scheduler at an address or one of our own, open while cases are played."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from agentctl.cli.eval.flags import Selection
from agentctl.config.project import Project
from agentctl.errors import UsageError
from agentctl.evals.cluster import Ask, ClusterPlayer
from agentctl.evals.plan import Job

LOCAL: Final = "local:"
PATIENCE: Final = 10
"""Seconds that a scheduler may take to answer, and its first worker to come."""


@asynccontextmanager
async def cluster_player(
    address: str, project: Project, selection: Selection, jobs: Sequence[Job]
) -> AsyncIterator[ClusterPlayer]:
    """A player on the cluster at `address`, or on `local:N` processes of this machine.

    Raises:
        UsageError: the extra is not installed, nothing answers there, or there is no worker.
    """
    with ExitStack() as opened:
        client, workers = await asyncio.to_thread(_connected, address, opened)
        player = ClusterPlayer(client.get_executor(pure=False), _ask(project, selection), jobs, workers)
        try:
            yield player
        finally:
            await player.close()


def _ask(project: Project, selection: Selection) -> Ask:
    return Ask(
        root=str(project.root),
        folder=str(Path.cwd()),
        token=uuid.uuid4().hex,
        suites=tuple(selection.suites or ()),
        agent=selection.agent,
        filters=tuple(selection.filter or ()),
        tags=tuple(selection.tag or ()),
        repeat=selection.repeat,
        adaptive=selection.alpha if selection.adaptive else None,
    )


def _connected(address: str, opened: ExitStack) -> tuple[Any, int]:
    """A client, and how many workers there are."""
    try:
        dask: Any = import_module("distributed")  # an extra, and a second to load
    except ImportError:
        hint = "pip install 'agentctl-cli[cluster]'"
        raise UsageError("--cluster needs dask.distributed, which is not installed", hint=hint) from None
    where: Any = address
    if address.startswith(LOCAL):
        number = _number(address)
        where = opened.enter_context(
            dask.LocalCluster(n_workers=number, threads_per_worker=1, dashboard_address=None, silence_logs="CRITICAL")
        )
    try:
        client = opened.enter_context(dask.Client(where, timeout=PATIENCE, set_as_default=False))
        client.wait_for_workers(1, timeout=PATIENCE)
    except (OSError, ValueError, TimeoutError) as error:
        hint = "an address is tcp://HOST:PORT of a dask scheduler with workers, or local:N"
        raise UsageError(f"--cluster {address}: {error or 'nothing answers there'}", hint=hint) from None
    return client, len(client.scheduler_info(n_workers=-1)["workers"])


def _number(address: str) -> int:
    text = address.removeprefix(LOCAL)
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"--cluster {address}: local:N takes a number of processes", hint="--cluster local:2")
    return int(text)
