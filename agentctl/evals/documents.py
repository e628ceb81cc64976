"""What a suite document may say; the docstrings under the fields are what an editor shows."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import Field

from agentctl.config.check import Many, Part
from agentctl.config.documents import Reference, Text, Variables
from agentctl.evals.redaction import RedactDocument

MAX_REPEAT: Final = 1000

Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]


class CaseDocument(Part):
    """One case: what the user says, and what must be true afterwards."""

    id: str
    """Names the case and its recording; unique in the suite."""
    description: str = ""
    input: Text | Many[Text]
    """What the user says: a text, or a list of texts, one for each turn. `{{ name }}` is filled in from `vars`."""
    vars: Variables = Field(default={})
    """Values for `{{ name }}` in the input; they go before the suite's."""
    tags: Many[Text] = ()
    """What `--tag` selects by."""
    repeat: Annotated[int, Field(ge=1, le=MAX_REPEAT)] = 1
    """How often the case is run; each run is a take of its recording."""
    threshold: Share | None = None
    """The weighted mean score that is enough; without it every assertion must pass."""
    approve: bool | None = None
    """Whether calls of tools with `approve: always` are allowed; without it the suite decides."""
    transcript: bool = False
    """Whether the recording tells what an agent did that is not defined here: scored as it stands, never re-run."""
    metadata: dict[Text, Any] = Field(default={})
    """What else is known of the case: trial, reward, cost. Kept in results, never looked at."""
    assert_: Many[Any] = Field(default=(), alias="assert")
    """What must be true of the answer, the way to it, and the state it left."""


class SuiteDocument(Part):
    """A suite: evals/<suite>.yaml."""

    schema_: Literal[1] = Field(alias="schema")
    """The version of this format."""
    kind: Literal["suite"]
    agent: Reference | None = None
    """The agent under test: `support@2`, or `support` for its highest version. Not needed when all are transcripts."""
    description: str = ""
    vars: Variables = Field(default={})
    """Values for `{{ name }}` in every case's input."""
    approve: bool = False
    """Whether calls of tools with `approve: always` are allowed: nobody is there to be asked."""
    redact: RedactDocument | None = None
    """What is taken out of this suite's recordings, beside what `agentctl.yaml` says."""
    assert_: Many[Any] = Field(default=(), alias="assert")
    """Added to every case."""
    cases: Many[CaseDocument]
