"""Live tools: whatever other people's code does, a call has one answer that the model can read."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.agent.drive import drive
from agentctl.agent.events import TOOL_ERRORS, ToolCalled, ToolReturned, from_json, to_json
from agentctl.agent.handlers import Handler
from agentctl.agent.run import Run
from agentctl.agent.spec import Agent, ToolSpec
from agentctl.agent.tools import MAX_ERROR_CHARS, LiveTools, in_thread
from agentctl.agent.values import replace
from support.scripted import ScriptedModel, call, reply, says, text

Bench = Callable[..., LiveTools]
OPEN: dict[str, Any] = {"type": "object"}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Makes live tools from the text of a handlers file; every public function in it is a tool."""

    def make(code: str, *, schema: dict[str, Any] | None = None, folder: str = "one", **spec: Any) -> LiveTools:
        file = tmp_path / folder / "handlers.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(textwrap.dedent(code))
        names = [line.split("def ")[1].split("(")[0] for line in code.splitlines() if "def " in line]
        return LiveTools(agent_of(file, names, schema=schema, **spec), tmp_path / "workspace", run_id="run_1")

    return make


def agent_of(file: Path, names: list[str], *, schema: dict[str, Any] | None = None, **spec: Any) -> Agent:
    """An agent whose tools are these functions of a file."""
    specs = tuple(
        ToolSpec(name, {"name": name, "description": name, "input_schema": schema or OPEN}, f"{file}:{name}", **spec)
        for name in names
    )
    return Agent("test", "1", "claude-sonnet-5-5", "", {"max_tokens": 100}, specs)


def answer(tools: LiveTools, name: str, /, **input_: Any) -> ToolReturned:
    """The answer to one call."""
    returned = asyncio.run(tools.call(ToolCalled("toolu_1", name, input_)))
    assert (returned.call_id, returned.name) == ("toolu_1", name)
    assert returned.error_type is None or returned.error_type in TOOL_ERRORS
    assert from_json(orjson.loads(orjson.dumps(to_json(returned)))) == returned
    return returned


@pytest.mark.parametrize("kind", ["def", "async def"])
@pytest.mark.parametrize(
    ("value", "content"),
    [
        ("'Shipped.'", "Shipped."),
        ("''", ""),
        ("{'status': 'shipped', 'total': 12.5}", '{"status":"shipped","total":12.5}'),
        ("[1, 'two', None]", '[1,"two",null]'),
        ("None", "null"),
        ("True", "true"),
        ("[]", "[]"),
        ("{'é': '✓'}", '{"é":"✓"}'),
        ("'half \\ud83d pair'", "half ? pair"),
        ("{'total': float('nan')}", '{"total":null}'),
        ("[{'type': 'text', 'text': 'Shipped.'}]", [text("Shipped.")]),
        (
            "[{'type': 'image', 'source': {'type': 'url', 'url': 'x'}}]",
            [{"type": "image", "source": {"type": "url", "url": "x"}}],
        ),
        ("[{'type': 'text'}]", '[{"type":"text"}]'),
        ("[{'type': 'gift', 'text': 'x'}]", '[{"type":"gift","text":"x"}]'),
    ],
)
def test_results(bench: Bench, kind: str, value: str, content: Any) -> None:
    """Text is sent as it is, content blocks as they are, anything else as JSON; sync and async alike."""
    tools = bench(f"{kind} look():\n    return {value}\n")
    assert answer(tools, "look") == ToolReturned("toolu_1", "look", content)
    assert tools.executed == 1


def test_keyword_arguments(bench: Bench) -> None:
    """The input's keys are the parameters, and defaults hold."""
    tools = bench("def look(query: str, limit: int = 5):\n    return f'{query}:{limit}'\n")
    assert answer(tools, "look", query="bag").content == "bag:5"
    assert answer(tools, "look", query="bag", limit=2).content == "bag:2"


def test_unknown_tool(bench: Bench) -> None:
    """A tool that does not exist is answered with those that do."""
    tools = bench("def look(): ...\ndef find(): ...\n")
    returned = answer(tools, "delete_everything")
    assert returned.error_type == "unknown_tool"
    assert "find, look" in str(returned.content)
    assert tools.executed == 0


def test_server_tool_is_not_ours(tmp_path: Path) -> None:
    """A tool that the API runs itself is no tool that a call could reach."""
    server = ToolSpec("web_search", {"type": "web_search_20250305", "name": "web_search"})
    tools = LiveTools(Agent("test", "1", "m", "", {}, (server,)), tmp_path)
    assert answer(tools, "web_search").error_type == "unknown_tool"


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"order": {"type": "string", "pattern": "^ORD-"}, "lines": {"type": "integer", "minimum": 1}},
    "required": ["order"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("input_", "said"),
    [
        ({}, ['"order" is a required property']),
        ({"order": 5}, ["order: ", "not of type"]),
        ({"order": "1042"}, ["order: ", "does not match"]),
        ({"order": "ORD-1", "lines": 0}, ["lines: "]),
        ({"order": "ORD-1", "colour": "red"}, ["colour"]),
        ({"order": 5, "lines": "x"}, ["order: ", "lines: "]),
    ],
)
def test_input_that_does_not_fit_the_schema(bench: Bench, input_: dict[str, Any], said: list[str]) -> None:
    """Every finding is told with its place, and the handler does not run."""
    tools = bench("def look(**_any):\n    return 'ran'\n", schema=SCHEMA)
    returned = answer(tools, "look", **input_)
    assert returned.error_type == "invalid_input"
    for part in said:
        assert part in str(returned.content)
    assert tools.executed == 0
    assert answer(tools, "look", order="ORD-1").content == "ran"


def test_many_findings_are_counted(bench: Bench) -> None:
    """A hopeless input does not fill the context with findings."""
    schema = {"type": "object", "additionalProperties": {"type": "string"}}
    returned = answer(
        bench("def look(**_any): ...\n", schema=schema), "look", **{f"key{place}": place for place in range(50)}
    )
    assert "and 45 more" in str(returned.content)


def test_long_input_is_not_quoted_whole(bench: Bench) -> None:
    """A finding that quotes a long input is cut."""
    schema = {"type": "object", "properties": {"note": {"type": "integer"}}}
    returned = answer(bench("def look(**_any): ...\n", schema=schema), "look", note="x" * 1_000_000)
    assert returned.error_type == "invalid_input"
    assert len(str(returned.content)) < MAX_ERROR_CHARS + 100


MODEL = """
    from pydantic import BaseModel, ConfigDict

    class Order(BaseModel):
        model_config = ConfigDict(extra="forbid")
        order: str
        lines: list[int] = []

    def look(wanted: Order):
        return Order(order=wanted.order.upper(), lines=wanted.lines)
"""


def test_pydantic_model(bench: Bench) -> None:
    """The input goes into the one parameter that is a model, and a model can be the result."""
    tools = bench(MODEL)
    assert answer(tools, "look", order="ord-1", lines=["2"]).content == '{"order":"ORD-1","lines":[2]}'


@pytest.mark.parametrize(
    ("input_", "place"), [({}, "order"), ({"order": "x", "lines": ["a"]}, "lines.0"), ({"order": "x", "y": 1}, "y")]
)
def test_input_that_does_not_fit_the_model(bench: Bench, input_: dict[str, Any], place: str) -> None:
    """What the model refuses is told with its place, and the handler does not run."""
    tools = bench(MODEL)
    returned = answer(tools, "look", **input_)
    assert returned.error_type == "invalid_input"
    assert f"{place}: " in str(returned.content)
    assert tools.executed == 0


@pytest.mark.parametrize("kind", ["def", "async def"])
@pytest.mark.parametrize(
    ("raised", "said"),
    [
        ("ValueError('no such table')", "ValueError: no such table"),
        ("KeyError('x')", "KeyError: 'x'"),
        ("TimeoutError('the socket timed out')", "TimeoutError: the socket timed out"),
        ("OSError(2, 'gone')", "gone"),
        ("RecursionError()", "RecursionError"),
        ("MemoryError()", "MemoryError"),
        ("StopIteration(5)", "StopIteration"),
        ("StopAsyncIteration()", "StopAsyncIteration"),
        ("SystemExit(3)", "SystemExit"),
        ("asyncio.CancelledError()", "CancelledError"),
        ("ExceptionGroup('two', [ValueError('a'), ValueError('b')])", "two"),
        ("UnicodeDecodeError('utf-8', b'x', 0, 1, 'bad')", "bad"),
        ("ValueError('half \\ud83d pair')", "half ? pair"),
        ("Mute()", "Mute"),
    ],
)
def test_raising(bench: Bench, kind: str, raised: str, said: str) -> None:
    """Whatever a handler raises, the model is told what, and the loop never sees it."""
    tools = bench(f"""
        import asyncio

        class Mute(Exception):
            def __str__(self):
                raise ZeroDivisionError

        {kind} look():
            raise {raised}
    """)
    returned = answer(tools, "look")
    assert returned.error_type == "raised"
    assert said in str(returned.content)
    assert tools.executed == 1


@pytest.mark.parametrize("raised", ["KeyboardInterrupt", "GeneratorExit"])
def test_interrupts_in_a_thread(bench: Bench, raised: str) -> None:
    """Ctrl-C belongs to the main thread: raised by a sync handler it is one more exception."""
    returned = answer(bench(f"def look():\n    raise {raised}\n"), "look")
    assert returned.error_type == "raised"
    assert raised in str(returned.content)


def test_failure_on_purpose(bench: Bench) -> None:
    """An error that the tool means the model to read is told in its own words."""
    tools = bench("from agentctl import ToolFailure\ndef look():\n    raise ToolFailure('no order ORD-9')\n")
    assert answer(tools, "look") == ToolReturned("toolu_1", "look", "no order ORD-9", "reported")


def test_long_error_is_cut(bench: Bench) -> None:
    """A novel in an exception does not reach the model whole."""
    returned = answer(bench("def look():\n    raise ValueError('x' * 1_000_000)\n"), "look")
    assert len(str(returned.content)) < MAX_ERROR_CHARS + 100
    assert "1,000,012 characters" in str(returned.content)


@pytest.mark.parametrize("input_", [{}, {"query": 1, "other": 2}, {"context": 1}])
def test_input_that_does_not_fit_the_signature(bench: Bench, input_: dict[str, Any]) -> None:
    """What the schema lets through and the function does not take is an answer too."""
    tools = bench("""
        from agentctl import ToolContext

        def look(query, context: ToolContext):
            return "ran"
    """)
    returned = answer(tools, "look", **input_)
    assert returned.error_type == "raised"
    assert "TypeError" in str(returned.content)


@pytest.mark.parametrize("body", ["import time; time.sleep(60)", "import threading; threading.Event().wait()"])
def test_hanging_in_a_thread(bench: Bench, body: str) -> None:
    """A sync handler that does not come back is given up, and the next call runs."""
    tools = bench(f"def hang():\n    {body}\ndef look():\n    return 'ran'\n", timeout=0.1)
    returned = answer(tools, "hang")
    assert returned.error_type == "timeout"
    assert "0.1 s" in str(returned.content)
    assert "may still take effect" in str(returned.content)
    assert answer(tools, "look").content == "ran"


def test_hanging_coroutine(bench: Bench) -> None:
    """An async handler that does not come back is cancelled, and may clean up."""
    tools = bench(
        """
        import asyncio
        from agentctl import ToolContext

        async def hang(context: ToolContext):
            try:
                await asyncio.sleep(60)
            finally:
                context.workspace.mkdir()
        """,
        timeout=0.1,
    )
    assert answer(tools, "hang").error_type == "timeout"
    assert tools._workspace.is_dir()


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_process_ends_while_a_tool_hangs(tmp_path: Path, kind: str) -> None:
    """A handler that hangs for ever holds up neither the loop nor the exit of the process."""
    wait = "threading.Event().wait()" if kind == "def" else "await asyncio.Event().wait()"
    (tmp_path / "handlers.py").write_text(f"import asyncio, threading\n{kind} hang():\n    {wait}\n")
    code = f"""
        import asyncio
        from pathlib import Path
        from agentctl.agent.events import ToolCalled
        from agentctl.agent.spec import Agent, ToolSpec
        from agentctl.agent.tools import LiveTools

        handler = {str(tmp_path / "handlers.py:hang")!r}
        spec = ToolSpec("hang", {{"name": "hang", "input_schema": {{}}}}, handler, timeout=0.1)
        tools = LiveTools(Agent("a", "1", "m", "", {{}}, (spec,)), Path())
        print(asyncio.run(tools.call(ToolCalled("t", "hang", {{}}))).error_type)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "timeout", "")


@pytest.mark.parametrize("value", ["'x' * 51", "['x' * 60]", "[{'type': 'text', 'text': 'x' * 51}]", "'x' * 10**8"])
def test_oversized(bench: Bench, value: str) -> None:
    """A result that is too long is refused with its size, and the model is told to ask for less."""
    tools = bench(f"def look():\n    return {value}\n", max_result_chars=50)
    returned = answer(tools, "look")
    assert returned.error_type == "too_large"
    assert "ask for less" in str(returned.content)
    assert len(str(returned.content)) < 200


def test_longest_result_that_fits(bench: Bench) -> None:
    """The limit itself is allowed."""
    assert answer(bench("def look():\n    return 'x' * 50\n", max_result_chars=50), "look").content == "x" * 50


UNSERIALISABLE = {
    "bytes": "return b'raw'",
    "bytes inside": "return {'a': b'raw'}",
    "set": "return {1, 2}",
    "object": "return object()",
    "class": "return dict",
    "cycle": "value = []; value.append(value); return value",
    "cycle of dicts": "value = {}; value['self'] = value; return value",
    "deep": "value = []\n    for _ in range(100_000): value = [value]\n    return value",
    "generator": "return (n for n in [1])",
    "key that is no string": "return {1: 'one'}",
    "half a pair inside": "return {'a': '\\ud83d'}",
    "huge number": "return {'n': 2**70}",
    "block that is no JSON": "return [{'type': 'text', 'text': b'raw'}]",
    "model that fails": "return Broken()",
    "model with bytes": "return Raw(data=b'\\xff')",
}


@pytest.mark.parametrize("kind", UNSERIALISABLE)
def test_unserialisable(bench: Bench, kind: str) -> None:
    """A result that is no JSON is a typed error that names its type."""
    tools = bench(
        """
from pydantic import BaseModel

class Broken:
    def model_dump(self, mode):
        raise ZeroDivisionError

class Raw(BaseModel):
    data: bytes

def look():
    """
        + UNSERIALISABLE[kind],
    )
    tools._specs = {"look": tools._specs["look"]}
    returned = answer(tools, "look")
    assert returned.error_type == "not_serializable"
    assert "look returned a" in str(returned.content)


def test_coroutine_of_a_sync_handler(bench: Bench) -> None:
    """A decorated async function that no longer looks async is awaited all the same."""
    tools = bench("""
        def plain(function):
            return lambda **input_: function(**input_)

        @plain
        async def look(order):
            return f"{order} is shipped"
    """)
    assert answer(tools, "look", order="ORD-1").content == "ORD-1 is shipped"


def test_context(bench: Bench) -> None:
    """The parameter annotated with ToolContext, whatever its name, gets the workspace, the id and the key."""
    tools = bench("""
        from __future__ import annotations
        from agentctl import ToolContext

        def look(order: str, where: ToolContext):
            return [order, where.workspace.name, where.call_id, where.idempotency_key]
    """)
    assert answer(tools, "look", order="o").content == '["o","workspace","toolu_1","run_1:toolu_1"]'


def test_context_beside_an_annotation_nobody_resolves(bench: Bench) -> None:
    """A name that only a type checker knows spoils its own annotation and no other."""
    tools = bench("""
        from __future__ import annotations
        from typing import TYPE_CHECKING
        from agentctl import ToolContext

        if TYPE_CHECKING:
            from nowhere import Order

        def look(context: ToolContext, order: Order = None, odd: "1 +" = None) -> Order:
            return context.call_id
    """)
    assert answer(tools, "look").content == "toolu_1"


def test_context_beside_a_model(bench: Bench) -> None:
    """A model and the context can stand side by side."""
    tools = bench("""
        from pydantic import BaseModel
        from agentctl import ToolContext

        class Order(BaseModel):
            order: str

        async def look(order: Order, context: ToolContext):
            return order.order + context.call_id
    """)
    assert answer(tools, "look", order="o").content == "otoolu_1"


SIBLING = "from database import NAME\nfrom rules.shop import RULE\ndef look():\n    return f'{NAME} {RULE}'\n"


def test_siblings_of_two_folders(bench: Bench, tmp_path: Path) -> None:
    """Two folders may each have a database.py and a package of the same name; each handler gets its own."""
    made = []
    for folder in ("one", "two"):
        (tmp_path / folder / "rules").mkdir(parents=True)
        (tmp_path / folder / "database.py").write_text(f"NAME = {folder!r}\n")
        (tmp_path / folder / "rules" / "__init__.py").write_text("")
        (tmp_path / folder / "rules" / "shop.py").write_text(f"RULE = 'rule of {folder}'\n")
        made.append(bench(SIBLING, folder=folder))
    assert [answer(tools, "look").content for tools in made] == ["one rule of one", "two rule of two"]
    assert not {"database", "rules", "rules.shop"} & set(sys.modules)
    assert not [place for place in sys.path if place.startswith(str(tmp_path))]


LOADING = {
    "missing module": ("import nowhere_to_be_found", "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
    "syntax": ("def broken(:", "SyntaxError"),
    "raises": ("1 / 0", "ZeroDivisionError"),
    "exits": ("import sys; sys.exit(3)", "SystemExit: 3"),
    "no function": ("other = 1", "no function 'look'"),
    "no function but a value": ("look = 5", "no function 'look'"),
}


@pytest.mark.parametrize("kind", LOADING)
def test_handler_that_cannot_be_loaded(bench: Bench, kind: str) -> None:
    """A handler that does not import is a typed error that says so, at every call."""
    code, said = LOADING[kind]
    tools = bench("def look(): ...\n")
    Path(str(tools._specs["look"].handler).rpartition(":")[0]).write_text(code + "\n")
    for _ in range(2):
        returned = answer(tools, "look")
        assert returned.error_type == "raised"
        assert str(returned.content).startswith("the handler of look cannot be loaded: ")
        assert said in str(returned.content)
    assert tools.executed == 0


def test_handler_file_that_is_gone(bench: Bench, tmp_path: Path) -> None:
    """A file that does not exist is named."""
    tools = bench("def look(): ...\n")
    (tmp_path / "one" / "handlers.py").unlink()
    assert "there is no file" in str(answer(tools, "look").content)


def test_loop_goes_on_after_a_handler_that_cannot_be_loaded(bench: Bench) -> None:
    """The model reads the error and answers; the run completes."""
    tools = bench("import nowhere_to_be_found\ndef look(): ...\n")
    model = ScriptedModel(reply(call("look")), reply(text("I cannot look that up.")))
    agent = Agent("test", "1", "m", "", {}, tuple(tools._specs.values()))
    run = asyncio.run(drive(agent, Run(), model=model, tools=tools, hear=says("Look")))
    assert run.ended is not None
    assert run.ended.reason == "completed"
    (result,) = model.requests[1][-1]["content"]
    assert result["is_error"] is True
    assert "nowhere_to_be_found" in result["content"]


def test_loop_goes_on_after_an_async_handler_that_exits(bench: Bench) -> None:
    """A tool that calls sys.exit or cancels itself ends its call and not the run."""
    tools = bench("""
        import asyncio, sys

        async def leave():
            sys.exit(1)

        async def give_up():
            raise asyncio.CancelledError
    """)
    model = ScriptedModel(
        reply(call("leave", "a")), reply(call("leave", "b"), call("give_up", "c")), reply(text("Done."))
    )
    agent = Agent("test", "1", "m", "", {}, tuple(tools._specs.values()))
    run = asyncio.run(drive(agent, Run(), model=model, tools=tools, hear=says("Go")))
    assert run.ended is not None
    assert run.ended.reason == "completed"


class Signal(SystemExit):
    """What a signal handler raises."""


def test_signal_during_a_tool_is_not_its_answer(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal that ends the process while a handler runs is no result of that handler."""
    monkeypatch.setattr("builtins.Signal", Signal, raising=False)
    tools = bench("async def look():\n    raise Signal(143)\n")
    with pytest.raises(Signal):
        answer(tools, "look")


def test_cancelling_a_call_is_not_its_answer(bench: Bench) -> None:
    """A call that is cancelled from outside is cancelled."""

    async def cancel() -> None:
        tools = bench("import asyncio\nasync def look():\n    await asyncio.sleep(60)\n")
        calling = asyncio.create_task(tools.call(ToolCalled("t", "look", {})))
        await asyncio.sleep(0.05)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling

    asyncio.run(cancel())


def test_twenty_at_once_keep_their_order(bench: Bench) -> None:
    """Twenty calls run together; the one that fails and the one that hangs answer in their place."""
    tools = bench("""
        import time

        def look(place: int):
            time.sleep((20 - place) / 500)
            if place == 7:
                raise ValueError("seven")
            return f"found {place}"

        def hang(place: int):
            time.sleep(60)
    """)
    tools._specs["hang"] = replace(tools._specs["hang"], timeout=0.1)
    calls = [call("hang" if place == 11 else "look", f"t{place}", place=place) for place in range(20)]
    model = ScriptedModel(reply(*calls), reply(text("Done.")))
    agent = Agent("test", "1", "m", "", {}, tuple(tools._specs.values()))
    asyncio.run(drive(agent, Run(), model=model, tools=tools, hear=says("Look")))
    message = model.requests[1][-1]
    assert message["role"] == "user"
    results = message["content"]
    assert [block["tool_use_id"] for block in results] == [f"t{place}" for place in range(20)]
    assert {place for place, block in enumerate(results) if block.get("is_error")} == {7, 11}
    assert all(block["content"] == f"found {place}" for place, block in enumerate(results) if place not in {7, 11})
    assert tools.executed == 20


def test_threads_have_names_and_context(bench: Bench) -> None:
    """A handler's thread is called after its tool, so that a stack dump says which one hangs."""
    tools = bench("import threading\ndef look():\n    return threading.current_thread().name\n")
    assert answer(tools, "look").content == "tool look"


def test_thread_that_ends_after_the_loop() -> None:
    """A result that comes when nobody waits any more is dropped without a sound."""
    go = threading.Event()
    ended = threading.Event()

    def late() -> None:
        go.wait(10)
        ended.set()

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(in_thread(late, name="late"), 0.05)

    asyncio.run(give_up())
    go.set()
    assert ended.wait(10)


BROKEN_SCHEMAS: list[Any] = [
    {"$ref": "#/$defs/nowhere"},
    {"type": "object", "properties": {"a": {"$ref": "other.json#/x"}}},
    {"$ref": "http://127.0.0.1:1/schema.json"},
    {"$ref": "file:///etc/hostname"},
    {"type": "nonsense"},
    {"type": "object", "properties": 5},
    {"type": "object", "properties": {"a": {"pattern": "("}}},
]


@pytest.mark.parametrize("schema", BROKEN_SCHEMAS)
def test_schema_that_is_broken(bench: Bench, schema: dict[str, Any]) -> None:
    """A schema that does not compile, or points elsewhere, answers the call with an error and fetches nothing."""
    tools = bench("def look(**_any):\n    return 'ran'\n", schema=schema)
    assert answer(tools, "look", a="x").error_type == "raised"
    assert tools.executed == 0


def test_schema_with_definitions_and_recursion(bench: Bench) -> None:
    """References inside the schema work, to itself too."""
    schema = {
        "type": "object",
        "properties": {"child": {"$ref": "#"}, "order": {"$ref": "#/$defs/order"}},
        "$defs": {"order": {"type": "string"}},
        "additionalProperties": False,
    }
    tools = bench("def look(**_any):\n    return 'ran'\n", schema=schema)
    assert answer(tools, "look", child={"child": {"order": "x"}}).content == "ran"
    assert answer(tools, "look", child={"child": {"order": 5}}).error_type == "invalid_input"


def test_pattern_that_backtracks(bench: Bench) -> None:
    """A pattern that takes for ever in other engines is answered."""
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}
    tools = bench("def look(**_any):\n    return 'ran'\n", schema=schema)
    assert answer(tools, "look", a="a" * 50 + "!").error_type == "invalid_input"


VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(max_size=3), st.builds(object)
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner),
        st.dictionaries(st.one_of(st.text(max_size=3), st.integers()), inner, max_size=3),
        st.builds(lambda value: {"type": "text", "text": value}, inner),
    ),
    max_leaves=6,
)


@given(VALUES)
def test_any_result(value: Any) -> None:
    """Whatever a handler returns, the answer can be stored, sent and read back."""
    tools = LiveTools(agent_of(Path("unused.py"), ["look"]), Path())
    tools._handlers["look"] = Handler(lambda: value, is_async=False, context_parameter=None, model_parameter=None)
    answer(tools, "look")


@pytest.mark.parametrize(
    "block",
    ["{'type': 'text', 'text': 7}", "{'type': 'image', 'source': 'x'}", "{'type': 'search_result', 'title': 'x'}"],
)
def test_what_only_looks_like_a_content_block_is_sent_as_json(bench: Bench, block: str) -> None:
    """The API refuses a request with a block that lacks what it is made of, and with it the whole conversation."""
    returned = answer(bench(f"def look(**_given):\n    return [{block}]"), "look")
    assert isinstance(returned.content, str)
    assert orjson.loads(returned.content)[0]["type"]


def test_an_input_with_half_a_character_is_refused_as_input(bench: Bench) -> None:
    """No schema can judge it: the model is told what is wrong with its input, not how the check ended."""
    strict = {"type": "object", "properties": {"text": {"type": "integer"}}}
    returned = answer(bench("def look(**_given):\n    return 'ran'", schema=strict), "look", text="\ud83d")
    assert returned.error_type == "invalid_input"
    assert "half a character" in str(returned.content)
