"""Prompt variables: names are filled in, and nothing else happens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.config.render import TemplateError, names_in, render

PAYLOADS = [
    *("{{ 7*7 }}", "{{ a.__class__ }}", "{{ ''.__class__.__mro__ }}", "{{ a|attr('x') }}", "{{ a() }}", "{{ a[0] }}"),
    *("{{ config }}", "{{ self }}", "{{ cycler.__init__ }}", "{{ lipsum.__globals__ }}", "{{ request }}", "{{ a b }}"),
    *(
        "{% for x in y %}{% endfor %}",
        "{% import os %}",
        "{%- set x = 1 %}",
        "{# comment #}",
        "{{",
        "{{ a",
        "{{ }}",
        "{{}}",
    ),
    *(
        "{{ a }} {{ 1 }}",
        "{{ {{ a }} }}",
        "{{\n}}",
        "{{ a-b }}",
        "{{ é }}",
        "{{ 'a' }}",
        "{% raw %}{{ a }}{% endraw %}",
    ),
]


@pytest.mark.parametrize("text", PAYLOADS)
def test_expressions_are_refused(text: str) -> None:
    """Whatever is more than a name between braces is an error, never sent and never run."""
    with pytest.raises(TemplateError):
        render(text, {"a": "x"})


def test_names_are_filled_in() -> None:
    """Values go in as they are, numbers as they are written, the rest of the text stays untouched."""
    text = "Hi {{name}}, {{  n\n }} times: {name} }} }\r\n{ {x} }"
    assert render(text, {"name": "Ann", "n": 3}) == "Hi Ann, 3 times: {name} }} }\r\n{ {x} }"
    assert render("{{ \"{{\" }} x }} {{ '{%' }}", {}) == "{{ x }} {%"


def test_every_flaw_is_found_with_its_line() -> None:
    """All findings of a text come together, each with its line and what was probably meant."""
    with pytest.raises(TemplateError) as caught:
        render("{{ a }}\n{{ shp }}\n\n{% x %}", {"a": 1, "shop": "x"})
    assert caught.value.flaws[0].hint == "did you mean `shop`?"
    assert [flaw.line for flaw in caught.value.flaws] == [1, 3]


def test_names_in() -> None:
    """The names that a text asks for."""
    assert names_in("{{ a }} {{b}} {{ a }} {{ 1 }} {c}") == {"a", "b"}


@given(st.text(), st.text())
def test_data_is_never_a_template(before: str, value: str) -> None:
    """A value is put in as it is, whatever it looks like, and text without braces is left as it is."""
    assert render("{{ x }}{{ x }}", {"x": value}) == value + value
    if "{" not in before:
        assert render(before + "{{ x }}", {"x": value}) == before + value
