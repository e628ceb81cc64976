"""Text from outside never controls the terminal.

A model, a tool or a file name can hold escape sequences that move the cursor, set the clipboard or rewrite the line
above. `clean` replaces every control character but newline and tab, and the bidirectional overrides that make text read
other than it is, by a visible stand-in; nothing is lost and nothing acts.
"""

from __future__ import annotations

import re
from typing import Final

_ACTIVE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 (but tab and newline), DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional marks, embeddings, overrides, isolates
    "\u2028\u2029"  # line and paragraph separators: some terminals break the line
    "\ud800-\udfff]"  # lone surrogates cannot be encoded
)
C0_END: Final = 0x20
CONTROL_PICTURES: Final = 0x2400


def clean(text: str) -> str:
    r"""`text` with every active character made visible (`\x1b` as `␛`, others as `\uXXXX`)."""
    return _ACTIVE.sub(_picture, text) if _ACTIVE.search(text) else text


def _picture(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < C0_END:
        return chr(CONTROL_PICTURES + code)
    return f"\\u{code:04x}"
