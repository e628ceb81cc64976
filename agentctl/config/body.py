"""The `params` of a document as the fields of a request's body: short forms are spelled out, and say one thing only.

Agents, judges and simulated users are asked over the same wire, so their `params` are read here alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from agentctl.agent.events import JsonObject
from agentctl.config.document import Document
from agentctl.config.documents import MAX_TOKENS, Params
from agentctl.config.trees import Tree
from agentctl.config.versions import Source
from agentctl.errors import Problem


def body_of(params: Params, document: Document) -> JsonObject:
    """The body fields as they are written; what is null or not there is not sent, but for `max_tokens`."""
    written: JsonObject = document.value.get("params", {})
    fields = {key: value for key, value in written.items() if value is not None and key != "effort"}
    fields.setdefault("max_tokens", MAX_TOKENS)
    if params.effort is not None:
        fields["output_config"] = {**fields.get("output_config", {}), "effort": params.effort}
    return fields


def contradictions(params: Params, document: Document) -> Iterator[Problem]:
    """The effort, if it is said twice and not the same."""
    long = (params.output_config or {}).get("effort", params.effort)
    if params.effort is not None and long != params.effort:
        message = f"`effort` says {params.effort} and `output_config` says {long}"
        yield document.problem(("params", "effort"), message, hint="keep one of them")


def misplaced(document: Document, kind: str, reasons: Mapping[str, str]) -> Iterator[Problem]:
    """A problem for each field of `reasons` that is set; `kind` is the document's: "persona"."""
    written: JsonObject = document.value.get("params", {})
    for name in sorted(reasons.keys() & {key for key, value in written.items() if value is not None}):
        yield document.problem(("params", name), f"`{name}` does not belong in a {kind}: {reasons[name]}", on_key=True)


def file_of(source: Source, tree: Tree) -> Path | None:
    """The file that a definition was read from; None for one that came out of git."""
    return Path(tree.python(source.folder, Path(source.path).name)) if tree.revision is None else None
