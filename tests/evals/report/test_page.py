"""The page on a result, in a real browser: what it shows, and what a person can do with mouse and keys."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from support.browser import Page
from support.results import case, failed, passed, result, two_lookups

Open = Callable[..., AbstractContextManager[Page]]

CASES = (
    case("fine", "pass", two_lookups(), tags=["air"], asserts=[passed()]),
    case("late", "fail", two_lookups("Sent by air today."), tags=["air", "slow"], asserts=[failed(9), passed()],
         reason="equals: it says something else", score=0.5),
    case("gone", "missing", reason="nothing is recorded"),
)  # fmt: skip
DOCUMENT = result(*CASES)
LINKS = "#rows a"


def rows(page: Page) -> list[str]:
    """The ids of the cases that are listed."""
    return [text.removeprefix("shop/") for text in page.texts(LINKS)]


def open_case(page: Page, id: str) -> None:
    """Goes to a case as a link to it does."""
    page.js(f"location.hash = '#case=shop%2F{id}'")
    page.wait(f"document.querySelector('#case h2')?.textContent.startsWith('shop/{id}')")


def test_summary_and_list(opened: Open) -> None:
    """Rates carry their interval, what gave no verdict stands beside, and what needs a look comes first."""
    with opened(DOCUMENT) as page:
        assert page.texts("h1") == ["shop: shop@1"]
        (rate,) = page.texts(".rate-fact")
        assert "50.0%" in rate
        assert "95% interval 9.5\u201390.5%" in rate
        assert page.js("document.querySelectorAll('svg.rate line.interval').length") == 3
        assert rows(page) == ["late", "gone", "fine"]
        assert page.texts(".pill")[:3] == ["fail", "missing", "pass"]
        assert page.texts(".row:nth-child(1) .cell-reason") == ["equals: it says something else"]
        assert page.texts(".row:nth-child(1) .num") == ["2", "2", "2,050", "$0.0020", "4.00 s"]


def test_expected_against_got(opened: Open) -> None:
    """A failed assertion shows both with the words that differ marked, and leads to its place in the run."""
    with opened(DOCUMENT) as page:
        open_case(page, "late")
        assert page.texts(".failure del") == ["sea"]
        assert page.texts(".failure ins") == ["air"]
        assert page.texts(".failure-name") == ["equals sent by sea today line 12"]
        assert page.texts(".passed summary") == ["1 assertion passed"]
        assert page.texts(".flag") == ["equals"]
        assert page.texts(".command") == ["agentctl replay cassettes/shop/late.yaml --turn 2"]
        page.js("document.querySelectorAll('details.step').forEach(each => each.open = false)")
        page.click(".place")
        assert page.js("document.activeElement.closest('details').dataset.seq") == "8"
        assert page.js("document.activeElement.closest('details').open") is True


def test_waterfall(opened: Open) -> None:
    """Bars stand where the time was spent: calls that ran together overlap, each as long as it took."""
    with opened(DOCUMENT) as page:
        open_case(page, "fine")
        assert page.texts("details.step .label") == ["run", "user", "turn 1", "find", "track", "turn 2", "state"]
        assert page.texts("details.step .took") == ["", "", "1.00 s", "0.50 s", "2.00 s", "1.00 s", ""]
        bars = page.js("[...document.querySelectorAll('.lane i')].map(bar => [bar.style.left, bar.style.width])")
        assert bars[2:6] == [["0%", "25%"], ["25%", "12.5%"], ["25%", "50%"], ["75%", "25%"]]


def test_steps_open(opened: Open) -> None:
    """A step opens to what was thought, said, given and returned, with its tokens and its share of the cost."""
    with opened(DOCUMENT) as page:
        open_case(page, "fine")
        assert page.texts(".step.tool .body") == []
        page.click(".step.tool summary")
        page.wait("document.querySelector('.step.tool .body').childElementCount > 0")
        (body,) = page.texts(".step.tool .body")
        assert '"order": "A-1"' in body
        assert '"status": "sent"' in body
        page.click("#case .crumbs button")
        page.wait("[...document.querySelectorAll('.step')].every(each => each.open)")
        assert "Two lookups will do." in page.texts(".step.model .body")[0]
        assert page.texts(".step.model .facts")[0].startswith(
            "1,020 in (1,000 cached) · 5 out · $0.0010 · stop: tool_use"
        )
        assert "the carrier does not answer" in page.texts(".step.bad .body")[0]


def test_filters(opened: Open) -> None:
    """By status, by tag, by words of the list and by words of the runs themselves, and by all of these together."""
    with opened(DOCUMENT) as page:
        page.click("[data-status=fail]")
        assert rows(page) == ["late"]
        assert page.texts("#count") == ["1 of 3 cases"]
        page.click("[data-status='']")
        page.js(
            "(s => { s.value = 'air'; s.dispatchEvent(new Event('change')) })(document.getElementById('filter-tag'))"
        )
        assert rows(page) == ["late", "fine"]
        page.press("/", *"on their")
        page.wait("document.getElementById('count').textContent === '1 of 3 cases'")
        assert rows(page) == ["fine"]
        page.press(*"zzz")
        page.wait("!document.getElementById('nothing').hidden")
        assert rows(page) == []
        page.press("Escape")
        assert rows(page) == ["late", "fine"]


def test_sorting(opened: Open) -> None:
    """A column's head sorts by it, the largest figure first, then the other way round, then as it was written."""
    with opened(DOCUMENT) as page:
        page.click(".head-key button")
        assert rows(page) == ["fine", "gone", "late"]
        assert page.js("document.querySelector('.head-key').ariaSort") == "ascending"
        page.click(".head-key button")
        assert rows(page) == ["late", "gone", "fine"]
        page.click(".head-key button")
        assert rows(page) == ["fine", "late", "gone"]


def test_keys(opened: Open) -> None:
    """The page can be used without a mouse, and focus is never lost."""
    focus = "document.activeElement.textContent"
    with opened(DOCUMENT) as page:
        page.press("j")
        assert page.js(focus) == "shop/late"
        page.press("j", "j", "j", "k")
        assert page.js(focus) == "shop/gone"
        outline = page.js("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none"
        page.press("k", "Enter")
        page.wait("document.querySelector('#case h2')?.textContent.startsWith('shop/late')")
        page.press("j")
        page.wait("document.querySelector('#case h2')?.textContent.startsWith('shop/gone')")
        page.press("Escape")
        page.wait("document.getElementById('case') === null")
        assert page.js(focus) == "shop/gone"
        page.press("f")
        assert rows(page) == ["late"]
        page.press("?")
        assert page.js("document.getElementById('keys').open") is True
        page.press("Escape")
        assert page.js("document.getElementById('keys').open") is False


def test_links_lead_back(opened: Open) -> None:
    """A case has an address of its own, and the browser's way back leads to the list."""
    with opened(DOCUMENT) as page:
        page.click(".row:nth-child(3)")
        page.wait("!!document.querySelector('#case h2')")
        assert page.js("location.hash") == "#case=shop%2Ffine"
        assert page.js("document.title") == "shop/fine · shop: shop@1"
        page.js("history.back()")
        page.wait("document.getElementById('case') === null")
        assert rows(page) == ["late", "gone", "fine"]


def test_repeats(opened: Open) -> None:
    """Repeats of a case are one row; passes and fails among them are called flaky, and each can be looked at."""
    flaky = [case("die", status, two_lookups(), repeat=n) for n, status in enumerate(("pass", "fail", "pass"), 1)]
    with opened(result(*flaky)) as page:
        assert page.texts(".cell-status") == ["flaky 2/3"]
        page.click("[data-status=flaky]")
        open_case(page, "die")
        assert page.texts(".repeats [aria-pressed=true]") == ["#2fail"]
        assert page.texts(".command") == ["agentctl replay cassettes/shop/die.yaml --take 2"]
        page.click(".repeats button")
        page.wait("document.querySelector('.standing .pill').textContent === 'pass'")


@pytest.mark.parametrize("width", [320, 768, 1280])
@pytest.mark.parametrize("hash", ["", "#case=shop%2Flate"])
def test_nothing_is_cut_off(opened: Open, width: int, hash: str) -> None:
    """However narrow the window is, nothing has to be scrolled sideways."""
    long = case("a" * 60, "fail", two_lookups("x" * 500, said="y" * 300), reason="z" * 200, tags=["t" * 30] * 3)
    with opened(result(*CASES, long), width=width) as page:
        page.js(f"location.hash = '{hash}'")
        page.wait("!!document.querySelector('#case')" if hash else "true")
        page.js("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert page.js("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours(opened: Open, scheme: str) -> None:
    """The system's colours are followed, everything can be read in both (WCAG 2.2, 1.4.3), and a choice wins."""
    with opened(DOCUMENT, scheme=scheme) as page:
        for name in ("ink", "quiet", "link", "pass", "fail", "warn"):
            for ground in ("paper", "panel"):
                assert contrast(page, name, ground) >= 4.5, (name, ground)
        is_dark = "(rgb => Math.max(...rgb) < 100)(getComputedStyle(document.body).backgroundColor.match(/\\d+/g))"
        assert page.js(is_dark) is (scheme == "dark")
        page.press("t")
        assert page.texts("#theme") == ["theme: light"]
        assert page.js(is_dark) is False
        page.press("t")
        assert page.js(is_dark) is True


def contrast(page: Page, name: str, ground: str) -> float:
    """The contrast of two of the page's colours: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""
    probe = "document.body.appendChild(document.createElement('i'))"
    shades = []
    for each in (name, ground):
        found = page.js(f"(i => {{ i.style.color = 'var(--{each})'; return getComputedStyle(i).color; }})({probe})")
        parts = [int(part) / 255 for part in found.removeprefix("rgb(").removesuffix(")").split(",")]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        shades.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    return (max(shades) + 0.05) / (min(shades) + 0.05)


def test_nothing_of_a_result_is_left_out(opened: Open) -> None:
    """What the page has no words for is there under its name in the result; an evaluation that was cut says so."""
    one = case("one", "error", reason="no price", hint="name a model", metadata={"trial": 3}, from_tomorrow={"a": "b"})
    with opened(result(one, interrupted=True, planned=9)) as page:
        assert page.texts(".warning") == ["shop@1 was interrupted: 1 of 9 runs were made."]
        open_case(page, "one")
        assert page.texts(".standing .text")[0] == "no price"
        assert page.texts(".more-facts summary") == ["metadata, from tomorrow"]
        page.click(".more-facts summary")
        assert '"a": "b"' in page.texts(".more-facts")[0]


def test_runs_that_stand_elsewhere(opened: Open) -> None:
    """A result of transcripts leaves their steps to their own files: figures, question and answer are there."""
    with opened(result(case("one", "pass", two_lookups(), entries=[]))) as page:
        assert page.texts(".row:nth-child(1) .num") == ["2", "2", "2,050", "$0.0020", "4.00 s"]
        open_case(page, "one")
        assert page.texts(".standing .labelled") == ["user\nWhere is it?", "answer\nBoth are on their way."]


def test_judges(opened: Open) -> None:
    """Votes with their reasons, criteria with the words they quote, and a mark on a quote that is made up."""
    criteria = [
        {"criterion": "polite", "met": True, "evidence": "Sent by air", "found": True},
        {"criterion": "plain", "met": False, "evidence": "Whereas", "found": False},
    ]
    vote = {"pass": False, "score": 0.5, "reason": "It is not plain.", "criteria": criteria}
    ruling = {"rubric": "tone@1", "mean": 0.5, "spread": 0.0, "threshold": 0.75, "straddles": True, "votes": [vote]}
    told = {**failed(9), "type": "judge", "evidence": {"expected": "", "got": "", "at": [], "details": ruling}}
    with opened(result(case("one", "fail", two_lookups(), asserts=[told]))) as page:
        open_case(page, "one")
        assert page.texts(".votes .facts") == [
            "tone@1 · mean 0.50 · spread 0.00 · threshold 0.75 · the votes straddle the threshold"
        ]
        assert page.texts(".votes p:not(.facts)") == ["fail 0.50 It is not plain."]
        assert page.texts(".votes li") == ["polite Sent by air", "plain Whereas (not in what was judged)"]
        assert page.texts(".votes li.not q") == ["Whereas"]


def test_print(opened: Open) -> None:
    """On paper a case is there in full, without what only a screen can use."""
    with opened(DOCUMENT, scheme="dark") as page:
        page.js("setTheme('dark')")
        open_case(page, "fine")
        page.look(media="print", scheme="dark")
        assert page.js("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        page.js("dispatchEvent(new Event('beforeprint'))")
        assert page.texts(".crumbs") == []
        assert len(page.texts(".step .body")) == 7
        assert len(page.ask("Page.printToPDF")["data"]) > 1000
