"""`.json`: the whole result as one indented document, the one that every other format is made from."""

from __future__ import annotations

from collections.abc import Iterator

from agentctl.evals.document import dumped, pieces
from agentctl.evals.report.told import Told


def render(told: Told) -> Iterator[bytes]:
    """The document. What a strict writer refuses (half an emoji, a number beyond 64 bits) is written all the same."""
    cases = ((suite, dumped(case, indented=True)) for suite, case in told.cases())
    return pieces(told.head, cases, indented=True)
