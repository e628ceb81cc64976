"""The direction of imports, read from the source: every room knows only the rooms below it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "agentctl"

FLOORS = (
    {"errors"},
    {"agent"},
    {"agentctl"},  # the package itself: the names that handlers import, and the version
    {"config"},
    {"model", "cassette", "guards", "store", "observe"},
    {"evals", "diffing", "simulator"},
    {"cli"},
    {"__main__"},
)
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
NEIGHBOURS = {("diffing", "evals")}
"""The one pair of rooms on a floor that may know each other, and in which direction."""

SDK = {"anthropic", "httpx2"}


@cache
def sources() -> dict[str, ast.Module]:
    """Every module of the package by its path inside it."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text("utf-8"), str(path)) for path in paths}


def modules() -> list[str]:
    """The paths of every module that makes up the product; the starter project is a user's."""
    return [path for path in sources() if not path.startswith("cli/starter/")]


def name_of(path: str) -> str:
    """`model/claude.py` is `agentctl.model.claude`."""
    return ".".join(["agentctl", *path.removesuffix(".py").removesuffix("__init__").strip("/").split("/")]).strip(".")


def room_of(name: str) -> str:
    """The room of a dotted name of ours."""
    _, _, rest = name.partition(".")
    room = rest.partition(".")[0]
    return room if room in FLOOR_OF else "agentctl"


def imports(tree: ast.Module) -> Iterator[str]:
    """Every dotted name that a module imports, wherever it does: `from a import b` gives `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports say where from, in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            yield from (arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str))


def ours(tree: ast.Module) -> set[str]:
    """The modules of this package that a module imports."""
    known = {name_of(path) for path in sources()}
    found = {name for name in imports(tree) if name.partition(".")[0] == "agentctl"}
    return {name if name in known else name.rpartition(".")[0] for name in found}


@pytest.mark.parametrize("path", modules())
def test_direction(path: str) -> None:
    """A module imports from its own room and from rooms below, and from no neighbour."""
    here = room_of(name_of(path))
    for name in ours(sources()[path]):
        there = room_of(name)
        allowed = here == there or FLOOR_OF[there] < FLOOR_OF[here] or (here, there) in NEIGHBOURS
        assert allowed, f"{path} ({here}) imports {name} ({there})"


def test_every_room_has_a_floor() -> None:
    """A new room is put on a floor here before anything is built in it."""
    rooms = {path.partition("/")[0].removesuffix(".py") for path in sources()} - {"__init__"}
    assert rooms <= set(FLOOR_OF)


def test_no_cycles() -> None:
    """No two modules need each other, not even from inside a function."""
    graph = {name_of(path): ours(sources()[path]) - {name_of(path)} for path in modules()}
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"a cycle of imports: {' -> '.join(error.args[1])}")
    assert order


@pytest.mark.parametrize("path", modules())
def test_heavy_libraries_stay_in_their_rooms(path: str) -> None:
    """The SDK is known to one module, vcr to one room."""
    roots = {name.partition(".")[0] for name in imports(sources()[path])}
    if path != "model/claude.py":
        assert not roots & SDK, f"{path} imports the SDK"
    if not path.startswith("cassette/"):
        assert "vcr" not in roots, f"{path} imports vcr"


@pytest.mark.parametrize("path", modules())
def test_heavy_libraries_are_imported_late(path: str) -> None:
    """What takes long to load is imported by the function that needs it, so that other commands do not pay for it."""
    top = ast.Module([node for node in sources()[path].body if isinstance(node, ast.Import | ast.ImportFrom)], [])
    roots = {name.partition(".")[0] for name in imports(top)}
    assert not roots & {*SDK, "vcr", "genai_prices"}


@pytest.mark.parametrize("path", modules())
def test_no_type_checking_escapes(path: str) -> None:
    """A type that is needed is imported: a module that could not import it is in the wrong room."""
    assert "TYPE_CHECKING" not in {name.rpartition(".")[2] for name in imports(sources()[path])}
    names = {node.id for node in ast.walk(sources()[path]) if isinstance(node, ast.Name)}
    attributes = {node.attr for node in ast.walk(sources()[path]) if isinstance(node, ast.Attribute)}
    assert "TYPE_CHECKING" not in names | attributes


def talks(tree: ast.AST) -> Iterator[int]:
    """The lines of `print(...)`, `input(...)` and `sys.stdout`; keeping other people's prints off stdout is no talk."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Call) and ast.unparse(node).endswith("redirect_stdout(sys.stderr)"):
            continue
        calls = isinstance(node, ast.Call) and ast.unparse(node.func) in {"print", "input"}
        if calls or (isinstance(node, ast.Attribute) and ast.unparse(node) in STREAMS):
            yield node.lineno
        yield from talks(node)


STREAMS = {"sys.stdout", "sys.stderr", "sys.stdin"}


@pytest.mark.parametrize("path", [path for path in modules() if not path.startswith("cli/")])
def test_only_the_command_line_prints(path: str) -> None:
    """Everything below returns values and raises errors."""
    lines = list(talks(sources()[path]))
    assert lines == [], f"{path} talks to a stream in lines {lines}"


@pytest.mark.parametrize("path", [path for path in modules() if not path.startswith("cli/")])
def test_only_the_command_line_exits(path: str) -> None:
    """Nothing below ends the process."""
    calls = {ast.unparse(node.func) for node in ast.walk(sources()[path]) if isinstance(node, ast.Call)}
    assert not calls & {"sys.exit", "exit", "quit", "os._exit"}
