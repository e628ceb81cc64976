"""`LiveTools`: carries out tool calls for real, and turns everything that can go wrong into an answer.

A tool is other people's code: it may be missing, get input it cannot take, raise, hang, or return a novel. The model
can deal with each of these when it is told; so a call always has one answer, and the loop never sees an exception.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import orjson

from agentctl.agent.children import ended_with_the_call
from agentctl.agent.events import Block, ToolCalled, ToolReturned
from agentctl.agent.handler import ToolContext, ToolFailure
from agentctl.agent.handlers import Handler, InvalidInput, load_handler
from agentctl.agent.ports import EXECUTES
from agentctl.agent.spec import Agent, ToolSpec
from agentctl.agent.values import replace

MAX_FINDINGS = 5
BLOCKS: Final[Mapping[str, tuple[str, type]]] = {
    "text": ("text", str),
    "image": ("source", Mapping),
    "document": ("source", Mapping),
    "search_result": ("content", list),
}
"""Content blocks that a tool may return, with what each cannot do without."""
MAX_ERROR_CHARS = 2_000
"""Of an error's text: a traceback in a message, or an input quoted in a finding, must not fill the context."""


class CannotLoad(Exception):  # the model is told, and the person reads it in the trace
    """A tool whose handler could not be imported; the text says why."""


class LiveTools:
    """The agent's tools, bound to one workspace directory. Handlers are imported when first called."""

    def __init__(self, agent: Agent, workspace: Path, run_id: str = "") -> None:
        self._specs = {tool.name: tool for tool in agent.tools if not tool.is_server}
        self._workspace = workspace
        self._run_id = run_id
        self._handlers: dict[str, Handler] = {}
        self._validators: dict[str, jsonschema_rs.Validator] = {}
        self.executed = 0
        """How many handlers were started."""

    async def call(self, call: ToolCalled) -> ToolReturned:
        """Runs the handler in its time and answers; see `events.TOOL_ERRORS` for what can be wrong."""
        spec = self._specs.get(call.name)
        if spec is None:
            known = ", ".join(sorted(self._specs)) or "none"
            return _error(call, "unknown_tool", f"there is no tool {call.name!r}; the tools are: {known}")
        timer = asyncio.timeout(spec.timeout)
        try:
            self._check(spec, call)
            async with timer:
                with ended_with_the_call():
                    value = await self.execute(spec, call)
        except (Exception, asyncio.CancelledError, SystemExit) as error:
            if _is_not_the_tools(error):
                raise
            if isinstance(error, TimeoutError) and timer.expired():
                return _error(call, "timeout", f"no result within {spec.timeout:g} s; it may still take effect")
            return _failed(call, error)
        return _returned(spec, call, value)

    async def look_up(self, call: ToolCalled) -> ToolReturned | None:
        """What came of a call whose result was lost, as the tool's `lookup` has it; None when it had no effect.

        Raises:
            LookupError: there is no lookup, or it failed.
        """
        spec = self._specs.get(call.name)
        if spec is None or spec.lookup is None:
            raise LookupError(call.name)
        asking = replace(spec, handler=spec.lookup, name=f"{spec.name} lookup")
        try:
            async with asyncio.timeout(spec.timeout):
                value = await self.execute(asking, call)
        except Exception as error:
            raise LookupError(f"the lookup of {spec.name} failed: {_told(error)}") from error
        return None if value is None else _returned(spec, call, value)

    def _check(self, spec: ToolSpec, call: ToolCalled) -> None:
        """Raises InvalidInput with all that the JSON Schema has against the input."""
        validator = self._validators.get(spec.name)
        if validator is None:
            validator = jsonschema_rs.validator_for(spec.input_schema, retriever=_fetch_nothing)
            self._validators[spec.name] = validator
        try:
            findings = [f"{_path(error.instance_path)}: {error.message}" for error in validator.iter_errors(call.input)]
        except UnicodeEncodeError:
            raise InvalidInput("the input does not fit the schema: a text in it has half a character") from None
        if not findings:
            return
        more = f"; and {len(findings) - MAX_FINDINGS} more" if len(findings) > MAX_FINDINGS else ""
        raise InvalidInput(f"the input does not fit the schema: {'; '.join(findings[:MAX_FINDINGS])}{more}")

    async def execute(self, spec: ToolSpec, call: ToolCalled) -> Any:
        """What the tool's handler returns for this input; whatever it raises goes through."""
        handler = self._handler(spec)
        key = f"{self._run_id}:{call.call_id}" if self._run_id else call.call_id
        bound = handler.bind(call.input, ToolContext(self._workspace, call.call_id, key))
        self.executed += 1
        sys.audit(EXECUTES, spec.name)
        value = bound() if handler.is_async else await in_thread(bound, name=f"tool {spec.name}")
        return await value if inspect.isawaitable(value) else value

    def _handler(self, spec: ToolSpec) -> Handler:
        handler = self._handlers.get(spec.name)
        if handler is None:
            try:
                handler = self._handlers[spec.name] = load_handler(spec.handler or "")
            except (Exception, SystemExit) as error:
                if _is_not_the_tools(error):
                    raise
                raise CannotLoad(f"the handler of {spec.name} cannot be loaded: {_told(error)}") from error
        return handler


async def in_thread(work: Callable[[], Any], *, name: str) -> Any:
    """Runs `work` in a daemon thread of its own: one that hangs for ever holds up neither the others nor the exit."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()
    context = contextvars.copy_context()

    def settle(value: Any, error: BaseException | None) -> None:
        if done.done():  # timed out or cancelled meanwhile
            return
        if error is None:
            done.set_result(value)
        else:
            done.set_exception(error)

    def body() -> None:
        value: Any = None
        error: Exception | None = None
        try:
            value = context.run(work)
        except BaseException as raised:  # noqa: BLE001  carried to the loop; a SystemExit must not end it from here
            if isinstance(raised, Exception) and not isinstance(raised, StopIteration):  # a future refuses that one
                error = raised
            else:
                error = RuntimeError(repr(raised))
        try:
            loop.call_soon_threadsafe(settle, value, error)
        except RuntimeError:
            return  # the loop is closed: nobody waits any more

    threading.Thread(target=body, name=name, daemon=True).start()
    return await done


def _returned(spec: ToolSpec, call: ToolCalled, value: Any) -> ToolReturned:
    try:
        content = _content(value)
    except Exception as error:  # noqa: BLE001  a value may bring its own way to become JSON
        text = f"{spec.name} returned a {type(value).__name__} that is no JSON: {_text_of(error)}"
        return _error(call, "not_serializable", text)
    size = len(content) if isinstance(content, str) else len(orjson.dumps(content))
    if size > spec.max_result_chars:
        text = f"the result has {size:,} characters, more than the {spec.max_result_chars:,} allowed; ask for less"
        return _error(call, "too_large", text)
    return ToolReturned(call.call_id, call.name, content)


def _content(value: Any) -> str | list[Block]:
    """What the model is sent: text as it is, content blocks as they are, anything else as JSON text."""
    if isinstance(value, str):
        return _sendable(value)
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json")
    if isinstance(value, list) and value and all(isinstance(item, Mapping) and _is_block(item) for item in value):
        return [dict(item) for item in orjson.loads(orjson.dumps(value))]
    return orjson.dumps(value).decode()


def _is_block(item: Mapping[str, Any]) -> bool:
    """Whether the API would take it for one: what only looks like a block is sent as JSON text."""
    field, kind = BLOCKS.get(str(item.get("type")), ("", object))
    return bool(field) and isinstance(item.get(field), kind)


def _path(parts: list[str | int]) -> str:
    return ".".join(str(part) for part in parts) or "input"


def _fetch_nothing(uri: str) -> Any:
    raise ValueError(f"a schema must not refer to {uri}: nothing is fetched")


def _is_not_the_tools(error: BaseException) -> bool:
    """Whether somebody cancelled the task that waits here, or a signal ends the process: a tool may raise the same."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is None or task.cancelling() > 0
    return isinstance(error, SystemExit) and type(error) is not SystemExit  # sys.exit raises no subclass


def _failed(call: ToolCalled, error: BaseException) -> ToolReturned:
    """The answer to a call that ended with an exception."""
    if isinstance(error, InvalidInput):
        return _error(call, "invalid_input", _text_of(error))
    if isinstance(error, ToolFailure):
        return _error(call, "reported", _text_of(error))
    return _error(call, "raised", _text_of(error) if isinstance(error, CannotLoad) else _told(error))


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {_text_of(error)}"


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001  its text is other people's code too
        return "(it has no text)"


def _sendable(text: str) -> str:
    """The text as UTF-8 takes it: a lone surrogate cannot be sent."""
    return text.encode("utf-8", "replace").decode()


def _error(call: ToolCalled, error_type: str, text: str) -> ToolReturned:
    if len(text) > MAX_ERROR_CHARS:
        text = f"{text[:MAX_ERROR_CHARS]}... ({len(text):,} characters, cut)"
    return ToolReturned(call.call_id, call.name, _sendable(text), error_type)
