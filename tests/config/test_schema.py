"""Schemas for editors: they take what the loader takes, refuse what it refuses, and explain the keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from agentctl.config.check import Part, check
from agentctl.config.documents import AgentDocument, ToolsDocument
from agentctl.config.personas import PersonaDocument
from agentctl.config.rubrics import RubricDocument
from agentctl.config.schema import docstrings, editor_schema
from agentctl.config.yamls import load_yaml
from agentctl.errors import ConfigError
from agentctl.evals.documents import SuiteDocument
from agentctl.evals.schema import suite_schema

SCHEMAS = {
    "agent": editor_schema(AgentDocument, "agent"),
    "tools": editor_schema(ToolsDocument, "tools"),
    "rubric": editor_schema(RubricDocument, "rubric"),
    "persona": editor_schema(PersonaDocument, "persona"),
    "suite": editor_schema(SuiteDocument, "suite", suite_schema()),
}


def valid(kind: str, value: Any) -> bool:
    """Whether an editor would be content."""
    return bool(jsonschema_rs.validator_for(SCHEMAS[kind]).is_valid(value))


@pytest.mark.parametrize("pattern", ["prompts/*/v*.yaml", "evals/*.yaml"])
def test_the_project_s_own_documents(checkout: Path, pattern: str) -> None:
    """Every document of this project is valid by the schema of its kind."""
    files = list(checkout.glob(pattern))
    for file in files:
        value = yaml.safe_load(file.read_text())
        validator = jsonschema_rs.validator_for(SCHEMAS[value["kind"]])
        assert [error.message for error in validator.iter_errors(value)] == [], file


AGENT = {"schema": 1, "kind": "agent", "model": "m"}
TOOL = {"name": "a", "input_schema": {"type": "object"}, "handler": "h.py:f"}


@pytest.mark.parametrize(
    ("model", "value"),
    [
        (AgentDocument, {**AGENT, "guards": []}),
        (AgentDocument, {**AGENT, "schema": 2}),
        (AgentDocument, {**AGENT, "limits": {"max_turns": 0}}),
        (AgentDocument, {**AGENT, "params": {"temperature": 1}}),
        (AgentDocument, {**AGENT, "params": {"stream": True}}),
        (AgentDocument, {**AGENT, "tools": "Desk"}),
        (AgentDocument, {**AGENT, "tools": [{"name": "x"}]}),
        (AgentDocument, {"schema": 1, "kind": "agent"}),
        (ToolsDocument, {"schema": 1, "kind": "tools", "tools": []}),
        (ToolsDocument, {"schema": 1, "kind": "tools", "tools": [{**TOOL, "name": "a b"}]}),
        (ToolsDocument, {"schema": 1, "kind": "tools", "tools": [{**TOOL, "handler": "f"}]}),
        (ToolsDocument, {"schema": 1, "kind": "tools", "tools": [{**TOOL, "effect": "none"}]}),
    ],
)
def test_what_the_loader_refuses(model: type[Part], value: Any) -> None:
    """An editor marks what the loader would refuse."""
    assert not valid("agent" if model is AgentDocument else "tools", value)
    with pytest.raises(ConfigError):
        check(model, load_yaml(yaml.safe_dump(value), "f.yaml"))


def test_extends_relaxes() -> None:
    """A version that extends another needs none of the keys it inherits."""
    assert valid("agent", {"extends": "desk@1"})
    assert not valid("agent", {})


def test_descriptions() -> None:
    """The docstrings under the fields are the descriptions, the key stays the only name."""
    schema = SCHEMAS["agent"]
    assert schema["properties"]["model"]["description"] == docstrings(AgentDocument)["model"]
    assert schema["$defs"]["LimitsPart"]["properties"]["max_turns"]["description"].startswith("Replies of the model")
    assert SCHEMAS["suite"]["$defs"]["CaseDocument"]["properties"]["id"]["description"].startswith("Names the case")
    assert "title" not in schema["properties"]["model"]
    assert schema["title"] == "agent"
