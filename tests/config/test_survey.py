"""A project as a whole: everything that is wrong at once, Python included, and what is there for nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from agentctl.config.project import Project
from agentctl.config.survey import Survey, survey
from agentctl.config.trees import WorkingTree

Make = Callable[..., Project]

HANDLERS = "prompts/desk-tools/handlers.py"
TOOLS = "prompts/desk-tools/v1.yaml"


def surveyed(project: Project) -> Survey:
    """What a survey of all documents finds."""
    return survey(WorkingTree(project.root))


def problems(project: Project) -> list[str]:
    """The problems as lines, with paths from the project's root."""
    return [str(problem).replace(f"{project.root}/", "") for problem in surveyed(project).problems]


def with_handlers(text: str) -> dict[str, str]:
    """Other handlers; `cancel` is there in any case."""
    return {HANDLERS: f"from pydantic import BaseModel, Field\n\n\ndef cancel(order): ...\n\n\n{text}\n"}


def test_a_sound_project(make: Make) -> None:
    """A project without mistakes has documents, digests and no findings."""
    found = surveyed(make())
    assert [(seen.kind, seen.ref, bool(seen.bundle)) for seen in found.documents] == [
        ("agent", "desk@1", True),
        ("tools", "desk-tools@1", False),
    ]
    assert (found.problems, found.warnings) == ((), ())


def test_everything_at_once(make: Make) -> None:
    """Mistakes in several documents come together, each once, though two agents share them."""
    project = make(
        {
            "prompts/desk/v2.yaml": "extends: desk@1\nlimit: {}\n",
            "prompts/desk/v3.yaml": "a: 1\na: 2\n",
            "prompts/desk/v4.yaml": "",
            "prompts/desk/v5.yaml": "kind: agnt\n",
            "prompts/desk/v6.yaml": "extends: desk@1\ntools: nope\n",
            "prompts/desk/v07.yaml": "x",
            "prompts/desk/V8.yml": "x",
            "prompts/Desk/v1.yaml": "x",
            TOOLS: "schema: 1\nkind: tools\ntools: [{name: a}]\n",
        }
    )
    assert problems(project) == [
        "prompts/Desk/v1.yaml: is not read: Desk cannot be a name",
        "prompts/desk/V8.yml: is not read: it looks like a version",
        "prompts/desk/v07.yaml: is not read: it looks like a version",
        "prompts/desk-tools/v1.yaml:3:9: `input_schema` is missing in `tools[0]`",
        "prompts/desk-tools/v1.yaml:3:9: `handler` is missing in `tools[0]`",
        "prompts/desk/v2.yaml:2:1: unknown key `limit`",
        "prompts/desk/v3.yaml:2:1: duplicate key `a`; it is on line 1 already",
        "prompts/desk/v4.yaml:1:1: the document is empty",
        "prompts/desk/v5.yaml:1:7: `kind` must be one of agent, tools, rubric, persona, not agnt",
        "prompts/desk/v6.yaml:2:8: there is no document nope in prompts/",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def look_up(order, limit=5): ...", []),
        ("def look_up(**input): ...", []),
        ("async def look_up(order, *, limit=5, clock=None): ...", []),
        ("class In(BaseModel):\n    order: str\n    limit: int = 5\n\ndef look_up(asked: In): ...", []),
        ("class In(BaseModel, extra='allow'):\n    order: str\n\ndef look_up(asked: In): ...", []),
        ("class In(BaseModel):\n    id: str = Field(alias='order')\n    limit: int = 5\n\ndef look_up(a: In): ...", []),
        ("def look_up(order): ...", ["look_up has no parameter `limit`, which the schema allows"]),
        ("def look_up(order, limit): ...", ["look_up needs `limit`, which the schema does not require"]),
        ("def look_up(order, limit=5, *, key): ...", ["look_up needs `key`, which the schema does not have"]),
        ("def look_up(order, /, limit=5): ...", ["look_up has no parameter `order`, which the schema allows"]),
        (
            "def look_up(): ...",
            [f"look_up has no parameter `{name}`, which the schema allows" for name in ("limit", "order")],
        ),
        (
            "class In(BaseModel):\n    order: str\n\ndef look_up(asked: In): ...",
            ["look_up has no parameter `limit`, which the schema allows"],
        ),
    ],
)
def test_parameters(make: Make, text: str, expected: list[str]) -> None:
    """A handler must take every input that its schema allows, and need none that it does not require."""
    assert problems(make(with_handlers(text))) == [f"{TOOLS}:14:14: {flaw}" for flaw in expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "import nothing_of_that_name",
            ":7 cannot be imported: ModuleNotFoundError: No module named 'nothing_of_that_name'",
        ),
        ("def look_up(:", ":7 cannot be imported: SyntaxError: "),
        ("1 / 0", ":7 cannot be imported: ZeroDivisionError: division by zero"),
        ("raise SystemExit('done')", ":7 cannot be imported: SystemExit: done"),
    ],
)
def test_a_file_that_does_not_run(make: Make, text: str, expected: str) -> None:
    """A handler file that cannot be imported is one problem, however many tools it has, and names file and line."""
    (found,) = problems(make(with_handlers(text)))
    assert found.startswith(f"{TOOLS}:14:14: {HANDLERS}{expected}")


def test_missing_python(make: Make) -> None:
    """A missing file and a missing function are problems; the nearest function is suggested."""
    project = make({HANDLERS: None})
    assert problems(project) == [f"{TOOLS}:14:14: there is no file {HANDLERS}"]
    found = surveyed(make(with_handlers("def lookup(order, limit=1): ..."))).problems
    assert [(problem.line, problem.hint) for problem in found] == [(14, "did you mean `lookup`?")]


def test_setup(make: Make) -> None:
    """A setup function must exist and take the workspace's path."""
    project = make({"prompts/desk-tools/database.py": "def create(): ...\n"})
    assert problems(project) == [f"{TOOLS}:3:8: create must take one argument, the workspace's path"]
    (project.prompts / "desk-tools" / "database.py").write_text("def make(path): ...\n")


def test_a_printing_handler(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    """What a handler file prints while it is imported does not reach stdout."""
    assert problems(make(with_handlers("print('hello')\ndef look_up(order, limit=1): ..."))) == []
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "hello\n")


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ("{type: object, properties: {order: {type: strin}}}", ":18:61: no valid JSON Schema: "),
        ("{type: object, required: order}", ":18:44: no valid JSON Schema: "),
        ("{type: object, properties: {order: {pattern: '('}}}", ":18:64: no valid JSON Schema: "),
        ("{type: object, properties: {order: {$ref: '#/$defs/x'}}}", ":18:19: no valid JSON Schema: "),
        ("{type: object, $schema: 'https://x.example/none'}", ":18:19: no valid JSON Schema: "),
    ],
)
def test_input_schema(make: Make, schema: str, expected: str) -> None:
    """An input schema that is no JSON Schema is a problem at the place in it that is wrong."""
    project = make()
    file = project.root / TOOLS
    old = "{type: object, properties: {order: {type: string}}, required: [order]}"
    file.write_text(file.read_text().replace(old, schema))
    assert any(found.startswith(f"{TOOLS}{expected}") for found in problems(project))


def test_warnings(make: Make) -> None:
    """Unused variables and tools are warnings; an older version of tools in use is none."""
    second = "extends: desk@1\nvars: {region: EU}\ntools: desk-tools@2\n"
    tools = make().root / TOOLS
    more = tools.read_text()
    project = make(
        {
            "prompts/desk/v2.yaml": second,
            "prompts/desk-tools/v2.yaml": more,
            "prompts/desk-tools/v3.yaml": more,
            "prompts/other/v1.yaml": more.replace("handlers.py", "h.py").replace("setup: database.py:create", ""),
            "prompts/other/h.py": "def look_up(order, limit=1): ...\ndef cancel(order): ...\n",
        }
    )
    found = surveyed(project)
    assert found.problems == ()
    assert [str(warning).replace(f"{project.root}/", "") for warning in found.warnings] == [
        "prompts/desk/v2.yaml:2:8: the system prompt does not use `region`",
        "prompts/desk-tools/v3.yaml: desk-tools@3 is in no agent",
        "prompts/other/v1.yaml: other@1 is in no agent",
    ]


def test_only_what_is_wanted(make: Make) -> None:
    """A survey of some documents reports on those only, and not on what is unused."""
    project = make({"prompts/desk/v2.yaml": "a: [\n", "prompts/desk/v3.yaml": "b: [\n"})
    found = survey(WorkingTree(project.root), lambda path: path.endswith("v2.yaml"))
    assert [seen.ref for seen in found.documents] == ["desk@2"]
    assert len(found.problems) == 1
