"""Which versions of which documents there are: a file `prompts/<name>/v<version>.yaml` is one, by its path alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from agentctl.config.nearest import nearest
from agentctl.config.refs import VERSION, Ref, is_name, version_key
from agentctl.config.trees import PROMPTS, Tree
from agentctl.errors import UsageError

SUFFIX: Final = ".yaml"


@dataclass(frozen=True, slots=True)
class Source:
    """One version of a document, and the path of its file below the project's root."""

    name: str
    version: str

    @property
    def ref(self) -> str:
        """`name@version`."""
        return f"{self.name}@{self.version}"

    @property
    def folder(self) -> str:
        """The folder its file is in, from the project's root."""
        return f"{PROMPTS}/{self.name}"

    @property
    def path(self) -> str:
        """Its file, from the project's root."""
        return f"{self.folder}/v{self.version}{SUFFIX}"


def sources(tree: Tree) -> list[Source]:
    """Every version of every document, by name and then in the order of versions."""
    return [
        Source(name, version)
        for name, files in sorted(tree.files().items())
        if is_name(name)
        for version in sorted(filter(None, map(version_of, files)), key=version_key)
    ]


def locate(ref: Ref, tree: Tree) -> Source:
    """The version that `ref` names: the one it says, or the highest.

    Raises:
        UsageError: there is no such document, or no such version of it.
    """
    known = sources(tree)
    versions = [source.version for source in known if source.name == ref.name]
    place = f"git revision {tree.revision}" if tree.revision is not None else f"{PROMPTS}/"
    if not versions:
        names = sorted({source.name for source in known})
        hint = nearest(ref.name, names, kind="documents") or f"a document is a file {PROMPTS}/{ref.name}/v1{SUFFIX}"
        raise UsageError(f"there is no document {ref.name} in {place}", hint=hint)
    if ref.version is None:
        return Source(ref.name, versions[-1])
    if ref.version not in versions:
        hint = f"its versions are: {', '.join(versions)}"
        raise UsageError(f"there is no version {ref.version} of {ref.name} in {place}", hint=hint)
    return Source(ref.name, ref.version)


def version_of(file_name: str) -> str | None:
    """`2` for `v2.yaml`; None for the name of any other file."""
    stem = file_name.removesuffix(SUFFIX)
    if stem == file_name or not stem.startswith("v") or not VERSION.match(stem[1:]):
        return None
    return stem[1:]
