"""A persona: who a simulated user is and how they write, versioned like a prompt. The case says what they want."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from agentctl.agent.spec import Retry
from agentctl.config.body import body_of, contradictions, file_of, misplaced
from agentctl.config.canonical import digest
from agentctl.config.check import Many, Part, check
from agentctl.config.digest import bundle
from agentctl.config.documents import Params, ProviderPart, RetryPart, Text
from agentctl.config.persona import Persona
from agentctl.config.project import Project
from agentctl.config.refs import parse_ref
from agentctl.config.trees import Tree
from agentctl.config.versions import Source, locate
from agentctl.errors import ConfigError

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
    problems = [*misplaced(document, "persona", OURS), *contradictions(checked.params, document)]
    if problems:
        raise ConfigError(problems)
    params = body_of(checked.params, document)
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
        source=file_of(source, tree),
    )
