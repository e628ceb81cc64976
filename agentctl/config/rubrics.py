"""A rubric: what a judge is told to look for, versioned like a prompt. The same document always asks the same.

What a verdict looks like is not in it: the criteria and the scale are, and the form follows from them, so that every
judge answers in a way that can be counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from agentctl.agent.events import JsonObject
from agentctl.agent.spec import Agent, Provider, Retry
from agentctl.config.body import body_of, contradictions, file_of, misplaced
from agentctl.config.canonical import digest
from agentctl.config.check import Many, Part, check
from agentctl.config.digest import bundle
from agentctl.config.document import Document
from agentctl.config.documents import Params, ProviderPart, RetryPart, Text, Variables
from agentctl.config.findings import Invalid
from agentctl.config.project import Project
from agentctl.config.refs import parse_ref
from agentctl.config.render import TemplateError, names_in, render
from agentctl.config.texts import shown
from agentctl.config.trees import Tree
from agentctl.config.versions import Source, locate
from agentctl.errors import ConfigError, Problem

MAX_STEPS: Final = 100
"""Between the lowest and the highest score of a scale: a model cannot tell more of them apart."""

CRITERION: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")
WHOLE: Final = "rubric"
"""Names the one criterion of a rubric that lists none."""

OURS: Final = {
    "tool_choice": "the judge answers with a verdict and nothing else",
    "stop_sequences": "a verdict that is cut is none",
}
"""Fields of a request that a rubric cannot set."""


def _criterion_name(name: str) -> str:
    if not CRITERION.match(name):
        hint = "a name is lower-case letters, digits, _ and -, at most 64 of them"
        raise Invalid(f"{shown(name) or 'an empty text'} cannot name a criterion", hint=hint)
    return name


class CriterionPart(Part):
    """One thing to look for; the judge quotes what decides it."""

    name: Annotated[str, AfterValidator(_criterion_name)]
    says: Text
    """What must hold of the work; `{{ name }}` is filled in."""


class ScalePart(Part):
    """Whole numbers that the judge chooses from; `max` is the best."""

    min: int = 1
    max: int = 5

    @model_validator(mode="after")
    def _has_steps(self) -> ScalePart:
        if not 0 < self.max - self.min <= MAX_STEPS:
            raise Invalid(f"`max` is above `min`, by {MAX_STEPS} at most")
        return self


class RubricDocument(Part):
    """One version of a rubric: prompts/<name>/v<version>.yaml."""

    schema_: Literal[1] = Field(alias="schema")
    """The version of this format."""
    kind: Literal["rubric"]
    description: str = ""
    """For people; never sent."""
    model: Text
    """The model that judges."""
    instructions: Text
    """What is judged, and how; `{{ name }}` is filled in from `vars`, the case's `vars` and the assertion's."""
    criteria: Many[CriterionPart] = ()
    """What to look for, one by one."""
    scale: ScalePart | None = None
    """The scores there are; without it the verdict is pass or fail."""
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    """The mean score that passes, the scale taken as 0 to 1; without it most votes decide. An assertion may say."""
    sees: Literal["answer", "conversation", "trajectory"] = "conversation"
    """What the judge is shown: the last answer, all that was said, or the tool calls and their results too."""
    vars: Variables = Field(default={})
    """Values for `{{ name }}` where nobody gives others."""
    params: Params = Params()
    betas: Many[Text] = ()
    """Values of the `anthropic-beta` header."""
    provider: ProviderPart = ProviderPart()
    retry: RetryPart = RetryPart()


@dataclass(frozen=True, slots=True)
class Rubric:
    """One version of a rubric, ready to judge by."""

    name: str
    version: str
    model: str
    instructions: str
    """With its variables still to be filled in."""
    criteria: tuple[tuple[str, str], ...]
    """(name, what must hold), at least one."""
    scale: tuple[int, int] | None
    threshold: float | None
    sees: str
    vars: Mapping[str, str | int]
    params: JsonObject
    betas: tuple[str, ...]
    provider: Provider
    retry: Retry
    components: Mapping[str, str]
    bundle: str
    source: Path | None = None

    @property
    def ref(self) -> str:
        """`name@version`."""
        return f"{self.name}@{self.version}"

    @property
    def slots(self) -> frozenset[str]:
        """The variables it asks for."""
        return frozenset().union(
            *(names_in(text) for text in (self.instructions, *(says for _, says in self.criteria)))
        )

    @property
    def agent(self) -> Agent:
        """The judge as who answers on a wire: what opens one, and what compares definitions, knows agents."""
        told = "\n".join([self.instructions.rstrip(), *(f"- {name}: {says}" for name, says in self.criteria)])
        return Agent(
            name=self.name,
            version=self.version,
            model=self.model,
            system=told,
            params=self.params,
            retry=self.retry,
            provider=self.provider,
            betas=self.betas,
            components=self.components,
            bundle=self.bundle,
            source=self.source,
        )


def load_rubric(ref: str, project: Project) -> Rubric:
    """The rubric that `ref` names.

    Raises:
        UsageError: `ref` is no reference, or names nothing there is.
        ConfigError: its document is wrong; holds every problem found.
    """
    parsed = parse_ref(ref)
    tree = project.tree(parsed.revision)
    return rubric_from(locate(parsed, tree), tree)


def rubric_from(source: Source, tree: Tree) -> Rubric:
    """The rubric at `source`; errors as for `load_rubric`."""
    document = tree.load(source.path)
    checked = check(RubricDocument, document)
    problems = list(_problems(checked, document))
    if problems:
        raise ConfigError(problems)
    return _rubric(source, tree, document, checked)


def _rubric(source: Source, tree: Tree, document: Document, checked: RubricDocument) -> Rubric:
    params = body_of(checked.params, document)
    criteria = tuple((each.name, each.says) for each in checked.criteria) or ((WHOLE, "The rubric as a whole holds."),)
    scale = None if checked.scale is None else (checked.scale.min, checked.scale.max)
    parts = {
        "instructions": digest({"text": checked.instructions, "vars": checked.vars}),
        "criteria": digest([list(each) for each in criteria]),
        "scale": digest(None if scale is None else list(scale)),
        "sees": digest(checked.sees),
        "model": digest(checked.model),
        "params": digest(params),
    }
    if checked.betas:
        parts["betas"] = digest(list(checked.betas))
    return Rubric(
        name=source.name,
        version=source.version,
        model=checked.model,
        instructions=checked.instructions,
        criteria=criteria,
        scale=scale,
        threshold=checked.threshold,
        sees=checked.sees,
        vars=checked.vars,
        params=params,
        betas=checked.betas,
        provider=checked.provider.spec(),
        retry=Retry(**dict(checked.retry)),
        components=parts,
        bundle=bundle(parts),
        source=file_of(source, tree),
    )


def _problems(checked: RubricDocument, document: Document) -> Iterator[Problem]:
    """What no single field can see: names used twice, templates that are none, fields that belong to the verdict."""
    seen: set[str] = set()
    for index, each in enumerate(checked.criteria):
        if each.name in seen:
            yield document.problem(("criteria", index, "name"), f"there are two criteria with the name {each.name}")
        seen.add(each.name)
        yield from _template(each.says, ("criteria", index, "says"), document)
    yield from _template(checked.instructions, ("instructions",), document)
    yield from misplaced(document, "rubric", OURS)
    yield from contradictions(checked.params, document)
    if "format" in (checked.params.output_config or {}):
        message = "`format` does not belong in a rubric: its criteria and its scale are the form of the verdict"
        yield document.problem(("params", "output_config", "format"), message, on_key=True)


def _template(text: str, path: tuple[str | int, ...], document: Document) -> Iterator[Problem]:
    """Flaws of a template; which variables there are is known only where it is used."""
    try:
        render(text, dict.fromkeys(names_in(text), ""))
    except TemplateError as error:
        for flaw in error.flaws:
            yield document.problem(path, flaw.message, hint=flaw.hint, text_line=flaw.line)
