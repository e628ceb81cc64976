"""A persona: who a simulated user is and how they write, versioned like a prompt. The case says what they want."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

from pydantic import Field

from agentctl.agent.events import JsonObject
from agentctl.agent.spec import Retry
from agentctl.config.canonical import digest
from agentctl.config.check import Many, Part, check
from agentctl.config.digest import bundle
from agentctl.config.document import Document
from agentctl.config.documents import MAX_TOKENS, Params, ProviderPart, RetryPart, Text
from agentctl.config.persona import Persona
from agentctl.config.project import Project
from agentctl.config.refs import parse_ref
from agentctl.config.trees import Tree
from agentctl.config.versions import Source, locate
from agentctl.errors import ConfigError, Problem

OURS: Final = {
    "tool_choice": "a user speaks, and calls no tools of its own",
    "stop_sequences": "what is cut is no message",
    "thinking": "what the user says is asked for as a forced call, which the API takes without thinking only",
}
"""Fields of a request that a persona cannot set."""


class PersonaDocument(Part):
    """One version of a persona: prompts/<name>/v<version>.yaml."""

    schema_: Literal[1] = Field(alias="schema")
    """The version of this format."""
    kind: Literal["persona"]
    description: str = ""
    """For people; never sent."""
    model: Text
    """The model that plays the user."""
    instructions: Text
    """Who they are and how they write."""
    params: Params = Params()
    betas: Many[Text] = ()
    """Values of the `anthropic-beta` header."""
    provider: ProviderPart = ProviderPart()
    retry: RetryPart = RetryPart()


def load_persona(ref: str, project: Project) -> Persona:
    """The persona that `ref` names.

    Raises:
        UsageError: `ref` is no reference, or names nothing there is.
        ConfigError: its document is wrong; holds every problem found.
    """
    parsed = parse_ref(ref)
    tree = project.tree(parsed.revision)
    return persona_from(locate(parsed, tree), tree)


def persona_from(source: Source, tree: Tree) -> Persona:
    """The persona at `source`; errors as for `load_persona`."""
    document = tree.load(source.path)
    checked = check(PersonaDocument, document)
    problems = list(_problems(document))
    if problems:
        raise ConfigError(problems)
    written: JsonObject = document.value.get("params", {})
    params = {key: value for key, value in written.items() if value is not None and key != "effort"}
    params.setdefault("max_tokens", MAX_TOKENS)
    if checked.params.effort is not None:
        params["output_config"] = {**params.get("output_config", {}), "effort": checked.params.effort}
    parts = {
        "instructions": digest(checked.instructions),
        "model": digest(checked.model),
        "params": digest(params),
        "betas": digest(list(checked.betas)),
    }
    return Persona(
        name=source.name,
        version=source.version,
        model=checked.model,
        instructions=checked.instructions,
        params=params,
        betas=checked.betas,
        provider=checked.provider.spec(),
        retry=Retry(**dict(checked.retry)),
        bundle=bundle(parts),
        source=Path(tree.python(source.folder, Path(source.path).name)) if tree.revision is None else None,
    )


def _problems(document: Document) -> Iterator[Problem]:
    written: JsonObject = document.value.get("params", {})
    for name in sorted(OURS.keys() & {key for key, value in written.items() if value is not None}):
        yield document.problem(("params", name), f"`{name}` does not belong in a persona: {OURS[name]}", on_key=True)
