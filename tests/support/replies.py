"""Any message the API could send: for rules that hold whatever a reply says."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from support.scripted import call, text
from support.wire import message

CHARACTERS = st.characters(exclude_categories=["Cs"])
TEXT = st.text(CHARACTERS, max_size=12)
NUMBERS = st.one_of(st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=6,
)
FOUND = st.fixed_dictionaries(
    {"type": st.just("web_search_result"), "url": TEXT, "title": TEXT, "encrypted_content": TEXT, "page_age": st.none()}
)
BLOCKS = st.one_of(
    st.builds(text, TEXT),
    st.fixed_dictionaries({"type": st.just("thinking"), "thinking": TEXT, "signature": TEXT}),
    st.builds(lambda input_: call("look") | {"input": input_}, st.dictionaries(TEXT, VALUES, max_size=3)),
    st.builds(lambda data: {"type": "redacted_thinking", "data": data}, TEXT),
    st.builds(
        lambda found: {"type": "web_search_tool_result", "tool_use_id": "s", "content": found},
        st.lists(FOUND, max_size=2),
    ),
)


@st.composite
def messages(draw: st.DrawFn) -> dict[str, Any]:
    """A whole message with ids of its own for every call."""
    content = draw(st.lists(BLOCKS, min_size=1, max_size=4))
    content = [
        {**block, "id": f"toolu_{place}"} if block["type"] == "tool_use" else block
        for place, block in enumerate(content)
    ]
    uses = any(block["type"] == "tool_use" for block in content)
    return message(*content, stop="tool_use" if uses else draw(st.sampled_from(["end_turn", "max_tokens", "odd"])))
