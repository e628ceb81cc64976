"""An evaluation that records, and to which something happens at its nth call of the disk, for every n.

The recording that was there, or the new one, replays afterwards; what was not saved is not said to be.
"""

from __future__ import annotations

import errno
import json
import shutil
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from support import forked
from support.desk import agentctl, environment
from tests.torture.kills import project
from tests.torture.nth import CALLS_OF, some
from tests.torture.saves import SUITE
from tests.torture.shim import MODES, WRITES, Call, Fault, in_workers, logged

RECORD: Final = ("eval", "--record-mode", "all", "--simulate")
FOLDERS: Final = ("cassettes", ".agentctl")
RECORDING: Final = "cassettes/clerk/one.yaml"


@dataclass(slots=True)
class Records:
    """Of so many evaluations that record: which version was there afterwards."""

    tried: int = 0
    old: int = 0
    new: int = 0
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Job:
    """What happens to one evaluation, in a project of its own that is a copy of `sample`."""

    sample: Path
    root: Path
    fault: Fault
    hit: str


def recorded_at_each(folder: Path, most: int, seed: int) -> Records:
    """Kills an evaluation before, in and after each call of the disk, and lets each call fail; or `most` of those."""
    sample, calls = next(in_workers(_sample, [folder]))
    points = [(below, *point) for below in FOLDERS for point in _points(sample / below, calls)]
    jobs = [
        Job(sample, folder / f"recorded-{i}", Fault(folder / f"recorded-{i}/{below}", n, does, names, stays=stays), hit)
        for i, (below, n, does, names, stays, hit) in enumerate(some(points, most, seed))
    ]
    total = Records()
    for found in in_workers(_played, jobs):
        for name in Records.__slots__:
            setattr(total, name, getattr(total, name) + getattr(found, name))
    return total


def _sample(folder: Path) -> tuple[Path, list[Call]]:
    """A project with a recording, and the calls that recording it again takes."""
    sample, again = folder / "recorded", folder / "again"
    project(sample)
    (sample / "evals").mkdir()
    (sample / "evals/clerk.yaml").write_text(SUITE)
    assert agentctl(sample, *RECORD).returncode == 0
    shutil.copytree(sample, again)
    assert agentctl(again, *RECORD, **Fault(again, log=folder / "log").environment()).returncode == 0
    calls = [Call(call.name, call.path.replace(str(again), str(sample))) for call in logged(folder / "log")]
    return sample, calls


def _points(below: Path, calls: Sequence[Call]) -> Iterator[tuple[int, str, tuple[str, ...], bool, str]]:
    found = [call for call in calls if Path(call.path).is_relative_to(below)]
    for n, call in enumerate(found, 1):
        hit = f"{call.name} {Path(call.path).name}"
        for mode in MODES:
            if mode != "kill-torn" or call.name in WRITES:
                yield n, mode, (), False, hit
    for error, names in CALLS_OF.items():
        for n, call in enumerate((call for call in found if call.name in names), 1):
            for stays in (False, True):
                yield n, str(error), names, stays, f"{errno.errorcode[error]} of {call.name} {Path(call.path).name}"


def _played(job: Job) -> Records:
    found = Records(tried=1)
    shutil.copytree(job.sample, job.root)
    before = (job.root / RECORDING).read_bytes()
    done = forked.run(RECORD, job.root, environment(**job.fault.environment()), "")
    name = f"{job.hit} ({job.fault})"
    said = f"exit {done.returncode}: {(done.stdout + done.stderr).strip()[-500:]!r}"
    if "Traceback" in done.stderr or done.returncode not in {0, 3, -signal.SIGKILL}:
        found.failures.append(f"{name}: {said}")
    is_old = (job.root / RECORDING).read_bytes() == before
    found.old, found.new = int(is_old), int(not is_old)
    if is_old and done.returncode == 0:
        found.failures.append(f"{name}: the recording was not saved, and that is not said: {said}")
    if done.returncode == 3 and "error" not in done.stdout + done.stderr:
        found.failures.append(f"{name}: no reason is given: {said}")
    replayed = agentctl(job.root, "eval", "--json")
    if replayed.returncode or json.loads(replayed.stdout)["suites"][0]["cases"][0]["status"] != "pass":
        found.failures.append(f"{name}: does not replay: {replayed.stderr.strip()[-300:]!r}")
    for look in (("history",), ("report", "-o", "r.md")):
        looked = agentctl(job.root, *look)
        if looked.returncode or "Traceback" in looked.stderr:
            found.failures.append(f"{name}: {look[0]} then: exit {looked.returncode}: {looked.stderr.strip()[-300:]!r}")
    shutil.rmtree(job.root)
    return found
