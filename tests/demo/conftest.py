"""A fresh shop for each test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from demo.shop import DESK, Shop

from agentctl.agent.handlers import load_function


@pytest.fixture
def create() -> Callable[[Path], None]:
    """The `setup` function of the tools document."""
    return load_function(f"{DESK / 'database.py'}:create")


@pytest.fixture
def shop(tmp_path: Path, create: Callable[[Path], None]) -> Shop:
    """A freshly seeded shop."""
    create(tmp_path)
    return Shop(tmp_path)
