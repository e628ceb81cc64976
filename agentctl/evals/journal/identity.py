"""Whether a result still answers what is asked: one digest over all that shapes it, and the recording it left.

Where a case stands in its file, and what its author says about it, shapes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Final

from msgspec import Struct

from agentctl.config.canonical import digest
from agentctl.evals.judge.bind import Judge
from agentctl.evals.plan import Job
from agentctl.evals.scorers.python_ import Check
from agentctl.evals.scorers.score import Assertion

SHAPES_NOTHING: Final = frozenset({"line", "description", "ready", "checks", "queries", "is_judged"})
"""Fields of cases and assertions: places, words for people, and what is made of the other fields."""


def identity(job: Job) -> str:
    """The digest of the case with its checks and their code, the agent, its tools' code, and how often it runs."""
    parts = {
        "suite": job.suite.name,
        "case": _plain(job.case),
        "checks": [_code(job, each) for each in job.case.checks],
        "bundle": job.agent.bundle,
        "components": job.components,
        "repeats": job.repeats,
        "adaptive": job.adaptive,
    }
    return digest(parts)


def recording_digest(job: Job) -> str | None:
    """The digest of the recording as it is now; None when there is none that can be read."""
    try:
        return hashlib.sha256(job.recording.read_bytes()).hexdigest()
    except OSError:
        return None


def _code(job: Job, assertion: Assertion) -> str | None:
    """The digest of what stands behind a check: the file its function is in, or a judge's rubric."""
    if isinstance(assertion.ready, Judge):
        return digest(_plain(assertion.ready.rubric))
    if not isinstance(assertion.ready, Check):
        return None
    try:
        return hashlib.sha256((job.suite.folder / assertion.ready.file).read_bytes()).hexdigest()
    except OSError:
        return ""


def _plain(value: Any) -> Any:
    """A value of ours as JSON."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Struct) or is_dataclass(value):
        names = value.__struct_fields__ if isinstance(value, Struct) else [each.name for each in fields(value)]
        return {name: _plain(getattr(value, name)) for name in names if name not in SHAPES_NOTHING}
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value if value is None or isinstance(value, (str, int, float)) else str(value)
