"""An error as the API answers it: a status, a type, a sentence."""

from __future__ import annotations

from collections.abc import Mapping

from agentctl.agent.events import JsonObject


class Refusal(Exception):  # an answer, not a defect
    """What the server answers in place of a message."""

    def __init__(self, status: int, type: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.type, self.message = status, type, message
        self.headers = headers or {}

    def body(self, request_id: str) -> JsonObject:
        """The error in the API's shape."""
        return {"type": "error", "error": {"type": self.type, "message": self.message}, "request_id": request_id}


def invalid(message: str) -> Refusal:
    """400: the request is wrong."""
    return Refusal(400, "invalid_request_error", message)
