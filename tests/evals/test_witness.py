"""The counts in the footer: what the process was seen to do, whoever did it."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentctl.agent.ports import EXECUTES
from agentctl.evals.witness import Witness


def dial(port: int) -> None:
    """Connects and hangs up."""
    socket.create_connection(("127.0.0.1", port)).close()


@pytest.fixture
def port() -> Iterator[int]:
    """A port of this host that takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


def test_connections_are_seen_wherever_they_are_made(port: int) -> None:
    """From this thread, from another, and by asyncio."""
    with Witness() as witness:
        dial(port)
        thread = threading.Thread(target=dial, args=(port,))
        thread.start()
        thread.join()
        after_two = witness.connections
        asyncio.run(stream(port))
    assert after_two >= 2
    assert witness.connections > after_two


async def stream(port: int) -> None:
    """Opens a stream and closes it."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()
    await writer.wait_closed()


def test_a_unix_socket_is_no_network(tmp_path: Path) -> None:
    """What stays on this machine by its nature is not counted, nor is a loop's own pair of sockets."""
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listener, Witness() as witness:
        listener.bind(path)
        listener.listen()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
        asyncio.run(asyncio.sleep(0))
    assert witness.connections == 0


def test_nothing_is_counted_outside(port: int) -> None:
    """Only what happens inside the `with`; a second witness begins at zero."""
    with Witness() as first:
        sys.audit(EXECUTES, "search")
    sys.audit(EXECUTES, "search")
    dial(port)
    with Witness() as second:
        pass
    assert (first.executed, first.connections, second.executed, second.connections) == (1, 0, 0, 0)
