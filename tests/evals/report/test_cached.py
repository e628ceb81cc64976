"""A cached answer on the page, in a real browser: told as what it is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from agentctl.agent.events import Recalled, RunEnded, RunStarted, UserSaid
from support.browser import Page
from support.results import MODEL, case, passed, result

Open = Callable[..., AbstractContextManager[Page]]


def test_a_cached_answer_is_told_as_one(opened: Open) -> None:
    """Its line says what it is and what was answered, hostile text included, and opens to where it is from."""
    said = "We are open. <script>document.title = 'owned'</script>"
    cached = Recalled("run-1", MODEL, [{"type": "text", "text": said}], "end_turn", 725.0)
    run = [
        (1.0, RunStarted("shop@1", "b", MODEL)),
        (1.0, UserSaid("Open?")),
        (1.0, cached),
        (1.0, RunEnded("completed")),
    ]
    with opened(result(case("fine", "pass", run, asserts=[passed()]))) as page:
        page.js("location.hash = '#case=shop%2Ffine'")
        page.wait("document.querySelector('#case h2')?.textContent.startsWith('shop/fine')")
        assert page.texts("details.step .label") == ["run", "user", "cached answer"]
        assert page.texts("details.step.recalled .said") == [said]
        assert said in page.texts("details.step.recalled .body")[0]
        assert "run run-1, 12 min 05 s before" in page.texts("details.step.recalled .body")[0]
        assert page.js("document.title") != "owned"
