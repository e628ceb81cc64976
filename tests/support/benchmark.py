"""Logs of a benchmark in the layouts that are published: tau-bench's list, tau2-bench's document, and JSON lines."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

POLICY = "You are an airline agent. " + "Policy. " * 80


@dataclass(frozen=True)
class Run:
    """One published run: its task and trial, the reward, and what the agent cost in USD."""

    task: int
    trial: int
    reward: float
    cost: float = 0.0


def chat(run: Run) -> list[dict[str, Any]]:
    """The messages of a run as tau-bench has them: OpenAI's chat API, ended by the user or by a tool."""
    call = {"id": f"call_{run.task}", "type": "function"}
    return [
        {"role": "system", "content": POLICY},
        {"role": "user", "content": f"Please cancel reservation R{run.task}."},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{**call, "function": {"name": "get_reservation", "arguments": f'{{"id":"R{run.task}"}}'}}],
        },
        {"role": "tool", "tool_call_id": call["id"], "name": "get_reservation", "content": '{"status": "öpen"}'},
        {"role": "assistant", "content": f"It is cancelled, try {run.trial}."},
        {"role": "user", "content": "###STOP###"},
    ]


def tau_bench(path: Path, runs: list[Run]) -> Path:
    """One list; a run that crashed has no messages."""
    rows = [
        {
            "task_id": run.task,
            "reward": run.reward,
            "info": {"task": {"user_id": "mia", "actions": [{"name": "x" * 600}]}, "user_cost": 0.5},
            "traj": chat(run) if run.reward >= 0 else [],
            "trial": run.trial,
        }
        for run in runs
    ]
    path.write_text(json.dumps(rows, indent=2))
    return path


def tau2_bench(path: Path, runs: list[Run], *, indent: int | None = 2) -> Path:
    """One document whose `simulations` hold the runs; the agent speaks first, and the user has tools too."""
    path.write_text(
        json.dumps(
            {
                "timestamp": "2025-10-31T07:16:27",
                "info": {
                    "agent_info": {"implementation": "llm_agent", "llm": "claude-sonnet-4-5"},
                    "environment_info": {"domain_name": "telecom", "policy": POLICY},
                },
                "tasks": [{"id": "0", "note": 'a "data": [ in a text'}],
                "simulations": [_simulation(run) for run in runs],
            },
            indent=indent,
        )
    )
    return path


def _simulation(run: Run) -> dict[str, Any]:
    opened, call, result, said, stop = chat(run)[1:]
    function = call["tool_calls"][0]["function"]
    ours = {"id": "toolu_1", "name": function["name"], "arguments": json.loads(function["arguments"])}
    return {
        "id": f"8f0c-{run.task}-{run.trial}",
        "task_id": str(run.task),
        "duration": 12.5,
        "termination_reason": "user_stop",
        "agent_cost": run.cost,
        "user_cost": 0.25,
        "reward_info": {"reward": run.reward, "db_check": None},
        "messages": [
            {"role": "assistant", "content": "Hi! How can I help you?", "tool_calls": None, "turn_idx": 0},
            opened,
            {"role": "user", "content": None, "tool_calls": [{**ours, "id": "u1", "requestor": "user"}]},
            {"id": "u1", "role": "tool", "content": "airplane mode is off", "requestor": "user", "error": False},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{**ours, "requestor": "assistant"}],
                "usage": {"completion_tokens": 7, "prompt_tokens": 100},
            },
            {"id": "toolu_1", "role": "tool", "content": result["content"], "requestor": "assistant", "error": True},
            said,
            stop,
        ],
        "trial": run.trial,
        "seed": 626729,
    }


def json_lines(path: Path, runs: list[Run], **more: Any) -> Path:
    """A line for each run, in the Messages API's words, with what is said of it under `metadata`."""
    rows = [
        {
            "messages": [
                {"role": "user", "content": f"Please cancel R{run.task}."},
                {
                    "role": "assistant",
                    "content": [{"type": "tool_use", "id": "toolu_1", "name": "cancel", "input": {"id": run.task}}],
                },
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "done"}]},
                {"role": "assistant", "content": "It is cancelled."},
            ],
            "metadata": {"task_id": run.task, "trial": run.trial, "reward": run.reward, "cost": run.cost, **more},
        }
        for run in runs
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
