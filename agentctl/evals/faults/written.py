"""Faults as a case writes them: what is wrong with one is named where it stands, with what was probably meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import Field, model_validator

from agentctl.agent.events import JsonObject
from agentctl.agent.spec import Agent
from agentctl.config.check import Part, check
from agentctl.config.document import Document
from agentctl.config.documents import Text
from agentctl.config.faulttext import FaultText
from agentctl.config.findings import Invalid
from agentctl.config.load import load_agent
from agentctl.config.nearest import nearest
from agentctl.config.project import Project
from agentctl.config.texts import shown
from agentctl.errors import AgentctlError, ConfigError, Problem
from agentctl.evals.faults.spec import ALWAYS, OWN, Scripted
from agentctl.evals.scorers.judge import Asks
from agentctl.evals.scorers.score import Assertion, all_of

Path = tuple[str | int, ...]

OF_API: Final = ("turn", "model")
OF_TOOL: Final = ("error", "call", "takes_effect")
EXAMPLES: Final = "{turn: 2, api: 529} or {tool: NAME, error: timeout}"


class FaultDocument(Part):
    """What goes wrong: at the API (`{turn: 2, api: 529}`), or in a tool (`{tool: get_order, error: timeout}`)."""

    api: FaultText | None = None
    """A fault of a reply, as `agentctl simulate --fault` takes it: 529, "429,retry_after=2", stall, "eof,at=tool"."""
    turn: Annotated[int, Field(ge=1)] | None = None
    """Which turn of the model it happens at, from 1 and over the whole run; without it at the first that comes."""
    model: Text | None = None
    """Only when this model is asked: own, for the agent's whichever it is, or the name of one that may stand in."""
    tool: Text | None = None
    """The tool that fails."""
    error: Text | None = None
    """timeout, raise, or the words in which the tool says that it failed."""
    call: Annotated[int, Field(ge=1)] | None = None
    """Which call of the tool fails first, from 1 and over the whole run."""
    takes_effect: bool = False
    """Whether the tool does its work before it fails, as a request does whose answer is lost."""
    times: Annotated[int, Field(ge=1)] | Literal["always"] = 1
    """How often it happens: a number, or always."""

    @model_validator(mode="after")
    def _is_one(self) -> FaultDocument:
        given = self.model_fields_set
        if (self.api is None) is (self.tool is None):
            raise Invalid("a fault is one of the API or one of a tool: it has `api` or `tool`", hint=EXAMPLES)
        if self.tool is not None and self.error is None:
            raise Invalid("a tool that fails has an `error`: timeout, raise, or what it says", hint=EXAMPLES)
        wrong = next((key for key in (OF_TOOL if self.tool is None else OF_API) if key in given), None)
        if wrong is not None:
            of, other = ("the API", "a tool") if self.tool is None else ("a tool", "the API")
            raise Invalid(f"`{wrong}` belongs to a fault of {other}, and this is one of {of}", hint=EXAMPLES)
        return self

    def scripted(self) -> Scripted:
        """The value it stands for."""
        return Scripted(
            api=self.api or "",
            turn=self.turn,
            model=self.model or "",
            tool=self.tool or "",
            error=self.error or "",
            call=self.call,
            takes_effect=self.takes_effect,
            times=None if self.times == ALWAYS else int(self.times),
        )


def scripted(fault: JsonObject) -> Scripted:
    """A fault that `faults_of` has looked at."""
    return FaultDocument.model_validate(fault).scripted()


def faults_of(document: Document, path: Path, written: Sequence[Any]) -> tuple[JsonObject, ...]:
    """The faults that stand at `path` of a suite, as they are written.

    Raises:
        ConfigError: with everything that is wrong with them.
    """
    problems: list[Problem] = []
    for index, each in enumerate(written):
        loose = [key for key in each if "=" in str(key)] if isinstance(each, dict) else []
        if loose:  # a comma ends a value in {...}
            hint = f'put the whole fault in quotes: api: "{each.get("api", "429")},{",".join(loose)}"'
            message = f"{shown(loose[0])} is a part of the fault before it"
            problems.append(document.problem((*path, index, loose[0]), message, hint=hint, on_key=True))
            continue
        part = Document(document.file, each, document.find((*path, index)))
        try:
            check(FaultDocument, part)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return tuple(written)


def unplayable(transcript: bool, user: bool, asserts: Sequence[Assertion]) -> str:  # noqa: FBT001  what a case is
    """Why a case like this cannot be played with faults; empty when it can."""
    if transcript:
        return "a transcript is over: nothing can go wrong in it any more"
    if user:
        return "a simulated user says what is recorded, and a case with faults has no recording"
    if any(isinstance(each.ready, Asks) for each in all_of(asserts)):
        return "a judge's verdict is on what a model said, and in a case with faults the script says it"
    return ""


def refuse_misplaced(
    document: Document, agent: str, cases: Sequence[tuple[tuple[JsonObject, ...], int]], project: Project
) -> None:
    """Looks at the faults of these cases, and how often the user speaks in each, beside the suite's agent.

    An agent that cannot be loaded is refused elsewhere.

    Raises:
        ConfigError: a fault is of a tool or a model that the agent has not, or of a turn that it never comes to.
    """
    try:
        runner = load_agent(agent, project)
    except AgentctlError:
        return
    problems = [
        document.problem(("cases", index, "faults", place, key), message, hint=hint)
        for index, (faults, spoken) in enumerate(cases)
        for place, fault in enumerate(faults)
        for key, message, hint in _misplaced(scripted(fault), runner, spoken)
    ]
    if problems:
        raise ConfigError(problems)


def _misplaced(fault: Scripted, agent: Agent, spoken: int) -> Iterator[tuple[str, str, str]]:
    """(key, what is wrong with it, hint)."""
    tools = [tool.name for tool in agent.tools if not tool.is_server]
    models = [OWN, agent.model, *(each.model for each in agent.fallbacks)]
    turns = agent.limits.max_turns * spoken
    if fault.tool and fault.tool not in tools:
        hint = nearest(fault.tool, tools, kind="tools") or f"its tools are: {', '.join(tools) or 'none'}"
        yield "tool", f"{agent.ref} has no tool {shown(fault.tool)} that could fail here", hint
    if fault.model and fault.model not in models:
        hint = nearest(fault.model, models, kind="models") or f"it asks {', '.join(models)}"
        yield "model", f"{agent.ref} never asks {shown(fault.model)}", hint
    if fault.turn is not None and fault.turn > turns:
        hint = f"a turn from 1 to {turns}; limits.max_turns of {agent.ref} allows no more"
        yield "turn", f"there is no turn {fault.turn}", hint


def fault_schema() -> JsonObject:
    """JSON Schema of one fault, for editors."""
    return FaultDocument.model_json_schema()
