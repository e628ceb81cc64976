"""`--shard i/n`: every machine takes its part of one plan, the same part whichever machine computes it.

The parts are disjoint, together they are the whole, and they take about as long and cost about as much as each other.
What a case takes is read from its recording, in units that depend on no price list and no clock: tokens, weighted as
list prices weigh them. The heaviest cases are dealt first, each to the part that is the lightest so far (Graham,
"Bounds on Multiprocessing Timing Anomalies", 1969). The digest of the plan stands in every part's result, so that parts
of different plans are never merged.
"""

from __future__ import annotations

import hashlib
import heapq
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agentctl.agent.events import JsonObject
from agentctl.agent.run import Usage
from agentctl.cassette.file import read
from agentctl.config.canonical import digest
from agentctl.errors import CassetteError, UsageError
from agentctl.evals.again import recorded_replies
from agentctl.evals.plan import Job

WEIGHTS: Final = Usage(input_tokens=20, output_tokens=100, cache_read_input_tokens=2, cache_creation_input_tokens=25)
"""What a token weighs: list prices of output, cache reads and cache writes are 5, 0.1 and 1.25 times that of input."""


@dataclass(frozen=True, slots=True)
class Shard:
    """Part `index` (from 1) of `of` parts of the plan with this digest."""

    index: int
    of: int
    plan: str
    jobs: tuple[tuple[int, str, str], ...]
    """Its cases: the place in the plan, the suite's file, the id."""

    def to_json(self) -> JsonObject:
        """As it stands in the document."""
        return {"index": self.index, "of": self.of, "plan": self.plan, "jobs": [list(job) for job in self.jobs]}


def parsed(text: str) -> tuple[int, int]:
    """`2/5` as its two numbers.

    Raises:
        UsageError: it is no such thing.
    """
    found = re.fullmatch(r"([0-9]{1,4})/([0-9]{1,4})", text)
    index, of = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= index <= of:
        raise UsageError(f"--shard {text} is no part of a whole", hint="1/3, 2/3 and 3/3 are the parts of three")
    return index, of


def shard(jobs: Sequence[Job], index: int, of: int) -> tuple[list[Job], Shard]:
    """The jobs of one part, in the order of the plan, and what names it."""
    weights = _weights(jobs)
    parts = deal(weights, of)
    mine = [place for place, part in enumerate(parts) if part == index]
    names = tuple((place, jobs[place].suite.file, jobs[place].case.id) for place in mine)
    return [jobs[place] for place in mine], Shard(index, of, _plan(jobs, weights), names)


def deal(weights: Sequence[int], of: int) -> list[int]:
    """The part (from 1) that each of these goes to; of two that weigh the same the first is dealt first."""
    loads = [(0, number) for number in range(1, of + 1)]
    parts = [0] * len(weights)
    for place in sorted(range(len(weights)), key=lambda place: (-weights[place], place)):
        load, parts[place] = heapq.heappop(loads)
        heapq.heappush(loads, (load + weights[place], parts[place]))
    return parts


def _name(job: Job) -> tuple[str, str]:
    return job.suite.file, job.case.id


def _plan(jobs: Sequence[Job], weights: Sequence[int]) -> str:
    """The digest of what is evaluated: suites as they are written, cases, repeats, agents, and how they are dealt."""
    suites = {
        job.suite.file: hashlib.sha256(job.suite.path.read_bytes().replace(b"\r\n", b"\n")).hexdigest() for job in jobs
    }
    cases = [
        [*_name(job), job.repeats, job.agent.ref, sorted(job.components.items()), weight]
        for job, weight in zip(jobs, weights, strict=True)
    ]
    return digest([suites, cases])


def _weights(jobs: Sequence[Job]) -> list[int]:
    """What each case takes; one that was never recorded goes as the mean of the others."""
    known = [_weight(job) for job in jobs]
    recorded = [weight for weight in known if weight is not None]
    usual = sum(recorded) // len(recorded) if recorded else 1
    return [max(usual if weight is None else weight, 1) for weight in known]


def _weight(job: Job) -> int | None:
    try:
        cassette = read(job.recording)
    except CassetteError:
        return None
    takes = cassette.takes[: job.repeats]
    if not takes:
        return None
    replies = (reply for take in takes for reply in recorded_replies(cassette, take.interactions))
    total = sum((Usage.of(reply.usage) for reply in replies), Usage())
    weight: int = sum(getattr(total, name) * getattr(WEIGHTS, name) for name in Usage.__struct_fields__)
    return weight * job.repeats // len(takes)
