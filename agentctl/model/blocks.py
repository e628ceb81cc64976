"""One content block while it arrives: start, deltas, stop.

Pieces are joined and JSON is parsed once, at the stop: parsing the buffer at every delta costs the square of the input.
A block is finished only when its stop was seen; what an unfinished tool call holds is kept as text and never run.
"""

from __future__ import annotations

from typing import Final

import orjson

from agentctl.agent.events import Block, JsonObject
from agentctl.errors import ProtocolError

TOOL_BLOCKS = frozenset({"tool_use", "server_tool_use", "mcp_tool_use"})

TEXT_DELTAS: Final = {
    "text_delta": ("text", "text"),
    "input_json_delta": ("partial_json", "input"),
    "thinking_delta": ("thinking", "thinking"),
    "signature_delta": ("signature", "signature"),
}
"""Kinds of delta that carry a piece of text: the key it stands under, and the block's field that it extends."""

SHOWN: Final = frozenset({"text", "thinking"})
"""Fields whose pieces are shown as they arrive."""


class OpenBlock:
    """A block between its start and its stop."""

    def __init__(self, start: Block) -> None:
        self.block: Block = dict(start)
        self._pieces: dict[str, list[str]] = {}

    def add(self, delta: JsonObject) -> tuple[str, str] | None:
        """Takes one delta; the (kind, text) to show, if it is text. A delta kind that is not known is passed over."""
        kind = delta.get("type")
        text = TEXT_DELTAS.get(kind or "")
        if text is not None:
            return self._extend(*text, delta)
        if kind == "citations_delta":
            self.block["citations"] = [*(self.block.get("citations") or []), delta.get("citation")]
        elif kind == "compaction_delta":
            self.block.update({key: value for key, value in delta.items() if key != "type"})
        return None

    def _extend(self, key: str, field: str, delta: JsonObject) -> tuple[str, str] | None:
        piece = delta.get(key)
        if not isinstance(piece, str):
            raise ProtocolError(f"a {delta['type']} without a text in `{key}`", type="protocol_error")
        pieces = self._pieces.get(field)
        if pieces is None:
            self._pieces[field] = [piece]
        else:
            pieces.append(piece)
        return (field, piece) if field in SHOWN and piece else None

    def finish(self) -> Block:
        """The whole block, after its stop.

        Raises:
            ProtocolError: a tool's input is not one strict JSON object.
        """
        block = self.block
        for field, pieces in self._pieces.items():
            text = "".join(pieces)
            if field == "input":
                if text:
                    block["input"] = _tool_input(text, block)
            else:
                block[field] = (block.get(field) or "") + text
        if block.get("type") in TOOL_BLOCKS:
            check_tool_block(block)
        return block

    def abandon(self) -> Block:
        """What there is of a block whose stop never came: a tool call keeps its cut-off JSON as `partial_json`."""
        partial = "".join(self._pieces.pop("input", []))
        block = self.block
        for field, pieces in self._pieces.items():
            block[field] = (block.get(field) or "") + "".join(pieces)
        if block.get("type") in TOOL_BLOCKS:
            block["partial_json"] = partial
        return block


def check_tool_block(block: Block) -> None:
    """Refuses a tool call that could not be run or answered."""
    for key, kind in (("id", str), ("name", str), ("input", dict)):
        if not isinstance(block.get(key), kind) or block[key] == "":
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
