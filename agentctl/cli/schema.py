"""`agentctl schema`: JSON Schemas of the documents, for editors. A document names its schema in its first line."""

# Parameters are named as their flags, since the environment variable of a flag is made from the parameter's name.

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer

from agentctl.agent.events import JsonObject
from agentctl.cli.console import json_document, say
from agentctl.config.check import Part
from agentctl.config.documents import AgentDocument, ToolsDocument
from agentctl.config.personas import PersonaDocument
from agentctl.config.project import Project
from agentctl.config.rubrics import RubricDocument
from agentctl.config.schema import editor_schema
from agentctl.config.unwritten import unwritten
from agentctl.evals.documents import SuiteDocument
from agentctl.evals.redaction import ProjectDocument
from agentctl.evals.schema import suite_schema
from agentctl.observe.clean import clean


class Kind(StrEnum):
    """The documents there are."""

    AGENT = "agent"
    TOOLS = "tools"
    RUBRIC = "rubric"
    PERSONA = "persona"
    SUITE = "suite"
    PROJECT = "project"
    SIMULATOR = "simulator"


DOCUMENTS: Final[dict[Kind, type[Part]]] = {
    Kind.AGENT: AgentDocument,
    Kind.TOOLS: ToolsDocument,
    Kind.RUBRIC: RubricDocument,
    Kind.PERSONA: PersonaDocument,
    Kind.PROJECT: ProjectDocument,
}
"""Kinds whose model says all there is to say of them."""


def schema(
    dir: Annotated[
        Path | None, typer.Option("--dir", metavar="DIR", help="Where to write; default .agentctl/schemas.")
    ] = None,
    print: Annotated[Kind | None, typer.Option("--print", help="Print one schema instead of writing them.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Name the files written as JSON.")] = False,
) -> None:
    """Write JSON Schemas of the documents, so that your editor completes and checks them."""
    if print is not None:
        json_document(schema_of(print))
        return
    folder = dir if dir is not None else Project.find(Path.cwd()).state / "schemas"
    files = [_write(folder / f"{kind}.json", schema_of(kind)) for kind in Kind]
    if json:
        json_document({"written": files})
        return
    for file in files:
        say(clean(file))


def schema_of(kind: Kind) -> JsonObject:
    """The schema of one kind of document."""
    if kind in DOCUMENTS:
        return editor_schema(DOCUMENTS[kind], f"agentctl {kind}")
    if kind is Kind.SIMULATOR:
        from agentctl.simulator.script import Script  # noqa: PLC0415  brings a template engine, for this kind alone

        return editor_schema(Script, "agentctl simulator script")
    return editor_schema(SuiteDocument, "agentctl suite", suite_schema())


def _write(file: Path, content: JsonObject) -> str:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    except OSError as error:
        raise unwritten(file, error) from None
    return str(file)
