"""A taste of `python -m tests.torture`, in every build."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from torture.histories import histories
from torture.kills import kills


def test_histories() -> None:
    """Whatever happened, the next request is one that the API takes."""
    found = histories(1500, seed=1)
    assert found.requests > found.histories
    assert found.refused == {}


def test_kills(tmp_path: Path) -> None:
    """Nothing is lost, nothing done twice, nothing said to be done that was not."""
    figures = asdict(kills(3, tmp_path, seed=1))
    assert {name: figures[name] for name in ("kills", "lost", "repeated", "falsely_done")} == {
        "kills": 3,
        "lost": 0,
        "repeated": 0,
        "falsely_done": 0,
    }
