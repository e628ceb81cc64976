"""Patterns, templates and expressions of a script: what Python cannot read is refused, in words a terminal may show."""

from __future__ import annotations

import pytest

from agentctl.config.findings import Invalid
from agentctl.simulator.templates import Expression, Pattern, Template

DEEP = "(" * 300 + "x" + ")" * 300


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Pattern, "(" * 5_000),
        (Pattern, "a{99999999999999999999}"),
        (Pattern, "(?P<\x1b[2J>x)"),
        (Template, "{{ " + DEEP + " }}"),
        (Template, "{{ \x1b }}"),
        (Expression, DEEP),
        (Expression, "x \x1b"),
    ],
)
def test_what_python_cannot_read_is_refused_in_printable_words(
    kind: type[Pattern | Template | Expression], text: str
) -> None:
    """Neither the compiler of patterns nor that of templates gets to end the simulator, or to act on a terminal."""
    with pytest.raises(Invalid) as caught:
        kind.check(text)
    assert str(caught.value).isprintable()
