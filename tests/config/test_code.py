"""The code behind tools as digests: what counts as a change of which tool."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentctl.agent.spec import Agent, ToolSpec
from agentctl.config.code import code, files

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


def digests(folder: Path, setup: str | None = None) -> dict[str, str]:
    """The digests of two tools' code, and of the workspace's."""
    tools = tuple(
        ToolSpec(name, {"name": name, "input_schema": {}}, handler=f"{folder}/handlers.py:{name}")
        for name in ("look", "book")
    )
    return code(Agent("till", "1", "claude-sonnet-5-5", "", {}, tools, setup=setup and f"{folder}/{setup}"))


def changed(folder: Path, file: str, old: str, new: str) -> set[str]:
    """The handlers that an edit changes."""
    before = digests(folder)
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))
    after = digests(folder)
    assert before.keys() == after.keys() == {"handler look", "handler book"}
    return {name for name in before if before[name] != after[name]}


BOTH = {"handler look", "handler book"}


@pytest.mark.parametrize(
    ("file", "old", "new", "tools"),
    [
        ("handlers.py", "return price(what)", "return price(what) + 1", {"handler look"}),
        ("handlers.py", "def look(what)", "def look(what, of=None)", {"handler look"}),
        ("handlers.py", "def look(", "async def look(", {"handler look"}),
        ("handlers.py", "def look(", "@cached\ndef look(", {"handler look"}),
        ("handlers.py", "        # b\n", "        # c\n", {"handler book"}),
        ("handlers.py", "LIMIT = 3", "LIMIT = 4", BOTH),
        ("handlers.py", "LIMIT = 3", "LIMIT = 3.0", BOTH),
        ("handlers.py", "LIMIT = 3", "LIMIT = '3'", BOTH),
        ("handlers.py", "LIMIT = 3", "LIMIT: int = 3", BOTH),
        ("handlers.py", "return LIMIT", "return 5", BOTH),
        ("rates.py", "3", "4", BOTH),
    ],
)
def test_what_an_edit_changes(folder: Path, file: str, old: str, new: str, tools: set[str]) -> None:
    """One handler's own lines are its own; what several share, or import, is all of theirs."""
    assert changed(folder, file, old, new) == tools


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("handlers.py", "    # how much it is\n", "    # what it costs\n\n"),
        ("handlers.py", "LIMIT = 3\n", "LIMIT = 3   # three\n\n\n"),
        ("handlers.py", "return price(what)", "return price(\n        what,\n    )"),
        ("handlers.py", "return price(what)", "return (price(what))"),
        ("handlers.py", '"""The tools."""', '"""Tools,\nof all kinds."""'),
        ("handlers.py", "def both():", 'def both():\n    """Three."""'),
        ("handlers.py", "LIMIT = 3", 'LIMIT = 3\n"""At most."""'),
        ("rates.py", "{'tea': 3}", '{\r\n"tea": 3,}'),
        ("rates.py", "TABLE", "\ufeffTABLE"),
    ],
)
def test_what_no_edit_changes(folder: Path, file: str, old: str, new: str) -> None:
    """Comments, layout, quotes and documentation are nobody's code."""
    assert changed(folder, file, old, new) == set()


def test_a_handler_that_uses_another_changes_with_it(folder: Path) -> None:
    """Also over a third function: what is left out of a handler's code is only what it cannot reach."""
    text = (folder / "handlers.py").read_text()
    (folder / "handlers.py").write_text(text.replace("return LIMIT", "return book(LIMIT)"))
    assert changed(folder, "handlers.py", "json.dumps(", "str(") == BOTH


def test_code_in_packages(folder: Path) -> None:
    """Submodules by any kind of import, the packages on the way, and modules beside a module."""
    (folder / "shop" / "deep").mkdir(parents=True)
    for name in ("shop/__init__.py", "shop/deep/stock.py", "shop/other.py", "shop/names.py", "shop/unused.py"):
        (folder / name).write_text("A = 1\n")
    text = "import shop.deep.stock\nfrom shop import other\nfrom os import path\n"
    (folder / "rates.py").write_text(text + (folder / "rates.py").read_text())
    (folder / "shop" / "other.py").write_text("from . import names\nfrom .... import far\nA = 1\n")
    for name in ("shop/__init__.py", "shop/deep/stock.py", "shop/other.py", "shop/names.py"):
        assert changed(folder, name, "A = 1", "A = 2") == BOTH, name
    assert changed(folder, "shop/unused.py", "A = 1", "A = 2") == set()
    assert {path.relative_to(folder).as_posix() for path in files(f"{folder}/handlers.py:look")} == {
        *("handlers.py", "prices.py", "rates.py"),
        *("shop/__init__.py", "shop/deep/stock.py", "shop/other.py", "shop/names.py"),
    }


def test_a_circle_of_imports(folder: Path) -> None:
    """Files that import each other are read once."""
    (folder / "rates.py").write_text("import prices\n" + RATES)
    assert len(digests(folder)) == 2


def test_setup(folder: Path) -> None:
    """What fills the workspace is a component of its own; a tool beside it in one file is not part of it."""
    before = digests(folder, "handlers.py:both")
    assert before.keys() == {*BOTH, "setup"}
    text = (folder / "handlers.py").read_text()
    (folder / "handlers.py").write_text(text.replace("return LIMIT", "return 2"))
    after = digests(folder, "handlers.py:both")
    assert {name for name in before if before[name] != after[name]} == {"setup"}


@pytest.mark.parametrize("text", [None, b"def look(:\n", b"\x00", b"\xff", b"(" * 10_000, b"-" * 100_000 + b"1"])
def test_code_that_cannot_be_read_is_changed_code(folder: Path, text: bytes | None) -> None:
    """It has a digest of its own, and never fails the one who asks."""
    before = digests(folder)
    if text is None:
        (folder / "handlers.py").unlink()
    else:
        (folder / "handlers.py").write_bytes(text)
    after = digests(folder)
    assert after.keys() == before.keys()
    assert all(after[name] != before[name] for name in before)


def test_a_git_revision_has_no_code() -> None:
    """Its Python is not there to be read."""
    tool = ToolSpec("look", {"name": "look"}, handler="git:main:prompts/till-tools/handlers.py:look")
    assert code(Agent("till", "1", "claude-sonnet-5-5", "", {}, (tool,))) == {}
