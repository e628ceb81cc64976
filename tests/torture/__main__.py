"""`python -m tests.torture quick|full [--seed N[:ROUND]] [--only TEXT]`: tries to break an agent; prints a table.

Exit 1 when anything broke; what failed is printed with the seed that plays it alone.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import signal
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.torture.part import Outcome, Part, Trial, all_parts  # noqa: E402  tests/support is found from here on
from tests.torture.rows import table  # noqa: E402

SHOWN = 5
"""Failures of a part that are printed."""


def main() -> int:
    """Plays every part that was asked for; the exit code."""
    arguments = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    arguments.add_argument("size", choices=["quick", "full"])
    arguments.add_argument("--seed", type=_seed, default=(0, None), metavar="N[:ROUND]")
    arguments.add_argument("--only", default="", metavar="TEXT", help="parts whose faults or name contain this")
    asked = arguments.parse_args()
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup it is ignored, and would be by all that is started here
    chosen = [part for part in all_parts() if asked.only.lower() in f"{' '.join(part.faults)} {part.name}".lower()]
    python = f"{platform.python_implementation()} {platform.python_version()}"
    print(f"{dt.datetime.now(dt.UTC):%Y-%m-%d}, {python}, {os.cpu_count()} processors, seed {asked.seed[0]}")
    began = time.perf_counter()
    passed = [(part.faults, _played(part, full=asked.size == "full", seed=asked.seed)) for part in chosen]
    well = bool(passed) and all(held for _, held in passed)
    if not asked.only:
        lines, held = table(passed)
        print("", *lines, sep="\n")
        well = well and held
    print(f"{sum(held for _, held in passed)} of {len(chosen)} parts passed in {time.perf_counter() - began:.0f} s")
    return 0 if well else 1


def _seed(text: str) -> tuple[int, int | None]:
    """`7`, or `7:123` for one round alone."""
    seed, _, number = text.partition(":")
    return int(seed), int(number) if number else None


def _played(part: Part, *, full: bool, seed: tuple[int, int | None]) -> bool:
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        outcome = _outcome(part, Trial(part.full if full else part.quick, seed[0], Path(folder), full, seed[1]))
    word, took = "pass" if outcome.passed else "FAIL", time.perf_counter() - began
    print(f"{word}  {' '.join(part.faults) or '-':<12}  {part.name}: {outcome.figures} ({took:.0f} s)", flush=True)
    for failure in outcome.failures[:SHOWN]:
        print(f"      {failure}", flush=True)
    return outcome.passed


def _outcome(part: Part, trial: Trial) -> Outcome:
    try:
        return part.play(trial)
    except Exception as error:  # noqa: BLE001  a part that breaks has failed; the others are still played
        return Outcome(False, f"broke: {type(error).__name__}: {error}")


if __name__ == "__main__":
    sys.exit(main())
