"""`python -m tests.torture quick|full [--seed N]`: tries to break an agent and prints what came of it, as a table.

Exit 1 when anything broke; what failed is printed with its seed.
"""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.torture.histories import histories  # noqa: E402  tests/support is found from here on
from tests.torture.kills import kills  # noqa: E402

SIZES = {"quick": (5_000, 20), "full": (100_000, 1_000)}


def main() -> int:
    """Runs every part; the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("size", choices=list(SIZES))
    arguments.add_argument("--seed", type=int, default=0)
    asked = arguments.parse_args()
    generated, killed = SIZES[asked.size]
    print(f"{platform.python_implementation()} {platform.python_version()}, seed {asked.seed}")
    parts: dict[str, Callable[[], tuple[bool, str]]] = {
        "histories that the API takes": lambda: _histories(generated, asked.seed),
        "kill -9 of runs with tools": lambda: _kills(killed, asked.seed),
    }
    whole = True
    for name, part in parts.items():
        began = time.perf_counter()
        passed, figures = part()
        whole = whole and passed
        took = f"{time.perf_counter() - began:.0f} s"
        print(f"{'pass' if passed else 'FAIL'}  {name:<30}  {figures}  ({took})", flush=True)
    return 0 if whole else 1


def _histories(count: int, seed: int) -> tuple[bool, str]:
    found = histories(count, seed)
    worst = "".join(f"\n      {each}: {why}" for each, why in list(found.refused.items())[:5])
    said = f"{found.histories:,} histories, {found.requests:,} requests, {len(found.refused)} refused"
    return not found.refused, said + worst


def _kills(count: int, seed: int) -> tuple[bool, str]:
    with tempfile.TemporaryDirectory() as folder:
        figures = kills(count, Path(folder), seed)
    said = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in asdict(figures).items())
    return not (figures.lost or figures.repeated or figures.falsely_done), said


if __name__ == "__main__":
    sys.exit(main())
