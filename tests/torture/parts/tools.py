"""Tools that misbehave, many at once, and inputs that no schema allows: each call has one answer that can be sent."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
from pathlib import Path
from random import Random
from typing import Any, Final

from agentctl.agent.drive import drive
from agentctl.agent.events import TOOL_ERRORS, ToolCalled
from agentctl.agent.ports import API_VERSION, Request
from agentctl.agent.run import Run
from agentctl.agent.spec import Agent, Limits, ToolSpec
from agentctl.agent.tools import LiveTools
from agentctl.agent.values import replace
from agentctl.errors import ModelError
from agentctl.model.decode import decode_reply
from agentctl.simulator.validator import validate
from support.scripted import ScriptedModel, call, reply, says, text
from tests.torture import mutate, wild
from tests.torture.hunt import Play, hunt
from tests.torture.part import Outcome, Part, Trial

HEADERS: Final = {"content-type": "text/event-stream"}
LEAVES: Final = frozenset({"base", "interrupt", "generator exit"})
"""What ends a run where it is raised on the loop itself, as Ctrl-C does; from a thread it is an answer as any other."""
SLOW: Final = frozenset({"large", "large list", "killed", "killed loudly", "forks", "deepest", "recursion"})
SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": "^ORD-[0-9]{4}$"},
        "count": {"type": "integer", "minimum": 1, "maximum": 9},
        "share": {"type": "number", "exclusiveMaximum": 1, "minimum": 0},
        "size": {"enum": ["S", "M", None]},
        "tree": {"$ref": "#/$defs/tree"},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 5}, "maxItems": 3, "uniqueItems": True},
    },
    "required": ["id", "count"],
    "additionalProperties": False,
    "$defs": {
        "tree": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "under": {"type": "array", "items": {"$ref": "#/$defs/tree"}}},
            "required": ["name"],
            "additionalProperties": False,
        }
    },
}
SOUND: Final[dict[str, Any]] = {
    "id": "ORD-1001",
    "count": 3,
    "share": 0.5,
    "size": "M",
    "tree": {"name": "a", "under": [{"name": "b", "under": []}]},
    "tags": ["x", "y"],
}


def _agent(handlers: Path, *, timeout: float = 5.0) -> Agent:
    open_schema = {"type": "object", "properties": {"mood": {"type": "string"}}, "required": ["mood"]}
    specs = tuple(
        ToolSpec(
            name,
            {"name": name, "description": name, "input_schema": SCHEMA if name == "noted" else open_schema},
            f"{handlers}:{name}",
            timeout=timeout,
        )
        for name in ("chaos", "chaos_async", "noted")
    )
    return Agent("wild", "1", "claude-sonnet-5-5", "Be brief.", {"max_tokens": 100}, specs, Limits(max_turns=5))


class _Bench:
    def __init__(self, folder: Path) -> None:
        logging.disable(logging.CRITICAL)
        self.handlers = folder / "handlers.py"
        shutil.copy(wild.__file__, self.handlers)
        self.workspace = folder / "workspace"
        self.workspace.mkdir()
        self.agent = _agent(self.handlers)

    async def turn(self, agent: Agent, calls: list[dict[str, Any]]) -> Run:
        """One turn with these calls, and the answer after it, whose request the API's own rules have to take."""

        async def judged(request: Request) -> Any:
            validate(json.loads(json.dumps(request.body, allow_nan=False).encode("utf-8")), API_VERSION)
            results = request.body["messages"][-1]
            got = [block["tool_use_id"] for block in results["content"] if block["type"] == "tool_result"]
            assert results["role"] == "user"
            assert got == [each["id"] for each in calls], f"answers {got}"
            return reply(text("Done."))

        model = ScriptedModel(reply(*calls), judged)
        run = await drive(agent, Run(), model=model, tools=LiveTools(agent, self.workspace, "run"), hear=says("go"))
        assert run.ended is not None
        assert run.ended.reason == "completed", run.ended
        return run


def _moods(folder: Path) -> Play:
    """Up to 20 calls of tools in any mood."""
    bench = _Bench(folder)
    quick_ones = [mood for mood in wild.MOODS if mood not in SLOW]
    slow_ones = sorted(SLOW)

    def one(chance: Random, number: int) -> dict[str, Any]:
        mood = chance.choice(slow_ones if chance.random() < 0.02 else quick_ones)
        name = chance.choice(("chaos", "chaos", "chaos_async", "chaos_async", "nobody"))
        if mood in LEAVES:
            name = "chaos"
        wrong = chance.random() < 0.05
        return call(name, f"toolu_{number}", **({"mood": 7} if wrong else {"mood": mood}))

    def play(chance: Random) -> str:
        calls = [one(chance, number) for number in range(chance.choice((1, 2, 5, 20)))]
        agent = bench.agent
        if chance.random() < 0.1:  # what sleeps is not waited for
            agent = replace(agent, tools=tuple(replace(tool, timeout=0.02) for tool in agent.tools))
        else:
            calls = [each for each in calls if each["input"].get("mood") != "sleeps" or each["name"] != "chaos_async"]
            calls = calls or [one(Random("text"), 0) | {"input": {"mood": "text"}}]
        asyncio.run(bench.turn(agent, calls))
        return "sent"

    return play


def _wrong(chance: Random) -> dict[str, Any]:
    """An input that breaks the schema in at least one place."""
    made = json.loads(json.dumps(SOUND))
    broken = chance.randrange(8)
    if broken == 0:
        del made[chance.choice(("id", "count"))]
    elif broken == 1:
        made[chance.choice(("x", "", "ID", "__proto__", "\u202e", "id "))] = chance.choice(mutate.VALUES)
    elif broken == 2:
        made["id"] = chance.choice(("ORD-1", "ord-1001", "xORD-1001", "ORD-1001\x00", 7, None, ["ORD-1001"]))
    elif broken == 3:
        made["count"] = chance.choice((0, 10, 1.5, "3", True, None, -(10**18), 2**63, 1e308))
    elif broken == 4:
        made["share"] = chance.choice((1, 1.0, -0.1, "0.5", 1e308, False))
    elif broken == 5:
        made["size"] = chance.choice(("m", "", 0, False, "XL", ["M"]))
    elif broken == 6:
        made["tags"] = chance.choice((["x", "x"], ["123456"], ["a", "b", "c", "d"], {"0": "x"}, "x", [None]))
    else:
        made["tree"] = _deep(chance, chance.choice((1, 2, 50, 200)))
    return made


def _deep(chance: Random, levels: int) -> dict[str, Any]:
    made: dict[str, Any] = chance.choice(({}, {"name": 7}, {"name": "x", "y": 1}, {"name": "x", "under": {}}))
    for _ in range(levels):
        made = {"name": "x", "under": [made]}
    return made


def _inputs(folder: Path) -> Play:
    """Inputs that fit run the tool, inputs that do not never do."""
    bench = _Bench(folder)

    def play(chance: Random) -> str:
        tools = LiveTools(bench.agent, bench.workspace)
        fits = chance.random() < 0.1
        given = SOUND if fits else _wrong(chance)
        answer = asyncio.run(tools.call(ToolCalled("toolu_1", "noted", given)))
        assert tools.executed == fits, f"ran {tools.executed} times on {given!r:.300}"
        assert answer.error_type == (None if fits else "invalid_input"), answer
        assert answer.error_type is None or answer.error_type in TOOL_ERRORS
        json.dumps(answer.content).encode()
        return "ran" if fits else "refused"

    return play


RAW: Final = (
    *(
        '{"a": NaN}',
        '{"a": Infinity}',
        '{"a": 1e999}',
        '{"a": -1e999}',
        '{"a": "\\ud800"}',
        '{"\\ud83d": 1}',
        "[1]",
        "7",
    ),
    *('{"a": 1, "a": 2}', '{"a": 01}', '{"a": 0x1}', "{'a': 1}", '{"a": 1,}', '{"a": "\x00"}', '{"a": "\n"}', "null"),
    *(
        '{"a": ' * 20_000 + "1" + "}" * 20_000,
        "[" * 20_000 + "]" * 20_000,
        '{"a": 1' + "0" * 5_000 + "}",
        "",
        " ",
        '""',
    ),
    *(
        '{"a": 18446744073709551616}',
        '{"a": 1}{"b": 2}',
        '{"a": 1} x',
        "\ufeff{}",
        '{"a": tru}',
        '{"a": 1',
        "{}",
        '"{}"',
    ),
    *('{"__proto__": {"x": 1}}', '{"a": "\\u0000"}', '{"a": 1e-999}', '{"a": -0}', '{"": ""}', '{"a": "\u202e"}'),
)


def _on_the_wire(_folder: Path) -> Play:
    """Tool inputs as text: a call that is run has an object that can be sent back; all else is a typed error."""

    def play(chance: Random) -> str:
        raw = chance.choice(RAW)
        if chance.random() < 0.6:
            raw = mutate.mutated_bytes(chance, json.dumps(SOUND).encode()).decode("utf-8", "replace")
        size = chance.choice((1, 7, 100, 100_000))
        if len(raw) > 1_000:
            size = 100_000
        pieces = [raw[at : at + size] for at in range(0, len(raw), size)]
        try:
            got = decode_reply(200, HEADERS, _stream(pieces))
        except ModelError as error:
            return _typed(error)
        used = next(block for block in got.content if block["type"] == "tool_use")
        assert isinstance(used["input"], dict), used
        text_ = json.dumps(used["input"], allow_nan=False)
        text_.encode("utf-8")
        if raw.strip():
            assert used["input"] == json.loads(raw, parse_int=_whole), "another input than was sent"
        return "taken"

    return play


def _typed(error: ModelError) -> str:
    assert error.type
    return "refused"


def _whole(digits: str) -> int | float:
    """Beyond 64 bits a whole number is read as a float, as JavaScript does beyond 53: JSON promises no more."""
    number = int(digits)
    return number if -(2**63) <= number < 2**64 else float(digits)


def _stream(pieces: list[str]) -> bytes:
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None}
    block = {"type": "tool_use", "id": "toolu_1", "name": "noted", "input": {}}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**message, "usage": {"input_tokens": 1, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": piece}}
            for piece in pieces
        ),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9}},
        {"type": "message_stop"},
    ]
    return "".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in events).encode()


def _outputs(trial: Trial) -> Outcome:
    return hunt(trial, _moods).outcome("turns", "requests refused")


def _refused(trial: Trial) -> Outcome:
    return hunt(trial, _inputs).outcome("inputs", "tools run on what does not fit")


def _wired(trial: Trial) -> Outcome:
    return hunt(trial, _on_the_wire).outcome("inputs", "untyped errors or other inputs")


PARTS: Final = [
    Part(("F26", "F27", "B5"), "tools in every mood, up to 20 at once", 100, 2_000, _outputs),
    Part(("B4",), "tool inputs against a schema", 2_000, 30_000, _refused),
    Part(("B4",), "tool inputs on the wire", 2_000, 30_000, _wired),
]
