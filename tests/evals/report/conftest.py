"""One browser for all tests of a worker: starting it takes as long as ten pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from agentctl.diffing.page import compared_page
from agentctl.evals.report.html.data import Side
from support.browser import Browser, Page, chromium, running

Open = Callable[..., AbstractContextManager[Page]]


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A running Chromium."""
    program = chromium()
    if program is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with running(program, tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Open:
    """Opens the page on these results. Whatever a test does there, nothing complains and nothing is fetched."""

    @contextmanager
    def opened(*documents: dict[str, Any], **look: Any) -> Iterator[Page]:
        path = tmp_path / "report.html"
        path.write_bytes(compared_page([Side(each, f"{n}.json") for n, each in enumerate(documents)]))
        with browser.page(path, **look) as page:
            yield page
            assert page.complaints == []
            assert page.requests == []

    return opened
