"""A run that happened, and what its keeper said of it: its case, its trial, its cost, and every other label.

What is known of a trace stands in its metadata; the fields here are read from that, by the names that logs use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Final

from agentctl.agent.events import Json, JsonObject, UserSaid
from agentctl.agent.run import Run, text_of
from agentctl.evals.scorers.labels import MISSING, find

CASES: Final = ("case_id", "case", "task_id", "task", "problem_id", "instance_id", "scenario_id", "custom_id")
NAMES: Final = (*CASES, "id", "name")
TRIALS: Final = (
    *("trial", "trial_id", "trial_idx", "trial_index", "trial_num", "trial_number", "repeat", "attempt"),
    *("run", "run_idx", "run_index", "rollout", "rollout_id", "sample_index", "pass", "epoch", "iteration"),
)
COSTS: Final = ("cost_usd", "cost", "total_cost_usd", "total_cost", "agent_cost")
"""What an agent's run cost, in USD. A user's share of it (`user_cost`) is none of the agent's."""
MODELS: Final = ("model", "agent_model", "model_name", "llm")
DOMAINS: Final = ("domain", "env", "environment", "benchmark")
SECONDS: Final = ("seconds", "duration", "duration_seconds", "elapsed_seconds")
NUMBERED: Final = re.compile(r"(?:[A-Za-z]+[-_ ]?)?(\d{1,6})")
"""A trial that is told as text: `3`, `trial-3`."""
TRIAL_IN_NAME: Final = re.compile(r"(?P<case>.+?)[-_ /.#]*(?:trial|run|attempt)[-_ ]*(?P<trial>\d{1,6})", re.IGNORECASE)
"""A name that tells both: `retail-3-trial-2`."""


@dataclass(frozen=True, slots=True)
class Trace:
    """One run as it was kept."""

    file: str
    """As messages name it."""
    place: str
    """Where in the file, in words; empty for a whole one."""
    line: int
    run: Run
    metadata: JsonObject = field(default_factory=dict)
    case: str = ""
    """The case as the trace names it; empty when it does not."""
    suite: str = ""
    """The suite it says it is of."""
    trial: int | None = None
    agent: str = ""
    """The agent that made it, where it is one of ours."""
    model: str = ""
    domain: str = ""
    cost: Decimal | None = None
    """USD, as its keeper tells it; None when nobody did."""
    cost_key: str = ""
    seconds: float = 0.0
    """What model and tools took; 0 when that is not known."""
    source: str = ""
    """What `agentctl replay` shows it by; empty when that cannot."""
    keeps: bool = True
    """Whether a result of it holds its entries: a transcript's stand in its own file."""
    transcript: bool = False
    """Whether nobody here made it."""
    group: str = ""
    """The file or folder whose traces are counted together."""
    left: int = 0
    """Parts of it that could not be carried."""

    @property
    def shown(self) -> str:
        """Where it stands."""
        return f"{self.file}, {self.place}" if self.place else self.file

    @property
    def said(self) -> tuple[str, ...]:
        """What the user said, turn by turn, as far as it is text."""
        return tuple(text_of(each.event.content) for each in self.run.entries if isinstance(each.event, UserSaid))


def case_in(metadata: Mapping[str, Json]) -> str:
    """The case that a log says it is of; empty when it does not say."""
    return next((str(value) for value in _values(metadata, NAMES) if _is_name(value)), "")


def trial_in(metadata: Mapping[str, Json]) -> int | None:
    """Which trial of its case it is, as the log counts; None when it does not say."""
    for value in _values(metadata, TRIALS):
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        found = NUMBERED.fullmatch(value) if isinstance(value, str) else None
        if found is not None:
            return int(found[1])
    return None


def named(case: str, trial: int | None) -> tuple[str, int | None]:
    """(case, trial), taken apart where the case's name tells its trial too and nothing else does."""
    found = TRIAL_IN_NAME.fullmatch(case) if trial is None else None
    return (case, trial) if found is None else (found["case"], int(found["trial"]))


def word_in(metadata: Mapping[str, Json], keys: Sequence[str]) -> str:
    """The first of these labels that is a text; empty when none is."""
    return next((value for value in _values(metadata, keys) if isinstance(value, str)), "")


def cost_in(metadata: Mapping[str, Json], key: str = "") -> tuple[Decimal | None, str]:
    """(USD, the key it stands at): at `key`, else at the first of `COSTS` that holds a number."""
    for each in [key] if key else COSTS:
        value = find(metadata, each)
        if isinstance(value, (int, float, str)) and not isinstance(value, bool):
            try:
                usd = Decimal(str(value).strip().removeprefix("$"))
            except InvalidOperation:
                continue
            if usd.is_finite():
                return usd, each
    return None, ""


def seconds_in(metadata: Mapping[str, Json]) -> float:
    """How long the run took, as the log says; 0 when it does not."""
    found = (each for each in _values(metadata, SECONDS) if isinstance(each, (int, float)))
    return max(0.0, float(next(found, 0.0)))


def _values(metadata: Mapping[str, Json], keys: Sequence[str]) -> Iterator[Json]:
    return (value for key in keys if (value := find(metadata, key)) is not MISSING)


def _is_name(value: Json) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool) and value != ""
