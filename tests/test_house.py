"""The house rules that a reader notices: small files, small functions, and a sentence on everything public."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
MAX_LINES = 350
MAX_FUNCTION_LINES = 60

Function = ast.FunctionDef | ast.AsyncFunctionDef


def files(folder: str) -> list[str]:
    """The Python files under a folder, by their path in the checkout."""
    return [path.relative_to(CHECKOUT).as_posix() for path in sorted((CHECKOUT / folder).rglob("*.py"))]


def parsed(path: str) -> ast.Module:
    """A file's syntax tree."""
    return ast.parse((CHECKOUT / path).read_text("utf-8"), path)


def functions(tree: ast.AST) -> Iterator[Function]:
    """Every function in a tree, nested ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def is_setter(node: Function | ast.ClassDef) -> bool:
    """Whether this is the second half of a property, which the first half describes."""
    return any(ast.unparse(decorator).endswith(".setter") for decorator in node.decorator_list)


def public(tree: ast.Module | ast.ClassDef) -> Iterator[Function | ast.ClassDef]:
    """The classes, functions and methods that others may use; a method that overrides a protocol's is one."""
    for node in tree.body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_") and not is_setter(node):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node)


@pytest.mark.parametrize("path", files("agentctl"))
def test_sizes(path: str) -> None:
    """A file can be read in one go, a function seen at once."""
    assert len((CHECKOUT / path).read_text("utf-8").splitlines()) <= MAX_LINES
    for function in functions(parsed(path)):
        lines = (function.end_lineno or 0) - function.lineno + 1
        assert lines <= MAX_FUNCTION_LINES, f"{path}:{function.lineno} {function.name} has {lines} lines"


@pytest.mark.parametrize("path", files("agentctl"))
def test_public_things_say_what_they_are(path: str) -> None:
    """Every module, and every public class, function and method, has its sentence."""
    tree = parsed(path)
    if tree.body:
        assert ast.get_docstring(tree), f"{path} does not say what it is"
    silent = [f"{path}:{node.lineno} {node.name}" for node in public(tree) if not ast.get_docstring(node)]
    assert silent == []


@pytest.mark.parametrize("path", files("tests"))
def test_tests_say_what_they_prove(path: str) -> None:
    """Every test has its sentence."""
    tests = [node for node in functions(parsed(path)) if node.name.startswith("test_")]
    silent = [f"{path}:{node.lineno} {node.name}" for node in tests if not ast.get_docstring(node)]
    assert silent == []


@pytest.mark.parametrize("path", files("agentctl") + files("tests"))
def test_there_is_one_replace(path: str) -> None:
    """Values are of two kinds, and only `agent.values.replace` changes both: nobody has to know which one it is."""
    if path == "agentctl/agent/values.py":
        return
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ImportFrom) and node.module in {"dataclasses", "msgspec", "msgspec.structs"}:
            assert not {"replace", "structs"} & {alias.name for alias in node.names}, f"{path}:{node.lineno}"
