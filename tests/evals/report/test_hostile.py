"""Whatever a model, a tool or a name says stands on the page as text: nothing of it acts, and nothing of it is lost."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.errors import UsageError
from agentctl.evals.report.html import page
from agentctl.evals.report.html.data import Side
from support.browser import Browser, Page
from support.results import case, failed, result, two_lookups

Open = Callable[..., AbstractContextManager[Page]]

ATTACKS = (
    "<script>window.hacked = 1</script>",
    "</script><script>window.hacked = 2</script>",
    "<img src=x onerror='window.hacked = 3'>",
    "\"><svg onload='window.hacked = 4'>",
    "' onmouseover='window.hacked = 5' x='",
    "javascript:window.hacked=6",
    "<!--<script>",
    "]]>{{7*7}}${7*7}&lt;b&gt;",
    "<style>*{display:none}</style><base href=http://127.0.0.1:9/>",
)
ODD = "\u202egnp.exe \x1b[31mred\x1b]0;title\x07 \x00 \u2028 half \ud83d end \u200f"
ODD_SHOWN = "\\u202egnp.exe ␛[31mred␛]0;title␇ ␀ \\u2028 half � end \\u200f"
WORDS = " ".join(ATTACKS) + ODD
KEPT = {"kind", "status", "type", "schema", "at", "seq", "turn", "call_id"}
"""Fields that the page goes by, and that no model can write."""


def poisoned(value: Any, name: str = "") -> Any:
    """The value with attacks in every text that is not structure."""
    if isinstance(value, str):
        return value if name in KEPT else f"{value} {WORDS}"
    if isinstance(value, list):
        return [poisoned(each, name) for each in value]
    if isinstance(value, dict):
        return {key: poisoned(each, key) for key, each in value.items()}
    return value


def test_everything_hostile_is_text(opened: Open) -> None:
    """Attacks in every field, in the list, in a case, and where two runs part."""
    bad = poisoned(result(case("one", "fail", two_lookups(), asserts=[failed(9)], tags=["x"], reason="because")))
    other = poisoned(result(case("one", "pass", two_lookups("Another.")), agent="shop@2"))
    for documents in ((bad,), (bad, other)):
        with opened(*documents) as page:
            page.click(".row .cell-status")
            page.wait("!!document.querySelector('#case h2')")
            page.press("e", "e")
            page.js("document.querySelectorAll('details').forEach(each => { each.filling?.(); each.open = true })")
            assert page.js("window.hacked") is None
            assert page.js("document.querySelectorAll('img, base, style:not(head style), script[src]').length") == 0
            shown = "\n".join(page.texts("#case"))
            for attack in ATTACKS:
                assert " ".join(attack.split()) in " ".join(shown.split())
            assert ODD_SHOWN in shown or ODD_SHOWN.replace("�", "\\ud83d") in shown
            page.press("Escape", "/", *"<img")
            page.wait("document.getElementById('count').textContent === '1 case'")


def test_long_texts(opened: Open) -> None:
    """A megabyte is shown from its start, and as a whole when somebody asks."""
    long = "<b>word</b> " * 90_000
    with opened(result(case("long", "pass", two_lookups(long, said="word " * 50_000)))) as page:
        page.click(".row .cell-status")
        page.wait("!!document.querySelector('#case .text .more')")
        length = "document.querySelector('.step.user .text').textContent.length"
        assert page.js(length) < 21_000
        page.click(".step.user .more")
        assert page.js(length) == 250_000
        assert page.js("document.querySelectorAll('#case b').length") == 0


def blocks(text: str, tag: str) -> list[str]:
    """What the elements of this kind hold, as a browser reads it: until the first end of such an element."""
    return re.findall(rf"<{tag}(?: [^>]*)?>(.*?)</{tag}", text, re.DOTALL)


def test_the_policy_names_the_only_script() -> None:
    """Two hashes and nothing else may run or dress the page; blocks of data hold no character of markup."""
    text = page([Side(poisoned(result(case("one", "pass", two_lookups()))))]).decode()
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', text)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert "http" not in policy
    (style,) = blocks(text, "style")
    *data, script = blocks(text, "script")
    for each in (style, script):
        assert base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() in policy
    assert len(data) == 2
    for each in data:
        assert not set("<>&\u2028\u2029") & set(each)
        json.loads(each)


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=4), inner, max_size=2)),
    max_leaves=5,
)


@given(VALUES)
def test_any_value_can_be_told(value: Any) -> None:
    """Half characters, numbers of any size: there is always a page, and its data is JSON."""
    document = result(
        case("one", "fail", asserts=[{**failed(0), "value": value}], metadata={"any": value}, reason=str(value))
    )
    text = page([Side(document)]).decode()
    head = re.search(r'id="head">(.*?)</script>', text, re.DOTALL)
    assert head is not None
    assert json.loads(head[1])["cases"][0]["id"] == "one"


def test_deeply_nested_values() -> None:
    """What is nested deeper than JSON readers go is still told."""
    deep: Any = "bottom"
    for _ in range(600):
        deep = [deep]
    assert page([Side(result(case("one", "fail", metadata={"deep": deep})))])


@pytest.mark.parametrize(
    "damage", [{"suites": 3}, {"suites": [{}]}, {"suites": [{"suite": "s", "cases": [{"id": "x"}]}]}]
)
def test_a_damaged_result_is_named(damage: dict[str, Any]) -> None:
    """And no page is made of it."""
    with pytest.raises(UsageError, match="a result is damaged"):
        page([Side({**result(), **damage})])


FLAWS = (
    "document.body.innerHTML = '<b>made</b>'",
    "document.body.insertAdjacentHTML('beforeend', '<b>made</b>')",
    "document.body.setAttribute('onclick', 'window.hacked = 1')",
    "document.createElement('script').text = 'window.hacked = 1'",
    "setTimeout('window.hacked = 1')",
)


def test_the_policy_holds(browser: Browser, tmp_path: Path) -> None:
    """Even a flaw in the page's own script could run nothing, fetch nothing and make no markup of a string."""
    path = tmp_path / "report.html"
    path.write_bytes(page([Side(result(case("one", "pass", two_lookups())))]))
    with browser.page(path) as opened:
        for flaw in FLAWS:
            assert (
                opened.js(f"(() => {{ try {{ {flaw}; return 'done' }} catch {{ return 'refused' }} }})()") == "refused"
            )
        style = "document.head.append(Object.assign(document.createElement('style'), {textContent: 'h1 {color: red}'}))"
        opened.js(style)
        assert opened.js("getComputedStyle(document.querySelector('h1')).color") != "rgb(255, 0, 0)"
        assert opened.js("fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused')") == "refused"
        assert opened.js("window.hacked") is None
        assert "connect-src" in str(opened.complaints)
