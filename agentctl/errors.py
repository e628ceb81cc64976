"""Every error agentctl raises on purpose, and what each one means for the exit code.

    AgentctlError                 exit  when
    ├── UsageError                2     a flag, an argument or a reference cannot be used
    ├── ConfigError               2     a document is wrong; carries one Problem per finding
    ├── RunError                  3     a run could not produce an answer
    │   ├── ModelError            3     the model side failed (`type` says how)
    │   │   ├── ApiError          3     the API answered with an error
    │   │   ├── Unreachable       3     no connection, or it broke
    │   │   ├── ProtocolError     3     the answer is not a valid Messages API reply
    │   │   └── DeadlineExceeded  6     the time allowed for the run or the call is used up
    │   ├── CapReached            6     the money allowed for all runs together is spent
    │   └── StoreError            3     a run or a result could not be read or written
    ├── CassetteError             2     a recording is torn, empty, foreign or hostile
    ├── RecordingMiss             4     strict replay has no (fresh) recording for a request
    └── NothingSelected           5     a filter left no case to run

An error is a sentence for a person: `str(error)` is what happened and where, `error.hint` is what to do next.
The command line prints both and exits with `exit_code`; nothing below the command line prints or exits.
Gates that fail (exit 1), caps (6) and signals (130, 143) are results, not errors; see `agentctl.cli.exits`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


class AgentctlError(Exception):
    """Base of all errors raised on purpose. `hint` is one sentence on what to do next, or empty."""

    exit_code: ClassVar[int] = 2

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(AgentctlError):
    """A flag, an argument or a reference cannot be used as given."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding in a document; line and column count from 1, and 0 means the whole file."""

    file: str
    line: int
    column: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.message}"


class ConfigError(AgentctlError):
    """One or more documents are wrong; `problems` holds every finding, in file order."""

    def __init__(self, problems: list[Problem]) -> None:
        first = problems[0]
        super().__init__("\n".join(str(problem) for problem in problems), hint=first.hint)
        self.problems = problems


class RunError(AgentctlError):
    """A run could not produce an answer."""

    exit_code = 3


class ModelError(RunError):
    """The model side failed.

    `type` is the API's own error type where there is one (`overloaded_error`), else one of ours
    (`connection_error`, `timeout_error`, `protocol_error`, `stream_truncated`, `deadline`); `status` is the HTTP status
    or None; `retry_after` is the server's wait in seconds or None; `retryable` says whether asking again can help.
    """

    advice: ClassVar[str] = ""
    """The hint where the place that raises has no better one."""

    def __init__(
        self,
        message: str,
        *,
        type: str,
        status: int | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
        request_id: str | None = None,
        hint: str = "",
        is_spend_cap: bool = False,
    ) -> None:
        super().__init__(message, hint=hint or self.advice)
        self.type = type
        self.is_spend_cap = is_spend_cap
        """Whether the account may spend no more: no model of it answers until a person raises the cap."""
        self.status = status
        self.retryable = retryable
        self.retry_after = retry_after
        self.request_id = request_id


class ApiError(ModelError):
    """The API answered with an error, as an HTTP status or as an `error` event inside a 200 stream."""


class Unreachable(ModelError):
    """No connection could be made, or it broke before the reply was complete."""

    advice = "check the network and the proxy, or try again later"


class ProtocolError(ModelError):
    """The answer is not a valid Messages API reply: cut short, out of order, not JSON, not SSE."""

    advice = "try again later; if it stays, look at what stands between you and the API (a proxy, `provider.base_url`)"


class DeadlineExceeded(ModelError):
    """The time allowed for the run or the call is used up, or a wait asked for would not fit in it."""

    exit_code = 6


class CapReached(RunError):
    """The next call would cost more than what is left of the money allowed; it was not sent.

    No answer of the model's, so no run ends by it as if the model had failed: it goes through.
    """

    exit_code = 6


class StoreError(RunError):
    """A stored run or result could not be read or written."""


class CassetteError(AgentctlError):
    """A recording cannot be used: torn, empty, of a newer schema, or holding a tag that would run code."""


class RecordingMiss(AgentctlError):
    """Strict replay has no recording for a request, or only a stale one; `components` name what changed."""

    exit_code = 4

    def __init__(self, message: str, *, components: tuple[str, ...] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.components = components


class NothingSelected(AgentctlError):
    """A filter, a tag or a suite left nothing to run."""

    exit_code = 5
