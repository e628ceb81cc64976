"""`.jsonl`: one case a line, each with its suite and agent, for `jq`, data frames and log shippers."""

from __future__ import annotations

import json
from collections.abc import Iterator

import orjson

from agentctl.evals.report.told import Told


def render(told: Told) -> Iterator[bytes]:
    """A line for every case; what a strict writer refuses is written all the same."""
    for suite, case in told.cases():
        about = {key: suite[key] for key in ("suite", "file", "agent", "bundle", "model")}
        try:
            yield orjson.dumps({**about, **case}, option=orjson.OPT_APPEND_NEWLINE)
        except TypeError:
            yield json.dumps({**about, **case}).encode() + b"\n"
