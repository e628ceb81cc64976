"""What every test gets: no key, no network but loopback, no settings of the person who runs them."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path
from typing import Any

import hypothesis
import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
# A commit passes or it does not: the same examples each time, however fast the machine. `explore` draws new ones.
hypothesis.settings.register_profile("fixed", deadline=None, derandomize=True, database=None)
hypothesis.settings.register_profile("explore", deadline=None, print_blob=True)
hypothesis.settings.load_profile("fixed")
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup it is ignored, and would be by every command that is started
LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0")


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: many tests wait, for a process, a terminal or a signal."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys, base URLs and flags from the environment would make a test depend on who runs it."""
    for name in list(os.environ):
        if name.startswith(("ANTHROPIC_", "AGENTCTL_", "AWS_")) or name in {"FORCE_COLOR", "GITHUB_ACTIONS"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection to anything but loopback fails the test that tried it."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and not str(address[0]).startswith(LOOPBACK):
            pytest.fail(f"a test tried to reach {address}")
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The root of the checkout."""
    return CHECKOUT


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Recorded traffic made by others; it is not part of the project and may be missing."""
    folder = CHECKOUT.parent / "shared" / "real"
    if not folder.is_dir():
        pytest.skip("no shared/real beside the checkout: real recordings are kept apart from the project")
    return folder
