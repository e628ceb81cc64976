"""Benchmarks: start-up, replay eval, long sessions, large recordings and many; each beside a baseline of its run.

    python tests/benchmarks/run.py [startup] [replay] [status] [session] [cassette] [first_token] [page]
        [--rounds 7]

A round runs every variant once, in turn, so that a slow spell of the machine hits all of them; figures are medians over
the rounds, ratios are taken round by round and their median is shown. CPU is user + system time of the whole process as
the kernel accounts it, which is what to compare on a machine that does other things too.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
PYTHON = sys.executable
AGENTCTL = str(Path(PYTHON).with_name("agentctl"))
CASES = 200
TURNS = 200
RECORDINGS = 1000
SIZES = (50, 1000, 5000)


def cpu(*argv: str, codes: tuple[int, ...] = (0, 1)) -> float:
    """CPU seconds of one process; its output is thrown away, its exit code is one of `codes` (1: a case that fails)."""
    child = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert child.stderr is not None
    complaint = child.stderr.read()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    child.stderr.close()
    if child.returncode not in codes:
        sys.exit(f"{' '.join(argv)} exited with {child.returncode}:\n{complaint.decode(errors='replace')}")
    return used.ru_utime + used.ru_stime


def rounds(count: int, variants: dict[str, Callable[[], float]]) -> dict[str, list[float]]:
    """The figure of each variant, round by round; a first round warms up and is not counted."""
    figures: dict[str, list[float]] = {name: [] for name in variants}
    for number in range(count + 1):
        for name, variant in variants.items():
            figure = variant()
            if number:
                figures[name].append(figure)
    return figures


def ratio(over: list[float], under: list[float]) -> float:
    """Median of the ratios round by round."""
    return statistics.median(a / b for a, b in zip(over, under, strict=True))


def row(name: str, *cells: str) -> None:
    """One line of the table."""
    print(f"  {name:<36}" + "".join(f"{cell:>16}" for cell in cells))


def startup(count: int) -> None:
    """Start-up against an interpreter that does nothing."""
    variants = {
        "python -c pass": lambda: cpu(PYTHON, "-c", "pass"),
        "agentctl --version": lambda: cpu(AGENTCTL, "--version"),
        "agentctl --help": lambda: cpu(AGENTCTL, "--help"),
        "agentctl eval --help": lambda: cpu(AGENTCTL, "eval", "--help"),
    }
    figures = rounds(count, variants)
    print("start-up, CPU of the whole process")
    for name, values in figures.items():
        row(name, f"{statistics.median(values) * 1000:.0f} ms", f"{ratio(values, figures['python -c pass']):.1f} x")


def replay(count: int) -> None:
    """A replay eval of 200 cases against the bare SDK loop and against the floor, start-up in and out.

    Each beside what reads the same: JSON bodies and cases in JSON lines, as the floor does, and recorded streams.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folders: dict[tuple[int, str], Path] = {}
        for size, kind in itertools.product((CASES, 1), ("JSON", "streams")):
            folder = folders[size, kind] = Path(scratch) / f"{kind}-{size}"
            made = [PYTHON, HERE / "project.py", str(size), str(folder), *(["json"] if kind == "JSON" else [])]
            subprocess.run(made, check=True)

        def script(name: str, size: int, *more: str) -> float:
            return cpu(PYTHON, str(HERE / name), str(folders[size, "JSON"]), *more)

        variants: dict[str, Callable[[int], float]] = {
            "floor": lambda size: script("floor.py", size),
            "agentctl eval, JSON": lambda size: cpu(AGENTCTL, "-C", str(folders[size, "JSON"]), "eval"),
            "bare SDK loop, JSON": lambda size: script("sdk_loop.py", size),
            "agentctl eval, streams": lambda size: cpu(AGENTCTL, "-C", str(folders[size, "streams"]), "eval"),
            "bare SDK loop, streams": lambda size: script("sdk_loop.py", size, "stream"),
        }
        figures = rounds(
            count,
            {
                f"{name}, {size}": functools.partial(variant, size)
                for name, variant in variants.items()
                for size in (CASES, 1)
            },
        )
    whole, alone = ({name: figures[f"{name}, {size}"] for name in variants} for size in (CASES, 1))
    each = {name: [(a - b) / (CASES - 1) for a, b in zip(whole[name], alone[name], strict=True)] for name in variants}
    print(f"replay eval, {CASES} cases of three turns, two tool calls, four assertions; CPU")
    row("", "whole process", "1 case", "a further case", "x floor", "x SDK, JSON", "x SDK, streams")
    for name, values in each.items():
        row(
            name,
            f"{statistics.median(whole[name]):.2f} s",
            f"{statistics.median(alone[name]):.2f} s",
            f"{statistics.median(values) * 1000:.3f} ms",
            f"{ratio(values, each['floor']):.2f}",
            f"{ratio(values, each['bare SDK loop, JSON']):.2f}",
            f"{ratio(values, each['bare SDK loop, streams']):.2f}",
        )


def status(count: int) -> None:
    """`cassettes status` of a thousand recordings, fresh and all stale with a repository to ask since when."""
    with tempfile.TemporaryDirectory() as scratch:
        fresh, stale, one = (Path(scratch) / name for name in ("fresh", "stale", "one"))
        for size, folder in ((RECORDINGS, fresh), (1, one)):
            subprocess.run([PYTHON, HERE / "project.py", str(size), str(folder)], check=True)
        shutil.copytree(fresh, stale)
        git = ["git", "-C", str(stale), "-c", "user.name=bench", "-c", "user.email=bench@localhost"]
        for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "recorded"]):
            subprocess.run([*git, *command], check=True)
        agent = stale / "prompts/bench/v1.yaml"
        agent.write_text(agent.read_text().replace('"system": "', '"system": "Now: ', 1))
        variants = {
            f"{RECORDINGS:,} fresh": lambda: cpu(AGENTCTL, "-C", str(fresh), "cassettes", "status"),
            f"{RECORDINGS:,} stale": lambda: cpu(AGENTCTL, "-C", str(stale), "cassettes", "status", codes=(4,)),
            "1 fresh": lambda: cpu(AGENTCTL, "-C", str(one), "cassettes", "status"),
        }
        figures = rounds(count, variants)
    print("agentctl cassettes status, CPU of the whole process, git included")
    for name, values in figures.items():
        row(name, f"{statistics.median(values):.2f} s", f"{ratio(values, figures['1 fresh']):.1f} x")


def session(count: int) -> None:
    """What a turn costs at the beginning and at the end of a long session."""
    tenth = TURNS // 10
    firsts, lasts = [], []
    for number in range(count + 1):
        done = subprocess.run([PYTHON, HERE / "session.py", str(TURNS)], check=True, capture_output=True, text=True)
        marks = json.loads(done.stdout)
        turns = [later - earlier for earlier, later in itertools.pairwise(marks)]
        if number:
            firsts.append(statistics.mean(turns[1 : tenth + 1]))
            lasts.append(statistics.mean(turns[-tenth - 1 : -1]))
    print(f"one session of {TURNS} tool turns from a recording, CPU a turn")
    row("first tenth", f"{statistics.median(firsts) * 1000:.3f} ms")
    row("last tenth", f"{statistics.median(lasts) * 1000:.3f} ms", f"{ratio(lasts, firsts):.2f} x")


def cassette(count: int) -> None:
    """What a request costs in recordings of more and more interactions."""
    figures: dict[int, list[float]] = {size: [] for size in SIZES}
    for number in range(count + 1):
        for size, values in figures.items():
            done = subprocess.run([PYTHON, HERE / "cassette.py", str(size)], check=True, capture_output=True, text=True)
            if number:
                values.append(float(done.stdout))
    print("one recording of N requests, read and replayed, CPU a request")
    for size, values in figures.items():
        row(f"{size:,}", f"{statistics.median(values) * 1000:.3f} ms", f"{ratio(values, figures[SIZES[0]]):.2f} x")


def first_token(count: int) -> None:
    """How long the first token takes with and without a recorder."""
    done = subprocess.run(
        [PYTHON, HERE / "first_token.py", str(count * 10)], check=True, capture_output=True, text=True
    )
    figures = json.loads(done.stdout)
    print("time to the first token from a simulator on this machine, wall clock")
    for name, values in figures.items():
        row(name, f"{statistics.median(values) * 1000:.2f} ms", f"{max(values) * 1000:.2f} ms at most")


def page(count: int) -> None:
    """What the HTML report of a thousand cases takes to make, beside the JSON one, and how fast it opens."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "project"
        subprocess.run([PYTHON, HERE / "project.py", str(RECORDINGS), str(folder)], check=True)
        files = [folder / name for name in ("result.json", "report.html")]
        variants = {
            path.name: lambda path=path: cpu(AGENTCTL, "-C", str(folder), "eval", "-o", str(path)) for path in files
        }
        figures = rounds(count, variants)
        done = subprocess.run(
            [PYTHON, HERE / "page.py", str(files[1]), str(count)], check=True, capture_output=True, text=True
        )
        sizes = [path.stat().st_size for path in files]
    print(f"reports of {RECORDINGS:,} cases of three turns")
    for (name, values), size in zip(figures.items(), sizes, strict=True):
        row(f"agentctl eval -o {name}", f"{statistics.median(values):.2f} s CPU", f"{size / 1e6:.2f} MB")
    opened = json.loads(done.stdout)
    if opened is None:
        row("opened", "no Chromium here")
    else:
        row("opened, to the first frame", f"{statistics.median(opened):.0f} ms", f"{max(opened):.0f} ms at most")


BENCHMARKS = {
    "startup": startup,
    "replay": replay,
    "status": status,
    "session": session,
    "cassette": cassette,
    "first_token": first_token,
    "page": page,
}


def main() -> None:
    """Runs what was asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}; all without one")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs, medians of {arguments.rounds} rounds")
    for name in arguments.names or BENCHMARKS:
        BENCHMARKS[name](arguments.rounds)


if __name__ == "__main__":
    main()
