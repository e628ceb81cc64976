"""One content block while it arrives: start, deltas, stop.

Pieces are joined and JSON is parsed once, at the stop: parsing the buffer at every delta costs the square of the input.
A block is finished only when its stop was seen; what an unfinished tool call holds is kept as text and never run.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from agentctl.agent.events import Block, JsonObject
from agentctl.errors import ProtocolError

TOOL_BLOCKS = frozenset({"tool_use", "server_tool_use", "mcp_tool_use"})

NAMED: Final = (("id", str), ("name", str))
REQUIRED: Final[dict[str, tuple[tuple[str, type], ...]]] = {
    "text": (("text", str),),
    "thinking": (("thinking", str),),
    **dict.fromkeys(TOOL_BLOCKS, (*NAMED, ("input", dict))),
}
"""What readers of a block rely on; kinds that are missing here are passed on as they are, since the API may grow."""

TEXT_DELTAS: Final = {
    "text_delta": ("text", "text"),
    "input_json_delta": ("partial_json", "input"),
    "thinking_delta": ("thinking", "thinking"),
    "signature_delta": ("signature", "signature"),
}
"""Kinds of delta that carry a piece of text: the key it stands under, and the block's field that it extends."""

FOREIGN: Final = {
    "text": frozenset({"input", "thinking"}),
    "thinking": frozenset({"input", "text"}),
    **dict.fromkeys(TOOL_BLOCKS, frozenset({"text", "thinking"})),
}
"""What no delta brings to a block of a known kind: a call with text in it is no call that the model has made."""

NO_FIELDS: Final[frozenset[str]] = frozenset()
SHOWN: Final = frozenset({"text", "thinking"})
"""Fields whose pieces are shown as they arrive."""


class OpenBlock:
    """A block between its start and its stop.

    Raises (on construction):
        ProtocolError: a block without a type, or a tool call without an id or a name.
    """

    def __init__(self, start: Block) -> None:
        kind = _kind_of(start)
        if kind in TOOL_BLOCKS:
            _require(start, NAMED)
        self.block: Block = dict(start)
        self._foreign = FOREIGN.get(kind, NO_FIELDS)
        self._pieces: dict[str, list[str]] = {}

    def add(self, delta: JsonObject) -> tuple[str, str] | None:
        """Takes one delta; the (kind, text) to show, if it is text. A delta kind that is not known is passed over."""
        kind = delta.get("type")
        text = TEXT_DELTAS.get(kind) if isinstance(kind, str) else None
        if text is None:
            self._add_other(kind, delta)
            return None
        key, field = text  # of a stream nearly all is this, so that it is done here
        piece = delta.get(key)
        if field in self._foreign:
            message = f"a {delta['type']} in a {self.block['type']} block"
            raise ProtocolError(message, type="protocol_error", retryable=True)
        if not isinstance(piece, str):
            raise ProtocolError(f"a {delta['type']} without a text in `{key}`", type="protocol_error")
        if field in self._pieces:
            self._pieces[field].append(piece)
        else:
            self._pieces[field] = [piece]
        return (field, piece) if piece and field in SHOWN else None

    def _add_other(self, kind: Any, delta: JsonObject) -> None:
        """Takes a delta that carries something else than a piece of text."""
        if kind == "citations_delta":
            earlier = self.block.get("citations")
            self.block["citations"] = [*(earlier if isinstance(earlier, list) else []), delta.get("citation")]
        elif kind == "compaction_delta":
            self.block.update({key: value for key, value in delta.items() if key != "type"})

    def finish(self) -> Block:
        """The whole block, after its stop.

        Raises:
            ProtocolError: a tool's input is not one strict JSON object, or a text is no text.
        """
        input_ = "".join(self._pieces.pop("input", ()))
        block = self._with_texts()
        if input_:
            block["input"] = _tool_input(input_, block)
        check_block(block)
        return block

    def abandon(self) -> Block:
        """What there is of a block whose stop never came: a tool call keeps its cut-off JSON as `partial_json`."""
        partial = "".join(self._pieces.pop("input", ()))
        block = self._with_texts()
        if block["type"] in TOOL_BLOCKS:
            block["partial_json"] = partial
        else:
            check_block(block)
        return block

    def _with_texts(self) -> Block:
        """The block with its pieces of text put to what its start held."""
        block = self.block
        for field, pieces in self._pieces.items():
            start = block.get(field)
            block[field] = "".join([start, *pieces] if isinstance(start, str) else pieces)
        return block


def check_block(block: Any) -> None:
    """Refuses a block that could not be shown, run, answered or sent back.

    Raises:
        ProtocolError: no object with a type, or a tool call or a text without what makes it one.
    """
    if type(block) is dict and block.get("type") == "text" and type(block.get("text")) is str:
        return  # as most are
    fields = REQUIRED.get(_kind_of(block))
    if fields is not None:
        _require(block, fields)


def _kind_of(block: Any) -> str:
    kind = block.get("type") if isinstance(block, dict) else None
    if not isinstance(kind, str):
        raise ProtocolError("a content block without a type", type="protocol_error")
    return kind


def _require(block: Block, fields: tuple[tuple[str, type], ...]) -> None:
    for key, kind in fields:
        value = block.get(key)
        if not isinstance(value, kind) or (value == "" and (key, kind) in NAMED):
            raise ProtocolError(f"a {block['type']} block without a valid `{key}`", type="protocol_error")


def _tool_input(text: str, block: Block) -> JsonObject:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ProtocolError(
            f"the input of {block.get('name')} is not JSON ({error})", type="protocol_error", retryable=True
        ) from None
    if not isinstance(value, dict):
        raise ProtocolError(f"the input of {block.get('name')} is no JSON object", type="protocol_error")
    return value
