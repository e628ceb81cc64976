"""A reply keeps to what the request allows it: it ends at a stop sequence, and at `max_tokens`.

What a script says is what the model would say if nobody stopped it. A stop sequence is not part of the text that it
ends. At `max_tokens` a text ends where it is, and a call that was not finished is not there: a client that streams
meets that one with the fault `open-tool`.
"""

from __future__ import annotations

from bisect import bisect_right

from agentctl.agent.events import Block
from agentctl.simulator.tokens import output_tokens


def stopped(content: list[Block], sequences: list[str]) -> tuple[list[Block], str | None]:
    """The content up to the first stop sequence in one of its texts, and which that was."""
    for index, block in enumerate(content):
        said = block.get("text", "")
        found = [(said.index(sequence), sequence) for sequence in sequences if sequence in said]
        if found:
            at, sequence = min(found)
            return [*content[:index], *_text(block, said[:at])], sequence
    return content, None


def within(content: list[Block], limit: int) -> list[Block]:
    """As much of the content as `limit` tokens hold; all of it if they are enough."""
    kept: list[Block] = []
    for block in content:
        if output_tokens([*kept, block]) > limit:
            return [*kept, *_begun(block, kept, limit)]
        kept.append(block)
    return kept


def _begun(block: Block, before: list[Block], limit: int) -> list[Block]:
    """As much of a text as there is room for behind what came before."""
    said = block["text"] if block["type"] == "text" else ""

    def tokens(length: int) -> int:
        return output_tokens([*before, {**block, "text": said[:length]}])

    return _text(block, said[: max(bisect_right(range(len(said) + 1), limit, key=tokens) - 1, 0)])


def _text(block: Block, said: str) -> list[Block]:
    return [{**block, "text": said}] if said.strip() else []
