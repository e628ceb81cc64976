"""`agentctl report`: a page of one result or of several, from files alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.desk import agentctl
from support.results import case, result, two_lookups


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two results of one suite."""
    for name, agent, status in (("old.json", "shop@1", "fail"), ("new.json", "shop@2", "pass")):
        document = result(case("one", status, two_lookups(agent)), agent=agent)
        (tmp_path / name).write_text(json.dumps(document))
    return tmp_path


def test_pages(results: Path) -> None:
    """One result, or two beside each other; the command's name may be left out."""
    done = agentctl(results, "report", "old.json", "-o", "one.html")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "one.html written\n")
    assert "<title>shop: shop@1</title>" in (results / "one.html").read_text()
    done = agentctl(results, "report", "write", "old.json", "new.json", "-o", "both.html")
    assert done.returncode == 0, done.stderr
    assert "<title>shop: shop@1 → shop@2</title>" in (results / "both.html").read_text()


def test_what_cannot_be_written(results: Path) -> None:
    """A format that holds one result, a folder where nothing was evaluated: each is said, nothing is written."""
    done = agentctl(results, "report", "old.json", "new.json", "-o", "both.html", "-o", "both.json")
    assert done.returncode == 2
    assert done.stderr.startswith("error: both.json: this format holds one result\nhint: ")
    done = agentctl(results, "report", "-o", "last.html")
    assert done.returncode == 2
    assert list(results.glob("*.html")) == []
