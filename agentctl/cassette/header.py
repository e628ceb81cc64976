"""Our header, to and from JSON. What is not there in the shape written here is refused: a header is never guessed.

A header of an older schema is brought up to today's, step by step, before it is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

from msgspec import Meta, Struct, ValidationError, convert

from agentctl.agent.events import JsonObject
from agentctl.agent.nesting import MAX_NESTING, nested_too_deep
from agentctl.cassette.staleness import is_code
from agentctl.cassette.tape import SCHEMA, Header, RecordedTool, Take
from agentctl.errors import CassetteError

KEY: Final = "agentctl"
"""The top-level key that holds the header; vcrpy passes over keys it does not know."""


def to_json(header: Header) -> JsonObject:
    """The header as it stands in the file."""
    return {
        "schema": header.schema,
        **({"partial": True} if header.partial else {}),
        **({"transcript": True} if header.transcript else {}),
        **({} if header.adaptive is None else {"adaptive": header.adaptive}),
        **({"verdict": True} if header.verdict else {}),
        "recorded": {"at": header.at, "by": header.by, "source": header.source},
        "suite": header.suite,
        "case": header.case,
        "agent": header.agent,
        "bundle": header.bundle,
        "components": dict(header.components),
        "takes": [_take_json(take) for take in header.takes],
    }


class Source(Struct, frozen=True):
    """When, by what and where a recording was made."""

    at: str
    by: str
    source: str


class Written(Struct, frozen=True):
    """A header of today's schema as it stands in the file."""

    schema: int
    recorded: Source
    suite: str
    case: str
    agent: str
    bundle: str
    components: dict[str, str]
    takes: tuple[Take, ...]
    partial: bool = False
    transcript: bool = False
    adaptive: Annotated[float, Meta(ge=0, lt=1)] | None = None
    verdict: bool = False

    def header(self, interactions: int) -> Header:
        """What it says, in a file of that many interactions.

        Raises:
            CassetteError: a take names one that is not there, or holds a value that is nested too deep.
        """
        for take in self.takes:
            for index in (*take.interactions, *take.user):
                if not 0 <= index < interactions:
                    raise _damaged(f"a take names interaction {index} of {interactions}")
            told = (*(each.content for each in take.tools), *(each.value for each in take.observed), *take.rest)
            if any(type(each) is not str and nested_too_deep(each) for each in told):
                raise _damaged(f"more than {MAX_NESTING} lists and objects within one another")
        return Header(
            suite=self.suite,
            case=self.case,
            agent=self.agent,
            bundle=self.bundle,
            components=self.components,
            at=self.recorded.at,
            by=self.recorded.by,
            source=self.recorded.source,
            takes=self.takes,
            partial=self.partial,
            transcript=self.transcript,
            adaptive=self.adaptive,
            verdict=self.verdict,
        )


def from_json(data: Any, interactions: int) -> Header:
    """The header that `to_json` wrote, now or in an older version, for a file of that many interactions.

    Raises:
        CassetteError: it is of a newer schema, or not whole.
    """
    try:
        return convert(_upgraded(data), Written).header(interactions)
    except ValidationError as error:
        raise _damaged(str(error)) from None
    except (KeyError, TypeError, AttributeError) as error:
        raise _damaged(f"{type(error).__name__}: {error}") from None


def _damaged(why: str) -> CassetteError:
    return CassetteError(f"its `{KEY}` header is damaged ({why})")


def _upgraded(data: JsonObject) -> JsonObject:
    """The header as today's schema has it.

    Raises:
        CassetteError: it is of a newer schema, or of one that never was.
    """
    schema = data["schema"]
    if type(schema) is not int or schema < 1:
        raise CassetteError(f"its header has schema {schema!r}, which never existed")
    if schema > SCHEMA:
        message = f"its header has schema {schema}; this agentctl reads up to {SCHEMA}"
        raise CassetteError(message, hint="upgrade agentctl, or record the case again")
    for upgrade in UPGRADES[schema - 1 :]:
        data = upgrade(data)
    return data


def _without_lines_of_code(data: JsonObject) -> JsonObject:
    """1 to 2: digests of code were made of its lines; what they say of today's syntax trees cannot be known."""
    kept = {name: value for name, value in data["components"].items() if not is_code(name)}
    return {**data, "components": kept}


UPGRADES: Final[tuple[Callable[[JsonObject], JsonObject], ...]] = (_without_lines_of_code,)
"""From schema 1 to 2, and so on: as many as there were older ones."""


def _take_json(take: Take) -> JsonObject:
    data: JsonObject = {
        "interactions": list(take.interactions),
        "seconds": [*take.seconds],
        "tools": [_tool_json(tool) for tool in take.tools],
        "observed": [{"name": seen.name, "value": seen.value} for seen in take.observed],
    }
    if take.breaks:
        data["breaks"] = [
            {"interaction": each.interaction, "type": each.type, "message": each.message, "retryable": each.retryable}
            for each in take.breaks
        ]
    if take.user:
        data["user"] = list(take.user)
    if take.rest:
        data["rest"] = list(take.rest)
    return data


def _tool_json(tool: RecordedTool) -> JsonObject:
    return {
        "call_id": tool.call_id,
        "name": tool.name,
        "content": tool.content,
        "error_type": tool.error_type,
        "seconds": tool.seconds,
    }
