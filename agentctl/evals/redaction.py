"""What `redact:` may say, in a suite and in the project's `agentctl.yaml`, and the rules that follow from both."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AfterValidator, Field

from agentctl.cassette.secrets.rules import NO_RULES, Rules, names_known
from agentctl.config.check import Many, Part, check
from agentctl.config.documents import Text
from agentctl.config.findings import Invalid
from agentctl.config.nearest import nearest
from agentctl.config.patterns import NotAPattern, compiled
from agentctl.config.project import Project
from agentctl.config.texts import shown
from agentctl.config.yamls import read_yaml

PROJECT_FILE: Final = "agentctl.yaml"
LABEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")


def _kind(name: str) -> str:
    if name.removeprefix("-") not in names_known():
        hint = nearest(name.removeprefix("-"), names_known(), kind="") or "`secrets` is every credential, `pii` persons"
        raise Invalid(f"there is no kind of secret {shown(name)}", hint=hint)
    return name


def _regex(text: str) -> str:
    try:
        pattern = compiled(text)
    except NotAPattern as error:
        raise Invalid(f"is no regular expression: {error}") from None
    if pattern.match(""):
        raise Invalid("matches the empty text, which is everywhere", hint="let it begin with what always stands there")
    return text


def _label(text: str) -> str:
    if LABEL.match(text) is None:
        hint = "letters, digits, `.`, `_` and `-`: it stands in the placeholder, [redacted:name]"
        raise Invalid(f"{shown(text)} cannot name a kind of secret", hint=hint)
    return text


KindName: TypeAlias = Annotated[str, AfterValidator(_kind)]


class PatternDocument(Part):
    """A kind of secret of your own."""

    name: Annotated[str, AfterValidator(_label)]
    """Stands in the secret's place: `[redacted:name]`."""
    regex: Annotated[str, Field(min_length=1), AfterValidator(_regex)]
    """What it looks like, in Python's syntax; a group named `s` is the secret, else the whole match."""


class RedactDocument(Part):
    """What is taken out of recordings before they are written, and out of requests before they are looked up."""

    builtin: Many[KindName] | None = None
    """Kinds and groups (`secrets`, `pii`), `-name` to leave one out. Without it: secrets."""
    patterns: Many[PatternDocument] = ()
    """Kinds of your own."""
    literals_from_env: Many[Text] = ()
    """Variables whose values are secrets. Those named *_KEY, *_TOKEN, *_SECRET and *_PASSWORD are known as such."""
    pii: bool = False
    """Whether cards, IBANs, social security numbers, e-mail addresses and phone numbers are taken out too."""


class ProjectDocument(Part):
    """The project's own settings: agentctl.yaml in its root."""

    schema_: Literal[1] = Field(default=1, alias="schema")
    """The version of this format."""
    kind: Literal["project"] = "project"
    redact: RedactDocument | None = None
    """What is taken out of every recording."""


def rules_of(document: RedactDocument | None) -> Rules:
    """The rules a document asks for."""
    if document is None:
        return NO_RULES
    return Rules(
        built_in=document.builtin,
        patterns=tuple((pattern.name, pattern.regex) for pattern in document.patterns),
        from_env=document.literals_from_env,
        personal=document.pii,
    )


def project_rules(project: Project) -> Rules:
    """The rules of the project's own settings; none without the file.

    Raises:
        ConfigError: the file is wrong.
    """
    path = project.root / PROJECT_FILE
    if not path.is_file():
        return NO_RULES
    return rules_of(check(ProjectDocument, read_yaml(path, project.show(path))).redact)
