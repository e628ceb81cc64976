"""What a suite document may say; the docstrings under the fields are what an editor shows."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.config import JsonDict

from agentctl.config.check import Many, Part
from agentctl.config.documents import Reference, Text, Variables
from agentctl.config.findings import Invalid
from agentctl.config.texts import shown
from agentctl.evals.redaction import RedactDocument
from agentctl.evals.terms import DEFAULT, Quarantine, Terms, day_of

MAX_REPEAT: Final = 1000
EMPTY: Final[JsonDict] = {"default": {}}
"""What an editor is shown of a mapping that may be left out; as a `default` it would be copied for every case."""

Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Some: TypeAlias = Annotated[float, Field(gt=0, le=1)]


def _enough(value: Any) -> Any:
    if value in ("all", "any") or (isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= 1):
        return value
    message = f"`pass` must be all, any, or a share above 0 and up to 1, not {shown(value)}"
    raise Invalid(message, hint="pass: 0.8 is enough when four of five repeats pass")


def _day(text: str) -> str:
    try:
        day_of(text)
    except ValueError:
        raise Invalid(f"`until` is {shown(text)}, which is no date", hint="a date is written 2026-12-31") from None
    return text


class QuarantineDocument(Part):
    """Known failures of a case: they are shown and fail nothing until the day is over; then the quarantine fails."""

    owner: Text
    """Who looks after it."""
    reason: Text
    """Why it fails, or what it waits for."""
    until: Annotated[str, AfterValidator(_day), Field(json_schema_extra={"format": "date"})]
    """The last day on which its failures fail nothing, UTC: 2026-12-31."""


class UserDocument(Part):
    """A simulated user: a model in the user's place."""

    persona: Reference
    """Who they are: a persona, name@version."""
    goal: Text
    """What they want."""
    facts: dict[Text, str | int] = Field(default_factory=dict, json_schema_extra=EMPTY)
    """What they know, and say when it is needed."""
    max_turns: Annotated[int, Field(ge=1, le=100)] = 8
    """How often they may speak."""


class CaseDocument(Part):
    """One case: what the user says, and what must be true afterwards."""

    id: str
    """Names the case and its recording; unique in the suite."""
    description: str = ""
    input: Text | Many[Text] | None = None
    """What the user says: a text, or a list of texts, one for each turn. `{{ name }}` is filled in from `vars`."""
    user: UserDocument | None = None
    """A model that plays the user; `input` may then be its first message."""
    vars: Variables = Field(default_factory=dict, json_schema_extra=EMPTY)
    """Values for `{{ name }}` in the input; they go before the suite's."""
    matrix: dict[Text, Many[str | int]] = Field(default_factory=dict, json_schema_extra=EMPTY)
    """Variables with a list of values each: the case stands for every combination, and is named after them."""
    tags: Many[Text] = ()
    """What `--tag` selects by."""
    repeat: Annotated[int, Field(ge=1, le=MAX_REPEAT)] = 1
    """How often the case is run; each run is a take of its recording."""
    pass_: Annotated[Literal["all", "any"] | Some, BeforeValidator(_enough)] = Field(default="all", alias="pass")
    """How many of the repeats must pass: all, any one, or a share of them, as in 0.8."""
    group: Text | None = None
    """Cases of one group are variants of each other: the standard error counts groups. Without it a case is its own."""
    quarantine: QuarantineDocument | None = None
    """Failures that are known and fail nothing until a date."""
    threshold: Share | None = None
    """The weighted mean score that is enough; without it every assertion must pass."""
    approve: bool | None = None
    """Whether calls of tools with `approve: always` are allowed; without it the suite decides."""
    deny: dict[Text, str | Many[str | None]] = Field(default_factory=dict, json_schema_extra=EMPTY)
    """Calls that are denied all the same, by tool: what the model is told; a list says it call by call, null allows."""
    faults: Many[Any] = ()
    """What goes wrong at the API and in tools: the case is played against the agent's simulator then, not recorded."""
    transcript: bool = False
    """Whether the recording tells what an agent did that is not defined here: scored as it stands, never re-run."""
    metadata: dict[Text, Any] = Field(default_factory=dict, json_schema_extra=EMPTY)
    """What else is known of the case: trial, reward, cost. Kept in results, never looked at."""
    assert_: Many[Any] = Field(default=(), alias="assert")
    """What must be true of the answer, the way to it, and the state it left."""


class ScenarioDocument(Part):
    """Tests that are asked with every set of variables; promptfoo's words."""

    description: str = ""
    config: Many[dict[Text, Any]]
    """Sets of variables: `vars`, and what is true of these only: `assert`, `tags`, `metadata`, an `id`."""
    tests: Many[CaseDocument]
    """Cases, each asked once with every entry of `config`."""


class SuiteDocument(Part):
    """A suite: evals/<suite>.yaml."""

    schema_: Literal[1] = Field(alias="schema")
    """The version of this format."""
    kind: Literal["suite"]
    agent: Reference | None = None
    """The agent under test: `support@2`, or `support` for its highest version. Transcripts need none."""
    description: str = ""
    vars: Variables = Field(default_factory=dict, json_schema_extra=EMPTY)
    """Values for `{{ name }}` in every case's input."""
    approve: bool = False
    """Whether calls of tools with `approve: always` are allowed: nobody is there to be asked."""
    redact: RedactDocument | None = None
    """What is taken out of this suite's recordings, beside what `agentctl.yaml` says."""
    assert_: Many[Any] = Field(default=(), alias="assert")
    """Added to every case."""
    cases: Many[CaseDocument]
    """The cases; in their place `{file: more.csv}` or `cases.py:make`, whose rows are cases or variables of one."""
    scenarios: Many[ScenarioDocument] = ()
    """Sets of variables, and cases that are asked with each of them."""


def terms_of(case: CaseDocument) -> Terms:
    """What the document says counts for the case; `DEFAULT` when it says nothing of it."""
    if {"group", "quarantine", "pass_"}.isdisjoint(case.model_fields_set):
        return DEFAULT
    held = case.quarantine
    quarantine = None if held is None else Quarantine(held.owner, held.reason, day_of(held.until))
    return Terms(case.group or "", case.pass_, quarantine)
