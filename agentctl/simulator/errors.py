"""An error as the API answers it: a status, a type, a sentence."""

from __future__ import annotations

from dataclasses import dataclass

from agentctl.agent.events import JsonObject


@dataclass(frozen=True, slots=True)
class Refusal(Exception):
    """What the server answers in place of a message: an answer, not a defect."""

    status: int
    type: str
    message: str

    def body(self, request_id: str) -> JsonObject:
        """The error in the API's shape."""
        return {"type": "error", "error": {"type": self.type, "message": self.message}, "request_id": request_id}


def invalid(message: str) -> Refusal:
    """400: the request is wrong."""
    return Refusal(400, "invalid_request_error", message)
