"""From documents to an agent: what is read, merged, filled in and refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from agentctl.agent.spec import Limits, Provider, Retry
from agentctl.config.load import load_agent
from agentctl.config.project import Project
from agentctl.errors import ConfigError, UsageError

Make = Callable[..., Project]

HEAD = "schema: 1\nkind: agent\nmodel: m\n"
SECOND = """\
schema: 1
kind: agent
extends: desk@1
params:
  effort: medium
  thinking: {type: adaptive}
limits: {max_turns: 3, max_seconds: null}
vars: {shop: Other}
"""


def problems_of(project: Project, ref: str = "desk") -> list[str]:
    """The problems of an agent as lines, with paths from the project's root."""
    with pytest.raises(ConfigError) as caught:
        load_agent(ref, project)
    return [str(problem).removeprefix(f"{project.root}/") for problem in caught.value.problems]


def test_agent(make: Make) -> None:
    """A reference becomes a complete agent: prompt filled in, tools with their handlers, digests, source."""
    project = make()
    agent = load_agent("desk", project)
    assert agent.ref == "desk@1"
    assert agent.model == "claude-sonnet-5-5"
    assert agent.system == "You work for Acme.\nBe kind.\n"
    assert agent.params == {"max_tokens": 512}
    assert agent.source == project.prompts / "desk" / "v1.yaml"
    assert agent.setup == f"{project.prompts}/desk-tools/database.py:create"
    assert agent.workspace_name == "desk-tools"
    assert (agent.limits, agent.retry, agent.provider) == (Limits(), Retry(), Provider())
    assert (agent.cache, agent.betas) == (True, ())
    assert set(agent.components) == {"system prompt", "model", "params", "tool order", "tool look_up", "tool cancel"}
    assert agent == load_agent("desk@1", project)


def test_tools(make: Make) -> None:
    """A tool is told to the model as it is written, without the keys that are for us."""
    look_up, cancel = load_agent("desk", make()).tools
    assert look_up.definition == {
        "name": "look_up",
        "description": "Looks an order up.",
        "input_schema": {
            "type": "object",
            "properties": {"order": {"type": "string", "minLength": 1}, "limit": {"type": "integer"}},
            "required": ["order"],
            "additionalProperties": False,
        },
    }
    assert (look_up.timeout, look_up.effect, look_up.approve, look_up.idempotent) == (5, "read", "never", False)
    assert (cancel.timeout, cancel.effect, cancel.approve, cancel.idempotent) == (30, "write", "always", True)
    assert cancel.handler is not None
    assert cancel.handler.endswith("/prompts/desk-tools/handlers.py:cancel")


def test_wire_fields_of_tools(make: Make) -> None:
    """Fields that the API knows go into the definition, the others of it stay out."""
    tools = (
        "schema: 1\nkind: tools\ntools:\n- name: a\n  input_schema: {type: object}\n  handler: h.py:f\n  strict: true\n"
        "  cache_control: {type: ephemeral}\n  defer_loading: null\n  input_examples: [{a: 1}]\n"
    )
    (tool,) = load_agent("desk", make({"prompts/desk-tools/v1.yaml": tools})).tools
    assert tool.definition == {
        "name": "a",
        "input_schema": {"type": "object"},
        "strict": True,
        "cache_control": {"type": "ephemeral"},
        "input_examples": [{"a": 1}],
    }


def test_server_tools_and_several_documents(make: Make) -> None:
    """Tools come in the order they are listed in, from documents and written in place."""
    more = "schema: 1\nkind: tools\ntools: [{name: b, input_schema: {type: object}, handler: h.py:f}]\n"
    search = "{type: web_search_20250305, name: web_search, max_uses: 3}"
    toolset = "{type: mcp_toolset, mcp_server_name: wiki}"
    agent = HEAD + f"tools: [more@1, {search}, desk-tools, {toolset}]\n"
    loaded = load_agent("desk", make({"prompts/desk/v1.yaml": agent, "prompts/more/v1.yaml": more}))
    assert [tool.name for tool in loaded.tools] == ["b", "web_search", "look_up", "cancel", "wiki"]
    assert [tool.is_server for tool in loaded.tools] == [False, True, False, False, True]
    assert loaded.tools[1].definition == {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
    assert loaded.workspace_name == "more"


def test_extends(make: Make) -> None:
    """A version that extends another states only what changed: mappings merge, everything else replaces."""
    agent = load_agent("desk", make({"prompts/desk/v2.yaml": SECOND}))
    assert agent.ref == "desk@2"
    assert agent.system == "You work for Other.\nBe kind.\n"
    assert agent.params == {
        "max_tokens": 512,
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": "medium"},
    }
    assert agent.limits == Limits(max_turns=3, max_seconds=None)
    assert [tool.name for tool in agent.tools] == ["look_up", "cancel"]


def test_extends_takes_away(make: Make) -> None:
    """Null takes an inherited body field or the tools away; a list replaces the one before."""
    third = "extends: desk@2\nparams: {thinking: null}\ntools: null\n"
    agent = load_agent("desk", make({"prompts/desk/v2.yaml": SECOND, "prompts/desk/v3.yaml": third}))
    assert agent.params == {"max_tokens": 512, "output_config": {"effort": "medium"}}
    assert agent.tools == ()
    assert agent.setup is None


def test_inherited_mistakes_stand_where_they_are_written(make: Make) -> None:
    """A problem in what is inherited names the file it is in, together with those of the document itself."""
    first = HEAD + "retry: {attempts: 0}\nvars: {shop: x}\n"
    second = "extends: desk@1\nlimit: {}\nvars: {shop: [y]}\n"
    project = make({"prompts/desk/v1.yaml": first, "prompts/desk/v2.yaml": second})
    assert problems_of(project) == [
        "prompts/desk/v1.yaml:4:19: `attempts` must be at least 1, not 0",
        "prompts/desk/v2.yaml:2:1: unknown key `limit`",
        "prompts/desk/v2.yaml:3:14: `shop` must be text or a whole number, not a list",
    ]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"v1": "extends: desk@1"}, "v1.yaml:1:10: extends itself: desk@1 -> desk@1"),
        (
            {"v1": "extends: desk@2", "v2": "extends: desk@1"},
            "v1.yaml:1:10: extends itself: desk@2 -> desk@1",
        ),
        ({"v1": "extends: dsk@1"}, "v1.yaml:1:10: there is no document dsk in prompts/"),
        ({"v1": "extends: desk@9"}, "v1.yaml:1:10: there is no version 9 of desk in prompts/"),
        ({"v1": "extends: ../x"}, "v1.yaml:1:10: ../x is no reference: it is a path, not a name"),
        ({"v1": "extends: desk@git:main"}, "v1.yaml:1:10: a document cannot extend a git revision"),
        ({"v1": "extends: desk-tools@1"}, "v1.yaml:1:10: desk-tools@1 is no agent"),
        ({"v1": HEAD + "extends: 3"}, "v1.yaml:4:10: `extends` must be text, not 3"),
        ({"v2": "extends: desk@1\na: b: c", "v3": "extends: desk@2"}, "v2.yaml:2:5: not valid YAML"),
        ({f"v{n}": f"extends: desk@{n - 1}" for n in range(1, 15)}, "v5.yaml:1:10: extends through more than 10"),
    ],
)
def test_bad_extends(make: Make, files: dict[str, str], expected: str) -> None:
    """Cycles, long chains and wrong references are problems at the `extends` that makes them."""
    project = make({f"prompts/desk/{name}.yaml": text for name, text in files.items()})
    assert problems_of(project)[0].startswith(f"prompts/desk/{expected}")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("system: '{{ shp }}'\nvars: {shop: x}", "4:9: the variable `shp` has no value"),
        ("system: |\n  a\n  {{ x }}\n  {{ y }}", "6:1: the variable `x` has no value"),
        ("system: '{{ a.b }}'", "4:9: only a variable's name may stand between the braces, not {{ a.b }}"),
        ("system: '{% if x %}'", "4:9: only variables can be filled in, and {% begins a statement"),
        ("tools: none@1", "4:8: there is no document none in prompts/"),
        ("tools: [desk-tools@4]", "4:9: there is no version 4 of desk-tools"),
        ("tools: desk", "2:7: this is a document of kind agent, not tools"),
        ("tools: [desk-tools, desk-tools]", "4:21: there are two tools with the name look_up"),
        (
            "params: {effort: low, output_config: {effort: high}}",
            "4:18: `effort` says low and",
        ),
        ("params: {tool_choice: {type: tool, name: lookup}}\ntools: desk-tools", "4:42: `tool_choice` names lookup"),
    ],
)
def test_what_does_not_go_together(make: Make, line: str, expected: str) -> None:
    """Variables, tools and parameters that do not fit each other are problems at their place."""
    found = problems_of(make({"prompts/desk/v1.yaml": HEAD + line}))[0]
    assert found.startswith(f"prompts/desk/v1.yaml:{expected}")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("name: cancel", "name: look_up"), "16:11: there is a tool look_up on line 5 already"),
        (
            ("order: {type: string}}", "order: {$ref: 'https://x.example/s'}}"),
            "18:61: the schema refers to https://x.ex",
        ),
        (
            ("order: {type: string}}", "order: {$ref: 'file:///etc/passwd'}}"),
            "18:61: the schema refers to file:///etc/",
        ),
    ],
)
def test_bad_tools(make: Make, change: tuple[str, str], expected: str) -> None:
    """Two tools of one name, and schemas that would be fetched from elsewhere, are refused."""
    project = make()
    file = project.prompts / "desk-tools" / "v1.yaml"
    file.write_text(file.read_text().replace(*change))
    assert problems_of(project)[0].startswith(f"prompts/desk-tools/v1.yaml:{expected}")


def test_handlers_stay_in_their_folder(make: Make, tmp_path: Path) -> None:
    """A link that leads out of the document's folder is refused like a path that does."""
    (tmp_path / "outside.py").write_text("def look_up(): ...\n")
    project = make({"prompts/desk-tools/handlers.py": None})
    (tmp_path / "prompts" / "desk-tools" / "handlers.py").symlink_to(tmp_path / "outside.py")
    assert "handlers.py:look_up leads out of the document's folder" in problems_of(project)[0]


def test_two_setups(make: Make) -> None:
    """A workspace is filled by one function, so only one tools document of an agent may bring one."""
    more = "schema: 1\nkind: tools\nsetup: a.py:b\ntools: [{name: b, input_schema: {type: object}, handler: h.py:f}]\n"
    agent = HEAD + "tools: [more@1, desk-tools@1]\n"
    project = make({"prompts/desk/v1.yaml": agent, "prompts/more/v1.yaml": more})
    assert "more@1 and desk-tools@1 both have a `setup`" in problems_of(project)[0]


def test_provider(make: Make) -> None:
    """The provider's keys become the options of the SDK's client."""
    lines = "provider: {name: vertex, region: europe-west1, project_id: p}\nbetas: [a, b]\ncache: false\n"
    agent = load_agent("desk", make({"prompts/desk/v1.yaml": HEAD + lines}))
    assert agent.provider == Provider("vertex", None, {"region": "europe-west1", "project_id": "p"})
    assert (agent.betas, agent.cache, agent.params) == (("a", "b"), False, {"max_tokens": 4096})


def test_no_such_agent(make: Make) -> None:
    """A reference that names nothing is a usage error with the nearest name."""
    with pytest.raises(UsageError) as caught:
        load_agent("dek", make())
    assert caught.value.hint == "did you mean `desk`?"
    with pytest.raises(ConfigError, match="this is a document of kind tools, not agent"):
        load_agent("desk-tools", make())
