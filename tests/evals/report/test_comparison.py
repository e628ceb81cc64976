"""Several results on one page: a column for each, the verdict, and two runs beside each other."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from support.browser import Page
from support.results import case, failed, result, two_lookups

Open = Callable[..., AbstractContextManager[Page]]

OLD = result(
    case("late", "fail", two_lookups("Sent by sea."), asserts=[failed(9)], reason="equals: no"),
    case("same", "pass", two_lookups()),
    case("broken", "pass", two_lookups()),
    case("dropped", "pass", two_lookups()),
)
NEW = result(
    case("late", "pass", two_lookups("Sent by air.", agent="shop@2"), cost_usd=0.004),
    case("same", "pass", two_lookups(agent="shop@2")),
    case("broken", "fail", two_lookups("Who knows.", agent="shop@2"), asserts=[failed(9)]),
    case("added", "pass", two_lookups(agent="shop@2")),
    agent="shop@2",
)


def test_matrix_and_verdict(opened: Open) -> None:
    """What broke comes first; what changed as a whole stands above, with the word and what it stands on."""
    with opened(OLD, NEW) as page:
        assert page.texts("h1") == ["shop: shop@1 → shop@2"]
        assert page.texts("#rows a") == [f"shop/{id}" for id in ("broken", "late", "same", "dropped", "added")]
        cells = page.texts(".cell-status")
        assert cells[:4] == ["pass", "fail", "fail", "pass"]
        assert cells[6:] == ["pass", "\u2013", "\u2013", "pass"]
        assert page.texts(".change") == ["broke", "mended"]
        assert page.texts(".row:nth-child(2) .cell-cost") == ["$0.0040 +100%"]
        (told,) = page.texts(".changes")
        assert "cannot tell" in page.texts(".verdict-word")[0]
        assert "exact McNemar over 3 cases" in told
        assert "changed: system prompt" in told
        page.click("[data-status=changed]")
        assert page.texts("#rows a") == ["shop/broken", "shop/late"]


def test_side_by_side(opened: Open) -> None:
    """The turn in which two runs part is marked in both, with the words that differ above it."""
    with opened(OLD, NEW) as page:
        page.click(".row:nth-child(2)")
        page.wait("!!document.querySelector('.parting')")
        assert page.texts(".side h3") == ["shop@1", "shop@2"]
        assert page.texts(".parting p") == ["They part here turn 2 · model replied · content[0].text"]
        assert page.texts(".parting del") == ["sea"]
        assert page.texts(".parting ins") == ["air"]
        assert page.texts("details.step.parts .label") == ["turn 2", "turn 2"]
        tops = page.js("[...document.querySelectorAll('details.parts')].map(each => each.getBoundingClientRect().top)")
        assert tops[0] == tops[1]


def test_runs_that_agree_or_are_missing(opened: Open) -> None:
    """Nothing is marked where there is nothing, and a case of one result alone says so."""
    with opened(OLD, NEW) as page:
        page.js("location.hash = '#case=shop%2Fsame'")
        page.wait("document.querySelector('h2').textContent && !!document.querySelector('.wide')")
        assert page.texts(".wide") == ["Both runs did the same."]
        page.js("location.hash = '#case=shop%2Fadded'")
        page.wait("document.querySelector('#case h2')?.textContent === 'shop/added'")
        assert page.texts(".side p.quiet") == ["not in this result"]


def test_three_results(opened: Open) -> None:
    """Each has its column; a case shows the first beside any other."""
    third = result(case("late", "fail", two_lookups("Sent by rail.", agent="shop@3")), agent="shop@3")
    with opened(OLD, NEW, third) as page:
        assert page.texts(".heads [class^=head-side]") == ["shop@1", "shop@2", "shop@3"]
        page.js("location.hash = '#case=shop%2Flate'")
        page.wait("!!document.querySelector('.parting')")
        assert page.texts(".parting ins") == ["rail"]
        page.js("document.querySelector('#case select').value = '1'")
        page.js("document.querySelector('#case select').dispatchEvent(new Event('change'))")
        page.wait("document.querySelector('.parting ins').textContent === 'air'")
        assert page.texts(".side h3") == ["shop@1", "shop@2"]


@pytest.mark.parametrize("hash", ["", "#case=shop%2Flate"])
def test_narrow(opened: Open, hash: str) -> None:
    """On a phone the two stand below each other, each part under its name."""
    with opened(OLD, NEW, width=320) as page:
        page.js(f"location.hash = '{hash}'")
        page.wait("!!document.querySelector('#case')" if hash else "true")
        assert page.js("document.documentElement.scrollWidth") <= 320
