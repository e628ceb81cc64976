"""The code behind tools as digests: what counts as a change of which tool."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentctl.agent.spec import Agent, ToolSpec
from agentctl.config import code

HANDLERS = '''
"""The tools."""
from prices import price
import json

LIMIT = 3


def look(what):
    # how much it is
    return price(what)


def book(what):
    return json.dumps(
        """a
        # b
        """
    )


def both():
    return LIMIT
'''
PRICES = "import rates\n\n\ndef price(what):\n    return rates.TABLE[what]\n"
RATES = "TABLE = {'tea': 3}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three files: handlers, what they import, and what that imports."""
    for name, text in {"handlers.py": HANDLERS, "prices.py": PRICES, "rates.py": RATES}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def digests(folder: Path) -> dict[str, str]:
    """The digests as a new process finds them."""
    code._code.cache_clear()
    code._read.cache_clear()
    tools = tuple(
        ToolSpec(name, {"name": name, "input_schema": {}}, handler=f"{folder}/handlers.py:{name}")
        for name in ("look", "book")
    )
    return code.handlers(Agent("till", "1", "claude-sonnet-5-5", "", {}, tools))


def changed(folder: Path, file: str, old: str, new: str) -> set[str]:
    """The handlers that an edit changes."""
    before = digests(folder)
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))
    after = digests(folder)
    assert before.keys() == after.keys() == {"handler look", "handler book"}
    return {name for name in before if before[name] != after[name]}


@pytest.mark.parametrize(
    ("file", "old", "new", "tools"),
    [
        ("handlers.py", "return price(what)", "return price(what) + 1", {"handler look"}),
        ("handlers.py", "        # b\n", "        # c\n", {"handler book"}),
        ("handlers.py", "LIMIT = 3", "LIMIT = 4", {"handler look", "handler book"}),
        ("handlers.py", "return LIMIT", "return 5", {"handler look", "handler book"}),
        ("rates.py", "3", "4", {"handler look", "handler book"}),
        ("handlers.py", "    # how much it is\n", "    # what it costs\n\n", set()),
        ("handlers.py", "LIMIT = 3\n", "LIMIT = 3   \n\n\n", set()),
    ],
)
def test_what_an_edit_changes(folder: Path, file: str, old: str, new: str, tools: set[str]) -> None:
    """One handler's own lines are its own; what several share, or import, is all of theirs; comments are nobody's."""
    assert changed(folder, file, old, new) == tools


def test_a_circle_of_imports(folder: Path) -> None:
    """Files that import each other are read once."""
    (folder / "rates.py").write_text("import prices\n" + RATES)
    assert len(digests(folder)) == 2


@pytest.mark.parametrize("text", [None, "def look(:\n", "\x00"])
def test_code_that_cannot_be_read_has_no_digest(folder: Path, text: str | None) -> None:
    """Loading it says why; a digest of nothing would call it unchanged."""
    if text is None:
        (folder / "handlers.py").unlink()
    else:
        (folder / "handlers.py").write_text(text)
    assert digests(folder) == {}
